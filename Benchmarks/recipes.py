"""The figures of merged checkpoints beside mergekit, on the same recipes."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from deltas import checkpoint
from measure import Run, median, ratio, rounds, run
from models import MEBIBYTE, PATIENCE, UNCACHED, answered, few, mergekit
from report import Board
from setting import Setting

#: What each method's recipe says beside its models, and of each of them.
METHODS = {
    "linear": ("", "weight: 0.5"),
    "slerp": ("parameters: {t: 0.4}", ""),
    "ties": ("parameters: {density: 0.3, normalize: true}", "weight: 0.5"),
    "dare_ties": ("parameters: {density: 0.3}", "weight: 0.5"),
}


def recipe(path: Path, method: str, base: Path, models: list[Path]) -> None:
    """Writes a recipe in mergekit's YAML."""
    shared, own = METHODS[method]
    lines = [f"merge_method: {method}", "dtype: bfloat16", shared]
    if method != "linear":
        lines.append(f"base_model: {base}")
    lines.append("models:")
    for model in models:
        lines.append(f"  - model: {model}")
        if own:
            lines.append(f"    parameters: {{{own}}}")
    path.write_text("\n".join(filter(None, lines)) + "\n")


def recipes(setting: Setting, board: Board) -> None:
    """Merges of a base of 1.1 B parameters with models tuned from it, beside mergekit with all cores."""
    base = checkpoint(setting, "recipes-base", "--preset", "tiny" if setting.smoke else "1.1b")
    tuned = [
        checkpoint(setting, f"recipes-{seed}", "--base", base, "--tuned", "gaussian:1e-3", "--seed", seed)
        for seed in (11, 12)
    ]
    python = mergekit()
    for method in METHODS:
        models = [base, tuned[0]] if method == "slerp" else tuned
        file, found, peer = setting.path("recipe.yaml"), setting.folder / "merged", setting.folder / "merged-by-peer"
        recipe(file, method, base, models)

        def ours() -> Run:
            setting.remove(found)
            subprocess.run(["sync"], check=True)
            return run(setting.tool, "merge", "--recipe", file, "-o", found, environment=UNCACHED, limit=PATIENCE)

        def theirs() -> tuple[Run, object]:
            setting.remove(peer)
            subprocess.run(["sync"], check=True)
            cores = str(os.cpu_count())
            return answered(setting, "rivals.py", "mergekit-yaml", file, peer, cores, python=python)

        steps: dict[str, Callable[[], object]] = {"tenon": ours}
        if python:
            steps["mergekit"] = theirs
        results = rounds(few(setting), steps)
        times = [one.seconds for one in results["tenon"]]
        peak = max(one.peak for one in results["tenon"]) / MEBIBYTE
        note = f"{median(times):.2f} s"
        if python:
            seconds = [answer["seconds"] for _, answer in results["mergekit"]]
            against = min(one.peak for one, _ in results["mergekit"]) / MEBIBYTE
            board.add(
                f"recipes/{method}", ratio(seconds, times), note=f"{note}, mergekit {median(seconds):.1f} s",
                samples=times)
            note = f"mergekit {against:.0f} MiB"
        board.add(f"recipes/{method}-peak", peak, firm=True, note=note)
        for path in (file, found, peer):
            setting.remove(path)
    for path in (base, *tuned):
        setting.remove(path)
