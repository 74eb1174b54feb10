"""The adapters that training begins with, and models that carry them."""

import copy
import warnings
from pathlib import Path

import peft
import torch
from generator.noise import noise
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import load_file, save_file

from .bases import load_base
from .cases import PEFT_TASKS, Case
from .exact import widen

SPREAD = 0.2
GRID = 1024


def _start(name: str, value: torch.Tensor) -> torch.Tensor:
    """What a trainable weight is moved away from: zero where PEFT draws it, else PEFT's own start, on a grid coarse enough
    that norms of weights are the same on every machine."""
    if any(part in name for part in ("lora_A", "lora_B", "prompt_encoder", "adaption_prompt")):
        return torch.zeros_like(value)
    return (value * GRID).round() / GRID


def _config(case: Case) -> peft.PeftConfig:
    """The PEFT config of a case."""
    kind = PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(case.method)]
    return kind(task_type=PEFT_TASKS[case.task], **copy.deepcopy(case.settings | case.schedule))


def write_adapter(case: Case, out: Path) -> None:
    """Writes `cases/<case>/adapter/` as PEFT saves it, in fp32, every trainable weight moved away from its start, and
    `encoder.safetensors`, where what is trained makes the adapter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(load_base(case.base, out), _config(case))
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.data = _start(name, weight.data) + SPREAD * noise(f"training {case.name} {name}", tuple(weight.shape))
        folder = out / "cases" / case.name / "adapter"
        model.save_pretrained(folder)
    if case.trained == "encoder":
        weights = model.prompt_encoder["default"].state_dict()
        save_file({name: weight.contiguous() for name, weight in weights.items()}, folder.with_name("encoder.safetensors"))
    (folder / "README.md").unlink(missing_ok=True)


def _floats(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Those that are no places."""
    return {key: value for key, value in tensors.items() if value.is_floating_point()}


def _keys(model: PeftModel, trained: dict[str, torch.nn.Parameter], folder: Path) -> dict[str, torch.nn.Parameter]:
    """The trained parameters by their keys in the adapter's file. Raises `ValueError` unless the two are the same."""
    stored = _floats(load_file(folder / "adapter_model.safetensors"))
    held = _floats(get_peft_model_state_dict(model))
    places = {parameter.data_ptr(): parameter for parameter in trained.values()}
    if model.peft_config["default"].is_prompt_learning:
        found = dict(zip(held, trained.values(), strict=True))
    else:
        found = {key: places[value.data_ptr()] for key, value in held.items()}
    if found.keys() != stored.keys() or len(found) != len(trained):
        raise ValueError(f"keys differ: {sorted(found.keys() ^ stored.keys())}, {len(trained)} are trained")
    if changed := [key for key, value in stored.items() if not torch.equal(found[key].detach(), value.double())]:
        raise ValueError(f"values differ after loading: {changed}")
    return found


def load(case: Case, out: Path) -> tuple[torch.nn.Module, dict[str, torch.nn.Parameter]]:
    """The model in float64 as its files give it, and what of it is trained, by the names in the files. Of the base alone
    every gradient is wanted."""
    base = load_base(case.base, out)
    config = base.config
    if case.trained not in ("adapter", "encoder"):
        model = widen(base, config)
        names = {name: parameter for name, parameter in model.named_parameters()}
        # With the head of a task that asks for classes, which is trained whatever the method.
        trained = {
            name: value
            for name, value in names.items()
            if case.trained != "biases" or name.endswith(".bias") or name.startswith(("classifier.", "score."))
        }
        for name, parameter in names.items():
            parameter.requires_grad_(name in trained)
        return model, trained
    folder = out / "cases" / case.name / "adapter"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if case.trained == "encoder":
            model = get_peft_model(base, _config(case))
            encoder = model.prompt_encoder["default"]
            encoder.load_state_dict(load_file(folder.with_name("encoder.safetensors")))
            return widen(model, config), dict(encoder.named_parameters())
        # PEFT does not load prompts and prefixes to train them on.
        prompt = case.method in ("PROMPT_TUNING", "PREFIX_TUNING")
        model = PeftModel.from_pretrained(base, str(folder), is_trainable=not prompt)
        if prompt:
            model.prompt_encoder.requires_grad_(True)
        model = widen(model, config)
        return model, _keys(model, {n: p for n, p in model.named_parameters() if p.requires_grad}, folder)
