"""Export a bundle for the Hugging Face Hub, load the folder with timm, transformers and this package, and compare probabilities on real photos.

    python .ci/measure_hub.py BUNDLE PHOTOS --n 20 --out nbs/results/hub/NAME.json

BUNDLE is a bundle or a run folder, PHOTOS a folder with real photos. Needs timm and transformers. Writes a JSON file.
"""
import argparse
import tempfile
import warnings
from pathlib import Path

import timm
import torch
import transformers
from PIL import Image

from flowers102.core import write_json
from flowers102.data.transforms import eval_transform
from flowers102.data.photos import read_photo
from flowers102.inference.hub import export_hub
from flowers102.inference.predictor import Predictor, find_photos, predict
from flowers102.model.bundle import bundle_model, bundle_sha256, load_bundle, versions


@torch.inference_mode()
def compare(bundle, folder, photos):
    "Largest differences of a probability, and equal predictions, between the bundle and three programs that load the folder"
    model, prepare = bundle_model(bundle), eval_transform(**bundle.preprocess)
    net = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=net))
    classify = transformers.pipeline("image-classification", str(folder))
    own = [predict(Predictor(b, "cpu"), photos, len(bundle.class_names)) for b in (bundle, load_bundle(folder))]
    found = {"timm": [], "transformers": [], "timm, same pixels": []}
    for photo in photos:
        pixels = prepare(read_photo(photo))[None]
        ours = (model(pixels)/bundle.temperature).softmax(1)[0]
        with Image.open(photo) as image: image = image.convert("RGB")
        scores = {d["label"]: d["score"] for d in classify(image, top_k=len(bundle.class_names))}
        theirs = {"timm": net(transform(image)[None]).softmax(1)[0], "transformers": torch.tensor([scores[n] for n in bundle.class_names]),
                  "timm, same pixels": net(pixels).softmax(1)[0]}
        for name, probs in theirs.items(): found[name].append((ours.argmax() == probs.argmax(), (ours - probs).abs().max()))
    rows = {name: {"same_prediction": sum(int(same) for same, _ in pairs), "largest_difference": max(far.item() for _, far in pairs)} for name, pairs in found.items()}
    same = lambda key: sum(getattr(a, key) == getattr(b, key) for a, b in zip(*own))
    far = max(abs(p - dict(b.top_k)[name]) for a, b in zip(*own) for name, p in a.top_k)
    return rows | {"flowers102": {"same_prediction": same("name"), "same_prediction_set": same("prediction_set"), "same_flag": same("known"), "largest_difference": far}}


def main(bundle, photos, n, out):
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    made, every = load_bundle(bundle), sorted(find_photos([photos]))
    some = every[::max(1, len(every)//n)][:n]
    with tempfile.TemporaryDirectory() as work:
        export_hub(bundle, Path(work)/"hub", photos=photos, n_check=n)
        rows = compare(made, Path(work)/"hub", some)
    write_json(Path(out), {"schema": "flowers102 hub 1", "model": made.arch, "weights": made.weights, "classes": len(made.class_names), "protocol": made.protocol,
                           "split_sha256": made.split_sha256, "temperature": made.temperature, "metrics": made.metrics, "bundle_sha256": bundle_sha256(made), "photos": len(some),
                           "versions": versions(made.arch) | {"timm": timm.__version__, "transformers": transformers.__version__}, "agreement": rows})
    for name, row in rows.items(): print(name, row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("bundle", "photos"): parser.add_argument(name)
    parser.add_argument("--n", type=int, default=20, help="number of photos to compare on")
    parser.add_argument("--out", required=True, help="JSON file to write")
    main(**vars(parser.parse_args()))
