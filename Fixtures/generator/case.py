"""What a case is: one adapter folder under `peft/`."""

from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One adapter: its method, the base it sits on, and its settings.

    `spread` is the size of the noise added to every trainable weight; `untouched` leaves them as PEFT initialises
    them. `inputs` are arguments of the forward pass beside the batch of the base.
    `understood` is false for a variant that an understood method's roles do not cover. `lossy` says why PEFT's own
    file does not hold the whole adapter.
    """

    name: str
    method: str
    base: str = "llama"
    settings: dict[str, Any] = field(default_factory=dict)
    task: str | None = "base"
    spread: float = 0.1
    untouched: bool = False
    dtype: torch.dtype | None = None
    pickle: bool = False
    extra_files: bool = False
    inputs: dict[str, list[int]] = field(default_factory=dict)
    understood: bool = True
    lossy: str = ""
