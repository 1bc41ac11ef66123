"""Drive the app in a real browser: upload, read, explain, save, and everything that people do wrong.

    python .ci/browser.py RUN PHOTO            # a run folder, and a photo that its model knows
    python .ci/browser.py RUN PHOTO --shots D  # also pictures of the page, 390 and 1,280 pixels wide

Needs Playwright and a Chromium or Chrome on the path (or in $CHROME). Nothing outside this machine can be reached from the page.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import expect, sync_playwright

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"
LIMIT_MB = 40


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url, server, seconds=240):
    "Until the server answers"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the server has ended"
        try: return urllib.request.urlopen(url, timeout=60).status
        except (urllib.error.URLError, OSError): time.sleep(1)
    raise AssertionError(f"no page after {seconds} s")


def odd_files(folder):
    "A text called a photo, a photo of 30 MB, 30 MB that are none, and more than the limit"
    rng = np.random.default_rng(0)
    (folder/"notes.jpg").write_text("I am a text\n"*9)
    Image.fromarray(rng.integers(0, 256, (3000, 4200, 3), dtype=np.uint8)).save(folder/"large.png")
    (folder/"noise.jpg").write_bytes(random.Random(0).randbytes(30 << 20))
    (folder/"huge.jpg").write_bytes(bytes((LIMIT_MB + 1) << 20))
    assert (folder/"large.png").stat().st_size > 30 << 20
    return {p.stem: p for p in folder.iterdir()}


def kernels(server):
    "How many kernels a server has"
    children = psutil.Process(server.pid).children(recursive=True)
    return sum("ipykernel" in " ".join(p.cmdline()) for p in children)


def check(page, photo, name, files, shots):
    "Everything that people do, one after the other"
    verdict, alerts, status = (page.locator(c) for c in (".f102-verdict", ".f102-wrong", "p[role=status]:not(.f102-line)"))
    upload = page.locator(".f102-picker input[type=file]")
    expect(page.get_by_role("heading", name="Which flower is this?")).to_be_visible(timeout=120_000)

    def send(file, complaint=None):
        before = page.locator(".f102-picker button[aria-pressed]").count()
        upload.set_input_files(str(file))
        if complaint: expect(alerts.last).to_contain_text(complaint, timeout=60_000)
        else: expect(status).to_contain_text(file.name, timeout=60_000)
        return before

    def step(text): print(f"  {text}", flush=True)

    send(photo)
    expect(verdict).to_contain_text(name)
    said, bars = page.locator(".f102-bars li").first.inner_text(), page.locator(".f102-bars i")
    share, whole = (page.locator(c).first.bounding_box()["width"] for c in (".f102-bars i", ".f102-bars div"))
    assert bars.count() == 5 and (f"{share/whole:.1%}" in said or ">" in said and share > .999*whole), (share, whole, said)
    step(f"a photo is named as flowers102_predict names it, with a bar as long as its probability: {name}")
    heat, opacity = page.locator(".f102-stack img + img"), "e => getComputedStyle(e).opacity"
    assert heat.evaluate(opacity) == "0.5"
    slider = page.get_by_role("slider", name="Heat map")
    slider.focus()
    for _ in range(4): slider.press("ArrowRight")
    page.wait_for_function("getComputedStyle(document.querySelector('.f102-stack img + img')).opacity == '0.7'")
    step("the slider, moved by keys, fades the heat map")
    other = page.get_by_label("and not for").locator("option").nth(2).inner_text().replace("\xa0", " ").rsplit(" (", 1)[0]
    page.get_by_label("and not for").select_option(index=2)
    expect(page.locator("figcaption").first).to_contain_text(f"and not for {other}")
    assert page.get_by_label("Evidence for").locator("option").count() > 2
    step("another map on request")
    if shots: shoot(page, shots)
    for button, ending in (("Save as JSON", ".json"), ("Save picture", ".png")):
        with page.expect_download() as got: page.get_by_role("button", name=button).click()
        data = Path(got.value.path()).read_bytes()
        assert got.value.suggested_filename == photo.stem + ending, got.value.suggested_filename
        if ending == ".json": assert json.loads(data)["name"] == name and json.loads(data)["explained"]["against"] == other
        else: assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 20_000
    step("picture and record are saved")

    send(files["notes"], "notes.jpg: is not a photo that can be read")
    send(files["large"])
    expect(status).to_contain_text("drawn smaller on its way, from 3")
    send(files["noise"], "noise.jpg: is not a photo that can be read")
    send(files["huge"], f"huge.jpg: {LIMIT_MB + 1}.0 MB; expected {LIMIT_MB} MB at most")
    step("a text, 30 MB of photo, 30 MB of noise and a file over the limit end in a sentence each")
    send(photo)
    expect(verdict).to_contain_text(name)
    page.locator("h1").evaluate("""(place, url) => fetch(url).then(r => r.blob()).then(b => {
        const data = new DataTransfer()
        data.items.add(new File([b], "dropped.png", {type: "image/png"}))
        place.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}))})""",
        page.locator(".f102-stack img").first.get_attribute("src"))
    expect(status).to_contain_text("dropped.png", timeout=30_000)
    step("afterwards the page still works; photos can be dropped anywhere")
    examples = page.get_by_role("list", name="Examples").get_by_role("button")
    examples.first.focus()
    page.keyboard.press("ArrowRight")
    expect(examples.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(status).to_contain_text(examples.nth(1).get_attribute("title"))
    expect(alerts).to_have_count(0)
    page.get_by_label("By path").fill("/nowhere/rose.jpg")
    page.keyboard.press("Enter")
    expect(alerts.last).to_contain_text("rose.jpg: no such file")
    step("examples by arrows and Enter, photos by path")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"
    unnamed = page.evaluate("""[...document.querySelectorAll('.f102 input, .f102 select, .f102 button, .f102 img, .f102 [role=slider], .f102 [contenteditable]')].filter(e =>
        !(e.hasAttribute('alt') || e.labels?.length || e.textContent.trim() || e.title || e.getAttribute('aria-label'))).length""")
    assert unnamed == 0, f"{unnamed} controls without a name"
    step("fits a phone; every control has a name")


def shoot(page, folder):
    "Pictures of the page"
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 1500), (1280, 1120)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("document.querySelectorAll('*').forEach(e => e.scrollTop = 0)")
        page.wait_for_timeout(500)
        page.screenshot(path=f"{folder}/app-{width}.png")


def main(run, photo, shots, options):
    photo = Path(photo)
    said = subprocess.run(["flowers102_predict", str(photo), "--bundle", run, "--format", "jsonl"], check=True, capture_output=True, text=True)
    name, port = json.loads(said.stdout)["name"], free_port()
    chrome = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)
    assert chrome, f"no browser: none of {', '.join(NAMES)} is on the path"
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w+") as log, sync_playwright() as play:
        server = subprocess.Popen(["flowers102_app", "--bundle", run, "--port", str(port), "--no_browser",
                                   "--limit_mb", str(LIMIT_MB), *options], stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/", server)
            browser = play.chromium.launch(executable_path=chrome, args=["--no-sandbox"])
            page, problems, outside = browser.new_page(viewport={"width": 1280, "height": 900}), [], set()
            page.on("pageerror", lambda e: problems.append(str(e)))
            page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(f"http://127.0.0.1:{port}/")
                       else (outside.add(route.request.url), route.abort()))
            page.goto(f"http://127.0.0.1:{port}/", timeout=120_000)
            (Path(folder)/"files").mkdir()
            check(page, photo, name, odd_files(Path(folder)/"files"), shots)
            before = kernels(server)
            page.unroute_all()
            page.goto("about:blank")
            end = time.monotonic() + 30
            while kernels(server) >= before and time.monotonic() < end: time.sleep(.5)
            assert kernels(server) < before, "a closed page has left its kernel behind"
            print("  the kernel ends with its page")
            assert not outside, f"the page needs a network: {sorted(outside)}"
            assert not problems, problems
            browser.close()
        except BaseException:
            if "page" in locals() and shots and not page.is_closed(): page.screenshot(path=f"{shots}/failed.png", full_page=True)
            log.seek(0)
            print("".join(log.readlines()[-40:]), file=sys.stderr)
            raise
        finally:
            if server.poll() is None: server.send_signal(signal.SIGTERM)
            server.wait(30)
    for _ in range(20): # a command that was told to end has ended all that it started
        try: socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError: break
        time.sleep(.5)
    else: raise AssertionError("the server has outlived its command")
    assert not list(Path(tempfile.gettempdir()).glob(f"flowers102-{server.pid}-*")), "a folder was left behind"
    print("  and the server with its command")
    print("the app works in a browser")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("photo")
    parser.add_argument("--shots")
    args, options = parser.parse_known_args()
    main(args.run, args.photo, args.shots, options)
