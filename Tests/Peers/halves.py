"""Bases of 16 bits: what the binary's apply makes of them against PEFT's merge in that type."""

import shutil
import subprocess
import warnings
from pathlib import Path

import torch
from generator import ADAPTERS, BASES, MERGED
from generator.adapters import beside_adapters
from generator.bases import load_base
from generator.case import Case
from generator.merged import base_tensors
from peft import PeftModel
from safetensors.torch import load_file, save_file

TYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
# PEFT adds in fp32 or rounds the change first, which costs up to one unit.
TOLERANCE = 1.0
# Where PEFT loses more: it makes these factors anew, in the base's type.
ROUNDED = {"adalora-pruned", "vera-seeded"}


def write_base(name: str, dtype: torch.dtype, folder: Path) -> None:
    """The base in another type."""
    folder.mkdir()
    shutil.copy(BASES / name / "config.json", folder)
    tensors = {key: value.to(dtype) if value.is_floating_point() else value for key, value in base_tensors(name).items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def merged_by_peft(case: Case, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """PEFT's merge in this type; adapters stay in theirs, as PEFT loads them."""
    with warnings.catch_warnings(), beside_adapters():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(load_base(case.base).to(dtype), str(ADAPTERS / case.name))
        return dict(model.eval().merge_and_unload().state_dict())


def units(found: torch.Tensor, wanted: torch.Tensor, before: torch.Tensor) -> float:
    """The largest difference in units of the last place, of the largest of what goes in, what is added and what comes."""
    info = torch.finfo(found.dtype)
    found, wanted, before = found.double(), wanted.double(), before.double()
    largest = torch.stack([found.abs(), before.abs(), (found - before).abs()]).max(0).values
    exponent = torch.floor(torch.log2(largest.clamp_min(info.tiny)))
    return ((found - wanted).abs() / torch.exp2(exponent) / info.eps).max().item()


def half_difference(binary: Path, case: Case, work: Path) -> dict[str, float]:
    """For each type the largest difference between the binary's and PEFT's merge, in units of the last place; nothing where
    the merge of fp32 is not recorded either."""
    worst: dict[str, float] = {}
    if case.name in ROUNDED or not (MERGED / f"{case.name}.safetensors").exists():
        return worst
    for word, dtype in TYPES.items():
        base, out = work / f"base-{word}", work / f"merged-{word}"
        write_base(case.base, dtype, base)
        subprocess.run(
            [binary, "apply", ADAPTERS / case.name, "--base", base, "-o", out, "--quiet"], check=True, capture_output=True)
        before, found = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
        wanted = merged_by_peft(case, dtype)
        worst[word] = max(
            units(found[key], wanted[key], before[key]) for key in found if found[key].is_floating_point() and key in wanted)
    return worst
