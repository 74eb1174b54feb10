"""Adapters as PEFT begins them, from data or from weights."""

import copy
import warnings
from pathlib import Path

import torch
from peft import EvaConfig, LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora.eva import get_eva_state_dict

from .bases import load_base
from .cases import Case, batch
from .exact import widen

# PEFT finds the directions by a randomized decomposition of what it saw so far.
COSINE = 0.95


def _principal_inputs(case: Case, out: Path, config: LoraConfig) -> dict[str, torch.Tensor]:
    """The directions in which the inputs of each target vary most, in float64. Raises `ValueError` where PEFT finds
    others."""
    base = load_base(case.base, out)
    length = max(len(ids) for ids, _ in batch())
    rows = [ids + [0] * (length - len(ids)) for ids, _ in batch()]
    mask = [[1] * len(ids) + [0] * (length - len(ids)) for ids, _ in batch()]
    data = [{"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(mask)}]
    found = get_eva_state_dict(base, data, config, show_progress_bar=False)
    model = widen(base, base.config)
    inputs: dict[str, list[torch.Tensor]] = {name: [] for name in found}
    hooks = [
        model.get_submodule(name).register_forward_pre_hook(lambda _, given, name=name: inputs[name].append(given[0][0]))
        for name in found
    ]
    with torch.no_grad():
        for ids, _ in batch():
            model(input_ids=torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    directions = {}
    for name, parts in inputs.items():
        seen = torch.cat(parts)
        directions[name] = torch.linalg.svd(seen - seen.mean(0))[2][: case.settings["r"]]
        cosines = (directions[name] * found[name]).sum(1).abs()
        if (cosines < COSINE).any():
            raise ValueError(f"{name}: PEFT's directions have cosines {cosines.tolist()}")
    return directions


def begin(case: Case, out: Path) -> tuple[PeftModel, dict[str, torch.nn.Parameter]]:
    """The model in float64, and what of it is trained, by the names that files would have."""
    base = load_base(case.base, out)
    settings = copy.deepcopy(case.settings)
    if "eva_config" in settings:
        settings["eva_config"] = EvaConfig(**settings["eva_config"])
    config = LoraConfig(task_type="CAUSAL_LM", **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        directions = _principal_inputs(case, out, config) if "eva_config" in settings else {}
        model = widen(get_peft_model(base, config), base.config)
    for name, value in directions.items():
        model.base_model.model.get_submodule(name).lora_A["default"].weight.data.copy_(value)
    places = {value.data_ptr(): value for value in model.parameters() if value.requires_grad}
    return model, {key: places[value.data_ptr()] for key, value in get_peft_model_state_dict(model).items()}
