"""The figures of speed and of memory."""

import filecmp
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import data
from measure import Failed, Run, median, ratio, rounds, run
from report import Board
from setting import ROOT, WEIGHTS, Setting, compiled, tensor_bytes

GIBIBYTE = 1 << 30
GIGABYTE = 1e9
#: How often the small adapter is packed each round: it takes milliseconds.
REPEATS = 5
#: What the tool takes, and the bodies without SHA instructions.
LEVELS = ("best", "avx512", "avx2", "neon")
#: The environment in which OpenSSL finds no SHA instructions.
PLAIN_OPENSSL = {"OPENSSL_ia32cap": ":~0x20000000", "OPENSSL_armcap": "0"}


class Subject:
    """An adapter folder on its way in and out, by the tool and by ZipNN."""

    def __init__(self, setting: Setting, dtype: str, folder: Path) -> None:
        self.setting = setting
        self.dtype = dtype
        self.folder = folder
        self.bytes = tensor_bytes(folder / WEIGHTS)
        self.container = setting.folder / f"{folder.name}.tenon"
        self.unpacked = setting.folder / f"{folder.name}.out"

    def pack(self) -> Run:
        """Times `pack`."""
        self.setting.remove(self.container)
        return run(self.setting.tool, "pack", self.folder, "-o", self.container)

    def unpack(self) -> Run:
        """Times `unpack`, which checks every SHA-256, and looks whether all came back."""
        self.setting.remove(self.unpacked)
        result = run(self.setting.tool, "unpack", self.container, "-o", self.unpacked)
        self._compare(self.unpacked / WEIGHTS)
        self.setting.remove(self.unpacked)
        return result

    def verify(self) -> Run:
        """Times `verify` at level full."""
        return run(self.setting.tool, "verify", self.container)

    def zipnn_in(self, mode: str) -> Callable[[], float]:
        """Seconds of ZipNN's compression in a mode."""

        def step() -> float:
            target = self.setting.path(f"{mode}.znn")
            return self.setting.peers.zipnn("compress", mode, self.dtype, self.folder / WEIGHTS, target)

        return step

    def zipnn_out(self, mode: str) -> Callable[[], float]:
        """Seconds of ZipNN's decompression in a mode."""

        def step() -> float:
            source, target = self.setting.folder / f"{mode}.znn", self.setting.path(f"{mode}.out")
            seconds = self.setting.peers.zipnn("decompress", mode, self.dtype, source, target)
            self._compare(target)
            self.setting.remove(target)
            return seconds

        return step

    def zipnn_size(self) -> int:
        """The bytes of ZipNN's smaller file."""
        return min((self.setting.folder / f"{mode}.znn").stat().st_size for mode in ("plain", "stream"))

    def _compare(self, path: Path) -> None:
        if not filecmp.cmp(path, self.folder / WEIGHTS, shallow=False):
            raise Failed(f"{path} differs from what went in")

    def remove(self) -> None:
        """Removes all that this left."""
        for path in (self.folder, self.container, self.unpacked):
            self.setting.remove(path)


def repeated(step: Callable[[], Run]) -> Callable[[], Run]:
    """The run of median time of some."""
    return lambda: sorted((step() for _ in range(REPEATS)), key=lambda one: one.seconds)[REPEATS // 2]


def seconds(runs: list[Run]) -> list[float]:
    """The wall clock of each."""
    return [one.seconds for one in runs]


def bf16(setting: Setting, board: Board) -> None:
    """A gibibyte of bf16."""
    subject = Subject(setting, "bf16", setting.gaussian("bf16", 20_000_000 if setting.smoke else GIBIBYTE))
    _both_ways(setting, board, subject, None)
    times = [run(setting.tool, "inspect", subject.container).seconds for _ in range(20)]
    board.add("bf16/inspect", median(times) * 1e3, samples=times)
    subject.remove()


def fp32(setting: Setting, board: Board) -> None:
    """A gibibyte of fp32, and the 20 MB adapter beside it."""
    subject = Subject(setting, "fp32", setting.gaussian("fp32", 20_000_000 if setting.smoke else GIBIBYTE))
    adapter = Subject(setting, "fp32", setting.gaussian("fp32", 19_000_000, data.SMALL))
    _both_ways(setting, board, subject, adapter)
    subject.remove()
    adapter.remove()


def _both_ways(setting: Setting, board: Board, subject: Subject, adapter: Subject | None) -> None:
    """Takes the subject in and out beside ZipNN, and an adapter beside the subject."""
    inward = {"pack": subject.pack, "zipnn": subject.zipnn_in("plain"), "stream": subject.zipnn_in("stream")}
    outward = {"unpack": subject.unpack, "verify": subject.verify}
    outward |= {"zipnn-out": subject.zipnn_out("plain"), "stream-out": subject.zipnn_out("stream")}
    if adapter:
        inward["adapter-pack"] = repeated(adapter.pack)
        outward["adapter-unpack"] = repeated(adapter.unpack)
    results = rounds(setting.runs, inward, outward)
    label = subject.dtype

    stored, size = subject.container.stat().st_size, (subject.folder / WEIGHTS).stat().st_size
    peer = subject.zipnn_size()
    board.add(f"{label}/size", stored / size, ratio=stored / peer)
    board.add(f"{label}/size-to-zipnn", stored / peer, note=f"{stored} B, ZipNN {peer} B")
    for verb, plain, stream in (("pack", "zipnn", "stream"), ("unpack", "zipnn-out", "stream-out")):
        times = seconds(results[verb])
        against = ratio(results[plain], times)
        _rate(board, f"{label}/{verb}", subject.bytes, results[verb], against)
        rate = subject.bytes / GIGABYTE / median(results[plain])
        board.add(f"{label}/{verb}-to-zipnn", against, note=f"ZipNN {rate:.2f} GB/s", samples=results[plain])
        rate = subject.bytes / GIGABYTE / median(results[stream])
        against = ratio(results[stream], times)
        board.add(f"{label}/{verb}-to-zipnn-stream", against, note=f"ZipNN {rate:.2f} GB/s", samples=results[stream])
        if adapter:
            name = f"adapter-{verb}"
            share = ratio(times, seconds(results[name])) * adapter.bytes / subject.bytes
            rate = adapter.bytes / GIGABYTE / median(seconds(results[name]))
            board.add(f"{label}/{name}-share", share, note=f"{rate:.2f} GB/s", samples=seconds(results[name]))
    _rate(board, f"{label}/verify", subject.bytes, results["verify"], None)
    peaks = {verb: max(one.peak for one in results[verb]) / (1 << 20) for verb in ("pack", "unpack", "verify")}
    worst = max(peaks, key=peaks.get)
    note = ", ".join(f"{verb} {peak:.0f}" for verb, peak in peaks.items())
    board.add(f"{label}/peak", peaks[worst], firm=True, note=note)


def _rate(board: Board, name: str, size: int, runs: list[Run], against: float | None) -> None:
    """Adds a rate, and notes what one core does: that hardly depends on what runs beside it."""
    core = size / GIGABYTE / median([one.cpu for one in runs])
    rate = size / GIGABYTE / median(seconds(runs))
    board.add(name, rate, ratio=against, note=f"{core:.2f} GB per core and second", samples=seconds(runs))


def start(setting: Setting, board: Board) -> None:
    """From start to exit."""
    times = [run(setting.tool, "--version").seconds for _ in range(50)]
    board.add("start/version", median(times) * 1e3, samples=times)


def sha256(setting: Setting, board: Board) -> None:
    """The kernel that hashes leaves side by side, beside OpenSSL on one core, with and without SHA instructions."""
    program = _kernel()
    levels = [level for level in LEVELS if _has(program, level)]
    steps: dict[str, Callable[[], float]] = {
        f"{level}-{threads}": lambda level=level, threads=threads: _lanes(program, level, threads)
        for level in levels
        for threads in (2, 1)
    }
    steps["openssl"] = lambda: _openssl({})
    steps["openssl-plain"] = lambda: _openssl(PLAIN_OPENSSL)
    rates = rounds(setting.runs, steps)
    for peer in ("openssl-plain", "openssl"):
        note = f"OpenSSL {median(rates[peer]):.2f} GB/s"
        for threads in (2, 1):
            own = rates[f"best-{threads}"]
            board.add(f"sha256/{threads}-threads-to-{peer}", ratio(own, rates[peer]), note=note, samples=own)
    for name in (name for name in steps if not name.startswith("openssl")):
        board.add(f"sha256/{name}", median(rates[name]), samples=rates[name])


def _kernel() -> Path:
    """The timing program, built anew if a source changed."""
    folder = ROOT / "Sources" / "Shims" / "CKernels"
    sources = [ROOT / "Benchmarks" / "Kernels" / "sha256.c", *sorted(folder.rglob("*.c"))]
    headers = list(folder.rglob("*.h"))
    return compiled("sha256", sources, headers, "-std=gnu11", "-pthread", "-I", folder / "include", "-lm")


def _has(program: Path, level: str) -> bool:
    """Whether the processor has the level. Wrong digests end the benchmark."""
    status = subprocess.run([program, level, "1"], stdout=subprocess.DEVNULL).returncode
    if status not in (0, 69):
        raise Failed(f"{program.name} {level}: status {status}")
    return status == 0


def _lanes(program: Path, level: str, threads: int) -> float:
    """GB/s of the kernel."""
    return float(subprocess.run([program, level, str(threads)], capture_output=True, text=True, check=True).stdout)


def _openssl(environment: dict[str, str]) -> float:
    """GB/s of OpenSSL's SHA-256 on one core, on blocks of the size of a leaf."""
    command = ["openssl", "speed", "-elapsed", "-mr", "-seconds", "1", "-bytes", str(1 << 20), "-evp", "sha256"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    found = re.search(r"^\+F:\d+:sha256:([\d.]+)$", result.stdout, re.MULTILINE | re.IGNORECASE)
    if not found:
        raise Failed(f"openssl speed said {result.stdout!r}")
    return float(found[1]) / GIGABYTE
