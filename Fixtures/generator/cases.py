"""All cases, by name."""

from .cases_lora import LORA_CASES
from .cases_methods import OPAQUE_CASES, UNDERSTOOD_CASES

CASES = {case.name: case for case in [*LORA_CASES, *UNDERSTOOD_CASES, *OPAQUE_CASES]}
