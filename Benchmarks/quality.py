"""The figures of how near a low rank comes, and of what an exact undo takes."""

import json
import math
import subprocess
from pathlib import Path

from deltas import adapter, checkpoint, preset
from measure import Failed, run
from models import answered
from report import Board
from setting import Setting, inspected

#: What is asked of `--energy` and of `--error`.
ENERGIES = (0.3, 0.6, 0.9, 0.97)
ERRORS = (0.9, 0.6, 0.3)
RANKS = (4, 16, 48)
#: Deviations of an adapter's factors of rank 16 and scale 2: changes as of a strong and of a mild fine-tune.
DEVIATIONS = {"strong": 0.02, "mild": 0.005}


def quality(setting: Setting, board: Board) -> None:
    """Low ranks beside the exact decomposition, uniform ranks beside a budget, and what was asked beside what came."""
    base, tuned = setting.path("quality-base"), setting.path("quality-tuned")
    answered(setting, "factors.py", "make", base, tuned)
    uniform = {rank: _extracted(setting, base, tuned, "--rank", rank) for rank in RANKS}
    energy = {share: _extracted(setting, base, tuned, "--energy", share) for share in ENERGIES}
    error = {limit: _extracted(setting, base, tuned, "--error", limit) for limit in ERRORS}
    folders = [*uniform.values(), *energy.values(), *error.values()]
    judged = _judged(setting, base, tuned, [folder for folder, _ in folders])
    ranked, shared, limited = judged[: len(RANKS)], judged[len(RANKS) : -len(ERRORS)], judged[-len(ERRORS) :]

    worst = {
        rank: max(_error(one) / _error(one, "exact") for one in found["matrices"])
        for rank, found in zip(RANKS, ranked, strict=True)
    }
    note = ", ".join(f"rank {rank} {error:.5f}" for rank, error in worst.items())
    board.add("quality/to-exact", max(worst.values()), firm=True, note=note)
    told = max(
        abs(document["relativeError"] / _whole(found) - 1) for (_, document), found in zip(folders, judged, strict=True)
    )
    board.add("quality/told", told, firm=True)
    pairs = [(asked, one) for asked, found in zip(ENERGIES, shared, strict=True) for one in found["matrices"]]
    margins = [1 - one["left"] / one["squares"] - asked for asked, one in pairs]
    board.add("quality/energy-margin", min(margins), firm=True, note=f"of {len(margins)} matrices")
    pairs = [(asked, one) for asked, found in zip(ERRORS, limited, strict=True) for one in found["matrices"]]
    margins = [asked - _error(one) for asked, one in pairs]
    board.add("quality/error-margin", min(margins), firm=True, note=f"of {len(margins)} matrices")

    budgets = [_extracted(setting, base, tuned, "--budget", found["bytes"])[0] for found in ranked]
    shares = []
    for rank, even, found in zip(RANKS, ranked, _judged(setting, base, tuned, budgets), strict=True):
        if found["bytes"] > even["bytes"]:
            raise Failed(f"factors of {found['bytes']} B for a budget of {even['bytes']} B")
        shares.append((_whole(found) / _whole(even), rank))
    note = ", ".join(f"as rank {rank} {share:.4f}" for share, rank in shares)
    board.add("quality/budget-to-uniform", max(shares)[0], firm=True, note=note)


def _extracted(setting: Setting, base: Path, tuned: Path, option: str, value: float) -> tuple[Path, dict]:
    """A PEFT folder of a LoRA, and what was told of it."""
    container, folder = setting.path("quality.tenon"), setting.path(f"quality{option}-{value}")
    words = ["extract", "--base", base, "--tuned", tuned, "-o", container, option, str(value), "--json"]
    told = subprocess.run([setting.tool, *words], capture_output=True, check=True).stdout
    run(setting.tool, "unpack", container, "-o", folder)
    return folder, json.loads(told)


def _judged(setting: Setting, base: Path, tuned: Path, folders: list[Path]) -> list[dict]:
    return answered(setting, "factors.py", "judge", base, tuned, *folders)[1]


def _error(matrix: dict, what: str = "left") -> float:
    """The relative error of one matrix."""
    return math.sqrt(matrix[what] / matrix["squares"])


def _whole(found: dict) -> float:
    """The relative error of all matrices together."""
    return math.sqrt(sum(one["left"] for one in found["matrices"]) / sum(one["squares"] for one in found["matrices"]))


def undo(setting: Setting, board: Board) -> None:
    """What `apply --undo` keeps for each weight it changes, after looking whether it gives the base back."""
    base = checkpoint(setting, "undo-base", "--preset", preset(setting))
    for name, deviation in DEVIATIONS.items():
        folder = adapter(setting, base, "undo-adapter", deviation)
        correction, merged, back = (setting.path(f"undo{end}") for end in (".tenon", "-merged", "-back"))
        run(setting.tool, "apply", folder, "--base", base, "-o", merged, "--undo", correction)
        run(setting.tool, "unapply", folder, "--merged", merged, "--undo", correction, "-o", back)
        if subprocess.run(["diff", "-r", base, back], capture_output=True).returncode != 0:
            raise Failed("the base did not come back")
        weights = inspected(setting.tool, correction)["parameters"]
        size = correction.stat().st_size
        board.add(f"undo/{name}", 8 * size / weights, note=f"{size} B for {weights} weights")
        for path in (folder, merged, back):
            setting.remove(path)
    setting.remove(base)
