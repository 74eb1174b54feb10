"""Bases of 16 bits: what the binary's apply makes of them against PEFT's merge in that type."""

import shutil
import warnings
from collections.abc import Callable
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
# These factors PEFT makes anew when it loads, in the base's type: AdaLoRA's where the file leaves ranks out, and the
# projections that VeRA's file leaves out. So it loses what they hold in fp32.
REMADE = {"adalora-pruned": ("lora_A", "lora_B", "lora_E"), "vera-seeded": ("vera_A", "vera_B")}
ADAPTER = "default"


def write_base(name: str, dtype: torch.dtype, folder: Path) -> None:
    """The base in another type."""
    folder.mkdir()
    shutil.copy(BASES / name / "config.json", folder)
    tensors = {key: value.to(dtype) if value.is_floating_point() else value for key, value in base_tensors(name).items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def loaded(case: Case, dtype: torch.dtype) -> PeftModel:
    """The adapter on its base of this type; it stays in its own, as PEFT loads it."""
    with warnings.catch_warnings(), beside_adapters():
        warnings.simplefilter("ignore")
        return PeftModel.from_pretrained(load_base(case.base).to(dtype), str(ADAPTERS / case.name)).eval()


def merged(model: PeftModel) -> dict[str, torch.Tensor]:
    """What PEFT's merge makes of the base."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(model.merge_and_unload().state_dict())


def merged_with_factors(case: Case, dtype: torch.dtype, factors: torch.dtype) -> dict[str, torch.Tensor]:
    """PEFT's merge in this type where it makes factors anew, had it made them in another."""
    model = loaded(case, torch.float32)
    for name, values in [*model.named_parameters(), *model.named_buffers()]:
        role, _, adapter = name.rpartition(".")
        if role.rpartition(".")[2] in REMADE[case.name]:
            values.data = values.data.to(factors).float()
        elif adapter != ADAPTER:
            values.data = values.data.to(dtype)
    return merged(model)


def wanted(case: Case, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """PEFT's merge in this type, with the factors that the file holds."""
    if case.name in REMADE:
        return merged_with_factors(case, dtype, torch.float32)
    return merged(loaded(case, dtype))


def explained(case: Case) -> bool:
    """Whether PEFT's own merge in 16 bits is, bit for bit, that with factors rounded to the base's type."""
    for dtype in TYPES.values() if case.name in REMADE else ():
        own, rounded = merged(loaded(case, dtype)), merged_with_factors(case, dtype, dtype)
        if any(not torch.equal(own[key], rounded[key]) for key in base_tensors(case.base)):
            return False
    return True


def units(found: torch.Tensor, peers: torch.Tensor, before: torch.Tensor) -> float:
    """The largest difference in units of the last place, of the largest of what goes in, what is added and what comes."""
    info = torch.finfo(found.dtype)
    found, peers, before = found.double(), peers.double(), before.double()
    largest = torch.stack([found.abs(), before.abs(), (found - before).abs()]).max(0).values
    exponent = torch.floor(torch.log2(largest.clamp_min(info.tiny)))
    return ((found - peers).abs() / torch.exp2(exponent) / info.eps).max().item()


def half_difference(tenon: Callable[..., None], case: Case, work: Path) -> dict[str, float]:
    """For each type the largest difference between the binary's and PEFT's merge, in units of the last place; nothing where
    the merge of fp32 is not recorded either. `tenon` runs the binary."""
    worst: dict[str, float] = {}
    if not (MERGED / f"{case.name}.safetensors").exists():
        return worst
    for word, dtype in TYPES.items():
        base, out = work / f"base-{word}", work / f"merged-{word}"
        write_base(case.base, dtype, base)
        tenon("apply", ADAPTERS / case.name, "--base", base, "-o", out, "--quiet")
        before, found = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
        peers = wanted(case, dtype)
        worst[word] = max(
            units(found[key], peers[key], before[key]) for key in found if found[key].is_floating_point() and key in peers)
    return worst
