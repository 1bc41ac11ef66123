"""Open the app in a cell of JupyterLab, in a real browser; and see that a long call shows a bar with the time left, and can be interrupted.

    python .ci/jupyter.py RUN PHOTO            # a run folder, and a photo that its model knows
    python .ci/jupyter.py RUN PHOTO --shots D  # also a picture of the notebook

Needs JupyterLab, Playwright and a Chromium or Chrome on the path (or in $CHROME).
"""
import argparse
import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
from browser import chrome, free_port, served
from playwright.sync_api import expect, sync_playwright

LONG = """from flowers102 import fit, make_config
run = fit(make_config(source="toy", epochs=200, size=32, out="long"), log=None) # long enough to be seen however busy the machine is, and then interrupted"""
APP = """from flowers102.app.page import FlowerApp
FlowerApp({run!r})"""


def prompt(cell): return cell.locator(".jp-InputPrompt")


def run_cell(tab, cell, seconds=180):
    "Run a cell by its keys, and press them again while nothing happens: a page that is still connecting to its kernel ignores them"
    end = time.monotonic() + seconds
    while True:
        cell.locator(".cm-content").click()
        tab.keyboard.press("Shift+Enter")
        try: return expect(prompt(cell)).to_have_text(re.compile(r"\[[*\d]+\]"), timeout=15_000)
        except AssertionError:
            if time.monotonic() > end: raise
            if (dialog := tab.locator(".jp-Dialog")).count(): print(f"  a dialog: {dialog.first.inner_text()!r}", flush=True)
            tab.keyboard.press("Escape")


def ended(cell, seconds=180):
    "Wait until a cell has its number: its text comes before, and a kernel drops every cell that arrives while one ends with an error"
    expect(prompt(cell)).to_have_text(re.compile(r"\[\d+\]"), timeout=seconds * 1000)


def main(run, photo, shots=None):
    run, photo, shots = str(Path(run).resolve()), Path(photo).resolve(), shots and Path(shots)
    if not chrome(): sys.exit("no Chromium or Chrome on the path, nor in $CHROME")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in (LONG, APP.format(run=run))])
        page.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(page, f"{folder}/flowers.ipynb")
        port = free_port()
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--IdentityProvider.token=", "--allow-root",
                   f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        home = {k: f"{folder}/{k}" for k in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR")}
        with served(command, f"{folder}/log", cwd=folder, env=os.environ | home) as server:
            address, end = f"http://127.0.0.1:{port}", time.monotonic() + 120
            while True:
                try:
                    if urllib.request.urlopen(f"{address}/api", timeout=10).status == 200: break
                except OSError: assert server.poll() is None and time.monotonic() < end, Path(f"{folder}/log").read_text()
                time.sleep(.5)
            browser = play.chromium.launch(executable_path=chrome(), args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1280, "height": 1100})
            tab.goto(f"{address}/lab/tree/flowers.ipynb")
            cells = tab.locator(".jp-Notebook .jp-CodeCell")
            expect(cells).to_have_count(2, timeout=120_000)
            expect(tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first).to_be_attached(timeout=120_000)
            run_cell(tab, cells.first)
            bars = cells.first.locator(".jp-OutputArea .widget-html")
            try:
                expect(bars.filter(has_text="training").first).to_be_visible(timeout=180_000)
                left = bars.filter(has_text=re.compile(r"<\d\d:")).first # 3/4600 [00:02<31:00, ...
                expect(left).to_be_visible(timeout=120_000)
            except AssertionError:
                print("the cell shows:", cells.first.inner_text(), Path(f"{folder}/log").read_text()[-3000:], sep="\n", flush=True)
                raise
            said = left.inner_text().strip()
            if shots: tab.screenshot(path=f"{shots}/jupyter-bar.png")
            tab.keyboard.press("Escape")
            for _ in range(2): tab.keyboard.press("i")
            expect(cells.first.locator(".jp-OutputArea")).to_contain_text("resume with", timeout=180_000)
            print(f"  a long call shows a bar in JupyterLab, and ends with its checkpoint when it is interrupted: training {said}", flush=True)
            ended(cells.first)
            tab.wait_for_timeout(1000) # the number comes before the kernel takes cells again
            run_cell(tab, cells.nth(1))
            upload = tab.locator(".f102-picker input[type=file]")
            try:
                ended(cells.nth(1))
                expect(upload).to_be_attached(timeout=120_000)
            except AssertionError:
                print("the cell of the app shows:", prompt(cells.nth(1)).inner_text(), cells.nth(1).inner_text(), sep="\n", flush=True)
                raise
            upload.set_input_files(str(photo))
            expect(tab.locator(".f102-verdict")).not_to_be_empty(timeout=120_000)
            expect(tab.locator(".f102-bars li")).to_have_count(5)
            expect(tab.locator(".f102-stack img")).to_have_count(2)
            wide = tab.locator(".f102-stack img").first.bounding_box()["width"]
            assert wide > 100, wide
            name = tab.locator(".f102-verdict").inner_text().strip()
            if shots:
                tab.locator(".f102-verdict").scroll_into_view_if_needed()
                tab.screenshot(path=f"{shots}/jupyter-app.png")
            print(f"  the app in a cell of JupyterLab names a photo, with bars and heat map: {name}", flush=True)
            browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("photo")
    parser.add_argument("--shots")
    main(**vars(parser.parse_args()))
