"""Teach the app a new species in a real browser: five photos, a name, and the sixth photo gets that name. With everything that goes wrong.

    python .ci/teach.py RUN                              # a run folder; the photos are synthetic flowers
    python .ci/teach.py RUN --photos FOLDER --name NAME  # six or more photos of one species that the model does not know
    python .ci/teach.py RUN --shots D                    # also pictures of the form, 390 and 1,280 pixels wide

Needs Playwright and a Chromium or Chrome on the path (or in $CHROME).
"""
import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import expect, sync_playwright

from flowers102.data.toy import draw_flower, toy_species
from flowers102.inference.extend import extend
from flowers102.inference.predictor import Predictor, find_photos, predict
from flowers102.model.bundle import load_bundle
sys.path.insert(0, str(Path(__file__).parent))
from browser import NAMES, chrome, free_port, served, wait_for

expect.set_options(timeout=60_000)


def five_and_one(bundle, name, photos):
    "Five photos, and the first other one that gets the new name from a model that was extended with them; None if there is none"
    made = Predictor(extend(bundle, {name: photos[:5]}, log=lambda line: None), "cpu")
    answers = (predict(made, photo) for photo in photos[5:])
    return next(([*photos[:5], a.path] for a in answers if a.name == name and a.known is not False), None)


def synthetic(bundle, folder):
    "A species that the model does not know and can learn from five photos: name and six photos"
    for k, species in enumerate(toy_species(40, 9)):
        if species.name in bundle.class_names: continue
        photos = [str(folder/f"{k}-{i}.png") for i in range(6)]
        for i, path in enumerate(photos): draw_flower(species, 96, np.random.default_rng([k, i]))[0].save(path)
        if found := five_and_one(bundle, species.name, photos): return species.name, found
    raise AssertionError("no synthetic species can be learned from five photos")


def check(browser, address, bundle, name, photos, taught, folder, shots):
    "From the first photo to the new name"
    page, problems = browser.new_page(viewport={"width": 390, "height": 900}), []
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.goto(address, timeout=120_000)
    n, step = len(bundle.class_names), lambda text: print(f"  {text}", flush=True)
    verdict, head, form = (page.locator(c) for c in (".f102-verdict", ".f102-head", ".f102-teach"))
    expect(head).to_contain_text(f"knows {n} species", timeout=120_000)
    page.locator(".f102-picker input[type=file]").first.set_input_files(photos[5])
    expect(page.locator("p[role=status]:not(.f102-line):not(.f102-taught)")).to_contain_text(Path(photos[5]).name)
    assert name not in verdict.inner_text(), "the model knows the species already"

    form.locator("summary").focus()
    page.keyboard.press("Enter")
    line, alerts, files = form.get_by_label("Name of the species"), form.get_by_role("alert"), form.locator("input[type=file]")
    expect(line).to_be_visible()
    strip = form.get_by_role("list", name="Photos of the new species").get_by_role("button")
    notes = Path(folder)/"notes.jpg"
    notes.write_text("no photo")
    files.set_input_files([*photos[:4], str(notes)])
    expect(form).to_contain_text("4 photos; 5 or more are needed")
    expect(alerts).to_contain_text("notes.jpg: is not a photo that can be read")
    line.fill(name)
    page.keyboard.press("Enter")
    expect(alerts).to_contain_text(f"{name}: 4 photos; expected 5 or more")
    assert line.input_value() == name and strip.count() == 4, "something was lost"
    step("the form opens by a key; a text and too few photos end in a sentence, and nothing is lost")

    before = page.get_by_role("list", name="Your photos").get_by_role("button").count()
    page.evaluate("""([name, bytes]) => {
        const data = new DataTransfer()
        data.items.add(new File([new Uint8Array(bytes)], name))
        document.querySelector(".f102-teach .f102-zone").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}))
    }""", [Path(photos[4]).name, list(Path(photos[4]).read_bytes())])
    expect(strip).to_have_count(5)
    assert page.get_by_role("list", name="Your photos").get_by_role("button").count() == before, "the drop went to the wrong zone"
    strip.nth(4).focus()
    page.keyboard.press("Enter")
    expect(strip).to_have_count(4)
    expect(strip.nth(3)).to_be_focused()
    files.set_input_files(photos[4])
    expect(strip).to_have_count(5)
    step("a photo is dropped on the form, and removed by a key")
    line.fill(bundle.class_names[0].upper())
    page.keyboard.press("Enter")
    expect(alerts).to_contain_text("the model knows a species of this name")
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{over} pixels too wide at 390"
    unnamed = page.evaluate("""[...document.querySelectorAll('.f102 input, .f102 button, .f102 select')].filter(e =>
        !(e.labels?.length || e.textContent.trim() || e.title || e.getAttribute('aria-label'))).length""")
    assert unnamed == 0, f"{unnamed} controls without a name"
    line.fill(name)
    if shots: shoot(page, shots, "form")
    form.get_by_role("button", name="Add the species").click()
    expect(form.locator(".f102-taught")).to_contain_text(f"Added {name} from 5 photos", timeout=300_000)
    expect(verdict).to_contain_text(name)
    expect(head).to_contain_text(f"knows {n + 1} species")
    expect(strip).to_have_count(0)
    assert line.input_value() == "", "the name stays in the form"
    if shots: shoot(page, shots, "taught")
    saved, = Path(taught).iterdir()
    assert str(saved) in form.locator(".f102-taught").inner_text() and load_bundle(saved).class_names == (*bundle.class_names, name)
    step(f"five photos and a name: the sixth is now {name}, and the new bundle is a folder of its own")

    other = browser.new_context().new_page()
    other.goto(address, timeout=120_000)
    expect(other.locator(".f102-head")).to_contain_text(f"knows {n} species", timeout=120_000)
    other.close()
    page.reload(timeout=120_000)
    expect(head).to_contain_text(f"knows {n} species", timeout=120_000)
    step("the next visitor, and the page after a reload, have the model of before")
    assert not problems, problems


def shoot(page, folder, name):
    "Pictures of the page"
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(400)
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def main(run, photos=None, name=None, shots=None):
    assert chrome(), f"no browser: none of {', '.join(NAMES)} is on the path"
    bundle, port = load_bundle(run), free_port()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        if photos: photos = five_and_one(bundle, name, sorted(find_photos([photos])))
        else: name, photos = synthetic(bundle, Path(folder))
        assert name and photos, "expected --name and --photos, six or more photos, one of which gets the name when five are added"
        command = ["flowers102", "app", "--bundle", run, "--port", str(port), "--no_browser", "--teach", f"{folder}/taught"]
        with served(command, f"{folder}/log") as server:
            address = wait_for(f"{folder}/log", server)
            browser = play.chromium.launch(executable_path=chrome(), args=["--no-sandbox"])
            check(browser, address, bundle, name, photos, f"{folder}/taught", folder, shots)
            browser.close()
    print("the app learns a species in a browser")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    for flag in ("--photos", "--name", "--shots"): parser.add_argument(flag)
    main(**vars(parser.parse_args()))
