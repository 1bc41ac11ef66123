"""Drive everything that has a page, in a real browser: the app, the app in JupyterLab, a new species, the page of `export --web`.

    python .ci/app.py RUN PHOTO                     # a run folder, and a photo of the folder that its model was trained on
    python .ci/app.py RUN PHOTO --only teach web    # some of: browser jupyter teach web

One process runs its scripts, since each would import PyTorch again.
"""
import argparse
from pathlib import Path

import browser
import jupyter
import teach
import web

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("photo", type=Path)
    scripts = {"browser": lambda: browser.main(args.run, args.photo), "jupyter": lambda: jupyter.main(args.run, args.photo),
               "teach": lambda: teach.main(args.run), "web": lambda: web.main(args.run, args.photo.parent)}
    parser.add_argument("--only", nargs="+", choices=list(scripts), default=list(scripts))
    args = parser.parse_args()
    for name in args.only: scripts[name]()
