"""Fine-tune the same weights on the same photos with fastai, or with timm's parts in a plain loop, and score them beside a run of flowers102.

    python .ci/measure_others.py prepare WORK --run RUN --data_dir DIR --elsewhere DIR    # paths, labels and weights for the others
    python .ci/measure_others.py fastai  WORK --epochs 2                                  # in an environment with fastai
    python .ci/measure_others.py timm    WORK --epochs 4
    python .ci/measure_others.py score   WORK --run RUN --data_dir DIR --elsewhere DIR --out nbs/results/others    # a JSON file for each

RUN is a finished run of `timm:tf_efficientnet_lite0` from `--weights pip`. Only `prepare` and `score` import flowers102, so that
fastai may have an environment of its own. All three steps that train or predict use two threads and one worker, and keep freed
memory for the next batch as `flowers102` does, which makes the others about twice as fast on a CPU.
"""
import argparse
import ctypes
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

MODEL, SIZE, BATCH = "tf_efficientnet_lite0", 224, 64
REMARKS = {"fastai": "fastai {fastai}: `vision_learner(...).fine_tune({epochs})`, which is one epoch of the head and {epochs} of everything; `aug_transforms(size=224, min_scale=0.75)`",
           "timm": "timm {timm}: `create_transform`, AdamW with `lr=5e-4` and `weight_decay=0.05`, cosine schedule, label smoothing 0.1, EMA; {epochs} epochs"}


def prepare(work, run, data_dir, elsewhere):
    "Write what the others need: photos.json and weights.pth with timm's names"
    from flowers102.data.sources import pick
    from flowers102.evaluation.elsewhere import open_elsewhere, without_duplicates
    from flowers102.evaluation.run import photos_and_splits
    from flowers102.model.build import build_model
    work.mkdir(parents=True, exist_ok=True)
    photos, _, split = photos_and_splits(run, data_dir=data_dir)
    away = without_duplicates(open_elsewhere(elsewhere, photos.class_names), photos, split).photos
    subsets = {k: pick(photos, getattr(split, k)) for k in ("train", "valid", "test")} | {"elsewhere": away.samples}
    pairs = {k: [(str(Path(s.path).resolve()), s.label) for s in samples] for k, samples in subsets.items()}
    (work/"photos.json").write_text(json.dumps({"classes": len(photos.class_names), "subsets": pairs}))
    state = build_model(f"timm:{MODEL}", len(photos.class_names), weights="pip").state_dict()
    torch.save({k: v for k, v in state.items() if not k.startswith("classifier")}, work/"weights.pth")


def load_body(net, work):
    "Load the pretrained weights of everything before the classifier, all of them"
    got = net.load_state_dict(torch.load(work/"weights.pth", weights_only=True), strict=False)
    assert not got.unexpected_keys and all(k.startswith("classifier") for k in got.missing_keys), got


def reuse_memory():
    "As `flowers102.core.reuse_memory`: M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of glibc"
    for option in ((-4, 0), (-1, 2**31 - 1), (-2, 64 << 20)): assert ctypes.CDLL(None).mallopt(*option) == 1


def channels_last(x): return x.contiguous(memory_format=torch.channels_last)


def train_fastai(photos, work, epochs, seed):
    "fastai's documented way to fine-tune; returns a function from (path, label) pairs to logits"
    from fastai.vision.all import (ImageBlock, CategoryBlock, DataBlock, IndexSplitter, Normalize, Resize, Callback, aug_transforms, set_seed, vision_learner, accuracy)
    set_seed(seed, True)
    label = {Path(p): y for k in ("train", "valid") for p, y in photos["subsets"][k]}
    first = len(photos["subsets"]["train"])
    block = DataBlock(blocks=(ImageBlock, CategoryBlock(vocab=list(range(photos["classes"])))), get_y=lambda path: label[path], splitter=IndexSplitter(range(first, len(label))),
                      item_tfms=Resize(256), batch_tfms=[*aug_transforms(size=SIZE, min_scale=.75), Normalize.from_stats([.5]*3, [.5]*3)])
    loaders = block.dataloaders(list(label), bs=BATCH, num_workers=1)
    learner = vision_learner(loaders, MODEL, pretrained=False, normalize=False, metrics=accuracy) # pretrained=True would download
    load_body(learner.model[0].model, work)
    learner.freeze() # as `vision_learner` does for pretrained weights

    class Last(Callback): # as flowers102: the faster layout on a CPU
        def before_batch(self): self.learn.xb = tuple(channels_last(x) for x in self.xb)

    learner.model.to(memory_format=torch.channels_last)
    learner.add_cb(Last())
    with learner.no_bar(): learner.fine_tune(epochs)
    learner.model.eval()
    as_tensor = lambda z: z.float().as_subclass(torch.Tensor)
    return lambda pairs: torch.cat([as_tensor(learner.model(channels_last(b[0]))) for b in loaders.test_dl([Path(p) for p, _ in pairs], bs=BATCH)])


def train_timm(photos, work, epochs, seed):
    "timm's transforms, optimiser, schedule, loss and EMA in a plain loop; returns a function from (path, label) pairs to logits"
    import timm
    from PIL import Image
    from timm.data import create_transform, resolve_data_config
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.scheduler import CosineLRScheduler
    from timm.utils import ModelEmaV3, random_seed
    random_seed(seed)
    net = timm.create_model(MODEL, pretrained=False, num_classes=photos["classes"])
    load_body(net, work)
    net, settings = net.to(memory_format=torch.channels_last), resolve_data_config({}, model=net)
    train, plain = create_transform(**settings, is_training=True), create_transform(**settings)

    class Photos(torch.utils.data.Dataset):
        def __init__(self, pairs, transform): self.pairs, self.transform = pairs, transform
        def __len__(self): return len(self.pairs)
        def __getitem__(self, i):
            with Image.open(self.pairs[i][0]) as photo: return self.transform(photo.convert("RGB")), self.pairs[i][1]

    loader = torch.utils.data.DataLoader(Photos(photos["subsets"]["train"], train), BATCH, shuffle=True, drop_last=True, num_workers=1, persistent_workers=True)
    optimizer = create_optimizer_v2(net, opt="adamw", lr=5e-4, weight_decay=.05)
    schedule = CosineLRScheduler(optimizer, epochs*len(loader), lr_min=1e-6, warmup_t=len(loader)//2, warmup_lr_init=1e-6, t_in_epochs=False)
    loss_of, average, step = LabelSmoothingCrossEntropy(.1), ModelEmaV3(net, decay=.99), 0

    @torch.inference_mode()
    def logits(pairs, model=average.module.eval()):
        return torch.cat([model(channels_last(x)) for x, _ in torch.utils.data.DataLoader(Photos(pairs, plain), BATCH, num_workers=1)])

    for epoch in range(epochs):
        net.train()
        for x, y in loader:
            schedule.step_update(step)
            step += 1
            loss = loss_of(net(channels_last(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update(net)
        valid = photos["subsets"]["valid"]
        print(f"epoch {epoch + 1}  loss {loss.item():.3f}  valid {(logits(valid).argmax(1) == torch.tensor([y for _, y in valid])).double().mean():.4f}", flush=True)
    return logits


def train(tool, work, epochs, seed, few):
    "Train with one of the others, predict every subset, and write WORK/TOOL-seedN.npz"
    began = time.perf_counter()
    reuse_memory()
    torch.set_num_threads(2)
    photos = json.loads((work/"photos.json").read_text())
    if few: photos["subsets"] = {k: pairs[::max(1, len(pairs)//few)] for k, pairs in photos["subsets"].items()}
    logits = {"fastai": train_fastai, "timm": train_timm}[tool](photos, work, epochs, seed)
    found = {}
    with torch.inference_mode():
        for subset in ("valid", "test", "elsewhere"):
            if subset == "elsewhere": minutes = (time.perf_counter() - began)/60 # as a run of flowers102: with validation and test, without elsewhere
            found[subset] = logits(photos["subsets"][subset]).numpy()
            print(subset, f"{(found[subset].argmax(1) == [y for _, y in photos['subsets'][subset]]).mean():.4f}", flush=True)
    versions = {tool: __import__(tool).__version__, "python": sys.version.split()[0], "torch": torch.__version__}
    np.savez(work/f"{tool}-seed{seed}.npz", **found, about=json.dumps({"epochs": epochs, "seed": seed, "minutes": round(minutes, 2), "versions": versions}))
    print(f"{minutes:.1f} minutes")


def score(work, run, data_dir, elsewhere, out):
    "Write a result for each file that `train` has made, with the paired comparison with RUN on the same photos"
    from flowers102.cli.commands import _result_of
    from flowers102.core import write_json
    from flowers102.evaluation.report import Report
    from flowers102.evaluation.results import add_evaluation
    from flowers102.evaluation.run import evaluate_run
    from flowers102.evaluation.statistics import compare, evaluation_json
    found = evaluate_run(run, data_dir=data_dir, elsewhere=elsewhere)
    parts = {"test": found.report, "elsewhere": found.elsewhere.report}
    result = add_evaluation(_result_of(run, data_dir=data_dir), found, evaluation_json(found.report))
    kept = {k: result[k] for k in ("schema", "model", "weights", "data", "protocol", "split_sha256", "subsets", "hardware", "processes")}
    write_json(out/f"lite0-flowers102-seed{result['seed']}.json", result | {"remark": f"flowers102: `flowers102 train --minutes 20`; {result['epochs']} epochs"})
    for path in sorted(work.glob("*-seed*.npz")):
        data, tool = np.load(path), path.stem.partition("-")[0]
        about, metrics = json.loads(str(data["about"])), {}
        for subset, report in parts.items():
            theirs = Report(torch.tensor(data[subset]), report.labels, report.samples, report.class_names, report.protocol, report.split_sha256, report.subset)
            metrics[subset] = evaluation_json(theirs) | {"comparison": vars(compare(report, theirs))}
        metrics["elsewhere"] |= {k: result["metrics"]["elsewhere"][k] for k in ("name", "sha256")}
        remark = REMARKS[tool].format(epochs=about["epochs"], **about["versions"])
        write_json(out/f"lite0-{tool}-seed{about['seed']}.json", kept | {"source": "measured by .ci/measure_others.py", "command": "", "recipe": "", "settings": {}, "notes": [], **about, "remark": remark, "metrics": metrics})
        print(path.stem, {k: round(m["top1"], 4) for k, m in metrics.items()}, {k: m["comparison"] for k, m in metrics.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["prepare", "fastai", "timm", "score"])
    parser.add_argument("work", type=Path)
    for flag in ("--run", "--data_dir", "--elsewhere", "--out"): parser.add_argument(flag, type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--few", type=int, default=0, help="about so many photos of each subset, for a trial")
    args = parser.parse_args()
    if args.step == "prepare": prepare(args.work, args.run, args.data_dir, args.elsewhere)
    elif args.step == "score": score(args.work, args.run, args.data_dir, args.elsewhere, args.out)
    else: train(args.step, args.work, args.epochs, args.seed, args.few)
