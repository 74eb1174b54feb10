"""Training beside PyTorch and PEFT: tokens a second, memory, the first step, and the losses.

Both train a LoRA of rank 16 on all linear layers with AdamW, in fp32, on two threads, on the same rows, the loss on
every token. The base is a file of bf16 for `tenon`, which reads it as it lies, and one of fp32 with the same numbers for
PyTorch; `training_peer.py` says what its best mode is. The first step is timed up to its beginning, as its own time is
the speed's. A token's operations are 4 for each weight in a product of the base (forward, and the gradient of the
inputs), 6 for each of the adapter's, and those of causal attention, 6 for each block, number of the hidden state and
token of its row.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deltas import checkpoint
from measure import PEAK_UNIT, Failed, median, ratio, rounds
from models import PATIENCE, UNCACHED
from report import Board
from setting import ROOT, Setting
from training_order import batches

MEBIBYTE = 1 << 20
THREADS = 2
RANK, ALPHA = 16, 32
#: Steps that do not count for speed; the peer leaves out as many.
WARM_UP = 2
#: Steps whose losses are compared, and the rate they are trained with: high, so that an error would grow.
COMPARED, COMPARED_RATE = 50, 2e-3


@dataclass(frozen=True)
class Shape:
    """What is trained on."""

    name: str
    preset: str
    batch: int
    #: Of a row, or the shortest and the longest.
    tokens: str
    steps: int


SHAPES = (
    Shape("5m", "5m", 8, "128", 22),
    Shape("20m", "20m", 4, "128", 14),
    Shape("134m", "134m", 4, "128", 8),
    Shape("mixed", "5m", 8, "16-512", 22),
)
SMOKE = (Shape("5m", "tiny", 8, "32", 6),)


@dataclass(frozen=True)
class Trained:
    """What a run of either came to."""

    rate: float
    peak: int
    #: Seconds from the process's start to the beginning of its first step, and to its end.
    ready: float
    first: float
    parameters: int
    losses: list[float]
    sgemm: float = 0.0


@dataclass(frozen=True)
class Subject:
    """A base in both widths, and rows."""

    shape: Shape
    base: Path
    wide: Path
    data: Path

    @property
    def lengths(self) -> list[int]:
        """Of the rows."""
        return [len(json.loads(line)["input_ids"]) for line in self.data.read_text().splitlines()]

    def operations(self, parameters: int) -> float:
        """Of a token, on average."""
        config = json.loads((self.base / "config.json").read_text())
        hidden, layers = config["hidden_size"], config["num_hidden_layers"]
        keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
        block = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * config["intermediate_size"]
        weights = layers * block + hidden * config["vocab_size"]
        lengths = self.lengths
        row = sum(length * length for length in lengths) / sum(lengths)
        return 4 * weights + 6 * parameters + 6 * layers * hidden * row


def subject(setting: Setting, shape: Shape) -> Subject:
    """Makes base and rows: as many as all steps take once."""
    base = checkpoint(setting, "training-base", "--preset", shape.preset)
    wide, data = setting.path("training-wide"), setting.path("training.jsonl")
    _script("widen.py", base, wide)
    vocabulary = json.loads((base / "config.json").read_text())["vocab_size"]
    rows = shape.batch * shape.steps
    _script("training_data.py", data, "--vocabulary", vocabulary, "--rows", rows, "--tokens", shape.tokens)
    return Subject(shape, base, wide, data)


def _script(name: str, *words: object) -> None:
    command = [sys.executable, ROOT / "Benchmarks" / name, *words]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def ours(setting: Setting, one: Subject, *options: object) -> Trained:
    """Trains with the tool, which reports every step."""
    output, answer = setting.path("trained.tenon"), setting.path("trained.json")
    command = [setting.tool, "train", "--base", one.base, "--data", one.data, "-o", output, "--force", "--json"]
    command += ["--batch-size", one.shape.batch, "--max-grad-norm", 0, "--threads", THREADS, "--steps-per-report", 1]
    first = 0.0
    words = []
    with answer.open("wb") as results:
        begin = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, [*command, *options])), stdout=results, stderr=subprocess.PIPE, text=True, env=UNCACHED
        )
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        for line in process.stderr:
            if not first and ": step 1/" in line:
                first = time.perf_counter() - begin
            words.append(line)
        _, status, usage = os.wait4(process.pid, 0)
        alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
    if process.returncode != 0:
        raise Failed(f"tenon train: status {process.returncode}: {''.join(words)}")
    told = json.loads(answer.read_text())
    steps = [json.loads(line) for line in output.with_suffix(".metrics.jsonl").read_text().splitlines()]
    lengths = one.lengths
    order = batches(len(lengths), one.shape.batch, len(steps), seed=0)
    tokens = [sum(lengths[row] for row in rows) for rows in order]
    seconds = [count / step["tokensPerSecond"] for count, step in zip(tokens, steps, strict=True)]
    rate = sum(tokens[WARM_UP:]) / sum(seconds[WARM_UP:])
    losses = [step["loss"] for step in steps]
    return Trained(rate, usage.ru_maxrss * PEAK_UNIT, first - seconds[0], first, told["trainableParameters"], losses)


def theirs(one: Subject, *options: object) -> Trained:
    """Trains with PyTorch and PEFT."""
    command = [sys.executable, ROOT / "Benchmarks" / "training_peer.py", one.wide, one.data]
    command += ["--batch-size", one.shape.batch, "--threads", THREADS, *options]
    found = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE)
    if found.returncode != 0:
        raise Failed(f"training_peer.py: status {found.returncode}: {found.stderr[-2000:]}")
    told = json.loads(found.stdout)
    first, step = told["firstStepSeconds"], told["stepSeconds"]
    rest = (told["trainableParameters"], told["losses"], told["sgemmGigaflops"])
    return Trained(told["tokensPerSecond"], told["peakBytes"], first - step, first, *rest)


def training(setting: Setting, board: Board) -> None:
    """All shapes, then the losses."""
    firsts: dict[str, tuple[float, float]] = {}
    for shape in SMOKE if setting.smoke else SHAPES:
        firsts[shape.name] = _beside(setting, board, subject(setting, shape))
    note = "begins and is done: " + ", ".join(f"{name} {a:.2f}, {b:.2f}" for name, (a, b) in firsts.items())
    board.add("training/first-step", max(begins for begins, _ in firsts.values()), note=note)
    _losses(setting, board)


def _beside(setting: Setting, board: Board, one: Subject) -> tuple[float, float]:
    """Speed and memory of one shape; the medians of the seconds until our first step begins, and is done."""
    shape = one.shape
    lora = ("--rank", RANK, "--alpha", ALPHA)
    words = ("--target-modules", "all-linear", "--learning-rate", "2e-4", "--iters", shape.steps)
    steps: dict[str, Callable[[], Trained]] = {
        "tenon": lambda: ours(setting, one, *lora, *words),
        "peft": lambda: theirs(one, *lora, "--steps", shape.steps),
    }
    found = rounds(1 if setting.smoke else setting.runs, steps)
    own, peer = found["tenon"], found["peft"]
    if own[0].parameters != peer[0].parameters:
        raise Failed(f"{own[0].parameters} numbers are trained here and {peer[0].parameters} there")
    rates, against = [run.rate for run in own], [run.rate for run in peer]
    note = f"{median(rates):.0f} tokens/s, PyTorch and PEFT {median(against):.0f}"
    board.add(f"training/{shape.name}-speed", ratio(rates, against), note=note, samples=rates)
    peak, other = max(run.peak for run in own), min(run.peak for run in peer)
    note = f"{peak / MEBIBYTE:.0f} MiB, PyTorch and PEFT {other / MEBIBYTE:.0f} MiB"
    board.add(f"training/{shape.name}-memory", peak / other, note=note)
    each = one.operations(own[0].parameters) / 1e9
    shares = [run.rate * each / beside.sgemm for run, beside in zip(own, peer)]
    their = median([run.rate * each / run.sgemm for run in peer])
    sgemm = median([run.sgemm for run in peer])
    note = f"{median(rates) * each:.0f} of {sgemm:.0f} GFLOP/s; PyTorch and PEFT {their:.2f}"
    board.add(f"training/{shape.name}-of-sgemm", median(shares), note=note, samples=shares)
    for path in (one.base, one.wide, one.data):
        setting.remove(path)
    return median([run.ready for run in own]), median([run.first for run in own])


def _losses(setting: Setting, board: Board) -> None:
    """The same factors at the start, the same batches: how far the losses come apart. Rows differ in length."""
    shape = Shape("losses", "tiny" if setting.smoke else "5m", 8, "16-128", 8)
    one = subject(setting, shape)
    order, start, container = setting.path("order.json"), setting.path("start"), setting.path("start.tenon")
    order.write_text(json.dumps(batches(len(one.lengths), shape.batch, COMPARED, seed=0)))
    rate = ("--learning-rate", COMPARED_RATE)
    words = ("--rank", RANK, "--alpha", ALPHA, "--save-init", start, "--order", order, "--no-sgemm")
    peer = theirs(one, *rate, *words, "--steps", COMPARED)
    packed = [setting.tool, "pack", start, "-o", container, "--quiet"]
    subprocess.run(list(map(str, packed)), check=True, stdout=subprocess.DEVNULL)
    own = ours(setting, one, *rate, "--init", container, "--iters", COMPARED)
    apart = max(abs(a - b) for a, b in zip(own.losses, peer.losses, strict=True))
    note = f"from {peer.losses[0]:.3f} to {peer.losses[-1]:.3f} in {COMPARED} steps"
    board.add("training/losses", apart, firm=True, note=note)
    for path in (one.base, one.wide, one.data, start, container):
        setting.remove(path)
