"""Check all of the documentation that can be checked without Quarto; where Quarto is present, render the site too.

Every notebook is processed by nbdev, every public symbol is documented (docstring, and a comment for each parameter),
every internal link and picture resolves, saved outputs are small and clean, and the configuration files load.
"""
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from fastcore.docments import docments
from nbdev.config import get_config
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/"nbs"
faults = []


def fault(where, text): faults.append(f"{where}: {text}")


def pages(): return sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def check_symbols():
    "Every name in a module's __all__ has a docstring, and every parameter a docment"
    for path in sorted((ROOT/"flowers102").glob("[a-z]*.py")):
        module = importlib.import_module(f"flowers102.{path.stem}")
        for name in getattr(module, "__all__", []):
            symbol, where = getattr(module, name), f"flowers102.{path.stem}.{name}"
            if not callable(symbol): continue
            if not inspect.getdoc(symbol): fault(where, "no docstring")
            if isinstance(symbol, type) and not hasattr(symbol, "__dataclass_fields__"): symbol = symbol.__init__
            kinds = {p.name: p.kind for p in inspect.signature(symbol).parameters.values()}
            for parameter, doc in docments(symbol, returns=False).items():
                if parameter == "self" or kinds.get(parameter) in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL): continue
                annotation = getattr(inspect.signature(symbol).parameters.get(parameter), "annotation", None)
                if not doc and type(annotation).__name__ != "Param": fault(where, f"parameter {parameter!r} has no comment")


def anchors(page):
    "Headings of a page as the site names them"
    text = "\n".join("".join(c["source"]) for c in json.loads(page.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "markdown")
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+\s+(.+)$", text, re.M)}


def page_for(link, page):
    "The notebook that a link to NAME.html or NAME.ipynb means, else the file itself"
    target = (page.parent/link).resolve()
    if target.suffix == ".html":
        stem = target.stem
        found = [p for p in target.parent.glob("*.ipynb") if p.stem == stem or re.sub(r"^\d+[a-z]?_", "", p.stem) == stem]
        return found[0] if found else target
    return target


def check_links(page, source):
    "Links and pictures of one cell of prose"
    prose = re.sub(r"```.*?```|`[^`]*`", "", source, flags=re.S)
    for picture, alt, link in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)", prose):
        if picture and not alt.strip(): fault(page.name, f"picture without alternative text: {link}")
        if re.match(r"https?:|mailto:", link): continue
        path, _, anchor = link.partition("#")
        target = page_for(path, page) if path else page
        if not target.exists(): fault(page.name, f"link to a page that does not exist: {link}")
        elif anchor and target.suffix == ".ipynb" and anchor not in anchors(target): fault(page.name, f"no such heading: {link}")


def check_outputs(page, cell):
    "Saved outputs: no paths of a machine, no warnings, no errors, pictures of at most 80 kB"
    for output in cell.get("outputs", []):
        text = json.dumps({k: v for k, v in output.items() if k != "data"}) + json.dumps(
            {k: v for k, v in output.get("data", {}).items() if not k.startswith("image")})
        if output.get("output_type") == "error": fault(page.name, "a saved output is an error")
        if re.search(r"(?<![\w.])/(root|home|tmp|Users|work|private)/", text): fault(page.name, "an absolute path in a saved output")
        if re.search(r"Warning:|it/s\]|Traceback", text): fault(page.name, "a warning, progress bar or traceback in a saved output")
        picture = "".join(output.get("data", {}).get("image/png", ""))
        if len(picture)*3/4 > 80_000: fault(page.name, f"a picture of {len(picture)*3//4000} kB; the limit is 80")


def check_page(page):
    "Title, promise, links, outputs and weight of one notebook"
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    if not re.match(r"# .+\n\n> .+", "".join(cells[0]["source"])): fault(page.name, "the first cell should be a title and a one-line promise")
    for cell in cells:
        if cell["cell_type"] == "markdown": check_links(page, "".join(cell["source"]))
        else: check_outputs(page, cell)
    size = sum(len(json.dumps(c.get("outputs", []))) for c in cells)
    if size > 400_000: fault(page.name, f"{size//1000} kB of saved outputs; the limit is 400 (300 kB of pictures)")


def check_sidebar():
    "Every page stands in the sidebar, and the sidebar has no others"
    text = (NBS/"sidebar.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[\w/]+\.ipynb", text))
    there = {p.relative_to(NBS).as_posix() for p in pages()}
    for name in sorted(there - listed): fault("sidebar.yml", f"{name} is not in it")
    for name in sorted(listed - there): fault("sidebar.yml", f"{name} does not exist")


def check_configuration():
    "The YAML files load, and the stub includes the real configuration"
    real = yaml.safe_load((ROOT/"_quarto.yml").read_text(encoding="utf-8"))
    stub = yaml.safe_load((NBS/"_quarto.yml").read_text(encoding="utf-8"))
    if "metadata-files" in real: fault("_quarto.yml", "includes are followed one level only; it must not have metadata-files")
    if stub.get("metadata-files", [])[:1] != ["../_quarto.yml"]: fault("nbs/_quarto.yml", "must include ../_quarto.yml first")
    before = (NBS/"nbdev.yml").read_bytes() if (NBS/"nbdev.yml").is_file() else b""
    refresh_quarto_yml()
    if (NBS/"nbdev.yml").read_bytes() != before: fault("nbs/nbdev.yml", "out of step with settings.ini; commit the new one")


def check_processing():
    "nbdev turns every notebook into what Quarto would render, with the documentation of every public function and class"
    cache = proc_nbs(force=True, n_workers=2)
    for page in pages():
        made = cache/page.relative_to(NBS)
        if not made.is_file():
            fault(page.name, "nbdev could not process it")
            continue
        cells = json.loads(made.read_text(encoding="utf-8"))["cells"]
        shown = "".join(json.dumps(c.get("outputs", "")) for c in cells)
        name = re.search(r"#\|\s*default_exp (\w+)", page.read_text(encoding="utf-8"))
        module = importlib.import_module(f"flowers102.{name[1]}") if name else None
        for symbol in getattr(module, "__all__", []):
            if callable(getattr(module, symbol)) and f"### {symbol}\\n" not in shown: fault(page.name, f"{symbol} is not documented on its page")
    shutil.rmtree(cache, ignore_errors=True)


def render():
    "Render the site where Quarto is present"
    if shutil.which("quarto"): subprocess.run(["nbdev_docs", "--n_workers", "2"], cwd=ROOT, check=True)
    else: print("quarto is not on the path: the site was checked up to rendering")


if __name__ == "__main__":
    get_config()
    check_configuration()
    check_sidebar()
    for page in pages(): check_page(page)
    check_symbols()
    check_processing()
    print("\n".join(faults) if faults else f"docs: {len(pages())} pages are fine")
    if faults: sys.exit(1)
    render()
