#!/usr/bin/env python3
"""Holds adapters that the built `tenon` merged against PEFT: it must load them completely, and a model with the merged adapter must
compute what it does with the weighted sum of the changes put into its weights. Run it with the interpreter of `Scripts/peers-venv`:

    merge_adapters.py [--tenon .build/release/tenon]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent.parent / "Fixtures"
sys.path[:0] = [str(FIXTURES)]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch  # noqa: E402
from generator import ADAPTERS, BASES  # noqa: E402
from generator.adapters import inputs_of, logits_of  # noqa: E402
from generator.bases import BASE_MODELS  # noqa: E402
from generator.cases import CASES  # noqa: E402
from peft import PeftModel, get_peft_model_state_dict  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

TOLERANCE = 1e-5
# Adapters, weights, and what the tool is told.
MERGES = (
    (("lora-llama", "lora-patterns"), (0.7, -0.4), ("--merge-method", "cat")),
    (("lora-llama", "lora-patterns"), (0.7, -0.4), ("--merge-method", "linear")),
    (("lora-llama", "lora-patterns-rslora", "lora-rslora"), (0.5, 0.8, 0.3), ("--merge-method", "linear")),
    (("lora-embedding", "lora-llama"), (1.5, 0.5), ("--merge-method", "cat")),
    (("lora-gpt2", "lora-conv1d-auto"), (0.6, 0.6), ("--merge-method", "linear")),
    (("adalora", "lora-llama"), (0.6, 0.6), ("--merge-method", "linear")),
    (("lora-llama",), (1.0,), ("--merge-method", "svd")),
)


def base_model(name: str) -> torch.nn.Module:
    """A base of the fixtures in fp32."""
    return BASE_MODELS[name].model.from_pretrained(
        BASES / name, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    )


def added(base: str, names: tuple[str, ...], weights: tuple[float, ...]) -> torch.nn.Module:
    """The base with Σ w·ΔW in its weights, each ΔW as PEFT computes it."""
    total = {key: value.double() for key, value in base_model(base).state_dict().items()}
    for name, weight in zip(names, weights, strict=True):
        plain = base_model(base)
        before = {key: value.clone() for key, value in plain.state_dict().items()}
        merged = PeftModel.from_pretrained(plain, str(ADAPTERS / name)).merge_and_unload()
        for key, value in merged.state_dict().items():
            if key in before:
                total[key] += weight * (value.double() - before[key].double())
    model = base_model(base)
    model.load_state_dict({key: value.float() for key, value in total.items()})
    return model.eval()


def difference(binary: Path, names: tuple[str, ...], weights: tuple[float, ...], options: tuple[str, ...]) -> float:
    """Between the logits, in parts of the largest."""
    case = CASES[names[0]]
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        container, out = Path(temporary, "merged.tenon"), Path(temporary, "out")
        sources = [str(ADAPTERS / name) for name in names]
        merge = [str(binary), "merge", *sources, "-o", str(container), "--weights", ",".join(map(str, weights)), *options]
        for line in (merge, [str(binary), "unpack", str(container), "--format", "peft", "-o", str(out)]):
            result = subprocess.run(line, capture_output=True, text=True, timeout=60)
            if result.returncode:
                raise ValueError(result.stderr.strip())
        model = PeftModel.from_pretrained(base_model(case.base), str(out)).eval()
        held, stored = get_peft_model_state_dict(model), load_file(out / "adapter_model.safetensors")
    if held.keys() != stored.keys():
        raise ValueError(f"keys differ: {sorted(held.keys() ^ stored.keys())[:4]}")
    if changed := [key for key in stored if not torch.equal(held[key], stored[key])]:
        raise ValueError(f"values differ after loading: {changed[:4]}")
    wanted = logits_of(added(case.base, names, weights), inputs_of(case))
    return float((logits_of(model, inputs_of(case)) - wanted).abs().max() / wanted.abs().max())


def main() -> int:
    """Prints a line for each merge; fails where one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, default=Path(".build/release/tenon"), help="the built binary")
    binary = parser.parse_args().tenon.resolve()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    failed = False
    print("| adapters | weights | options | largest difference of logits |\n|---|---|---|---|")
    for names, weights, options in MERGES:
        try:
            worst = difference(binary, names, weights, options)
            text = f"{worst:.1e}"
        except ValueError as error:
            worst, text = float("inf"), str(error)
        print(f"| {', '.join(names)} | {', '.join(map(str, weights))} | {' '.join(options)} | {text} |")
        failed |= not worst <= TOLERANCE
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
