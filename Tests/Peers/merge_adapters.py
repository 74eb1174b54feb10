#!/usr/bin/env python3
"""Holds adapters that the built `tenon` merged or resized against PEFT: it must load them completely, and a model with them must compute
what it does with the weighted sum of the changes put into its weights, or with the adapter that was resized to (almost) no error. Run it with the interpreter of `Scripts/peers-venv`:

    merge_adapters.py [--tenon .build/release/tenon]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from functools import partial
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
from transformers.utils import logging  # noqa: E402

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

RESIZED = (
    *("adalora", "adalora-gpt2", "adalora-pruned", "lora-bert", "lora-bf16", "lora-bias-all", "lora-bias-only", "lora-conv1d-auto"),
    *("lora-embedding", "lora-exclude", "lora-f16", "lora-gpt2", "lora-head", "lora-layers", "lora-mica", "lora-modules-to-save"),
    *("lora-modules-to-save-norm", "lora-patterns", "lora-patterns-rslora", "lora-regex", "lora-rslora", "lora-t5", "lora-tokens"),
    *("lora-tokens-named", "vblora", "vblora-topk"),
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


def made(binary: Path, base: str, command: list[str]) -> torch.nn.Module:
    """PEFT's model of what a command of the tool writes, after looking whether it holds just that."""
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        container, out = Path(temporary, "made.tenon"), Path(temporary, "out")
        unpack = ["unpack", str(container), "--format", "peft", "-o", str(out)]
        for line in ([*command, "-o", str(container)], unpack):
            result = subprocess.run([str(binary), *line], capture_output=True, text=True, timeout=60)
            if result.returncode:
                raise ValueError(result.stderr.strip())
        model = PeftModel.from_pretrained(base_model(base), str(out)).eval()
        held, stored = get_peft_model_state_dict(model), load_file(out / "adapter_model.safetensors")
    if held.keys() != stored.keys():
        raise ValueError(f"keys differ: {sorted(held.keys() ^ stored.keys())[:4]}")
    if changed := [key for key in stored if not torch.equal(held[key], stored[key])]:
        raise ValueError(f"values differ after loading: {changed[:4]}")
    return model


def merged(binary: Path, names: tuple[str, ...], weights: tuple[float, ...], options: tuple[str, ...]) -> float:
    """Between the logits of a merge and of the sum, in parts of the largest."""
    case = CASES[names[0]]
    sources = [str(ADAPTERS / name) for name in names]
    command = ["merge", *sources, "--weights", ",".join(map(str, weights)), *options]
    ours = logits_of(made(binary, case.base, command), inputs_of(case))
    wanted = logits_of(added(case.base, names, weights), inputs_of(case))
    return float((ours - wanted).abs().max() / wanted.abs().max())


def resized(binary: Path, name: str) -> float:
    """Between the logits of an adapter and of what it was resized to, in parts of the largest."""
    case = CASES[name]
    command = ["resize", str(ADAPTERS / name), "--error", "1e-6", "--dtype", "f32"]
    ours = logits_of(made(binary, case.base, command), inputs_of(case))
    model = PeftModel.from_pretrained(base_model(case.base), str(ADAPTERS / name)).eval()
    wanted = logits_of(model, inputs_of(case))
    return float((ours - wanted).abs().max() / wanted.abs().max())


def main() -> int:
    """Prints a line for each; fails where one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, default=Path(".build/release/tenon"), help="the built binary")
    binary = parser.parse_args().tenon.resolve()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    jobs = [
        (f"merge {', '.join(names)} by {weights} {' '.join(options)}", partial(merged, binary, names, weights, options))
        for names, weights, options in MERGES
    ]
    jobs += [(f"resize {name}", partial(resized, binary, name)) for name in RESIZED]
    failed = False
    print("| what | largest difference of logits |\n|---|---|")
    for text, job in jobs:
        try:
            worst = job()
            print(f"| {text} | {worst:.1e} |")
        except ValueError as error:
            worst = float("inf")
            print(f"| {text} | {error} |")
        failed |= not worst <= TOLERANCE
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
