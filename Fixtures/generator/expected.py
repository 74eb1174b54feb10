"""What PEFT computes with an adapter: logits, merged logits, loss, gradients and five steps of AdamW."""

import copy
import json
import warnings
from pathlib import Path

import peft
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file

from . import ADAPTERS, EXPECTED
from .adapters import inputs_of, load, logits_of
from .bases import load_base
from .case import Case

OPTIMIZER = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
STEPS = 5
MERGED_TOLERANCE = 1e-4


def _file_names(model: PeftModel) -> dict[str, str]:
    """Maps the name of each trainable parameter to its name in the file.

    A parameter that the file does not hold as it is (a prompt encoder's) keeps its own name, less the adapter's.
    """
    stored = {(value.data_ptr(), value.shape): key for key, value in get_peft_model_state_dict(model).items()}
    names = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            plain = ".".join(part for part in name.split(".") if part != "default")
            names[name] = stored.get((weight.data_ptr(), weight.shape), plain)
    return names


def _trainable(case: Case, folder: Path) -> PeftModel:
    """The loaded adapter with its parameters trainable.

    PEFT refuses to train a loaded prompt; what its file holds, the prompt itself, is trained here.
    """
    model = load(folder, case.base)
    if not model.active_peft_config.is_prompt_learning:
        return load(folder, case.base, trainable=True)
    for name, weight in model.named_parameters():
        if name.startswith("prompt_encoder.") or ".modules_to_save." in name:
            weight.requires_grad_(True)
    return model


def _train(case: Case, folder: Path) -> dict[str, torch.Tensor]:
    """Loss and gradients of the batch, then the adapter after five steps; dropout is off throughout."""
    model = _trainable(case, folder)
    names = _file_names(model)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise RuntimeError("PEFT leaves no parameter trainable")
    optimizer = torch.optim.AdamW(weights, **OPTIMIZER)
    inputs = inputs_of(case, labels=True)
    tensors, losses = {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            for name, weight in model.named_parameters():
                if weight.requires_grad and weight.grad is not None:
                    tensors[f"gradient/{names[name]}"] = weight.grad.clone()
        optimizer.step()
    losses.append(model(**inputs).loss.detach())
    trained = set(names.values())
    after = get_peft_model_state_dict(model)
    tensors |= {f"after/{key}": value for key, value in after.items() if key in trained}
    if unchanged := trained - after.keys():
        held = dict(model.named_parameters())
        tensors |= {f"after/{key}": held[name].detach() for name, key in names.items() if key in unchanged}
    return tensors | {"losses": torch.stack(losses), "loss": losses[0].reshape(())}


def _base_inputs(case: Case) -> dict[str, torch.Tensor]:
    """The batch as the bare base takes it."""
    return {key: value for key, value in inputs_of(case).items() if key not in case.inputs}


def _merge(case: Case, folder: Path, adapted: torch.Tensor) -> torch.Tensor:
    """The logits of the base with the adapter merged in by PEFT; raises with the reason where that is not possible."""
    model = load(folder, case.base)
    if model.active_peft_config.is_prompt_learning or not hasattr(type(model.base_model), "merge_and_unload"):
        raise RuntimeError("the method has no merge: it does not act on weights alone")
    merged = logits_of(model.merge_and_unload(), _base_inputs(case))
    if merged.shape != adapted.shape:
        raise RuntimeError("the merged model answers in another shape")
    difference = (merged - adapted).abs().max().item()
    if difference > MERGED_TOLERANCE:
        raise RuntimeError(f"PEFT merges this wrongly: logits differ by {difference:.2g}")
    return merged


def _reason(error: Exception) -> str:
    """One line of an error."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:240]


def write_expected(case: Case) -> dict[str, str]:
    """Writes `expected/<case>.safetensors`; returns what could not be computed, with the reason."""
    folder = ADAPTERS / case.name
    inputs = inputs_of(case, labels=True)
    adapted = logits_of(load(folder, case.base), inputs_of(case))
    tensors = {f"input/{key}": value for key, value in inputs.items()}
    tensors |= {"base_logits": logits_of(load_base(case.base), _base_inputs(case)), "adapted_logits": adapted}
    reasons = {"file": case.lossy} if case.lossy else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tensors["merged_logits"] = _merge(case, folder, adapted)
        except Exception as error:  # whatever PEFT raises is the reason
            reasons["merge"] = _reason(error)
        try:
            tensors |= _train(case, folder)
        except Exception as error:  # whatever PEFT raises is the reason
            reasons["train"] = _reason(error)
    settings = {
        "base": case.base,
        "method": case.method,
        "peft": peft.__version__,
        "optimizer": {"name": "AdamW", "steps": STEPS, **OPTIMIZER},
        "mode": "evaluation (no dropout), float32",
    }
    if case.method == "ADALORA":
        settings["loss"] = "with AdaLoRA's orthogonal regularisation (orth_reg_weight of the config)"
    metadata = {"settings": json.dumps(settings)}  # one key: safetensors does not keep the order of several
    EXPECTED.mkdir(exist_ok=True)
    contiguous = {key: copy.deepcopy(value.detach()).contiguous() for key, value in tensors.items()}
    save_file(contiguous, EXPECTED / f"{case.name}.safetensors", metadata)
    return reasons
