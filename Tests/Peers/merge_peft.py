#!/usr/bin/env python3
"""Holds the reference of `--compat peft`, or the built `tenon`, against PEFT's `add_weighted_adapter`, over
`Fixtures/merge`.

Random masks are those of `Spec/merge.md` in place of torch's, as is the order of equal magnitudes; how masks are
distributed is told without that. Layers in which PEFT cannot decompose to the rank are left out. Run it with the
interpreter of `Scripts/peers-venv`:

    merge_peft.py [--tenon .build/release/tenon]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "Fixtures" / "merge"
sys.path[:0] = [str(HERE), str(FIXTURES)]

import torch  # noqa: E402
from cases import PEFT_CASES, PeftCase  # noqa: E402
from generate import ADAPTERS, TARGETS, adapters, peft  # noqa: E402
from merge_masks import uniform  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from peft.utils import merge_utils  # noqa: E402
from safetensors import safe_open  # noqa: E402
from torch import nn  # noqa: E402

TOLERANCE = 1e-5
#: What a combination takes that has the word in its name, and the member of a case that holds it.
OPTIONS = (
    ("ties", "--density", "density"),
    ("dare_linear", "--density", "density"),
    ("magnitude_prune", "--density", "density"),
    ("ties", "--majority-sign-method", "sign"),
    ("dare", "--seed", "seed"),
)
CHANCE = 5


def model_of(targets: list[str]) -> nn.Module:
    """Nested modules with a linear layer at each path."""
    root = nn.Module()
    for target in targets:
        *path, leaf = target.split(".")
        parent = root
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, nn.Module())
            parent = getattr(parent, part)
        rows, columns = TARGETS[target]
        parent.add_module(leaf, nn.Linear(columns, rows, bias=False))
    # A layer that every adapter has: PEFT takes none that has no layer at all.
    root.add_module("spare", nn.Linear(8, 8, bias=False))
    return root


def loaded(case: PeftCase, targets: list[str]) -> PeftModel:
    """PEFT's model with the adapters of a case."""
    made, wrapped = adapters(), None
    for name in case.adapters:
        settings = ADAPTERS[name]
        there = [target for target in targets if target in made[name]]
        config = LoraConfig(
            r=settings["r"],
            lora_alpha=settings["lora_alpha"],
            use_rslora=settings["use_rslora"],
            target_modules=[*there, "spare"],
        )
        if wrapped is None:
            wrapped = get_peft_model(model_of(targets), config, adapter_name=name)
        else:
            wrapped.add_adapter(name, config)
        for target in there:
            layer = wrapped.base_model.model.get_submodule(target)
            layer.lora_A[name].weight.data = torch.from_numpy(made[name][target].a)
            layer.lora_B[name].weight.data = torch.from_numpy(made[name][target].b)
    return wrapped


@contextmanager
def defined(case: PeftCase, target: str) -> Iterator[None]:
    """Masks and the order of equal magnitudes as the page has them."""
    there = [index for index, name in enumerate(case.adapters) if target in adapters()[name]]
    if case.combination.endswith("svd"):
        names = [f"{target}\0{index}" for index in there]
    else:
        names = [f"{target}\0{index}\0{side}" for side in "AB" for index in there]
    drawing = chain(names, repeat("spare"))

    def bernoulli(chance: torch.Tensor) -> torch.Tensor:
        drawn = torch.from_numpy(uniform(case.seed, next(drawing), chance.numel()))
        return (drawn.reshape(chance.shape) < case.density).to(chance.dtype)

    def topk(values: torch.Tensor, k: int, largest: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        indices = torch.argsort(values, descending=largest, stable=True)[:k]
        return values[indices], indices

    with patch.multiple(torch, bernoulli=bernoulli, topk=topk):
        yield


def theirs(case: PeftCase, target: str) -> dict[str, torch.Tensor]:
    """PEFT's factors of a target, or their product where it decomposes or concatenates."""
    wrapped = loaded(case, [target])
    with defined(case, target):
        wrapped.add_weighted_adapter(
            case.adapters,
            case.weights,
            "merged",
            case.combination,
            svd_rank=case.rank,
            density=case.density,
            majority_sign_method=case.sign,
        )
    layer = wrapped.base_model.model.get_submodule(target)
    a, b = (factors["merged"].weight.data.double() for factors in (layer.lora_A, layer.lora_B))
    return {f"{target}/change": b @ a} if multiplied(case) else {f"{target}/A": a, f"{target}/B": b}


def multiplied(case: PeftCase) -> bool:
    """Whether products are compared: factors are not unique, or padded with zeros."""
    return case.combination.endswith("svd") or case.combination == "cat"


def reference(case: PeftCase, target: str) -> dict[str, torch.Tensor]:
    """The reference's factors of a target, or their product."""
    found = {key: torch.from_numpy(value) for key, value in peft(case, adapters(), target).items()}
    if multiplied(case) and f"{target}/change" not in found:
        return {f"{target}/change": found[f"{target}/B"] @ found[f"{target}/A"]}
    return found


def tenon_results(binary: Path, case: PeftCase, targets: list[str]) -> dict[str, torch.Tensor]:
    """What the tool makes of a case, in PEFT's format."""
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        container, out = Path(temporary, "merged.tenon"), Path(temporary, "out")
        sources = [str(FIXTURES / "adapters" / name) for name in case.adapters]
        command = [str(binary), "merge", *sources, "-o", str(container), "--compat", "peft"]
        command += ["--merge-method", case.combination, "--weights", ",".join(map(str, case.weights))]
        for word, option, value in OPTIONS:
            if word in case.combination:
                command += [option, str(getattr(case, value))]
        command += ["--rank", str(case.rank)] if case.rank else []
        for line in (command, [str(binary), "unpack", str(container), "--format", "peft", "-o", str(out)]):
            result = subprocess.run(line, capture_output=True, text=True, timeout=60)
            if result.returncode:
                sys.exit(f"{case.name}: {result.stderr.strip()}")
        config = json.loads((out / "adapter_config.json").read_text())
        scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
        found = {}
        with safe_open(out / "adapter_model.safetensors", "pt") as file:
            for target in targets:
                key = f"base_model.model.{target}.lora_"
                if multiplied(case) and f"{key}A.weight" not in file.keys():  # noqa: SIM118
                    # A change of zero has no factors.
                    found[f"{target}/change"] = torch.zeros(TARGETS[target], dtype=torch.float64)
                    continue
                a, b = (file.get_tensor(f"{key}{side}.weight").double() for side in "AB")
                if multiplied(case):
                    found[f"{target}/change"] = scale * (b @ a)
                else:
                    found |= {f"{target}/A": a, f"{target}/B": scale * b}
    return found


def distribution() -> str | None:
    """Prints χ² of PEFT's random masks and ours; what is not chance comes back."""
    torch.manual_seed(3)
    bins, density = 64, 0.4
    values = torch.ones(256 * 512)
    kept = {
        "PEFT": (merge_utils.random_pruning(values, density, True) != 0).double(),
        "here": torch.from_numpy(uniform(11, "t\0A", values.numel()) < density).double(),
    }
    for side, mask in kept.items():
        count, each = mask.reshape(bins, -1).sum(dim=1), values.numel() // bins
        found = float((((count - each * density) ** 2) / (each * density * (1 - density))).sum())
        print(f"masks of {side}: χ² {found:.1f} of {bins}")
        if abs(found - bins) > CHANCE * (2 * bins) ** 0.5:
            return f"masks of {side}"
    return None


def main() -> int:
    """Prints a line for each case; fails where one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, help="the built binary, in place of the reference")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "The density")
    made, failed = adapters(), []
    print("| case | combination | layers | largest difference |\n|---|---|---|---|")
    for case in PEFT_CASES:
        there = sorted({target for name in case.adapters for target in made[name]})
        rank = case.rank or max(ADAPTERS[name]["r"] for name in case.adapters)
        targets = [target for target in there if not case.combination.endswith("svd") or min(TARGETS[target]) >= rank]
        if arguments.tenon:
            ours = tenon_results(arguments.tenon.resolve(), case, there)
        else:
            ours = {key: value for target in there for key, value in reference(case, target).items()}
        worst = 0.0
        for target in targets:
            for key, value in theirs(case, target).items():
                worst = max(worst, float((value - ours[key]).abs().max() / value.abs().max().clamp(min=1e-12)))
        print(f"| {case.name} | {case.combination} | {len(targets)} of {len(there)} | {worst:.1e} |")
        if not worst <= TOLERANCE:
            failed.append(f"{case.name}: differs by {worst:.1e}")
    failed += filter(None, [distribution()])
    for line in failed:
        print(f"failed {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
