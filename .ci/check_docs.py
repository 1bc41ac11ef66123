"""Check all of the documentation that can be checked without Quarto; where Quarto is present, render the site too.

No page that readers adapt writes to a folder of photos, every notebook is processed by nbdev, every public symbol is documented (docstring, and a comment for each parameter),
every internal link and picture resolves, each saved picture says in words what is seen, saved outputs are small and clean,
the configuration files load and name files that exist, and text stands out from its ground. In what nbdev hands to Quarto, no link is left as literal Markdown,
every link leads to an anchor, every entry has its table, and the API index and the command reference name everything. Each fault is one line.
"""
import ast
import dataclasses
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import check_site
import yaml
from execnb.nbio import read_nb, write_nb
from fastcore.docments import docments
from nbdev.config import get_config
from nbdev.processors import FilterDefaults
from nbdev.quarto import refresh_quarto_yml

from flowers102.cli.commands import COMMANDS
from flowers102.cli.parser import function_flags

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/"nbs"
faults = []


def fault(where, text): faults.append(f"{where}: {text}")


def pages(): return sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def check_symbols():
    "Every name in a module's __all__ has a docstring, and every parameter a docment"
    for path in sorted((ROOT/"flowers102").rglob("[a-z]*.py")):
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = importlib.import_module(dotted)
        for name in getattr(module, "__all__", []):
            symbol, where = getattr(module, name), f"{dotted}.{name}"
            if not callable(symbol): continue
            if not inspect.getdoc(symbol): fault(where, "no docstring")
            if isinstance(symbol, type) and not hasattr(symbol, "__dataclass_fields__"): symbol = symbol.__init__
            if not str(getattr(symbol, "__module__", "flowers102")).startswith("flowers102"): continue # inherited from another library
            kinds = {p.name: p.kind for p in inspect.signature(symbol).parameters.values()}
            told = {f.name for f in dataclasses.fields(symbol) if f.metadata.get("help")} if dataclasses.is_dataclass(symbol) else set()
            for parameter, doc in docments(symbol, returns=False).items():
                if parameter == "self" or parameter in told or kinds.get(parameter) in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL): continue
                annotation = getattr(inspect.signature(symbol).parameters.get(parameter), "annotation", None)
                if not doc and type(annotation).__name__ != "Param": fault(where, f"parameter {parameter!r} has no comment")


def headings(text):
    "Anchors of the headings in a text, as pandoc names them"
    found = set()
    for heading in re.findall(r"^#+\s+(.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        named = re.search(r"\{[^}]*#([^\s}]+)", heading)
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).lower()
        found.add(named[1] if named else re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", re.sub(r"[^\w\-. ]", "", plain).strip())))
    return found


@cache
def anchors(page):
    "Headings of a page as the site names them"
    text = "\n".join("".join(c["source"]) for c in json.loads(page.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "markdown")
    return headings(text)


def page_for(link, page):
    "The notebook that a link to NAME.html (without its number) or NAME.ipynb means, else the file itself"
    target = (page.parent/link).resolve()
    if target.suffix == ".html":
        stem = target.stem
        found = [p for p in target.parent.glob("*.ipynb") if re.sub(r"^\d+[a-z]?_", "", p.stem).lower() == stem]
        return found[0] if found else target
    return target


def check_external(where, link):
    "A link to elsewhere looks like one, and is encrypted; nothing is asked of the network"
    parts = urlsplit(link)
    if parts.scheme == "mailto": return
    if parts.scheme != "https": fault(where, f"link that is not https: {link}")
    elif not re.fullmatch(r"([\w-]+\.)+[a-z]{2,}", parts.netloc): fault(where, f"link without a proper host: {link}")
    elif re.search(r"[\s<>\"]|//", parts.path) or link.endswith((".", ",")): fault(where, f"malformed link: {link}")


def check_links(page, source):
    "Links and pictures of one cell of prose"
    prose = re.sub(r"```.*?```|`[^`]*`", "", source, flags=re.S)
    for picture, alt, link in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)", prose):
        if picture and not alt.strip(): fault(page.name, f"picture without alternative text: {link}")
        if re.match(r"\w+:", link):
            check_external(page.name, link)
            continue
        path, _, anchor = link.partition("#")
        target = page_for(path, page) if path else page
        if not target.exists(): fault(page.name, f"link to a page that does not exist: {link}")
        elif path.endswith(".html") and target.suffix == ".ipynb": fault(page.name, f"name the notebook, {target.name}: {link} works on the site alone")
        elif anchor and target.suffix == ".ipynb" and anchor not in anchors(target): fault(page.name, f"no such heading: {link}")


def check_outputs(page, cell):
    "Saved outputs: no paths of a machine, no warnings, no errors, pictures of at most 80 kB"
    for output in cell.get("outputs", []):
        text = json.dumps({k: v for k, v in output.items() if k != "data"}) + json.dumps(
            {k: v for k, v in output.get("data", {}).items() if not k.startswith("image")})
        if output.get("output_type") == "error": fault(page.name, "a saved output is an error")
        if re.search(r"(?<![\w.])/(root|home|tmp|Users|work|private)/", text): fault(page.name, "an absolute path in a saved output")
        if re.search(r"Warning:|it/s\]|Traceback", text): fault(page.name, "a warning, progress bar or traceback in a saved output")
        for kind, data in output.get("data", {}).items():
            size = len("".join(data))*(3/4 if kind in ("image/png", "image/jpeg") else 1) if kind.startswith("image/") else 0
            if size > 80_000: fault(page.name, f"a picture of {size/1000:.0f} kB; the limit is 80")


def figure_faults(cell):
    "A saved picture has a text that says what is seen, and a cell with such a text has its picture"
    source = "".join(cell["source"])
    kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {}) if kind.startswith("image/")}
    said = re.search(r"^#\|\s*fig-(alt|cap):\s*(.+)$", source, re.M)
    first = next((line for line in source.splitlines() if not line.startswith("#|")), "")[:60]
    if re.search(r"^#\|\s*hide\b", source, re.M): return
    if said and not kinds: yield f"fig-{said[1]} without a saved picture, in the cell that begins: {first}"
    elif not kinds: return
    elif not said: yield f'a picture without `#| fig-alt: "what is seen"`, in the cell that begins: {first}'
    elif len(yaml.safe_load(said[2])) < 20: yield f"fig-{said[1]} should be a sentence: {said[2]}"
    elif said.start() > source.find(first): yield f"fig-{said[1]} should stand above the code: {said[2][:60]}"


# addresses that pages had before they were sorted into rooms
MOVED = """app augment bench board budget bundle cache calibration cam_scores cli data evaluation explain features gradcam inference label_review labels leaks
lr_find metrics model onnx_export optim page_server pictures ranks recipes report robustness rows runs sources splits toy training unknown""".split()


def check_aliases():
    "Every address that a page once had leads to exactly one page of today"
    found = {}
    for page in pages():
        head = "".join(json.loads(page.read_text(encoding="utf-8"))["cells"][0]["source"])
        for line in re.findall(r"^- aliases: \[(.*)\]$", head, re.M):
            for alias in line.split(", "): found.setdefault(alias, []).append(page.name)
    for name in MOVED:
        if len(found.pop(f"/{name}.html", [])) != 1: fault("aliases", f"/{name}.html should lead to one page")
    for alias, names in found.items():
        if len(names) > 1: fault(names[1], f"{alias} leads to {names[0]} as well")


def check_page(page):
    "Title, promise, links, pictures, outputs and weight of one notebook"
    notebook = json.loads(page.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    if notebook["metadata"].get("language_info", {}).get("file_extension") != ".py": fault(page.name, "metadata should say that this is Python: language_info with file_extension .py")
    if not re.match(r"# .+\n\n> .+", "".join(cells[0]["source"])): fault(page.name, "the first cell should be a title and a one-line promise")
    for cell in cells:
        if cell["cell_type"] == "markdown": check_links(page, "".join(cell["source"]))
        else:
            check_outputs(page, cell)
            for text in figure_faults(cell): fault(page.name, text)
    size = sum(len(json.dumps(c.get("outputs", []))) for c in cells)
    if size > 400_000: fault(page.name, f"{size//1000} kB of saved outputs; the limit is 400 (300 kB of pictures)")


# Pages that readers change to work on photos of their own. The others make and damage toy flowers in temporary folders, to test one function.
ADAPTED = ("tutorials/*.ipynb", "index.ipynb", "card.ipynb", "81_app.page.ipynb", "82_app.label_review.ipynb")
# functions that write to, move or remove a path, and its position among their arguments
FUNCTIONS = {f"{module}.{name}": at for at, calls in enumerate(("shutil.move shutil.rmtree os.remove os.unlink os.rename os.replace os.rmdir os.mkdir os.makedirs",
             "shutil.copy shutil.copy2 shutil.copyfile shutil.copytree torch.save")) for module, name in (call.split(".") for call in calls.split())} | {"save_split": 1, "toy_flowers": 0}
METHODS = "unlink rename replace rmdir touch mkdir chmod write_text write_bytes symlink_to hardlink_to".split() # of a path
WRITERS = "save savefig extractall".split() # methods of other objects, whose first argument is the path


def roots(node):
    "What the path of an expression begins with: names, or literals in quotes; a/b and Path(a) begin with a"
    if isinstance(node, ast.Name): return {node.id}
    if isinstance(node, ast.BinOp): return roots(node.left)
    if isinstance(node, ast.Attribute): return {"PHOTOS"} if node.attr in ("path", "root") else roots(node.value)
    if isinstance(node, (ast.Subscript, ast.Starred, ast.NamedExpr)): return roots(node.value)
    if isinstance(node, ast.BoolOp): return set().union(*map(roots, node.values))
    if isinstance(node, ast.IfExp): return roots(node.body) | roots(node.orelse)
    if isinstance(node, ast.JoinedStr): return roots(node.values[0])
    if isinstance(node, ast.FormattedValue): return roots(node.value)
    if isinstance(node, ast.Call):
        if ast.unparse(node.func).endswith("TemporaryDirectory"): return {"RUNS"}
        if isinstance(node.func, ast.Attribute): return roots(node.func.value)
        outs = [k.value for k in node.keywords if k.arg == "out"] or node.args[:1] # fit(make_config(out=PATH)) is at PATH
        return set().union(*map(roots, outs))
    return {ast.unparse(node)}


def begin_with(tree, name):
    "All names of a page whose paths begin with this one"
    found, before = {name}, set()
    while before != found:
        before = set(found)
        for node in ast.walk(tree):
            pairs = []
            if isinstance(node, ast.Assign): pairs = [(t, node.value) for t in node.targets]
            if isinstance(node, ast.For): pairs = [(node.target, node.iter)]
            if isinstance(node, ast.withitem) and node.optional_vars: pairs = [(node.optional_vars, node.context_expr)]
            pairs = [pair for t, v in pairs for pair in (zip(t.elts, v.elts) if isinstance(t, ast.Tuple) and isinstance(v, ast.Tuple) else [(t, v)])]
            found |= {n.id for t, v in pairs if roots(v) & found for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def changed_paths(tree):
    "The calls of a page that write to, move or remove something, each with the expression for its path"
    for call in [n for n in ast.walk(tree) if isinstance(n, ast.Call)]:
        name, method = ast.unparse(call.func), getattr(call.func, "attr", "")
        if name in FUNCTIONS: yield from ((call, a) for a in call.args[FUNCTIONS[name]:][:1])
        elif method in METHODS and not (method == "replace" and len(call.args) > 1): yield call, call.func.value # text.replace(old, new)
        elif method in WRITERS: yield from ((call, a) for a in call.args[:1])
        elif name == "os.chdir": yield call, call # a relative PHOTOS would be another folder
        elif name == "open" and any(isinstance(a, ast.Constant) and set(str(a.value)) & set("wax+") for a in call.args[1:2]): yield call, call.args[0]
        yield from ((call, k.value) for k in call.keywords if k.arg == "out")


def photo_faults(code):
    "What a page writes, moves or removes that is neither in a TemporaryDirectory of its own nor in RUNS, or is among photos"
    tree = ast.parse(code)
    own, photos = begin_with(tree, "RUNS"), begin_with(tree, "PHOTOS")
    for call, path in changed_paths(tree):
        text = ast.unparse(call)[:90]
        if roots(path) & photos: yield f"changes a folder of photos: {text}"
        elif not roots(path) <= own: yield f"writes, moves or removes something outside of its TemporaryDirectory and of RUNS: {text}"


def check_photos_untouched():
    "Pages that readers adapt leave photos alone; and this check finds what it is here for"
    start = "demo = tempfile.TemporaryDirectory()\nhere = Path(demo.name)\nphotos, runs = Path(PHOTOS or here/'made').resolve(), Path(RUNS)\ngarden = folder_flowers(photos)\n"
    for line in ("shutil.move(photos, here/'attic')", "shutil.rmtree(photos)", "shutil.move('garden', 'attic')", "(photos/garden.class_names[0]/'notes.jpg').write_text('')",
                 "garden.samples[0].path.unlink()", "for s in garden.samples: image.save(s.path)", "shutil.copy('a.jpg', garden.root)", "fit(make_config(data_dir=photos, out=photos/'runs'))",
                 "open(photos/'notes.txt', 'w')", "os.chdir(here)", "os.rename(photos, 'x')", "shutil.rmtree(Path(tempfile.mkdtemp()))"):
        if not list(photo_faults(start + line)): fault(".ci/check_docs.py", f"photo_faults finds nothing wrong with {line}")
    for line in ("shutil.copy(garden.samples[0].path, here/'copy.jpg')", "fit(make_config(data_dir=photos, out=runs/photos.name))", "demo.cleanup()", "open(photos/'names.txt')"):
        for text in photo_faults(start + line): fault(".ci/check_docs.py", f"photo_faults wrongly finds {text}")
    for page in sorted(p for pattern in ADAPTED for p in NBS.glob(pattern)):
        sources = ["".join(c["source"]) for c in json.loads(page.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
        for text in photo_faults("\n".join(s for s in sources if not re.search(r"^#\|\s*exports?\b", s, re.M))): fault(page.name, text)


def check_changelog():
    "The changelog tells of the version in settings.ini"
    version = get_config().version
    if f"## {version}" not in (NBS/"changelog.ipynb").read_text(encoding="utf-8"): fault("changelog.ipynb", f"nothing is said about version {version}")


def linked_pages(tree):
    "The pages that a part of the menus leads to, with their texts"
    if isinstance(tree, list): return [pair for part in tree for pair in linked_pages(part)]
    if isinstance(tree, dict): return [(tree["href"], tree.get("text", ""))] if "href" in tree else linked_pages(tree.get("contents", []))
    return [(tree, "")]


def menu_faults(bar, sidebars, names):
    "What is wrong with the menus, given the entries of the bar, the sidebars, and the names of all pages"
    in_bar, first = [e["href"] for e in bar if e.get("href", "").endswith(".ipynb")], sidebars[0]["contents"]
    in_sidebars = [pair for sidebar in sidebars for pair in linked_pages(sidebar["contents"])]
    listed = [href for href, _ in in_sidebars]
    yield from (f"{name} is in no menu" for name in sorted(names - set(listed) - set(in_bar)))
    yield from (f"{name} does not exist" for name in sorted({*listed, *in_bar} - names))
    yield from (f"{name} is in it twice" for name in sorted({n for n in listed if listed.count(n) > 1}))
    for href, text in in_sidebars:
        module = re.match(r"\d\d_(?:\w+\.)?(\w+)\.ipynb$", href)
        if module and not text.startswith(f"{module[1]}: "): yield f"the entry of {href} should begin with the name of its module, {module[1]}"
    if next((part["section"] for part in first if isinstance(part, dict) and "section" in part), "") != "Tutorials": yield "the first section should be Tutorials"
    for sidebar in sidebars:
        both = [href for href in in_bar if href in dict(linked_pages(sidebar["contents"]))]
        if len(both) > 1: yield f"the bar marks {both[0]} on the page {both[1]} as well: at most one entry of the bar may be in a sidebar"


def check_sidebar(real):
    "Every page is in a menu, and no menu marks the wrong page"
    sidebars = yaml.safe_load((NBS/"sidebar.yml").read_text(encoding="utf-8"))["website"]["sidebar"]
    faults.extend(f"sidebar.yml: {text}" for text in menu_faults(real["website"]["navbar"]["left"], sidebars, {p.relative_to(NBS).as_posix() for p in pages()}))


def values(tree):
    "All the strings of a YAML tree"
    if isinstance(tree, dict): tree = list(tree.values())
    if isinstance(tree, list): return [s for part in tree for s in values(part)]
    return [tree] if isinstance(tree, str) else []


def check_settings(real):
    "Files and pages that _quarto.yml names exist; its links lead to this repository"
    url = get_config().git_url
    for text in values(real):
        if re.fullmatch(r"[\w/.-]+\.(ipynb|scss|css|svg|png|ico|html)", text) and not (NBS/text).is_file(): fault("_quarto.yml", f"{text} does not exist below nbs/")
        elif re.match(r"https?:", text):
            check_external("_quarto.yml", text)
            if "github.com" in text and not text.startswith(url): fault("_quarto.yml", f"{text} is not the repository of settings.ini, {url}")
        elif "](" in text: check_links(NBS/"_quarto.yml", text)
    if not real["website"]["navbar"].get("logo-alt"): fault("_quarto.yml", "the logo has no logo-alt")
    faults.extend(f"_quarto.yml: {text}" for text in setting_faults(real))
    if not (NBS/"404.qmd").is_file(): fault("nbs/404.qmd", "a page for addresses that do not exist is missing")
    else: check_links(NBS/"404.qmd", (NBS/"404.qmd").read_text(encoding="utf-8").replace("](/", "]("))


def setting_faults(real):
    "Settings of Quarto without which the site has a fault that was seen once"
    html, website = real["format"]["html"], real["website"]
    if website.get("repo-subdir") != "nbs": yield "without repo-subdir: nbs, the links to the source of a page lead nowhere"
    if not website.get("page-navigation"): yield "without page-navigation, pages have no link to the next one"
    if html.get("code-overflow") != "scroll": yield "code-overflow should be scroll: wrapped Python loses its indentation"
    if int(str(html.get("grid", {}).get("body-width", "0")).removesuffix("px")) < 900: yield "grid: body-width should be 900px or more, for lines of code"
    if html.get("keep-md"): yield "keep-md and commonmark would write the same file"
    if html["theme"]["light"][0] != html["theme"]["dark"][0]: yield "light and dark pages should have the same base theme"
    if isinstance(website.get("sidebar"), dict): yield "the sidebars are a list, in sidebar.yml"


def style_faults(text):
    "Rules of styles.scss without which a page slides sideways on a phone, or hides what it says"
    rules = {selector.strip(): body for selectors, body in re.findall(r"^([^/{}\n@$][^{}]*)\{([^{}]*)\}", text, re.M) for selector in selectors.split(",")}
    for selector, wanted, why in (("main :not(pre) > code:not(.sourceCode)", "overflow-wrap: anywhere", "long names in lists make a phone slide sideways"),
                                  ('mjx-container[display="true"]', "overflow-x: auto", "wide equations make a phone slide sideways"),
                                  ("mjx-assistive-mml", "max-width", "the hidden text of equations makes a phone slide sideways"),
                                  ("main a > code", "text-decoration: none", "a line below a linked name hides its underscores"),
                                  (".quarto-page-breadcrumbs .breadcrumb-item a", "color: $sidebar-fg", "the path above the title is too faint on dark pages"),
                                  ("details.code-fold > summary", "color: $sidebar-fg", "the title of a folded source is too faint on dark pages"),
                                  ("#title-block-header", "margin-bottom", "the promise below a title runs into the text")):
        if wanted not in rules.get(selector, ""): yield f"{selector} should have {wanted}: without it {why}"


def contrast(a, b):
    "Contrast of two colours, 1 to 21, by WCAG 2.1"
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16)/255 for i in (1, 3, 5)]
        return sum(w*(c/12.92 if c <= .04045 else ((c + .055)/1.055)**2.4) for w, c in zip((.2126, .7152, .0722), parts))
    low, high = sorted(map(luminance, (a, b)))
    return (high + .05)/(low + .05)


def check_colours():
    "Every colour of text has a contrast of 4.5 or more with its ground, on light and on dark pages"
    faults.extend(f"styles.scss: {text}" for text in style_faults((NBS/"styles.scss").read_text(encoding="utf-8")))
    grounds = {"body-bg": "body-color body-emphasis-color table-color primary link-color sidebar-fg sidebar-hl toc-color", "code-bg": "code-color", "code-block-bg": "body-color link-color",
               "navbar-bg": "navbar-fg navbar-hl", "footer-bg": "footer-fg link-color"}
    for name in ("styles-light.scss", "styles-dark.scss"):
        colours = dict(re.findall(r"^\$([\w-]+): (#[0-9a-f]{6});", (NBS/name).read_text(encoding="utf-8"), re.M))
        for ground, texts in grounds.items():
            for text in texts.split():
                if not {ground, text} <= set(colours): fault(name, f"${text} and ${ground} should be six-digit colours")
                elif (ratio := contrast(colours[text], colours[ground])) < 4.5: fault(name, f"${text} on ${ground} has a contrast of {ratio:.2f}; 4.5 is the least")


def check_configuration():
    "The YAML files load, name files that exist, and the stub includes the real configuration"
    real = yaml.safe_load((ROOT/"_quarto.yml").read_text(encoding="utf-8"))
    stub = yaml.safe_load((NBS/"_quarto.yml").read_text(encoding="utf-8"))
    check_settings(real)
    check_sidebar(real)
    if "metadata-files" in real: fault("_quarto.yml", "includes are followed one level only; it must not have metadata-files")
    if stub.get("metadata-files", [])[:1] != ["../_quarto.yml"]: fault("nbs/_quarto.yml", "must include ../_quarto.yml first")
    before = (NBS/"nbdev.yml").read_bytes() if (NBS/"nbdev.yml").is_file() else b""
    refresh_quarto_yml()
    if (NBS/"nbdev.yml").read_bytes() != before: fault("nbs/nbdev.yml", "out of step with settings.ini; commit the new one")


def figure_texts(cells):
    "The lines that give figures their texts, in cells that are not hidden"
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return {line for s in sources if not re.search(r"^#\|\s*hide\b", s, re.M) for line in s.splitlines() if line.startswith("#| fig-")}


def markdown_of(cells):
    "The Markdown of a processed page: prose, and what cells printed as Markdown"
    parts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    return parts + ["".join(o.get("data", {}).get("text/markdown", "")) for c in cells for o in c.get("outputs", [])]


def literal_links(text):
    "Links that a reader would see as Markdown: in a block of code, or inside of another link"
    fenced = re.findall(r"^```.*?^```", text, re.M | re.S)
    yield from (link for block in fenced for link in re.findall(r"[^\s#(]*\]\(http\S*", block))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    yield from re.findall(r"(?<!!)\[[^\[\]]*\[[^\[\]]*\]\(http[^)]*\)[^\[\]]*\]\([^)]*\)", prose)


def links_of(text):
    "Addresses of the links of a text, outside of code"
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"\]\(<?([^)\s>]+)", re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", prose)) + re.findall(r'href="([^"]+)"', prose)


def dead_anchors(pages_made):
    "Links to an anchor that its page lacks; given address of a page -> its Markdown, as a list of texts"
    found = {name: set().union(*map(headings, texts)) | {i for t in texts for i in re.findall(r'\bid="([^"]+)"|\{#([^\s}]+)', t) for i in i if i} for name, texts in pages_made.items()}
    home = f"{get_config().doc_host}{get_config().doc_baseurl}/"
    for name, texts in pages_made.items():
        for link in (link for text in texts for link in links_of(text)):
            path, _, anchor = link.removeprefix(home).partition("#")
            if re.match(r"\w+:", path): continue
            at = "tutorials/" if name.startswith("tutorials/") and not link.startswith(home) else ""
            path = re.sub(r"[^/]+/\.\./", "", at + path) if path else name
            path = re.sub(r"(^|/)(?:\d+[a-z]?_)?([^/]+)\.ipynb$", lambda m: f"{m[1]}{m[2].lower()}.html", path)
            if path.endswith(".html") and path not in found: yield name, f"link to a page that does not exist: {link}"
            elif anchor and path in found and anchor not in found[path]: yield name, f"no such anchor: {link}"


def entry_faults(name, symbol, shown):
    "What the entry of a function or class on its page lacks; given the Markdown of the page"
    entry = re.search(rf"^### {re.escape(name)}\n(.*?)(?=^### |\Z)", shown, re.M | re.S)
    if not entry: return [f"{name} is not documented on its page"]
    head, *methods = re.split(r"^#### ", entry[1], flags=re.M)
    rows = dict(re.findall(r"^\| ([^|]+?) \|(?:.*\|)? ([^|]*) \|$", head.replace(r"\|", ""), re.M))
    try: source = textwrap.dedent(inspect.getsource(symbol))
    except (OSError, TypeError): return []
    tree, out = ast.parse(source).body[0], []
    function = next((n for n in ast.walk(tree) if getattr(n, "name", "") == "__init__"), None) if isinstance(tree, ast.ClassDef) else tree
    wanted = {p.name for p in inspect.signature(symbol).parameters.values() if p.name != "self"} if getattr(function, "args", None) else set()
    wanted |= {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign)} if dataclasses.is_dataclass(symbol) else set()
    there = {re.sub(r"[\\*` ]", "", key): text for key, text in rows.items()}
    out += [f"{name}: {p} is not in its table" for p in sorted(wanted - set(there))]
    out += [f"{name}: {p} has no comment in its table" for p in sorted(wanted & set(there)) if not there[p].strip() and not re.search(rf"\*` ?{p} ?`", "".join(rows))]
    said = re.search(r"\)\s*(?:->[^#\n]*)?:\s*#\s*(\S.*)$", "\n".join(source.splitlines()[:function.body[0].lineno - 1])) if isinstance(tree, ast.FunctionDef) else None
    if said and not there.get("returns", "").strip(): out.append(f"{name}: the comment of its return value is lost")
    for n in tree.body if isinstance(tree, ast.ClassDef) else []:
        if isinstance(n, ast.FunctionDef) and (n.name[0] != "_" or n.name == "__call__") and f"{{#{name.lower()}.{n.name.lower()}}}" not in "".join(methods):
            out.append(f"{name}.{n.name} has no entry")
    return out


def fold_faults(cells):
    "Long sources that are not folded"
    for c in cells:
        source = "".join(c["source"])
        fold = re.search(r"^#\| code-fold: (\w+)$", source, re.M)
        lines = [line for line in source.splitlines() if line.strip() and not line.startswith("#|")]
        if fold and fold[1] != "true" and len(lines) > 15: yield f"{len(lines)} lines of source should be folded: {lines[0][:60]}"


def caption_faults(text):
    "Pictures whose alternative text would become a caption"
    for picture in re.findall(r"^!\[[^\[\]]+\]\(([^()\s]+)\)$", text, re.M): yield f"{picture} alone in its paragraph becomes a figure without alternative text; give it fig-alt"


def preview_faults(head, shown):
    "A picture for previews of a page in chats that is no file"
    if "data:image" in shown and not re.search(r"^image: ", head, re.M): yield "its first picture is in HTML, which no preview can show: give the page an image, in its first cell"


def named_faults(text):
    "Pages that are named by their files, where readers of the site need a title"
    yield from re.findall(r"`(\d\d_(?![\w.]*\.ipynb`)[\w.]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def index_faults(modules, index):
    "Names that the API index lacks; given module -> its names, and the Markdown of the index"
    for module, names in modules.items():
        yield from (f"{name} of {module} is not in it" for name in names if not re.search(rf"^\| \[`{name}`\]\({re.escape(module.lower())}\.html[^)]*\) \| \S", index, re.M))


def reference_faults(flags, text):
    "Flags that the command reference lacks; given command -> its flags, and the Markdown of the page"
    for command, names in flags.items():
        part = re.search(rf"^## flowers102 {command} (.*?)(?=^## |\Z)", text, re.M | re.S)
        yield from (f"{command} --{name} is not in it" for name in names if not part or f"| `--{name}` |" not in part[1])


def processed(page):
    "The cells of a page as nbdev hands them to Quarto; in this process, which has imported the package"
    notebook = read_nb(page)
    FilterDefaults()(notebook)
    with tempfile.TemporaryDirectory() as folder:
        write_nb(notebook, Path(folder)/page.name)
        return json.loads((Path(folder)/page.name).read_text(encoding="utf-8"))["cells"]


def check_processing():
    "nbdev turns every notebook into what Quarto would render, with the documentation of every public function and class"
    made, exported = {}, {}
    for page in pages():
        try: cells, raw = processed(page), page.read_text(encoding="utf-8")
        except Exception as e: # whatever a cell raises
            fault(page.name, f"nbdev could not process it: {' '.join(f'{e} {e.__cause__ or str()}'.split())[:300]}")
            continue
        texts = markdown_of(cells)
        made[page.parent.relative_to(NBS).joinpath(re.sub(r"^\d+[a-z]?_", "", page.stem.lower()) + ".html").as_posix()] = texts
        shown = "\n\n".join(texts) + "\n"
        for line in sorted(figure_texts(json.loads(raw)["cells"]) - figure_texts(cells)): fault(page.name, f"nbdev drops {line[:60]}")
        for text in [link for t in texts for link in literal_links(t)]: fault(page.name, f"a link that readers see as Markdown: {text[:90]}")
        for text in fold_faults(cells): fault(page.name, text)
        for text in caption_faults(shown): fault(page.name, text)
        for text in named_faults(shown): fault(page.name, f"{text} is the name of a file, not of a page")
        for text in preview_faults("".join(cells[0]["source"]), shown): fault(page.name, text)
        if any("text/html" in o.get("data", {}) for c in cells for o in c.get("outputs", [])): fault(page.name, "HTML in an output makes Quarto load scripts from a CDN")
        for c in json.loads(raw)["cells"]:
            if "#| exec_doc" in "".join(c["source"]) and c.get("outputs"): fault(page.name, "the output of an exec_doc cell is made with the site; clear the saved one")
        name = re.search(r"#\|\s*default_exp ([\w.]+)", raw)
        if not name: continue
        module = importlib.import_module(f"flowers102.{name[1]}")
        exported[name[1]] = getattr(module, "__all__", [])
        for symbol in exported[name[1]]:
            if callable(getattr(module, symbol)): faults.extend(f"{page.name}: {text}" for text in entry_faults(symbol, getattr(module, symbol), shown))
    for name, text in dead_anchors(made): fault(name, text)
    for text in index_faults(exported, "\n".join(made.get("api.html", []))): fault("api.ipynb", text)
    flags = {name: [f.name for f in function_flags(command) if not f.positional] for name, command in COMMANDS.items()}
    for text in reference_faults(flags, "\n".join(made.get("command_reference.html", []))): fault("command_reference.ipynb", text)


def planted(a, b=1, *, # comments
            c=None, # third
): # what comes back
    "A function for `check_checks`"


def check_checks():
    "Each check finds a fault that is planted, and none where there is none"
    real = yaml.safe_load((ROOT/"_quarto.yml").read_text(encoding="utf-8"))
    bar, menu = [{"href": "t.ipynb"}, {"href": "card.ipynb"}], [{"contents": ["i.ipynb", {"section": "Tutorials", "contents": ["t.ipynb"]}, {"href": "14_data.splits.ipynb", "text": "splits: train, valid, test"}]}]
    names = {"i.ipynb", "t.ipynb", "card.ipynb", "14_data.splits.ipynb"}
    link, rules = "https://flowers102.github.io/flowers102/a.html", (NBS/"styles.scss").read_text(encoding="utf-8")
    entry = "### planted\n\n| parameter | meaning |\n| --- | --- |\n| `a` | x |\n| `b` | x |\n| `c` | third |\n| **returns** | what |\n"
    source = {"cell_type": "code", "source": "#| code-fold: show\n" + "a = 1\n"*16}
    drawn = {"source": ['#| fig-alt: "A rose beside its heat map"\n', "plt.show()"], "outputs": [{"data": {"image/png": "x"}}]}
    for what, good, bad in (
            ("literal_links in code", literal_links(f"[`a`]({link})\n```python\nf(a) # as in `a`\n```"), literal_links(f"```python\nf(a) # as in [`a`]({link})\n```")),
            ("literal_links in a link", literal_links(f"![a [b] c](x.png) [`a`]({link})"), literal_links(f"[see [`a`]({link})](b.html)")),
            ("dead_anchors", dead_anchors({"a.html": ["## One `two`\n[x](#one-two) [y](b.html)"], "b.html": [f"### c.d {{#z}}\n[x]({link}#one-two) `[a](#none)`"]}), dead_anchors({"a.html": [f"## One\n[x]({link}#_two)"]})),
            ("dead_anchors, pages", [], dead_anchors({"tutorials/a.html": ["[x](b.html)"], "b.html": []})),
            ("fold_faults", fold_faults([{**source, "source": source["source"].replace("show", "true")}]), fold_faults([source])),
            ("figure_faults", figure_faults(drawn), figure_faults({**drawn, "outputs": []})),
            ("figure_faults, no text", figure_faults({**drawn, "outputs": [], "source": ["plt.show()"]}), figure_faults({**drawn, "source": ["plt.show()"]})),
            ("caption_faults", caption_faults('![](a.png){fig-alt="a rose"}\n\nand ![a rose](a.png)'), caption_faults("![a rose](a.png)")),
            ("preview_faults", preview_faults("image: a.png", "<img src='data:image/png'>"), preview_faults("title: A", "<img src='data:image/png'>")),
            ("named_faults", named_faults("`14 days` [A](10_a.ipynb) `10_a.ipynb`"), named_faults("see `51_evaluation.statistics`")),
            ("entry_faults", entry_faults("planted", planted, entry), entry_faults("planted", planted, "")),
            ("entry_faults, parameter", [], entry_faults("planted", planted, entry.replace("| `b` | x |\n", ""))),
            ("entry_faults, comment", [], entry_faults("planted", planted, entry.replace("third", ""))),
            ("entry_faults, return", [], entry_faults("planted", planted, entry.replace("| **returns** | what |\n", ""))),
            ("index_faults", index_faults({"m": ["A"]}, "| [`A`](m.html#a) | one |"), index_faults({"m": ["A"]}, "| [`A`](m.html#a) |  |")),
            ("reference_faults", reference_faults({"c": ["f"]}, "## flowers102 c {#c}\n| `--f` | x |"), reference_faults({"c": ["f"]}, "## flowers102 c {#c}\n| `--g` | x |")),
            ("menu_faults", menu_faults(bar, menu, names), menu_faults([*bar, {"href": "i.ipynb"}], menu, names)),
            ("menu_faults, missing", [], menu_faults(bar[:1], menu, names)),
            ("menu_faults, name", [], menu_faults(bar, [{"contents": [*menu[0]["contents"][:2], "14_data.splits.ipynb"]}], names)),
            ("menu_faults, order", [], menu_faults(bar, [{"contents": [{"section": "Data", "contents": ["i.ipynb"]}, *menu[0]["contents"][1:]]}], names)),
            *((f"setting_faults, {key}", [], setting_faults({**real, "website": {**real["website"], key: None}})) for key in ("repo-subdir", "page-navigation")),
            *((f"setting_faults, {key}", [], setting_faults({**real, "format": {"html": {**real["format"]["html"], key: value}}})) for key, value in
              (("code-overflow", "wrap"), ("grid", {}), ("keep-md", True), ("theme", {"light": ["cosmo"], "dark": ["darkly"]}))),
            *((f"style_faults, {part}", [], style_faults(rules.replace(part, "x"))) for part in ("overflow-wrap: anywhere", 'mjx-container[display="true"]', "main a > code {", ".breadcrumb-item a", "#title-block-header {"))):
        if wrong := list(good): fault(".ci/check_docs.py", f"{what} finds what is no fault: {wrong[0]}")
        if not list(bad): fault(".ci/check_docs.py", f"{what} misses a planted fault")
    faults.extend(f".ci/check_site.py: {text}" for text in check_site.check_checks())


def render():
    "Render the site where Quarto is present, and check the pages; nbdev would replace README.md by one of its own"
    if not shutil.which("quarto"): return print("quarto is not on the path: the site was checked up to rendering")
    readme = (ROOT/"README.md").read_bytes()
    try: subprocess.run(["nbdev_docs", "--n_workers", "2"], cwd=ROOT, check=True)
    finally: (ROOT/"README.md").write_bytes(readme)
    check_site.main(ROOT/"_docs")


if __name__ == "__main__":
    os.environ["IN_TEST"] = "1" # as nbdev has it while it processes pages
    get_config()
    check_configuration()
    check_colours()
    check_checks()
    check_aliases()
    check_changelog()
    for page in pages(): check_page(page)
    check_photos_untouched()
    check_symbols()
    check_processing()
    print("\n".join(faults) if faults else f"docs: {len(pages())} pages are fine")
    if faults: sys.exit(1)
    del os.environ["IN_TEST"]
    render()
