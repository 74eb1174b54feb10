"""Numbers about deltas by numpy, in a process of its own: `factors.py ANSWER JOB ARGUMENTS` writes JSON to ANSWER.

`make BASE TUNED` writes a pair of checkpoints whose spectra fall slowly (`lowrank.py` says how). `judge BASE TUNED
FOLDER ...` tells of LoRA folders how far each matrix is from the change, and how far the exact truncated decomposition
of that rank would be. `units BASE FOUND PEER` tells how far apart two merged checkpoints are.
"""

import json
import sys
from pathlib import Path

import lowrank
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

#: Matrices of a layer: its module, rows, columns, the kind of its change and what multiplies that.
MATRICES = (
    ("self_attn.q_proj", 768, 768, "planted", 1),
    ("self_attn.o_proj", 640, 768, "slow", 1),
    ("mlp.gate_proj", 1408, 512, "planted", 0.3),
    ("mlp.up_proj", 1280, 512, "slow", 3),
    ("mlp.down_proj", 512, 1408, "planted", 2),
)
#: Elements compared at once.
BLOCK = 1 << 24


def make(base: str, tuned: str) -> None:
    """Writes the pair."""
    tensors: tuple[dict, dict] = ({}, {})
    for module, *shape, kind, scale in MATRICES:
        for place, (halves, _) in zip(tensors, lowrank.matrices(kind, *shape, scale), strict=True):
            place[f"model.layers.0.{module}.weight"] = torch.from_numpy(halves).view(torch.bfloat16)
    for folder, place in zip((base, tuned), tensors, strict=True):
        Path(folder).mkdir()
        save_file(place, Path(folder, "model.safetensors"), {"format": "pt"})


def judge(base: str, tuned: str, *folders: str) -> list[dict]:
    """For each folder its matrices: the squares of the change, of what the factors leave, and of what an exact
    decomposition leaves at that rank; and the bytes of the factors."""
    before, after = (load_file(Path(folder, "model.safetensors")) for folder in (base, tuned))
    changes = {name: after[name].double().numpy() - before[name].double().numpy() for name in before}
    spectra = {name: np.linalg.svd(change, compute_uv=False) ** 2 for name, change in changes.items()}
    answers = []
    for folder in folders:
        factors = load_file(Path(folder, "adapter_model.safetensors"))
        config = json.loads(Path(folder, "adapter_config.json").read_text())
        matrices = []
        for name, change in changes.items():
            path = "base_model.model." + name.removesuffix(".weight")
            a, b = (factors.get(f"{path}.lora_{factor}.weight") for factor in "AB")
            rank = 0 if a is None else len(a)
            module = name.removesuffix(".weight")
            share = scaling(config, module, rank) if rank else 0
            found = b.double().numpy() @ a.double().numpy() * share if rank else 0
            squares, left, exact = (change**2).sum(), ((change - found) ** 2).sum(), spectra[name][rank:].sum()
            matrices.append({"name": name, "rank": rank, "squares": squares, "left": left, "exact": exact})
        size = sum(value.nbytes for value in factors.values())
        answers.append({"bytes": size, "matrices": matrices})
    return answers


def scaling(config: dict, module: str, rank: int) -> float:
    """What PEFT multiplies the product with."""
    alphas = [alpha for name, alpha in (config.get("alpha_pattern") or {}).items() if module.endswith(name)]
    return (alphas[0] if alphas else config["lora_alpha"]) / rank


def units(base: str, found: str, peer: str) -> dict:
    """The largest difference of two merged bf16 checkpoints in units of the last place, of the largest of what goes in,
    what is added and what comes, and how many of all weights differ at all."""
    largest, differing, count = 0.0, 0, 0
    before, one, other = (safe_open(Path(folder, "model.safetensors"), "pt") for folder in (base, found, peer))
    for name in before.keys():
        parts = [file.get_tensor(name).flatten().split(BLOCK) for file in (before, one, other)]
        for old, mine, theirs in zip(*parts, strict=True):
            count += len(old)
            apart = (mine != theirs).nonzero().flatten()
            if not len(apart):
                continue
            differing += len(apart)
            old, mine, theirs = (values[apart].double() for values in (old, mine, theirs))
            size = torch.stack([mine.abs(), old.abs(), (mine - old).abs()]).max(0).values
            unit = torch.exp2(torch.floor(torch.log2(size))) * torch.finfo(torch.bfloat16).eps
            largest = max(largest, ((mine - theirs).abs() / unit).max().item())
    return {"units": largest, "differing": differing, "count": count}


def main() -> None:
    """Does one job."""
    answer, job, *arguments = sys.argv[1:]
    result = {"make": make, "judge": judge, "units": units}[job](*arguments)
    Path(answer).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
