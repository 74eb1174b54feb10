"""The model that the binary's apply makes, loaded by transformers alone, against the adapter that PEFT keeps apart."""

from collections.abc import Callable
from pathlib import Path

import torch
from generator import ADAPTERS, BASES, MERGED
from generator.adapters import inputs_of, logits_of
from generator.bases import BASE_MODELS
from generator.case import Case

# Both compute in fp32, in another order.
TOLERANCE = 1e-4


def merged_logits(tenon: Callable[..., None], case: Case, work: Path) -> torch.Tensor | None:
    """The logits of the merged checkpoint; nothing where the merge is not recorded. `tenon` runs the binary. Raises
    `ValueError` where the checkpoint does not hold just what the model takes."""
    if not (MERGED / f"{case.name}.safetensors").exists():
        return None
    out = work / "merged"
    tenon("apply", ADAPTERS / case.name, "--base", BASES / case.base, "-o", out, "--quiet")
    model, keys = BASE_MODELS[case.base].model.from_pretrained(
        out, dtype=torch.float32, attn_implementation="eager", local_files_only=True, output_loading_info=True
    )
    if any(keys.values()):
        raise ValueError(f"the merged checkpoint does not fit the model: {keys}")
    return logits_of(model.eval(), inputs_of(case))
