"""Measure `flowers102 extend` beside full retraining: ten species left out, a model trained on the others, the ten added. Writes a JSON file.

    python .ci/measure_extend.py PHOTOS --work DIR --near DIR --far DIR --out nbs/results/extend/NAME.json --seeds 42 43 44 \\
        -- --model timm:tf_efficientnet_lite0 --weights pip --size 160 --epochs 5

PHOTOS is the folder of Oxford 102 Flowers, NEAR a folder with photos of flowers outside the 102 species, FAR one with photos of other things.
Whatever follows `--` goes to `flowers102 train`. Per seed, two networks are trained: on 92 species ("before"), and on all 102 with the
photos that the extension gets ("retrained", once for each number in --retrain). Finished trainings in DIR are used again, others resumed.
"""
import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from flowers102.core import read_json, write_json
from flowers102.data.photos import walk_photos
from flowers102.data.sources import oxford_flowers
from flowers102.data.splits import Split, save_split, stratified_split
from flowers102.evaluation.conformal import prediction_sets
from flowers102.evaluation.metrics import ece
from flowers102.evaluation.ood import auroc, known_score
from flowers102.inference.extend import extended, photo_features
from flowers102.model.bundle import bundle_model, bundle_sha256, load_bundle, versions
from flowers102.model.networks import head_of
from flowers102.model.predict import calibrated_logits


def left_out(seed):
    "Labels of ten species"
    return np.sort(np.random.default_rng(seed).choice(102, 10, replace=False)).tolist()


def first_photos(source, split, out, n):
    "The first n training photos of each species that was left out: name -> ids"
    labels = dict(zip(source.ids, source.labels.tolist()))
    return {source.class_names[c]: [i for i in split.train if labels[i] == c][:n] for c in out}


def prepare(source, split, seed, n, folder):
    "Class folders of links and a split manifest: of 92 species (n = 0), or of 102 with n photos of each of the other ten"
    out, names, labels = left_out(seed), source.class_names, dict(zip(source.ids, source.labels.tolist()))
    kept = [s for s in source.samples if n or s.label not in out]
    for s in kept:
        place = folder/"photos"/names[s.label]
        place.mkdir(parents=True, exist_ok=True)
        if not (place/f"{s.id}.jpg").exists(): (place/f"{s.id}.jpg").symlink_to(Path(s.path).resolve())
    ident = lambda i: f"{names[labels[i]]}/{i}.jpg"
    old = lambda ids: [ident(i) for i in ids if labels[i] not in out]
    few = [ident(i) for ids in first_photos(source, split, out, n).values() for i in ids]
    test = [ident(i) for i in split.test] if n else old(split.test)
    what = f"92-and-{n}-photos-of-10" if n else "92-species"
    save_split(Split(f"{split.protocol}-{what}", old(split.train) + few, old(split.valid), test), folder/"split.json")


def train(folder, seed, options):
    "Train in a folder, or use what a training there has left; the run folder"
    run = folder/"run"
    words = ["--resume", str(run)] if (run/"last.pt").exists() else [
        str(folder/"photos"), "--split", str(folder/"split.json"), "--seed", str(seed), "--out", str(run), *options]
    if not (run/"done.json").exists(): subprocess.run(["flowers102", "train", *words], check=True)
    if load_bundle(run).bank_labels is None: subprocess.run(["flowers102", "evaluate", "--run", str(run), "--calibrate"], check=True)
    return run


def features_of(bundle, groups, path):
    "Features of groups of photos by a bundle's backbone, kept in a file"
    key = bundle_sha256(bundle)
    if path.exists() and (kept := torch.load(path))["bundle"] == key: return kept
    found = {name: photo_features(bundle, photos) for name, photos in groups.items()} | {"bundle": key}
    torch.save(found, path)
    return found


def measure(bundle, features, truth, new):
    "All numbers of a bundle on test photos: `truth` are their names, `new` the names of the ten species"
    name = head_of(bundle_model(bundle))[0]
    weight, bias = bundle.state[f"{name}.weight"].flatten(1).float(), bundle.state[f"{name}.bias"].float()
    names, rule = list(bundle.class_names), bundle.thresholds["known"]
    logits = lambda x: (x @ weight.T + bias).double()
    old = torch.tensor([n not in new for n in truth])
    use = old if not set(new) <= set(names) else torch.ones_like(old)
    x, labels = features["test"][use], torch.tensor([names.index(n) for n, u in zip(truth, use) if u])
    z, old = logits(x), old[use]
    probs = calibrated_logits(z, bundle.temperature, bundle.thresholds, x, bundle.bank).softmax(1)
    correct, score = (z.argmax(1) == labels).double(), known_score(rule, z, x, bundle.bank)
    sets = {level: torch.as_tensor(prediction_sets(probs.numpy(), threshold, score=bundle.thresholds["set_score"]))[torch.arange(len(labels)), labels].double()
            for level, threshold in bundle.thresholds["sets"].items()}
    found = {"n_old": int(old.sum()), "n_new": int((~old).sum()), "all": correct.mean().item(), "ece": float(ece(probs, labels)), "temperature": bundle.temperature}
    for group, which in (("old", old), ("new", ~old)):
        if not which.any(): continue
        found |= {group: correct[which].mean().item(), f"{group}_ece": float(ece(probs[which], labels[which])),
                  f"{group}_in_distribution": (score[which] >= rule["at_least"]).double().mean().item(),
                  **{f"{group}_coverage_{level}": inside[which].mean().item() for level, inside in sets.items()}}
    found |= {f"coverage_{level}": inside.mean().item() for level, inside in sets.items()}
    for kind in ("near", "far"):
        if kind in features: found[f"auroc_{kind}"] = auroc(score.numpy(), known_score(rule, logits(features[kind]), features[kind], bundle.bank).numpy())
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in found.items()}


def one_seed(source, seed, args, options):
    "Rows of the table, one after the other"
    split, out, home = stratified_split(source, seed=seed), left_out(seed), Path(args.work)/f"seed{seed}"
    paths, labels = {s.id: s.path for s in source.samples}, dict(zip(source.ids, source.labels.tolist()))
    new, truth = [source.class_names[c] for c in out], [source.class_names[labels[i]] for i in split.test]
    groups = {"test": [paths[i] for i in split.test], **{k: sorted(walk_photos(v)) for k in ("near", "far") if (v := getattr(args, k))}}
    few = {name: [paths[i] for i in ids] for name, ids in first_photos(source, split, out, max(args.photos)).items()}

    def run_of(n):
        folder = home/(f"102-{n}" if n else "92")
        prepare(source, split, seed, n, folder)
        run = train(folder, seed, options)
        features = features_of(load_bundle(run), groups | (few if not n else {}), folder/"features.pt")
        about = read_json(run/"metrics.json", "metrics")
        return load_bundle(run), features, {k: about[k] for k in ("protocol", "split_sha256", "recipe", "minutes", "hardware", "weights")} | {"bundle_sha256": bundle_sha256(load_bundle(run))}

    before, features, about = run_of(0)
    yield {"seed": seed, "case": "before", **about, **measure(before, features, truth, new)}
    for n in args.photos:
        start = time.monotonic()
        made = extended(before, {name: features[name][:n] for name in new})
        yield {"seed": seed, "case": "extended", "photos": n, "seconds": round(time.monotonic() - start, 1), **measure(made, features, truth, new)}
    for n in args.retrain:
        again, features, about = run_of(n)
        yield {"seed": seed, "case": "retrained", "photos": n, **about, **measure(again, features, truth, new)}


def main(args, options):
    source = oxford_flowers(args.photos_dir)
    found = {"schema": "flowers102 extend 2", "what": "10 of 102 species left out of a training, then added with the first photos of their training subset; "
             "retrained: the same training on all 102 species, with the same photos of the ten", "options": options, "seeds": args.seeds,
             "left_out": {seed: [source.class_names[c] for c in left_out(seed)] for seed in args.seeds}, "ood": "auroc_near: photos of other flowers, auroc_far: photos of other things",
             "versions": versions("timm:any"), "runs": []}
    for seed in args.seeds:
        for row in one_seed(source, seed, args, options):
            print(*(f"{k} {v}" for k, v in row.items() if k in ("seed", "case", "photos", "old", "new", "ece", "coverage_0.99", "auroc_near")), flush=True)
            found["runs"].append(row)
            found["load"] = round(os.getloadavg()[0], 1)
            write_json(Path(args.out), found) # what is measured so far


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos_dir", metavar="PHOTOS")
    for flag in ("--work", "--out"): parser.add_argument(flag, required=True)
    for flag in ("--near", "--far"): parser.add_argument(flag)
    for flag, default in (("--seeds", [42, 43, 44]), ("--photos", [5, 10, 20]), ("--retrain", [20])):
        parser.add_argument(flag, type=int, nargs="*", default=default)
    words = sys.argv[1:]
    k = words.index("--") if "--" in words else len(words)
    main(parser.parse_args(words[:k]), words[k + 1:])
