"""The figures of what goes to storage: sizes and rates of deltas beside other coders, and what fsync costs."""

import filecmp
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deltas import CHANGES, GIGABYTE, adapter, checkpoint, preset, weights
from measure import Failed, Run, median, ratio, rounds, run
from models import UNCACHED
from report import Board
from setting import ROOT, Setting, compiled

WEIGHTS = "model.safetensors"
#: Seconds for a coder at its strongest.
PATIENCE = 600


class Pair:
    """A gaussian pair of checkpoints in bf16, on its way into a delta and back out of it."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.base = checkpoint(setting, "table-base", "--preset", preset(setting))
        self.tuned = checkpoint(setting, "table-tuned", "--base", self.base, "--tuned", CHANGES["gaussian"])
        self.bytes = weights(self.tuned)

    def delta(self, name: str) -> Path:
        """Where a coder's delta lies."""
        return self.setting.folder / f"table-{name}"

    def tenon(self, name: str, effort: str) -> tuple[Callable[[], float], Callable[[], float]]:
        """Seconds of `extract` and of `apply`, every digest among them."""
        delta, back = self.delta(name), self.setting.folder / "table-back"

        def inward() -> float:
            self.setting.remove(delta)
            words = ("extract", "--base", self.base, "--tuned", self.tuned, "-o", delta, "--compression", effort)
            return run(self.setting.tool, *words, environment=UNCACHED, limit=PATIENCE).seconds

        def outward() -> float:
            self.setting.remove(back)
            words = ("apply", delta, "--base", self.base, "-o", back)
            seconds = run(self.setting.tool, *words, environment=UNCACHED, limit=PATIENCE).seconds
            return self._compared(seconds, back / WEIGHTS, back)

        return inward, outward

    def zipnn(self, name: str, base: Path | None) -> tuple[Callable[[], float], Callable[[], float]]:
        """Seconds of ZipNN, of the tuned file alone or of its delta."""
        delta, back, peers = self.delta(name), self.setting.folder / "table-back", self.setting.peers
        return (
            lambda: peers.zipnn("compress", "plain", "bf16", self.tuned / WEIGHTS, delta, base),
            lambda: self._compared(peers.zipnn("decompress", "plain", "bf16", delta, back, base), back, back),
        )

    def patch(self, name: str, *options: str) -> tuple[Callable[[], float], Callable[[], float]]:
        """Seconds of zstd with the base as its dictionary, on all cores."""
        delta, back = self.delta(name), self.setting.folder / "table-back"
        words = ["zstd", "-q", "-f", "-T0", "--long=31", f"--patch-from={self.base / WEIGHTS}"]

        def timed(*rest: str | Path) -> float:
            begin = time.perf_counter()
            subprocess.run([*words, *rest], check=True)
            return time.perf_counter() - begin

        return (
            lambda: timed(*options, self.tuned / WEIGHTS, "-o", delta),
            lambda: self._compared(timed("-d", delta, "-o", back), back, back),
        )

    def _compared(self, seconds: float, found: Path, made: Path) -> float:
        """The seconds, after looking whether all came back."""
        if not filecmp.cmp(found, self.tuned / WEIGHTS, shallow=False):
            raise Failed(f"{found} differs from what went in")
        self.setting.remove(made)
        return seconds


def table(setting: Setting, board: Board) -> None:
    """A gaussian change of every weight: share of the raw size, and GB/s of it in and out, beside other coders."""
    pair = Pair(setting)
    coders = {
        "tenon": pair.tenon("tenon", "default"),
        "tenon-max": pair.tenon("tenon-max", "max"),
        "zipnn": pair.zipnn("zipnn", None),
        "zipnn-delta": pair.zipnn("zipnn-delta", pair.base / WEIGHTS),
        "zstd-patch": pair.patch("zstd-patch", "-3"),
    }
    results = rounds(
        setting.runs,
        {name: inward for name, (inward, _) in coders.items()},
        {f"{name} out": outward for name, (_, outward) in coders.items()},
    )
    sizes = {name: pair.delta(name).stat().st_size for name in coders}
    for name in coders:
        rates = {way: pair.bytes / GIGABYTE / median(results[name + way]) for way in ("", " out")}
        board.add(f"table/{name}", sizes[name] / pair.bytes, note=f"{sizes[name]} B of {pair.bytes}")
        board.add(f"table/{name}-in", rates[""], samples=results[name])
        board.add(f"table/{name}-out", rates[" out"], samples=results[f"{name} out"])
    for peer in ("zipnn-delta", "zstd-patch"):
        board.add(f"table/to-{peer}", sizes["tenon"] / sizes[peer])
    for path in (pair.base, pair.tuned, *map(pair.delta, coders)):
        setting.remove(path)


def sync(setting: Setting, board: Board) -> None:
    """`apply` onto a disk: the time within fsync told apart from the rest, beside `cp` and a sync of what it wrote."""
    if not sys.platform.startswith("linux"):
        print("SKIPPED sync: the time within fsync is told on Linux only")
        return
    base = checkpoint(setting, "sync-base", "--preset", "tiny" if setting.smoke else "1.1b")
    folder = adapter(setting, base, "sync-adapter")
    container, times = setting.path("sync.tenon"), setting.path("sync-times")
    run(setting.tool, "pack", folder, "--base", base, "-o", container)
    library = compiled("sync.so", [ROOT / "Benchmarks" / "Kernels" / "sync.c"], [], "-shared", "-fPIC", "-ldl")
    environment = UNCACHED | {"LD_PRELOAD": str(library), "TENON_SYNC_TIMES": str(times)}
    with tempfile.TemporaryDirectory(dir=library.parent) as disk:
        result, copy = Path(disk, "applied"), Path(disk, "copied")

        def applied() -> tuple[Run, float]:
            setting.remove(result)
            subprocess.run(["sync"], check=True)
            one = run(setting.tool, "apply", container, "--base", base, "-o", result, environment=environment)
            return one, float(times.read_text().split()[1])

        def copied() -> tuple[Run, float]:
            setting.remove(copy)
            subprocess.run(["sync"], check=True)
            one = run("/bin/cp", "-r", "--reflink=never", base, copy)
            begin = time.perf_counter()
            subprocess.run(["sync", *sorted(copy.iterdir())], check=True)
            return one, time.perf_counter() - begin

        results = rounds(setting.runs, {"cp": copied, "apply": applied})
    calls = times.read_text().split()[0]
    within = {name: [seconds for _, seconds in results[name]] for name in results}
    rest = {"cp": [one.seconds for one, _ in results["cp"]]}
    rest["apply"] = [one.seconds - seconds for one, seconds in results["apply"]]
    note = f"{median(rest['apply']):.2f} s, cp {median(rest['cp']):.2f} s"
    board.add("sync/rest-to-cp", ratio(rest["cp"], rest["apply"]), note=note, samples=rest["apply"])
    note = f"{calls} calls"
    board.add("sync/within", median(within["apply"]), note=note, samples=within["apply"])
    board.add("sync/after-cp", median(within["cp"]), samples=within["cp"])
    both = {name: [one + other for one, other in zip(rest[name], within[name])] for name in rest}
    board.add("sync/all-to-cp", ratio(both["cp"], both["apply"]), samples=both["apply"])
    for path in (base, folder, container, times):
        setting.remove(path)
