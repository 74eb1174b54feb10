"""What PEFT's merge makes of the bases' weights: a few rows of a few tensors of every case."""

import json
import shutil
import warnings

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from . import ADAPTERS, BASES, MERGED
from .adapters import load
from .bases import load_base
from .case import Case

TENSORS = 4
ROWS = 4

# Where PEFT's merge is not what its forward pass computes, or what it changed lies in no tensor of the base.
WRONG = {
    "lora-embedding-tied": "the head shares the embedding's weight, and PEFT merges into both",
    "lora-replication": "the replicated layers share one weight, and PEFT merges into it twice",
    "lora-pissa": "PEFT takes the decomposition out of the base when it loads",
    "lora-olora": "PEFT takes the decomposition out of the base when it loads",
    "lora-ga": "PEFT shifts the base when it initialises and does not do so again when it loads",
    "lora-kasa": "PEFT takes the smallest singular values out of the base when it loads",
}


def base_tensors(name: str) -> dict[str, torch.Tensor]:
    """The tensors of a base's file."""
    with safe_open(BASES / name / "model.safetensors", "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def merged_tensors(case: Case) -> dict[str, torch.Tensor]:
    """The tensors of the base's file as PEFT's merge leaves them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = load(ADAPTERS / case.name, case.base)
        merged = model.merge_and_unload()
    return {**merged.state_dict(), **_separate_experts(merged.state_dict())}


def _separate_experts(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The experts of a fused stack under the names that Mixtral's file has for each."""
    separate = {}
    for key, stack in tensors.items():
        stem, _, name = key.rpartition(".mlp.experts.")
        for expert, weight in enumerate(stack if stem else []):
            parts = {"w1": 0, "w3": 1} if name == "gate_up_proj" else {"w2": 0}
            height = weight.shape[0] // len(parts)
            for part, index in parts.items():
                path = f"{stem}.block_sparse_moe.experts.{expert}.{part}.weight"
                separate[path] = weight[index * height : (index + 1) * height]
    return separate


def spread(count: int, limit: int) -> list[int]:
    """At most `limit` numbers below `count`, evenly spread, first and last among them."""
    if count <= limit:
        return list(range(count))
    return sorted({round(index * (count - 1) / (limit - 1)) for index in range(limit)})


def chosen_rows(before: torch.Tensor, after: torch.Tensor) -> list[int]:
    """Rows to keep: where only a few were changed, these and one that was not."""
    if before.dim() < 2:
        return list(range(min(before.shape[0], 24)))
    changed = (before != after).flatten(1).any(1).nonzero().flatten().tolist()
    if len(changed) == before.shape[0]:
        return spread(before.shape[0], ROWS)
    still = [row for row in range(before.shape[0]) if row not in changed][:1]
    return sorted(set([changed[index] for index in spread(len(changed), ROWS)] + still))


def write_merged(case: Case) -> str | None:
    """Writes `merged/<case>.safetensors`; returns why there is none."""
    if case.name in WRONG:
        return WRONG[case.name]
    model = load(ADAPTERS / case.name, case.base)
    if model.active_peft_config.is_prompt_learning or not hasattr(type(model.base_model), "merge_and_unload"):
        return "the method has no merge: it does not act on weights alone"
    before, after = base_tensors(case.base), merged_tensors(case)
    changed = [key for key in before if key in after and not torch.equal(before[key], after[key])]
    if not changed:
        return "the merge changes nothing"
    kinds: dict[str, list[str]] = {}
    for key in changed:
        path = ".".join(part for part in key.split(".") if not part.isdigit())
        kinds.setdefault(path, []).append(key)
    # One of each kind of module; of the last layer, for what differs by layer.
    keys = [names[-1] for names in kinds.values()]
    keys = [keys[index] for index in spread(len(keys), TENSORS)]
    tensors, rows = {}, {}
    for key in keys:
        if before[key].dim() == 3:  # a stack: a few rows of its first and last matrix
            flat = after[key].reshape(-1, after[key].shape[-1])
            rows[key] = [0, 1, flat.shape[0] - 1]
        else:
            flat = after[key]
            rows[key] = chosen_rows(before[key], after[key])
        tensors[key] = flat[rows[key]].clone().contiguous()
    MERGED.mkdir(exist_ok=True)
    table = {"base": case.base, "changed": len(changed), "rows": {key: rows[key] for key in sorted(rows)}}
    save_file(tensors, MERGED / f"{case.name}.safetensors", {"table": json.dumps(table)})
    return None


def write_all_merged(cases: list[Case]) -> dict[str, str]:
    """Writes the goldens of all cases that can be merged; returns the reasons of the others."""
    shutil.rmtree(MERGED, ignore_errors=True)
    reasons = {}
    for case in cases:
        try:
            reason = write_merged(case)
        except Exception as error:  # whatever PEFT raises is the reason
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        if reason:
            reasons[case.name] = reason
    return reasons
