"""Drive the app in a real browser: upload, read, explain, save, and everything that people do wrong. Then ask for the page 50 times.

    python .ci/browser.py RUN PHOTO            # a run folder, and a photo that its model knows
    python .ci/browser.py RUN PHOTO --shots D  # also pictures of the page, 390 and 1,280 pixels wide

Needs Playwright and a Chromium or Chrome on the path (or in $CHROME). Nothing outside this machine can be reached from the page.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from flowers102.data.sources import oxford_flowers
from flowers102.inference.predictor import Predictor, predict

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"
LIMIT_MB, PLACES = 40, 3
expect.set_options(timeout=30_000) # neighbours are being computed beside


def chrome():
    "The path of a browser; None if there is none"
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def served(command, path, **options):
    "A server that prints into a file, and is told to end at the end; after an error, the last lines of the file are shown"
    with open(path, "w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)
        try: yield server
        except BaseException:
            log.seek(0)
            print("".join(log.readlines()[-40:]), file=sys.stderr)
            raise
        finally:
            if server.poll() is None: server.send_signal(signal.SIGTERM)
            server.wait(30)


def wait_for(log, server, seconds=240):
    "The address with its token, when the server answers"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the server has ended"
        found = re.search(r"^page +(http://\S+)", Path(log).read_text(), re.M)
        try:
            if found and urllib.request.urlopen(found[1].partition("?")[0] + "health", timeout=60).status == 200: return found[1]
        except (urllib.error.URLError, OSError): pass
        time.sleep(.25)
    raise AssertionError(f"no page after {seconds} s")


def odd_files(folder):
    "What is no photo though it is called one, a photo of 30 MB, 30 MB that are none, and more than the limit"
    rng = np.random.default_rng(0)
    (folder/"notes.jpg").write_text("I am a text\n"*9)
    Image.fromarray(rng.integers(0, 256, (3000, 4200, 3), dtype=np.uint8)).save(folder/"large.png")
    (folder/"noise.jpg").write_bytes(random.Random(0).randbytes(30 << 20))
    (folder/"huge.jpg").write_bytes(bytes((LIMIT_MB + 1) << 20))
    (folder/"empty.jpg").write_bytes(b"")
    (folder/"drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><circle r="40" cx="45" cy="45"/></svg>')
    with zipfile.ZipFile(folder/"zipped.jpg", "w") as z: z.writestr("rose.txt", "no photo")
    frames = [Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(3)]
    frames[0].save(folder/"moving.gif", save_all=True, append_images=frames[1:], duration=50)
    assert (folder/"large.png").stat().st_size > 30 << 20
    return {p.stem: p for p in folder.iterdir()}


def kernels(server):
    "How many kernels a server has"
    children = psutil.Process(server.pid).children(recursive=True)
    return sum(p.status() != "zombie" and "ipykernel" in " ".join(p.cmdline()) for p in children)


def memory(server):
    "Bytes that the kernels of a server hold"
    children = psutil.Process(server.pid).children(recursive=True)
    return sum(p.memory_info().rss for p in children if p.status() != "zombie" and "ipykernel" in " ".join(p.cmdline()))


def load_test(address, server, n=50, seconds=60):
    "Ask for the page many times, as browsers that never come back: kernels stay below their limit, and go within a minute"
    def browser(): return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    before, most, answers = memory(server), 0, []
    for i in range(n): # every other one keeps cookies, as browsers do; the others are probes and previews
        try:
            with (browser() if i % 2 else urllib.request.build_opener()).open(address, timeout=120) as answer:
                answer.read()
                answers.append(answer.status)
        except urllib.error.HTTPError as e: answers.append(e.code)
        most = max(most, kernels(server))
    start = time.monotonic()
    while (kernels(server) != 1 or not .8 < memory(server)/before < 1.2) and time.monotonic() < start + seconds: time.sleep(.5)
    left, grown = kernels(server), memory(server)/before
    assert most <= PLACES and left == 1 and grown < 1.2, f"{most} kernels at most, {left} left after {seconds} s, {grown:.2f} times the memory"
    assert answers.count(503) and set(answers) <= {200, 403, 503}, answers
    print(f"  {n} requests: {most} kernels at most, {left} left after {time.monotonic() - start:.0f} s, {grown:.2f} times the memory of before")


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
    expect(page.locator(".f102-bars i")).to_have_count(5)
    said, share, whole = page.wait_for_function("""() => { // at one moment, since the list is replaced when the heat map is ready
        const line = document.querySelector('.f102-bars li'), [bar, box] = ['i', 'div'].map(c => line?.querySelector(c)?.getBoundingClientRect().width)
        return box ? [line.innerText, bar, box] : null}""").json_value()
    assert (f"{share/whole:.1%}" in said or ">" in said and share > .999*whole), (share, whole, said)
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
    expect(status).to_contain_text("reduced before sending, from 3")
    send(files["noise"], "noise.jpg: is not a photo that can be read")
    send(files["huge"], f"huge.jpg: {LIMIT_MB + 1}.0 MB; expected {LIMIT_MB} MB at most")
    step("a text, 30 MB of photo, 30 MB of noise and a file over the limit end in a sentence each")
    send(files["empty"], "empty.jpg: is empty")
    for odd in ("drawing", "zipped"): send(files[odd], f"{files[odd].name}: is not a photo that can be read")
    send(files["moving"])
    step("an empty file, an SVG and a zip called .jpg end in a sentence, an animated GIF in the name of its first frame")
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
    expect(alerts.last).to_contain_text("rose.jpg: no photo that this page can open")
    step("examples by arrows and Enter, photos by path")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"
    unnamed = page.evaluate("""[...document.querySelectorAll('.f102 input, .f102 select, .f102 button, .f102 img, .f102 [role=slider], .f102 [contenteditable]')].filter(e =>
        !(e.hasAttribute('alt') || e.labels?.length || e.textContent.trim() || e.title || e.getAttribute('aria-label'))).length""")
    assert unnamed == 0, f"{unnamed} controls without a name"
    step("fits a phone; every control has a name")
    examples.first.click()
    expect(page.locator(".f102-near img")).to_have_count(5, timeout=600_000)
    step("the nearest training photos are there when their features have been computed")


def shoot(page, folder):
    "Pictures of the page"
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 1500), (1280, 1120)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("document.querySelectorAll('*').forEach(e => e.scrollTop = 0)")
        page.wait_for_timeout(500)
        page.screenshot(path=f"{folder}/app-{width}.png")


def mislabelled(photos, folder, n=12):
    "A folder with `n` photos of each of `n` species, where the first photo of every second species lies under another name"
    flowers = oxford_flowers(photos)
    for label in range(n):
        for k, sample in enumerate([s for s in flowers.samples if s.label == label][:n]):
            name = flowers.class_names[(label + 1) % n if k == 0 and label % 2 else label]
            (folder/name).mkdir(parents=True, exist_ok=True)
            shutil.copy(sample.path, folder/name)
    return folder


def review(play, folder, run, photos, shots):
    "The page of the label review: keys without a click, undo, the file of decisions, a phone"
    port, file = free_port(), Path(folder)/"decisions.json"
    command = ["flowers102", "review", str(photos), *(["--bundle", run] if run else []), "--decisions", str(file), "--port", str(port), "--no_browser"]
    saved = lambda: [d["action"] for d in json.loads(file.read_text())["decisions"]] if file.exists() else []
    with served(command, f"{folder}/review-log") as server:
        browser = play.chromium.launch(executable_path=chrome(), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(wait_for(f"{folder}/review-log", server, 580), timeout=120_000)
            status = page.locator(".f102-status")
            expect(status).to_contain_text("Label issue 1 of", timeout=120_000)
            expect(page.locator(".f102-estimate")).to_contain_text("95% interval")
            if shots:
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    for width in (390, 1280):
                        page.set_viewport_size({"width": width, "height": 800})
                        page.wait_for_timeout(400)
                        page.screenshot(path=f"{shots}/review-{scheme}-{width}.png")
                page.emulate_media(color_scheme="light")
            def decided(actions): # in the file, and on the page, where a decision about a photo settles its pairs, too
                end = time.monotonic() + 30
                while saved() != actions:
                    assert time.monotonic() < end, (saved(), actions)
                    time.sleep(.1)
                count = re.compile(r"(\d+) of \d+ decided")
                expect(status).to_contain_text(count)
                assert int(count.search(status.inner_text())[1]) >= len(actions), status.inner_text()

            done = []
            for n, (key, action) in enumerate((("k", "keep"), ("d", "drop"), ("r", "relabel")), 2):
                page.keyboard.press(key)
                done.append(action)
                expect(status).to_contain_text(f"Label issue {n} of")
                decided(done)
            expect(page.locator(".f102-estimate")).to_contain_text(re.compile(r"labels that you looked at, [12] were wrong")) # one of two near-duplicates that was dropped had no wrong label
            page.keyboard.press("u")
            decided(["keep", "drop"])
            page.keyboard.press("ArrowLeft")
            expect(status).to_contain_text("Label issue 2 of")
            expect(status).to_contain_text("Decided: drop")
            page.keyboard.press("ArrowRight")
            expect(status).to_contain_text("Label issue 3 of") # before the click, since the buttons move with the photo
            page.get_by_role("button", name="Keep").click()
            decided(["keep", "drop", "keep"])
            page.reload(timeout=120_000) # by a kernel that was kept ready since before these decisions
            expect(status).to_contain_text(re.compile(r"[3-9] of \d+ decided"), timeout=120_000)
            page.keyboard.press("d")
            decided(["keep", "drop", "keep", "drop"])
            page.set_viewport_size({"width": 390, "height": 800})
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{over} pixels too wide at 390"
            print("  the label review: keys, undo, decisions in the file, also after the page is opened again, fits a phone")
        finally: browser.close()


def main(run, photo, shots=None, options=()):
    photo, port = Path(photo), free_port()
    name = predict(Predictor(run, "cpu"), [photo])[0].name
    assert chrome(), f"no browser: none of {', '.join(NAMES)} is on the path"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        command = ["flowers102_app", "--bundle", run, "--port", str(port), "--no_browser",
                   "--limit_mb", str(LIMIT_MB), "--by_path", "--max_visitors", str(PLACES), *options]
        with served(command, f"{folder}/log") as server:
            address = wait_for(f"{folder}/log", server)
            end = time.monotonic() + 120
            while "memory " not in Path(f"{folder}/log").read_text(): # the first kernel is ready, and its size was told
                assert time.monotonic() < end, "memory is not told"
                time.sleep(.25)
            load_test(address, server)
            browser = play.chromium.launch(executable_path=chrome(), args=["--no-sandbox"])
            page, problems, outside = browser.new_page(viewport={"width": 1280, "height": 900}), [], set()
            page.on("pageerror", lambda e: problems.append(str(e)))
            page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(f"http://127.0.0.1:{port}/")
                       else (outside.add(route.request.url), route.abort()))
            page.goto(address, timeout=120_000)
            assert page.url == f"http://127.0.0.1:{port}/", "the token stays in the address bar"
            (Path(folder)/"files").mkdir()
            try: check(page, photo, name, odd_files(Path(folder)/"files"), shots)
            except BaseException:
                if shots: page.screenshot(path=f"{shots}/failed.png", full_page=True)
                raise
            before = kernels(server)
            page.unroute_all()
            page.goto("about:blank")
            end = time.monotonic() + 30 # well before a kernel whose connection was lost would be ended
            while kernels(server) >= before and time.monotonic() < end: time.sleep(.5)
            assert kernels(server) < before, "a closed page has left its kernel behind"
            print("  the kernel ends with its page")
            assert not outside, f"the page needs a network: {sorted(outside)}"
            assert not problems, problems
            browser.close()
        review(play, folder, run, mislabelled(photo.parent.parent, Path(folder)/"photos"), shots)
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
