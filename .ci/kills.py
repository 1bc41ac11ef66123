"""Kill every command that writes at random moments, go on, and compare with a run that nobody disturbed.

    python .ci/kills.py                        # one kill of each
    python .ci/kills.py --times 20             # twenty of each
    python .ci/kills.py --only train,explain

Each case runs once in peace, for its time and its bytes. Then, in a fresh folder each time, it gets SIGKILL at a random
moment; what lies there is checked (nothing half-written under a finished name), the case goes on as a user would go on,
and what comes out must have the same bytes. A line for each case says how often the kill came in the middle of the work.
Each process is the copy (fork) of one that has imported all modules and done nothing else, so that kills hit the work and not the imports.
"""
import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["PYTHONPATH"] = str(ROOT) # for the process that is copied
os.environ |= {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"), "MPLBACKEND": "Agg",
               "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"} # killed processes leave semaphores to it
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "flowers102.training.loop", "flowers102.evaluation.run", "flowers102.inference.batch", "flowers102.inference.explanations",
                                  "flowers102.inference.export", "flowers102.cli.commands", "jinja2", "matplotlib.pyplot", "onnxruntime", "onnxscript", "scipy.cluster.hierarchy", "scipy.io",
                                  "scipy.stats", "sklearn.covariance", "sklearn.datasets", "sklearn.linear_model", "torch.onnx", "torch.utils.tensorboard"])
FOLDER = ["--data_dir", "../toy", "--weights", "none"] # synthetic flowers have the layout of the Oxford set
CACHE = """
from pathlib import Path
from flowers102.data.cache import image_cache
from flowers102.data.sources import oxford_flowers
image_cache(oxford_flowers("../toy"), 40, "cache", 1, progress=False)
"""
FEATURES = """
import torch
from flowers102.data.loaders import Flowers102Dataset
from flowers102.data.sources import oxford_flowers
from flowers102.data.transforms import eval_transform
from flowers102.model.build import build_model
from flowers102.model.features import cache_features, split_model
torch.manual_seed(0)
model = build_model("tiny_net", 6, "none", 48)
dataset = Flowers102Dataset(oxford_flowers("../toy"), transform=eval_transform(48, 48))
cache_features(split_model(model, "head")[0], dataset, 8, "features")
"""


def do(args, folder):
    "What a process does: a command of flowers102 (words) or some Python (text), in a folder, printing into log.txt"
    with open(folder/"log.txt", "w") as log:
        for stream in (1, 2): os.dup2(log.fileno(), stream)
    sys.stdout, sys.stderr = (open(stream, "w", closefd=False) for stream in (1, 2))
    os.chdir(folder)
    os.environ["FLOWERS102_CACHE"] = str(folder/"home")
    if isinstance(args, str): exec(args, {})
    else:
        from flowers102.cli.commands import main
        main("flowers102", args)


def run(args, folder, kill_after=None):
    "Run in a folder; gives exit status and what was printed, status None where it was killed"
    process = PROCESSES.Process(target=do, args=(args, folder))
    process.start()
    process.join(kill_after)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    text = (folder/"log.txt").read_text(errors="replace") if (folder/"log.txt").exists() else ""
    (folder/"log.txt").unlink(missing_ok=True)
    return code, text


def digest(folder, patterns):
    "Hashes of the files that count"
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for pattern in patterns for p in sorted(folder.glob(pattern)) if p.is_file()}


class Case:
    "A command, how to go on with it, the files that count, and what must hold after a kill"

    def __init__(self, name, start, again, files, sound=lambda folder: None):
        self.name, self.start, self.again, self.files, self.sound = name, start, again, files, sound


def readable(*names):
    "Files that are whole whenever they are there"
    def check(folder):
        for name in names:
            for path in folder.glob(name):
                if path.suffix == ".json": json.loads(path.read_text())
                elif path.suffix == ".png":
                    from PIL import Image
                    with Image.open(path) as image: image.load()
                elif path.suffix == ".safetensors":
                    from safetensors import safe_open
                    with safe_open(path, "np") as f: list(f.keys())
                elif path.suffix == ".onnx":
                    import onnx
                    onnx.checker.check_model(str(path))
                elif path.suffix == ".pt":
                    import torch
                    torch.load(path, map_location="cpu", weights_only=True)
    return check


def go_on_training(folder):
    "As the messages say: go on where there is a run, else begin again"
    return ["train", "--resume", "run"] if (folder/"run"/"config.json").exists() else TRAIN


TRAIN = ["train", *FOLDER, "--model", "tiny_net", "--size", "48", "--epochs", "4", "--batch_size", "16", "--n_workers", "0",
                "--device", "cpu", "--save_every", "3", "--out", "run"]
PREDICT = ["predict", *["../toy/jpg"]*6, "--bundle", "../trained", "--batch_size", "8", "--out", "names.csv"]
EXPLAIN = ["explain", "../some", "--bundle", "../trained", "--device", "cpu", "--out", "why"]
EVALUATE = ["evaluate", "--run", "../trained", "--n_boot", "300", "--out", "report"]
EXPORT = ["export", "--bundle", "../trained/bundle", "--out", "model.onnx", "--n_check", "6"]
CASES = [
    Case("train", TRAIN, go_on_training, ["run/bundle/model.safetensors", "run/split.json"], readable("run/*.json", "run/*.pt", "run/bundle/*")),
    Case("predict", PREDICT, lambda folder: PREDICT + ["--resume"], ["names.csv*"]),
    Case("explain", EXPLAIN, lambda folder: EXPLAIN + ["--resume"], ["why/*"], readable("why/*.png")),
    Case("evaluate", EVALUATE, lambda folder: EVALUATE, ["report/*.json", "report/*.csv", "report/*.png", "report/*.md"], readable("report/*.json", "report/*.png")),
    Case("evaluate again", EVALUATE, lambda folder: EVALUATE, ["report/*.json", "report/*.csv", "report/*.png", "report/*.md"], readable("report/*.json", "report/*.png")),
    Case("export", EXPORT, lambda folder: EXPORT, ["model.onnx*"], readable("*.onnx")),
    Case("image cache", CACHE, lambda folder: CACHE, ["cache/*/pixels.u8", "cache/*/index.json"]),
    Case("feature cache", FEATURES, lambda folder: FEATURES, ["features/*.npy"]),
]


def fresh(work, case):
    "A new folder for a case; one that makes its report again begins with an older one"
    folder = work/"case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if case.name == "evaluate again":
        code, text = run(EVALUATE[:-4] + ["--n_boot", "0", "--out", "report"], folder)
        assert code == 0, text
    return folder


def in_peace(case, folder):
    "Run a case without a kill; gives its seconds and the hashes of its files"
    start = time.perf_counter()
    code, text = run(case.start, folder)
    took, made = time.perf_counter() - start, digest(folder, case.files)
    assert code == 0, f"{case.name}: exit {code} in peace\n{text}"
    assert made, f"{case.name}: made none of {case.files}"
    return took, made


def try_case(case, work, times, rng, took, wanted):
    "Kill a case so many times, and compare with its files in peace"
    hit, left = 0, 0
    for k in range(times):
        folder = fresh(work, case)
        moment = rng.uniform(.05, .95)*took
        code, text = run(case.start, folder, moment)
        hit += code is None
        left += code is None and any(p.is_file() for p in folder.rglob("*"))
        case.sound(folder)
        if code is None:
            code, text = run(case.again(folder), folder)
            assert code == 0, f"{case.name}: killed after {moment:.2f} s, exit {code} when it went on\n{text}"
        made = digest(folder, case.files)
        differ = sorted(k for k in wanted.keys() | made.keys() if wanted.get(k) != made.get(k))
        assert not differ, f"{case.name}: killed after {moment:.2f} s of {took:.2f}; other bytes or files: {differ}\n{text}"
    print(f"{case.name:15} {hit:3} kills of {times} came before the end ({left} with files on the disk): all went on to the same bytes", flush=True)
    return hit


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=1, help="kills of each case")
    parser.add_argument("--only", help="names of cases, with commas between them")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; default: another one each time")
    args = parser.parse_args()
    unknown = {*(args.only or "").split(",")} - {case.name for case in CASES} - {""}
    if unknown: parser.error(f"--only: no case {', '.join(sorted(unknown))}; expected {', '.join(case.name for case in CASES)}")
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as d:
        work = Path(d)
        code, text = run("from flowers102.data.sources import toy_flowers; toy_flowers('toy', n_classes=6, per_class=20, size=48, seed=6)", work)
        assert code == 0, text
        (work/"some").mkdir()
        for photo in sorted((work/"toy"/"jpg").iterdir())[::4]: shutil.copy(photo, work/"some")
        peace = {tuple(TRAIN): in_peace(CASES[0], fresh(work, CASES[0]))} # once for each command
        shutil.copytree(work/"case"/"run", work/"trained") # which the other commands use
        hits = 0
        for case in CASES:
            if args.only and case.name not in args.only.split(","): continue
            command = tuple(case.start)
            if command not in peace: peace[command] = in_peace(case, fresh(work, case))
            hits += try_case(case, work, args.times, random.Random(f"{seed} {case.name}"), *peace[command])
        if not hits: sys.exit("no kill came before the end: nothing was tested")


if __name__ == "__main__": main()
