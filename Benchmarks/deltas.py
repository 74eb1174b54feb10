"""The figures of deltas between checkpoints, and of adapters put onto one."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from measure import Failed, Run, median, ratio, rounds, run
from report import Board
from setting import ROOT, Setting

GIGABYTE = 1e9
#: How the tuned checkpoints differ, by the name of the figure.
CHANGES = {"gaussian": "gaussian:0.0002", "ulp": "ulp:0.01", "geometric": "geometric:0.01", "values": "values:0.01"}


def checkpoint(setting: Setting, name: str, *options: object) -> Path:
    """A checkpoint that `Scripts/make-checkpoint` makes."""
    folder = setting.path(name)
    command = [sys.executable, ROOT / "Scripts" / "make-checkpoint", folder, *options]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return folder


def weights(folder: Path) -> int:
    """The bytes of a checkpoint's files of weights."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def preset(setting: Setting) -> str:
    """The shape that is measured on: a small one in a smoke."""
    return "tiny" if setting.smoke else "160m"


def delta_size(setting: Setting, board: Board) -> None:
    """What a lossless delta takes of the tuned checkpoint, beside zstd's patch; `table.py` has ZipNN's too."""
    base = checkpoint(setting, "size-base", "--preset", preset(setting))
    for name, change in CHANGES.items():
        tuned = checkpoint(setting, f"size-{name}", "--base", str(base), "--tuned", change)
        whole = weights(tuned)
        for effort in ("default", "max") if name == "gaussian" else ("default",):
            stored = _extracted(setting, base, tuned, effort).stat().st_size
            suffix = "" if effort == "default" else "-max"
            if name == "gaussian":
                board.add(f"delta-size/{name}{suffix}", stored / whole, note=f"{stored} B of {whole}")
            else:
                board.add(f"delta-size/{name}", whole / stored, note=f"{stored} B of {whole}")
        if shutil.which("zstd"):
            peer = _patch(setting, base, tuned)
            board.add(f"delta-size/{name}-to-zstd-patch", stored / peer, note=f"zstd --patch-from {peer / whole:.4f}")
        setting.remove(tuned)
    setting.remove(base)


def _extracted(setting: Setting, base: Path, tuned: Path, effort: str) -> Path:
    """A lossless delta, after looking whether it gives the tuned checkpoint back."""
    container, back = setting.path("sized-delta.tenon"), setting.path("sized-back")
    run(setting.tool, "extract", "--base", base, "--tuned", tuned, "-o", container, "--compression", effort)
    run(setting.tool, "apply", container, "--base", base, "-o", back)
    if subprocess.run(["diff", "-r", back, tuned], capture_output=True).returncode != 0:
        raise Failed(f"{tuned.name} did not come back")
    setting.remove(back)
    return container


def _patch(setting: Setting, base: Path, tuned: Path) -> int:
    """The size of zstd's patch of the first file of weights, at level 3 with a window over all of it."""
    file = next(iter(sorted(tuned.glob("*.safetensors"))))
    patch = setting.path("patch.zst")
    command = ["zstd", "-3", "-q", "--long=31", f"--patch-from={base / file.name}", str(file), "-o", str(patch)]
    subprocess.run(command, check=True)
    return patch.stat().st_size


def apply(setting: Setting, board: Board) -> None:
    """A rank-16 LoRA of all linear layers put onto a checkpoint of 1.1 B parameters, beside `cp`."""
    base = checkpoint(setting, "apply-base", "--preset", "tiny" if setting.smoke else "1.1b")
    container = setting.path("apply-adapter.tenon")
    folder = adapter(setting, base, "apply-adapter")
    run(setting.tool, "pack", folder, "--base", base, "-o", container)
    result, copy = setting.folder / "applied", setting.folder / "copied"
    environment = {"TENON_CACHE": "off", "PATH": "/usr/bin:/bin"}

    def step(*options: str) -> Callable[[], Run]:
        def applied() -> Run:
            setting.remove(result)
            subprocess.run(["sync"], check=True)
            arguments = ("apply", container, "--base", base, "-o", result, *options)
            return run(setting.tool, *arguments, environment=environment)

        return applied

    def copied() -> Run:
        setting.remove(copy)
        subprocess.run(["sync"], check=True)
        return run("/bin/cp", "-r", "--reflink=never", base, copy)

    results = rounds(setting.runs, {"cp": copied, "apply": step(), "digests": step("--result-root")})
    size = weights(base)
    for name, label in (("apply", "to-cp"), ("digests", "with-result-digests-to-cp")):
        share = ratio([one.seconds for one in results["cp"]], [one.seconds for one in results[name]])
        rate = size / GIGABYTE / median([one.seconds for one in results[name]])
        board.add(f"apply/{label}", share, note=f"{rate:.2f} GB/s", samples=[one.seconds for one in results[name]])
    peak = max(one.peak for name in ("apply", "digests") for one in results[name]) / (1 << 20)
    board.add("apply/peak", peak, firm=True)
    for path in (base, folder, result, copy):
        setting.remove(path)


def extract(setting: Setting, board: Board) -> None:
    """Lossless and rank-16 deltas of a full fine-tune of 1.1 B parameters."""
    base = checkpoint(setting, "extract-base", "--preset", "tiny" if setting.smoke else "1.1b")
    tuned = checkpoint(setting, "extract-tuned", "--base", str(base), "--tuned", "lowrank:32")
    container = setting.folder / "extracted.tenon"

    def step(*options: str) -> Callable[[], Run]:
        def extracted() -> Run:
            setting.remove(container)
            return run(setting.tool, "extract", "--base", base, "--tuned", tuned, "-o", container, *options)

        return extracted

    results = rounds(setting.runs, {"lossless": step(), "rank": step("--rank", "16")})
    both = weights(base) + weights(tuned)
    rate = both / GIGABYTE / median([one.seconds for one in results["lossless"]])
    board.add("extract/lossless", rate, samples=[one.seconds for one in results["lossless"]])
    seconds = median([one.seconds for one in results["rank"]])
    board.add("extract/rank-16", seconds, samples=[one.seconds for one in results["rank"]])
    for name, bar in (("lossless", "extract/lossless-peak"), ("rank", "extract/rank-16-peak")):
        board.add(bar, max(one.peak for one in results[name]) / (1 << 20), firm=True)
    for path in (base, tuned, container):
        setting.remove(path)


def adapter(setting: Setting, base: Path, name: str, deviation: float = 0.02) -> Path:
    """A rank-16 LoRA of all linear layers of a checkpoint, of gaussian numbers of this standard deviation."""
    folder = setting.path(name)
    config = json.loads((base / "config.json").read_text())
    command = [sys.executable, ROOT / "Benchmarks" / "data.py", folder, "--dtype", "fp32", "--rank", "16"]
    command += ["--hidden", config["hidden_size"], "--intermediate", config["intermediate_size"]]
    command += ["--layers", config["num_hidden_layers"], "--sigma", deviation]
    heads = config["hidden_size"] // config["num_attention_heads"]
    command += ["--key-values", config.get("num_key_value_heads", config["num_attention_heads"]) * heads]
    subprocess.run(list(map(str, command)), check=True)
    return folder
