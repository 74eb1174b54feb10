"""Holds `Fixtures/merged`, which the tests in Swift compare with, against what the installed PEFT merges."""

import json

import torch
from generator import MERGED
from generator.case import Case
from generator.merged import merged_tensors
from safetensors import safe_open

# Sums are ordered otherwise on other processors.
TOLERANCE = 1e-5


def merged_difference(case: Case) -> float | None:
    """The largest difference between the rows recorded of a case and PEFT's merge; nothing where none are recorded."""
    path = MERGED / f"{case.name}.safetensors"
    if not path.exists():
        return None
    merged = merged_tensors(case)
    worst = 0.0
    with safe_open(path, "pt") as file:
        for name, rows in json.loads(file.metadata()["table"])["rows"].items():
            recorded, found = file.get_tensor(name), merged[name]
            if found.dim() == 3:
                found = found.reshape(-1, found.shape[-1])
            worst = max(worst, (found[torch.tensor(rows)] - recorded).abs().max().item())
    return worst
