"""The figures of whole checkpoints beside Python's packages, and of memory as checkpoints grow."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deltas import adapter, checkpoint
from measure import Failed, Run, median, ratio, rounds, run
from report import Board
from setting import ROOT, Setting

MEBIBYTE = 1 << 20
#: Layers of the 1.1B shape, and so many that all its tensors take twice the bytes.
LARGE = (22, 47)
#: The same where memory lacks the room: 0.55 and 1.1 billion parameters.
MEDIUM = (10, 23)
SMALL = (2, 6)
#: Memory that the files of the large pair and the commands take.
ROOM = 15 << 30
#: Seconds that a peer may take.
PATIENCE = 900
#: The rounds with peers that take minutes, or seconds to start.
SLOW_ROUNDS = 3
LINEAR = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"
#: No digest known from before.
UNCACHED = {"TENON_CACHE": "off", "PATH": "/usr/bin:/bin"}


def available() -> int:
    """The bytes that can still be taken without paging."""
    table = Path("/proc/meminfo")
    fields = dict(line.split(":") for line in table.read_text().splitlines()) if table.exists() else {}
    return int(fields["MemAvailable"].split()[0]) << 10 if "MemAvailable" in fields else 0


def answered(
    setting: Setting,
    script: str,
    *words: str | Path,
    python: str | Path = sys.executable,
    environment: dict[str, str] | None = None,
) -> tuple[Run, object]:
    """Runs one of the scripts that leave an answer."""
    answer = setting.path("answer.json")
    words = (python, ROOT / "Benchmarks" / script, answer, *words)
    result = run(*words, environment=environment, limit=PATIENCE)
    return result, json.loads(answer.read_text())


def few(setting: Setting) -> int:
    """The rounds with slow peers."""
    return 1 if setting.smoke else min(setting.runs, SLOW_ROUNDS)


def memory(setting: Setting, board: Board) -> None:
    """The most memory a command holds on a checkpoint, and on one twice the size."""
    sizes = SMALL if setting.smoke else LARGE if available() >= ROOM else MEDIUM
    preset = "tiny" if setting.smoke else "1.1b"
    peaks: dict[str, list[float]] = {"apply": [], "lossless": [], "rank-16": []}
    for layers in sizes:
        base = checkpoint(setting, "memory-base", "--preset", preset, "--layers", layers)
        folder = adapter(setting, base, "memory-adapter")
        container, output = setting.path("memory.tenon"), setting.path("memory-output")
        run(setting.tool, "pack", folder, "--base", base, "-o", container)
        peaks["apply"].append(_peak(setting, output, "apply", container, "--base", base))
        tuned = checkpoint(setting, "memory-tuned", "--base", base, "--tuned", "lowrank:32")
        pair = ("extract", "--base", base, "--tuned", tuned)
        peaks["lossless"].append(_peak(setting, output, *pair))
        peaks["rank-16"].append(_peak(setting, output, *pair, "--rank", "16"))
        for path in (base, tuned, folder, container):
            setting.remove(path)
    for name, (once, twice) in peaks.items():
        note = f"{once:.0f} MiB, {twice:.0f} MiB; {sizes[0]} and {sizes[1]} layers"
        board.add(f"memory/{name}", twice / once, note=note)


def _peak(setting: Setting, output: Path, *words: str | Path) -> float:
    """The MiB of the worst of the rounds."""
    peak = 0.0
    for _ in range(few(setting)):
        setting.remove(output)
        result = run(setting.tool, *words, "-o", output, environment=UNCACHED, limit=PATIENCE)
        peak = max(peak, result.peak / MEBIBYTE)
    setting.remove(output)
    return peak


def merge(setting: Setting, board: Board) -> None:
    """A rank-16 LoRA of all linear layers put onto a checkpoint of 1.1 B parameters, beside PEFT."""
    base = checkpoint(setting, "merge-base", "--preset", "tiny" if setting.smoke else "1.1b")
    folder = adapter(setting, base, "merge-adapter")
    container = setting.path("merge.tenon")
    run(setting.tool, "pack", folder, "--base", base, "-o", container)
    found, peer = setting.folder / "merged", setting.folder / "merged-by-peft"

    def ours() -> Run:
        setting.remove(found)
        subprocess.run(["sync"], check=True)
        return run(setting.tool, "apply", container, "--base", base, "-o", found, environment=UNCACHED)

    def theirs() -> tuple[Run, object]:
        setting.remove(peer)
        subprocess.run(["sync"], check=True)
        return answered(setting, "rivals.py", "peft", base, folder, peer)

    results = rounds(1 if setting.smoke else setting.runs, {"tenon": ours, "peft": theirs})
    times = [one.seconds for one in results["tenon"]]
    seconds = [answer["seconds"] for _, answer in results["peft"]]
    whole = median([one.seconds for one, _ in results["peft"]])
    note = f"{median(times):.2f} s, PEFT {median(seconds):.1f} s, with start and imports {whole:.1f} s"
    board.add("merge/speed", ratio(seconds, times), note=note, samples=times)
    peak, against = max(one.peak for one in results["tenon"]), min(one.peak for one, _ in results["peft"])
    note = f"{peak / MEBIBYTE:.0f} MiB, PEFT {against / MEBIBYTE:.0f} MiB"
    board.add("merge/peak", peak / against, note=note)
    _, apart = answered(setting, "factors.py", "units", base, found, peer)
    note = f"{apart['differing']} of {apart['count']} weights differ"
    board.add("merge/units", apart["units"], firm=True, note=note)
    for path in (base, folder, container, found, peer):
        setting.remove(path)


def layer(setting: Setting, board: Board) -> None:
    """A rank-16 LoRA out of one layer of the 1.1B shape, beside mergekit and numpy's full decomposition."""
    size = ("--preset", "tiny" if setting.smoke else "1.1b", "--layers", 1, "--vocabulary", 64)
    base = checkpoint(setting, "layer-base", *size)
    tuned = checkpoint(setting, "layer-tuned", "--base", base, "--tuned", "lowrank:32")
    container, output = setting.folder / "layer.tenon", setting.folder / "layer-output"

    def ours() -> Run:
        setting.remove(container)
        words = ("extract", "--base", base, "--tuned", tuned, "--rank", "16", "--target-modules", LINEAR)
        return run(setting.tool, *words, "-o", container, environment=UNCACHED)

    def theirs(job: str, **options: object) -> Callable[[], float]:
        def worked() -> float:
            setting.remove(output)
            return answered(setting, "rivals.py", job, base, tuned, output, "16", **options)[1]["seconds"]

        return worked

    # OpenBLAS has other kernels where the environment does not name a processor.
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    steps = {"tenon": ours, "gesdd": theirs("gesdd", environment=plain)}
    if "OPENBLAS_CORETYPE" in os.environ:
        steps["gesdd-as-told"] = theirs("gesdd")
    if python := mergekit():
        steps["mergekit"] = theirs("mergekit", python=python)
    results = rounds(few(setting), steps)
    times = [one.seconds for one in results["tenon"]]
    fastest = min((name for name in results if name.startswith("gesdd")), key=lambda name: median(results[name]))
    for bar, name in (("mergekit", "mergekit"), ("gesdd", fastest)):
        if name in results:
            note = f"{median(times):.3f} s, {name} {median(results[name]):.1f} s"
            board.add(f"layer/to-{bar}", ratio(results[name], times), note=note, samples=times)
    board.add("layer/peak", max(one.peak for one in results["tenon"]) / MEBIBYTE, firm=True)
    for path in (base, tuned, container, output):
        setting.remove(path)


def mergekit() -> Path | None:
    """The interpreter that has mergekit."""
    command = [ROOT / "Scripts" / "peers-venv", ROOT / "Benchmarks" / "mergekit.txt"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if found.returncode not in (0, 75):
        raise Failed(f"peers-venv: status {found.returncode}")
    return Path(found.stdout.strip()) if found.returncode == 0 else None
