"""Drive the page of `flowers102 export --web` in a real browser, and compare its answers with those of Python.

    python .ci/web.py RUN PHOTOS            # a run folder, and a folder with photos that its model knows
    python .ci/web.py RUN PHOTOS --shots D  # also pictures of the page, 390 and 1,280 pixels wide, light and dark

Needs Playwright, a Chromium or Chrome on the path (or in $CHROME), and npm, which brings onnxruntime-web and axe-core; `--node DIR`
is a folder where they were installed before. What is missing is printed, and the rest is skipped.
"""
import argparse
import base64
import functools
import http.server
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from browser import NAMES, chrome
from playwright.sync_api import expect, sync_playwright

from flowers102.cli.commands import main as flowers102
from flowers102.data.photos import read_photo
from flowers102.inference.predictor import Predictor, find_photos, predict
from flowers102.inference.web import RUNTIME, find_runtime, integrity, page_files

FLAGS = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
PATIENCE = 60 # seconds; neighbours are being computed beside
expect.set_options(timeout=PATIENCE*1000)


class Server:
    "A static server on a free port, as `python -m http.server`; it can go and come back"
    def __init__(self, folder):
        self.folder, self.port = folder, 0
        self.start()

    def start(self):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args): pass
        handler = functools.partial(Handler, directory=self.folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self): return f"http://127.0.0.1:{self.port}/"


UNREACHABLE = "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH"

def node_modules(folder):
    "Install what the page needs from npm; None where there is no npm, or no way to its packages"
    if not shutil.which("npm"): return print("skipped: no npm on the path, and no --node; it brings onnxruntime-web and axe-core")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder),
                           f"onnxruntime-web@{RUNTIME['version']}", "axe-core@4"], capture_output=True, text=True)
    if done.returncode and any(code in done.stderr for code in UNREACHABLE): return print("skipped: npm can't reach its registry")
    if done.returncode: sys.exit(f"npm can't install onnxruntime-web {RUNTIME['version']} and axe-core: {done.stderr.strip()[-400:]}")
    return folder


def check_hashes(node):
    "The hashes that the package names are those of the files from npm"
    dist = node/"node_modules"/"onnxruntime-web"/"dist"
    for part in ("script", "binary"):
        content, expected = (dist/RUNTIME[part]["file"]).read_bytes(), RUNTIME[part]
        assert (integrity(content), len(content)) == (expected["integrity"], expected["bytes"]), f"{expected['file']}: its hash differs"
    print(f"  the hashes of onnxruntime-web {RUNTIME['version']} are those of its files")


def until(page, expression, seconds=PATIENCE):
    "Wait until an expression is true; the page's own rules forbid Playwright's `wait_for_function`"
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression} is not true after {seconds} s; {page.locator('#loading, #wrong').all_inner_texts()}"
        time.sleep(.03)


@contextmanager
def opened(browser, address, allowed=(), **options):
    "A page in a new profile; it may ask no other host, and raise no error"
    context, problems, outside = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "permissions": ["camera", "clipboard-read"]} | options), [], []
    page = context.new_page()
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" and "Failed to load resource" not in m.text else None)
    context.on("request", lambda r: outside.append(r.url) if not r.url.startswith((address, "blob:", "data:", *allowed)) else None)
    try:
        page.goto(address)
        yield page
        assert not outside, f"the page asks other hosts: {sorted(set(outside))}"
        assert not problems, problems
    finally: context.close()


def ready(page): until(page, "document.body.dataset.state == 'ready'")


def send(page, files, complaint=None):
    "Choose photos, and wait for the answers or for a complaint"
    files = [str(f) for f in (files if isinstance(files, list) else [files])]
    page.set_input_files("#file", files)
    if complaint: expect(page.locator("#wrong")).to_contain_text(complaint)
    until(page, "!busy && !waiting.length")
    if not complaint: assert not page.evaluate("complaints.length"), page.evaluate("complaints")
    return page.evaluate("""n => photos.slice(-n).map(({name, answer, ms}) => ({name, ms, names: answer.order.map(label => about.class_names[label]),
        probs: answer.order.map(label => answer.probs[label]), set: answer.set?.map(label => about.class_names[label]) ?? null, known: answer.known, ood: answer.oodScore}))""", len(files))


def differences(answers, expected):
    "Largest difference of a probability; top five, sets and flags must be the same"
    largest = 0.
    for a, b in zip(answers, expected, strict=True):
        probs = dict(b.top_k)
        assert a["names"][:5] == [name for name, _ in b.top_k[:5]], (a["name"], a["names"][:5], b.top_k[:5])
        assert (a["set"], a["known"]) == (b.prediction_set, b.known), (a["name"], a["set"], b.prediction_set, a["known"], b.known)
        largest = max(largest, *(abs(p - probs[name]) for name, p in zip(a["names"], a["probs"])))
    return largest


def as_png(photos, folder):
    "The photos as PNG, so that decoders can't differ"
    made = []
    for path in photos:
        made.append(folder/f"{Path(path).stem}.png")
        read_photo(path).save(made[-1])
    return made


def odd_files(folder):
    "What is no photo though it is called one, large photos, and more than the limits"
    rng = np.random.default_rng(0)
    (folder/"notes.jpg").write_text("I am a text\n"*9)
    (folder/"empty.jpg").write_bytes(b"")
    (folder/"noise.jpg").write_bytes(random.Random(0).randbytes(3 << 20))
    (folder/"drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><text>hi</text>')
    (folder/"phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    Image.fromarray(rng.integers(0, 256, (375, 500, 3), dtype=np.uint8)).resize((4000, 3000)).save(folder/"twelve.jpg", quality=85)
    Image.fromarray(rng.integers(0, 256, (3000, 3500, 3), dtype=np.uint8)).save(folder/"thirty.png", compress_level=0)
    Image.new("RGB", (8000, 7000)).save(folder/"vast.jpg", quality=20)
    (folder/"huge.jpg").write_bytes(bytes(101 << 20))
    assert (folder/"thirty.png").stat().st_size > 30 << 20
    return {p.stem: p for p in folder.iterdir()}


def check_answers(page, predictor, photos, folder):
    "Ten photos as PNG: the same answers as in Python; as JPEG the same first name"
    some = as_png(photos, folder)
    expected = predict(predictor, some, top_k=len(predictor.bundle.class_names))
    largest = differences(send(page, some), expected)
    assert largest < 1e-4, largest
    same = sum(a["names"][0] == b.name for a, b in zip(send(page, photos), predict(predictor, photos)))
    assert same >= len(photos) - 1, same
    print(f"  {len(some)} photos: top five, set and flag as in Python, probabilities within {largest:.0e}; as JPEG {same} have the same first name")


def check_odd(page, files, photo):
    "Each mistake ends in a sentence; large photos are taken"
    for name, complaint in (("notes", "notes.jpg: is not a photo that can be read (whatever its name says)"), ("empty", "empty.jpg: is empty"),
                            ("noise", "noise.jpg: is not a photo"), ("drawing", "drawing.svg: is not a photo"), ("phone", "phone.heic: is HEIC, which this browser can't read"),
                            ("huge", "huge.jpg: 101.0 MB; expected 100 MB at most"), ("vast", "vast.jpg: has 56 megapixels; expected 50 at most")):
        send(page, files[name], complaint)
    for name in ("twelve", "thirty"): assert send(page, files[name])[0]["probs"][0] > 0
    send(page, [photo]*2)
    print("  a text, an empty file, noise, SVG, HEIC, too many bytes or pixels end in a sentence each; 12 megapixels and 30 MB in an answer")


def check_ways(page, photo, name):
    "Drop, paste, camera, examples"
    give = """([base64, kind]) => {
        const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0)), data = new DataTransfer()
        data.items.add(new File([bytes], `${kind}.png`, {type: "image/png"}))
        const options = {bubbles: true, cancelable: true, [kind == "paste" ? "clipboardData" : "dataTransfer"]: data}
        document.body.dispatchEvent(new (kind == "paste" ? ClipboardEvent : DragEvent)(kind, options))}"""
    for kind in ("drop", "paste"):
        page.evaluate(give, [base64.b64encode(photo.read_bytes()).decode(), kind])
        expect(page.locator("#photo")).to_have_attribute("alt", f"the photo {kind}.png")
        expect(page.locator("#verdict")).to_contain_text(name)
    page.evaluate("document.body.dispatchEvent(new ClipboardEvent('paste', {bubbles: true, clipboardData: new DataTransfer()}))")
    expect(page.locator("#wrong")).to_contain_text("The clipboard holds no photo")
    page.get_by_role("button", name="Take a photo").click()
    page.get_by_role("button", name="Take the photo").wait_for()
    until(page, "document.getElementById('video').videoWidth > 0")
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator("#photo")).to_have_attribute("alt", "the photo camera-1.png")
    until(page, "document.getElementById('video').srcObject === null")
    print("  a photo can be dropped, pasted, taken by the camera, which is off afterwards")


def check_keys(page):
    "Everything by keyboard alone: choose an example, another map, another opacity, a photo of before"
    page.get_by_role("heading", level=1).click() # the Tab key goes on from here
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.closest('ul')?.id || document.activeElement.tagName"))
        if seen[-1] == "examples": break
    assert seen[:2] == ["file", "camera"] and seen[-1] == "examples", seen
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    second = page.locator("#examples button").nth(1).get_attribute("title")
    expect(page.locator("#photo")).to_have_attribute("alt", f"the photo {second}")
    page.locator("#slider").focus()
    for _ in range(4): page.keyboard.press("ArrowRight")
    assert page.evaluate("[document.getElementById('layer').style.opacity, document.getElementById('strength').textContent]") == ["0.7", "70%"]
    before = page.evaluate("document.getElementById('layer').toDataURL()")
    page.locator("#against").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#caption")).to_contain_text("and not for")
    assert page.evaluate("document.getElementById('layer').toDataURL()") != before
    page.locator("#photos button[aria-pressed=true]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.evaluate("current == photos.length - 2 && document.activeElement.getAttribute('aria-pressed') == 'true'")
    expect(page.locator("#status")).to_contain_text(page.evaluate("photos[current].name"))
    print("  by keyboard alone: examples, opacity, another map, earlier photos")


def check_saved(page):
    "Picture and record"
    for button, ending in (("Save as JSON", ".json"), ("Save picture", ".png")):
        with page.expect_download() as got: page.get_by_role("button", name=button).click()
        data, name = Path(got.value.path()).read_bytes(), page.evaluate("photos[current].name")
        assert got.value.suggested_filename == Path(name).stem + ending, got.value.suggested_filename
        if ending == ".json": assert json.loads(data)["path"] == name and len(json.loads(data)["top_k"]) == 5
        else: assert min(Image.open(io.BytesIO(data)).size) > 300 and len(data) > 20_000
    print("  picture and record are saved")


def check_access(page, node):
    "No serious finding of axe-core, light and dark; no scrolling sideways"
    axe = (node/"node_modules"/"axe-core"/"axe.min.js").read_text()
    page.evaluate("document.querySelector('details').open = true")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document).then(r => r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html.slice(0, 120))]))")
        assert not [v for v in found if v[0] in ("serious", "critical")], found
        if found: print(f"  axe-core, {scheme}: {[(impact, id) for impact, id, _ in found]}")
    page.emulate_media(color_scheme="light")
    for width in (360, 390, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.querySelector('details').open = false")
    print("  axe-core has no serious finding in light and dark; nothing scrolls sideways from 360 to 1,920 pixels")


def check_offline(page, server, photo, name):
    "After the first visit neither the server nor the network is needed"
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    server.stop()
    page.context.set_offline(True)
    page.reload()
    ready(page)
    assert send(page, photo)[0]["names"][0] == name
    page.context.set_offline(False)
    server.start()
    print("  it works after a reload without server and network")


def check_update(page, site):
    "A new export is offered, and used when the visitor wants it"
    (site/"sw.js").write_text((site/"sw.js").read_text().replace('VERSION = "', 'VERSION = "new', 1))
    page.evaluate("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => null)")
    with page.expect_navigation(): page.get_by_role("button", name="Use it").click()
    ready(page)
    print("  a new version is offered and used")


def check_failures(browser, site, server, photo):
    "A file that is missing or a different one ends in a sentence, and the next attempt works"
    model, kept = site/"model.onnx", (site/"model.onnx").read_bytes()
    model.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with opened(browser, server.address) as page:
        expect(page.locator("#loading")).to_contain_text("Model.onnx is not the file that was exported")
        model.unlink()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#loading")).to_contain_text("Model.onnx can't be loaded: the server says 404")
        page.set_input_files("#file", str(photo))
        model.write_bytes(kept)
        page.get_by_role("button", name="Try again").click()
        ready(page)
        until(page, "photos.length == 1") # chosen before the network was there
    print("  a model that is changed or missing ends in a sentence; photos that were chosen meanwhile are answered later")


def check_phone(browser, server, photo):
    "On a phone the camera's own program takes the photo"
    with opened(browser, server.address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2) as page:
        ready(page)
        with page.expect_file_chooser() as chooser: page.get_by_role("button", name="Take a photo").tap()
        chooser.value.set_files(str(photo))
        until(page, "photos.length == 1")
    print("  on a phone the button opens the camera's own program")


def without_runtime(site, out):
    "The same page as it is made without --ort"
    facts = json.loads((site/"bundle.json").read_text()) | {"runtime": find_runtime()[0], "examples": []}
    for name, content in page_files(facts, "the same page", {"model.onnx": (site/"model.onnx").read_bytes()}, {}).items():
        (out/name).parent.mkdir(parents=True, exist_ok=True)
        (out/name).write_bytes(content)


def check_cdn(browser, site, node, photo, name):
    "Without the runtime in the folder, it comes from the named address and nowhere else"
    server, dist = Server(site), node/"node_modules"/"onnxruntime-web"/"dist"
    home = f"{RUNTIME['host']}/npm/onnxruntime-web@{RUNTIME['version']}/dist/"
    with opened(browser, "about:blank", allowed=(server.address, home)) as page: # no network is asked: these are the files from npm
        page.context.route(f"{home}*", lambda route: route.fulfill(path=dist/route.request.url.rpartition("/")[2], headers={"Access-Control-Allow-Origin": "*"}))
        page.goto(server.address)
        ready(page)
        assert send(page, photo)[0]["names"][0] == name
    server.stop()
    print("  without --ort the runtime comes from the address that the page names")


def shoot(browser, server, photos, folder):
    "Pictures of the page"
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        with opened(browser, server.address, color_scheme=scheme) as page:
            ready(page)
            send(page, photos)
            for width, height in ((390, 844), (1280, 900)):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(200)
                page.screenshot(path=folder/f"web-{width}-{scheme}.png", full_page=width == 390)


def main(run, photos, node=None, shots=None):
    if not chrome(): return print(f"skipped: no browser, none of {', '.join(NAMES)} is on the path")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as play:
        work = Path(work)
        node = Path(node) if node else node_modules(work/"node")
        if not node: return
        check_hashes(node)
        every = [Path(p) for p in find_photos([photos])]
        for name in ("png", "odd"): (work/name).mkdir()
        some, predictor = every[::max(1, len(every)//10)][:10], Predictor(run, "cpu")
        try:
            flowers102("flowers102", ["export", "--bundle", run, "--n_check", "4", "--web", str(work/"site"), "--ort", str(node),
                                      "--examples", f"{photos}/*{some[3].stem[-2:]}{some[3].suffix}"])
        except SystemExit as e: assert not e.code, "flowers102 export has failed"
        without_runtime(work/"site", work/"cdn")
        first = predict(predictor, some[0]).name
        server, browser = Server(work/"site"), play.chromium.launch(executable_path=chrome(), args=FLAGS)
        with opened(browser, server.address) as page:
            ready(page)
            check_answers(page, predictor, some, work/"png")
            check_odd(page, odd_files(work/"odd"), some[0])
            check_ways(page, work/"png"/f"{some[0].stem}.png", first)
            check_keys(page)
            check_saved(page)
            check_access(page, node)
            check_offline(page, server, some[0], first)
            check_update(page, work/"site")
        check_failures(browser, work/"site", server, some[0])
        check_phone(browser, server, some[0])
        check_cdn(browser, work/"cdn", node, some[0], first)
        if shots: shoot(browser, server, some[:4], Path(shots))
        browser.close()
        server.stop()
    print(f"the page works in a browser ({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("photos")
    parser.add_argument("--node", help="folder in which onnxruntime-web and axe-core were installed by npm")
    parser.add_argument("--shots", help="folder for pictures of the page")
    args = parser.parse_args()
    main(args.run, args.photos, args.node, args.shots)
