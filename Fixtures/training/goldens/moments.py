"""What methods do once a step besides their part in the passes, as PEFT does it."""

from types import SimpleNamespace

import torch
from peft import PeftModel

from .cases import Case


def extra_loss(case: Case, model: PeftModel) -> torch.Tensor:
    """What PEFT adds to the loss of a model: its own code, given a loss of zero in float64."""
    nothing = torch.zeros((), dtype=torch.float64)
    if case.method != "ADALORA":
        return nothing
    tuner = model.base_model
    tuner.model.forward = lambda: SimpleNamespace(loss=nothing)
    try:
        return tuner.forward().loss
    finally:
        del tuner.model.forward


def after_step(case: Case, model: PeftModel, step: int) -> None:
    """What PEFT does between a step of the optimizer, counted from 1, and the clearing of gradients."""
    if case.method == "ADALORA":
        model.base_model.update_and_allocate(step)
