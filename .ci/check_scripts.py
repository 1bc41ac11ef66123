"""Check the syntax of the package's scripts, and that an installed package holds all of its templates, styles and scripts.

    python .ci/check_scripts.py          # of this checkout
    python .ci/check_scripts.py --wheel dist/flowers102-*.whl

Scripts are checked by node, one by one and joined as the page joins them; where there is no node, that is printed.
"""
import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent/"flowers102"
FOLDERS = "static", "templates"


def resources():
    "Files of the package that are not Python"
    return sorted(p for f in FOLDERS for p in PACKAGE.glob(f"*/{f}/*") if p.is_file())


def joined():
    "The scripts that a widget joins, by the names in `asset(...)`"
    for py in sorted(PACKAGE.glob("*/*.py")):
        for call in re.findall(r"asset\(([^()]*)\)", py.read_text(encoding="utf-8")):
            names = re.findall(r'"([^"]+\.js)"', call)
            if len(names) > 1: yield [py.parent/name for name in names]


def problem(node, files):
    "What node finds wrong with scripts that are joined to one module; None if nothing"
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder)/"script.mjs"
        module.write_text("\n".join(p.read_text(encoding="utf-8") for p in files), encoding="utf-8")
        done = subprocess.run([node, "--check", module], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stderr.replace(str(module), " + ".join(p.name for p in files))


def main(wheel=None):
    files = resources()
    assert files, f"no files in {' and '.join(FOLDERS)} below {PACKAGE}"
    if wheel:
        with zipfile.ZipFile(wheel) as z: packed = set(z.namelist())
        lost = [name for p in files if (name := p.relative_to(PACKAGE.parent).as_posix()) not in packed]
        if lost: sys.exit(f"{wheel}: lacks {', '.join(lost)}; see package_data in setup.py")
        print(f"{len(files)} templates, styles and scripts are in the wheel")
        return
    node = shutil.which("node")
    scripts = [[p] for p in files if p.suffix == ".js"] + list(joined())
    if not node: return print(f"skipped: no node on the path to check {len(scripts)} scripts")
    found = [p for files in scripts if (p := problem(node, files))]
    if found: sys.exit("\n".join(found))
    print(f"{len(scripts)} scripts have no syntax error (node --check)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel")
    main(parser.parse_args().wheel)
