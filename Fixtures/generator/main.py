"""The order in which the fixtures are made."""

import argparse
import json
import logging
import shutil
import sys
from pathlib import Path

import torch

from . import ADAPTERS, BASES, EXPECTED, FIXTURES, MERGED
from .adapters import inputs_of, load, logits_of, make, write
from .bases import BASE_MODELS, write_base
from .cases import CASES
from .expected import write_expected
from .layers import write_layers
from .merged import write_all_merged
from .tables import config_keys, methods

# Between the adapter in memory and the same one loaded from its file; fp32 sums are not reordered, so most are 0.
RELOADED_TOLERANCE = 1e-5


def write_json(path: Path, value: object) -> None:
    """Writes JSON with a stable layout."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_adapter(name: str) -> None:
    """Makes one adapter, writes its folder and sees that it computes the same after loading."""
    case = CASES[name]
    model = make(case)
    made = None if case.dtype or case.lossy else logits_of(model, inputs_of(case))
    loaded = logits_of(load(write(case, model), case.base), inputs_of(case))
    if made is not None and not torch.allclose(made, loaded, rtol=0, atol=RELOADED_TOLERANCE):
        raise RuntimeError(f"{name}: logits differ by {(made - loaded).abs().max().item():.2g} after loading")


def main(arguments: list[str]) -> int:
    """Remakes all fixtures, or the named cases alone."""
    parser = argparse.ArgumentParser(description="Remake the fixtures.")
    parser.add_argument("cases", nargs="*", help="only these cases, and none of the tables")
    names = parser.parse_args(arguments).cases
    if unknown := set(names) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if not names:
        for folder in (BASES, ADAPTERS, EXPECTED):
            shutil.rmtree(folder, ignore_errors=True)
        for base in BASE_MODELS:
            write_base(base)
    ADAPTERS.mkdir(exist_ok=True)
    reasons = {}
    failed = False
    for name in names or CASES:
        try:
            write_adapter(name)
            reasons[name] = write_expected(CASES[name])
            print(name, *(f"[{key}: {value}]" for key, value in reasons[name].items()))
        except Exception as error:  # report every case before failing
            failed = True
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    if not names:
        write_json(EXPECTED / "reasons.json", {name: reason for name, reason in reasons.items() if reason})
        write_json(FIXTURES / "methods.json", methods())
        # Opaque methods have no merge here; variants of LoRA that PEFT's roles do not cover may have.
        cases = [case for case in CASES.values() if case.understood or case.method == "LORA"]
        unmerged = write_all_merged(cases)
        write_layers()
        write_json(MERGED / "reasons.json", unmerged)
        write_json(FIXTURES / "peft-config-keys.json", config_keys())
    return 1 if failed else 0
