"""Measure the page of `flowers102 export --web` in Chromium: same answers as Python, seconds and memory. Writes a JSON file.

    python .ci/measure_web.py RUN PHOTOS --int8 SITE --node DIR --out nbs/results/web/NAME.json

RUN is a run folder, PHOTOS a folder with real photos of its species, SITE a folder that `flowers102 export --web SITE --int8` has made
of it, DIR a folder where onnxruntime-web was installed by npm. A machine that does other work gives other seconds: its load is noted.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
from PIL import Image
from playwright.sync_api import sync_playwright

from flowers102.core import write_json
from flowers102.data.photos import read_photo
from flowers102.inference.onnx import onnx_model, save_onnx
from flowers102.inference.predictor import Predictor, find_photos, predict
from flowers102.inference.web import RUNTIME, about_model, about_text, find_runtime, page_facts, page_files
from flowers102.model.bundle import bundle_sha256, load_bundle, versions
sys.path.insert(0, str(Path(__file__).parent))
from web import FLAGS, Server, as_png, chrome, opened, ready, send


def site_of(bundle, folder, node):
    "A page for a bundle, in full precision"
    path = save_onnx(onnx_model(bundle, class_maps=True), folder/"model.onnx")
    runtime, files = find_runtime(node)
    facts = page_facts(bundle, about_model(path, bundle), runtime)
    for name, content in page_files(facts, about_text(bundle), {"model.onnx": path.read_bytes(), **files}, {}).items():
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        (folder/name).write_bytes(content)
    return folder


def memory(browser_pid):
    "Megabytes of the largest process of a browser: the page with its network"
    family = psutil.Process(browser_pid).children(recursive=True)
    return max((p.memory_info().rss for p in family if "--type=renderer" in p.cmdline()), default=0)/1e6


def timed(browser, pid, site, photos, repetitions):
    "Seconds and memory of one page: first visit, second visit, answers"
    server, found = Server(site), {}
    with opened(browser, server.address) as page:
        for visit in ("first_visit", "second_visit"):
            start = time.monotonic()
            page.goto(server.address) if visit == "first_visit" else page.reload()
            ready(page)
            found[f"{visit}_ready_s"] = time.monotonic() - start
        for name, photo in photos.items():
            first, *others = (send(page, photo)[0]["ms"] for _ in range(repetitions + 1))
            found[name] = {"first_s": first["whole"]/1000, **{f"warm_{k}_s": statistics.median(o[k] for o in others)/1000 for k in ("decode", "run", "whole")},
                           "memory_mb": memory(pid)}
    server.stop()
    return found


def app_seconds(run, photos, repetitions):
    "Seconds of PyTorch in the app's server for the same photos: reading, prediction, heat map"
    from flowers102.app.page import FlowerApp
    app, found = FlowerApp(run, device="cpu", paths=False), {}
    for name, photo in photos.items():
        data, taken = Path(photo).read_bytes(), []
        for _ in range(repetitions + 1):
            start = time.monotonic()
            app.add(data, name)
            taken.append(time.monotonic() - start)
        found[name] = {"first_s": taken[0], "warm_whole_s": statistics.median(taken[1:])}
    return found


def agreement(browser, site, predictor, photos, folder):
    "How far the page agrees with Python on real photos, as PNG and as JPEG"
    server, n = Server(site), len(predictor.bundle.class_names)
    as_pngs = as_png(photos, folder)
    with opened(browser, server.address) as page:
        ready(page)
        png, jpeg = ([a for k in range(0, len(files), 20) for a in send(page, files[k:k + 20])] for files in (as_pngs, list(photos)))
    server.stop()
    expected = predict(predictor, as_pngs, top_k=n)
    within = lambda answers, k: sum(a["names"][:k] == [name for name, _ in b.top_k[:k]] for a, b in zip(answers, expected, strict=True))
    far = lambda answers: sorted(max(abs(p - dict(b.top_k)[name]) for name, p in zip(a["names"], a["probs"])) for a, b in zip(answers, expected))
    same = lambda answers, key, attribute: sum(a[key] == getattr(b, attribute) for a, b in zip(answers, expected))
    return {kind: {"photos": len(answers), "same_first": within(answers, 1), "same_top5": within(answers, 5), "same_set": same(answers, "set", "prediction_set"),
                   "same_flag": same(answers, "known", "known"), "largest_difference": far(answers)[-1], "median_difference": statistics.median(far(answers))}
            for kind, answers in (("png", png), ("jpeg", jpeg))}


def test_photos(folder, photos):
    "A photo of 1 and one of 12 megapixels, enlarged from a real one"
    made, photo = {}, read_photo(photos[0])
    for name, size in (("1_megapixel", (1152, 864)), ("12_megapixels", (4000, 3000))):
        made[name] = folder/f"{name}.jpg"
        photo.resize(size, Image.Resampling.BICUBIC).save(made[name], quality=90)
    return made


def main(run, photos, int8, node, out, repetitions, small):
    bundle, every = load_bundle(run), [str(p) for p in find_photos([photos])]
    with tempfile.TemporaryDirectory() as work, sync_playwright() as play:
        work = Path(work)
        for name in ("224", "260", "png"): (work/name).mkdir()
        larger = replace(bundle, preprocess={**bundle.preprocess, "size": 260, "resize": 297}, centres={})
        sites = {"fp32, 224 px": site_of(bundle, work/"224", node), **({"int8, 224 px": Path(int8)} if int8 else {}), "fp32, 260 px": site_of(larger, work/"260", node)}
        chosen, loads = test_photos(work, every), []
        found = {"schema": "flowers102 web 1", "model": bundle.arch, "bundle_sha256": bundle_sha256(bundle), "runtime": f"onnxruntime-web {RUNTIME['version']}",
                 "hardware": f"{os.cpu_count()} threads", "repetitions": repetitions, "versions": versions(bundle.arch), "pages": {}}
        browser = play.chromium.launch(executable_path=chrome(), args=FLAGS)
        found["browser"] = f"Chromium {browser.version}"
        found["agreement"] = {name: agreement(browser, sites[name], Predictor(bundle, "cpu"), every, work/"png") for name in sites if "224" in name}
        if small: found["agreement"]["fp32, 224 px, not resized"] = agreement(browser, sites["fp32, 224 px"], Predictor(bundle, "cpu"), [f"{small}/{Path(p).name}" for p in every], work/"png")
        browser.close()
        for name, site in sites.items():
            browser = play.chromium.launch(executable_path=chrome(), args=FLAGS)
            pid = next(p.pid for p in psutil.Process().children(recursive=True) if "chrom" in p.name() and "--type=" not in " ".join(p.cmdline()))
            found["pages"][name] = timed(browser, pid, site, chosen, repetitions) | {"model_mb": (site/"model.onnx").stat().st_size/1e6}
            loads.append(os.getloadavg()[0])
            browser.close()
        found["app"] = app_seconds(run, chosen, repetitions)
        found["load"] = [round(v, 1) for v in (*loads, os.getloadavg()[0])]
    write_json(Path(out), found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("run", "photos"): parser.add_argument(name)
    for name in ("node", "out"): parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--int8", help="folder of a page with the quantised network of the same run; default: not measured")
    parser.add_argument("--small", help="folder with photos of the same names, as small as the network wants them; default: not compared")
    parser.add_argument("--repetitions", type=int, default=7)
    main(**vars(parser.parse_args()))
