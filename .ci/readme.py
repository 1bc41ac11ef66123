"""Make README.md from nbs/index.ipynb without Quarto, or pick out the commands that stand in it.

    python .ci/readme.py            write README.md
    python .ci/readme.py --check    fail when README.md is out of step
    python .ci/readme.py --block 2  print the second block of shell commands
"""
import base64
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK, README = ROOT/"nbs"/"index.ipynb", ROOT/"README.md"
HEAD = "<!-- WARNING: made from nbs/index.ipynb by `python .ci/readme.py`; edit the notebook. -->\n"


def text_of(output):
    "The text of a saved output, as an indented block"
    text = output.get("text") or output.get("data", {}).get("text/plain", [])
    return "\n".join(f"    {line}" for line in "".join(text).rstrip().splitlines())


def cell_lines(cell):
    "A cell as Markdown: prose as it is, code fenced unless hidden, then its outputs"
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown": return [source]
    if re.search(r"^#\|\s*hide\b", source, re.M): return []
    code = "\n".join(line for line in source.splitlines() if not line.startswith("#|"))
    shown = [] if re.search(r"^#\|\s*echo:\s*false", source, re.M) else [f"```python\n{code.strip()}\n```"]
    for output in cell.get("outputs", []):
        markdown = output.get("data", {}).get("text/markdown")
        if markdown: # a table or a sentence, made from results
            shown.append("".join(markdown))
            continue
        image = output.get("data", {}).get("image/png")
        if image: raise SystemExit("index.ipynb: an output picture has no place in README.md; save it below nbs/ and link it")
        if text_of(output): shown.append(text_of(output))
    return shown


def readme():
    "README.md as text; links to other pages lead to the notebooks"
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    parts = [part for cell in cells for part in cell_lines(cell)]
    text = HEAD + "\n" + "\n\n".join(parts).strip() + "\n"
    text = re.sub(r"\]\((?!https?:|#|nbs/)([\w/.]+)\.ipynb", r"](nbs/\1.ipynb", text)
    return re.sub(r"(!\[[^\]]*\])\((?!https?:|nbs/)", r"\1(nbs/", text)


def blocks():
    "The blocks of shell commands in README.md, in order"
    return re.findall(r"^```(?:sh|bash)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


if __name__ == "__main__":
    if "--block" in sys.argv: print(blocks()[int(sys.argv[sys.argv.index("--block") + 1]) - 1], end="")
    elif "--check" in sys.argv:
        if README.read_text(encoding="utf-8") != readme():
            raise SystemExit("README.md is not what nbs/index.ipynb says: run `python .ci/readme.py` and commit it")
    else: README.write_text(readme(), encoding="utf-8")
