#!/usr/bin/env python3
"""Holds the built `tenon` against Hugging Face PEFT, over every fixture.

Each fixture is packed and unpacked; the files must come back byte for byte, and PEFT must load them completely and
compute the recorded logits. Understood methods are also exported without their stored config and header, and must
load and compute the same. What `apply` makes of a base of fp32 computes, in transformers alone, the logits that PEFT
computes with the adapter kept apart; what it makes of bases of 16 bits is what PEFT's merge makes of them, within a unit
of the last place. Where the binary trains, its adapters answer in PEFT as they do here, and PEFT's have the same loss
here. Run it with the interpreter that `Scripts/peers-venv` prints:

    run.py --tenon .build/release/tenon [CASE ...]
    run.py --fixtures-only [CASE ...]      what PEFT makes of the fixtures themselves
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent.parent / "Fixtures"
sys.path[:0] = [str(FIXTURES), str(FIXTURES / "training")]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import logging  # noqa: E402

import torch  # noqa: E402
from generator import ADAPTERS, EXPECTED  # noqa: E402
from generator.adapters import inputs_of, load, logits_of, tensors_of  # noqa: E402
from generator.case import Case  # noqa: E402
from generator.cases import CASES  # noqa: E402
from generator.tables import config_keys, methods  # noqa: E402
from halves import TOLERANCE as HALF_TOLERANCE  # noqa: E402
from halves import explained, half_difference  # noqa: E402
from logits import TOLERANCE as MERGED_LOGITS_TOLERANCE  # noqa: E402
from logits import merged_logits  # noqa: E402
from merged import TOLERANCE as MERGED_TOLERANCE  # noqa: E402
from merged import merged_difference  # noqa: E402
from safetensors import safe_open  # noqa: E402
from trained import ADAPTED, TRAINED, TRAINED_TASKS, evaluation_difference, task_difference, training_difference  # noqa: E402
from trained import TOLERANCE as TRAINING_TOLERANCE  # noqa: E402

TIMEOUT = 60
# The recorded logits may come from another processor, whose sums are ordered otherwise.
RECORDED_TOLERANCE = 1e-4
# Logits computed here from an export and from the fixture differ only if the config's numbers were rounded.
EXPORT_TOLERANCE = 1e-6


class Failed(Exception):
    """What a case found wrong, in one line."""


def require(condition: bool, message: str) -> None:
    """Raises `Failed` unless the condition holds."""
    if not condition:
        raise Failed(message)


def tenon(binary: Path, *arguments: str | Path) -> str:
    """Runs the binary, and gives what it printed; of stderr the line of the error is the failure."""
    command = [str(binary), *map(str, arguments)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"tenon {arguments[0]}: {error}") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no message"]
        told = next((line for line in lines if "error: " in line), lines[0])
        raise Failed(f"tenon {arguments[0]} exited {result.returncode}: {told}")
    return result.stdout


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def same_files(folder: Path, original: Path) -> None:
    """Every file is there, none beside them, and each is the same."""
    there, wanted = digests(folder), digests(original)
    require(there.keys() == wanted.keys(), f"files differ: {sorted(there.keys() ^ wanted.keys())}")
    changed = sorted(name for name in wanted if there[name] != wanted[name])
    require(not changed, f"bytes differ: {changed}")


def same_tensors(folder: Path, original: Path) -> None:
    """The same tensors by name, shape, dtype and bits."""
    there, wanted = tensors_of(folder), tensors_of(original)
    require(there.keys() == wanted.keys(), f"tensors differ: {sorted(there.keys() ^ wanted.keys())[:4]}")
    for name, value in wanted.items():
        other = there[name]
        require(other.dtype == value.dtype and other.shape == value.shape, f"dtype or shape differs: {name}")
        bits = (tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (other, value))
        require(torch.equal(*bits), f"bits differ: {name}")


def same_logits(found: torch.Tensor, wanted: torch.Tensor, tolerance: float, what: str) -> None:
    """The logits agree within a tolerance."""
    require(found.shape == wanted.shape, f"{what}: logits of shape {tuple(found.shape)}")
    difference = (found - wanted).abs().max().item()
    require(difference <= tolerance, f"{what}: logits differ by {difference:.2g}")


def computed(folder: Path, case: Case) -> torch.Tensor:
    """The logits of a folder's adapter, loaded by PEFT with no key missing or unexpected."""
    try:
        return logits_of(load(folder, case.base), inputs_of(case))
    except Exception as error:  # whatever PEFT raises fails the case
        raise Failed(f"PEFT: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None


def recorded(case: Case) -> torch.Tensor:
    """The logits recorded when the fixture was made."""
    with safe_open(EXPECTED / f"{case.name}.safetensors", "pt") as file:
        return file.get_tensor("adapted_logits")


def check_case(case: Case, binary: Path | None) -> None:
    """One fixture through the binary and PEFT; raises `Failed`."""
    original = ADAPTERS / case.name
    logits = computed(original, case)
    same_logits(logits, recorded(case), RECORDED_TOLERANCE, "fixture")
    difference = merged_difference(case) or 0
    require(difference <= MERGED_TOLERANCE, f"merged: rows differ by {difference:.2g}")
    if binary is None:
        return
    with tempfile.TemporaryDirectory(prefix="tenon-peers-") as temporary:
        container, out, bare = (Path(temporary) / name for name in ("x.tenon", "out", "bare"))
        tenon(binary, "pack", original, "-o", container)
        tenon(binary, "unpack", container, "--format", "peft", "-o", out)
        same_files(out, original)
        same_logits(computed(out, case), recorded(case), RECORDED_TOLERANCE, "unpacked")
        if case.understood:
            tenon(binary, "unpack", container, "--format", "peft", "--ignore-original", "-o", bare)
            same_tensors(bare, original)
            same_logits(computed(bare, case), logits, EXPORT_TOLERANCE, "rebuilt")
        found = merged_logits(partial(tenon, binary), case, Path(temporary))
        if found is not None:
            same_logits(found, logits, MERGED_LOGITS_TOLERANCE, "merged")
        require(explained(case), "PEFT's merge in 16 bits is not that of factors rounded to the base's type")
        for word, difference in half_difference(partial(tenon, binary), case, Path(temporary)).items():
            require(difference <= HALF_TOLERANCE, f"merged in {word}: differs by {difference:.2g} units of the last place")


def check_difference(difference: Callable[[Path], float]) -> None:
    """Training or evaluation in a folder of its own; raises `Failed`."""
    with tempfile.TemporaryDirectory(prefix="tenon-peers-") as temporary:
        try:
            found = difference(Path(temporary))
        except (ValueError, KeyError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
    require(found <= TRAINING_TOLERANCE, f"differs by {found:.2g}")


def training_checks(binary: Path) -> dict[str, Callable[[], None]]:
    """The checks of `train` and `eval`, by name; none of a verb that the binary has not."""
    lines = tenon(binary, "--help").splitlines()
    verbs = {line.split()[0] for line in lines if line.startswith("  ") and not line[2:3].isspace() and line.strip()}
    run, checks = partial(tenon, binary), {}
    if "eval" in verbs:
        for case in ADAPTED:
            found = partial(evaluation_difference, run, case)
            checks[f"eval {case.name}"] = partial(check_difference, found)
    if {"eval", "train"} <= verbs:
        for name, words in TRAINED.items():
            checks[f"train {name}"] = partial(check_difference, partial(training_difference, run, words))
        for name, (base, like, words) in TRAINED_TASKS.items():
            found = partial(task_difference, run, base, like, words)
            checks[f"train {name}"] = partial(check_difference, found)
    return checks


def check_tables() -> None:
    """The committed tables are those of the installed PEFT, and the folders those of the cases; raises `Failed`."""
    for name, wanted in (("methods.json", methods()), ("peft-config-keys.json", config_keys())):
        committed = json.loads((FIXTURES / name).read_text(encoding="utf-8"))
        require(committed.keys() == wanted.keys(), f"{name}: {sorted(committed.keys() ^ wanted.keys())}")
        changed = [key for key in wanted if committed[key] != wanted[key]]
        require(not changed, f"{name} differs for {changed}")
    for method, row in methods().items():
        require(bool(row["fixtures"]) or row["status"] == "not-saved", f"no fixture of {method}")
    folders = {path.name for path in ADAPTERS.iterdir()}
    require(folders == CASES.keys(), f"folders and cases differ: {sorted(folders ^ CASES.keys())}")


def main() -> int:
    """Runs the checks, one line each, and the count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenon", type=Path, help="the built binary")
    which.add_argument("--fixtures-only", action="store_true", help="only load the fixtures themselves")
    parser.add_argument("cases", nargs="*", help="only these cases")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    binary = arguments.tenon.resolve() if arguments.tenon else None
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    checks = {"tables": check_tables} if not arguments.cases else {}
    for name in arguments.cases or CASES:
        checks[name] = lambda case=CASES[name]: check_case(case, binary)
    if binary and not arguments.cases:
        checks |= training_checks(binary)
    failed = 0
    for name, check in checks.items():
        try:
            check()
            print(f"passed {name}")
        except Failed as error:
            failed += 1
            print(f"failed {name}: {error}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
