"""Check that flagged cells are leaves: no cell without a flag needs a name that only a flagged cell before it has given its value.

    python .ci/check_leaves.py

CI runs each page once, with its flagged cells. This is why the page works for those too who leave them out.
"""
import ast
import builtins
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAGS = re.compile(r"^#\|\s*(slow|data|cuda|crosscheck)\b", re.M)


class Names(ast.NodeVisitor):
    "Names that a cell reads before it gives them a value, and those that it gives one"

    def __init__(self): self.read, self.given = set(), set()

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.given: self.read.add(node.id)
        else: self.given.add(node.id)

    def visit_Assign(self, node): # the value comes first
        for part in (node.value, *node.targets): self.visit(part)

    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Name): self.read |= {node.target.id} - self.given
        self.generic_visit(node)

    def visit_For(self, node):
        for part in (node.iter, node.target, *node.body, *node.orelse): self.visit(part)

    def visit_Import(self, node): self.given |= {(a.asname or a.name).split(".")[0] for a in node.names}
    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node): # what it reads when it is called; its own names don't count
        for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)): self.visit(part)
        self.given.add(node.name)
        self.inside(node.body, {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)})

    def visit_Lambda(self, node): self.inside([node.body], {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)})

    def visit_ClassDef(self, node):
        for part in (*node.decorator_list, *node.bases): self.visit(part)
        self.given.add(node.name)
        self.inside(node.body, set())

    def visit_ListComp(self, node):
        for g in node.generators: self.visit(g.iter)
        own = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        rest = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.inside(rest + [c for g in node.generators for c in g.ifs], own)
    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def inside(self, body, own):
        inner = Names()
        inner.given |= own
        for node in body: inner.visit(node)
        self.read |= inner.read - self.given


def faults(page):
    "Names that cells without a flag take from flagged ones"
    flagged_names, found = {}, []
    for cell in json.loads(page.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code": continue
        source = "".join(cell["source"])
        names, flagged = Names(), FLAGS.search(source)
        names.visit(ast.parse(re.sub(r"^([%!].*)$", "", source, flags=re.M)))
        if flagged: flagged_names |= {n: cell["id"] for n in names.given}
        else:
            found += [f"{page.name}: cell {cell['id']} needs {n}, which the flagged cell {flagged_names[n]} has changed"
                      for n in sorted(names.read & flagged_names.keys() - vars(builtins).keys())]
            for n in names.given: flagged_names.pop(n, None)
    return found


def main():
    pages = sorted((ROOT/"nbs").rglob("*.ipynb"))
    found = [fault for page in pages for fault in faults(page)]
    if found: sys.exit("\n".join(found))
    print(f"{len(pages)} pages work without their flagged cells")


if __name__ == "__main__": main()
