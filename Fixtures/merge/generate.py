#!/usr/bin/env python3
"""Remakes the fixtures of merging: small models and adapters, recipes, and what the reference makes of them in
fp64.

Run it with the interpreter that `Scripts/peers-venv` prints; twice gives the same bytes. A case whose result hangs
on the last bits of its input is refused here, so that another implementation cannot fail by rounding.
"""

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Tests" / "Peers")]

from cases import ADAPTER_CASES, CASES, PEFT_CASES, AdapterCase, Case, PeftCase  # noqa: E402
from merge_adapters_reference import Factors, Options, merge_peft  # noqa: E402
from merge_adapters_reference import merge as merge_adapters  # noqa: E402
from merge_reference import group_of, importance, merge  # noqa: E402

SHAPES = {
    "model.layers.0.input_layernorm.weight": (9,),
    "model.layers.0.mlp.up_proj.weight": (5, 1),
    "model.layers.0.self_attn.q_proj.weight": (17, 33),
    "model.layers.1.input_layernorm.weight": (2, 3),
    "model.layers.1.mlp.down_proj.weight": (7, 11),
    "model.layers.1.mlp.experts.weight": (2, 3, 4),
    "model.layers.1.self_attn.q_proj.weight": (1, 7),
}
STILL = "model.layers.1.input_layernorm.weight"
LARGE = "model.layers.0.self_attn.q_proj.weight"
TIED = "model.layers.0.input_layernorm.weight"
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "dtype": "float32",
    "hidden_size": 33,
    "model_type": "llama",
    "num_hidden_layers": 2,
}
TARGETS = {
    "model.layers.0.mlp.down_proj": (7, 9),
    "model.layers.0.mlp.gate_proj": (1, 8),
    "model.layers.0.self_attn.o_proj": (6, 1),
    "model.layers.0.self_attn.q_proj": (12, 10),
}
BOTH = ["model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj"]
ADAPTERS = {
    "w": {"r": 3, "lora_alpha": 1.5, "use_rslora": False, "targets": list(TARGETS)},
    "x": {"r": 3, "lora_alpha": 6, "use_rslora": False, "targets": list(TARGETS)},
    "y": {"r": 2, "lora_alpha": 4, "use_rslora": True, "targets": list(TARGETS)},
    "z": {"r": 4, "lora_alpha": 4, "use_rslora": False, "targets": BOTH},
}
# Noise put onto the input of a case, and how far its result may move.
NOISE, MOVED = 1e-12, 1e-9


def models() -> dict[str, dict[str, np.ndarray]]:
    """A base, three fine-tuned models, one that is far from them, and one with numbers that are not finite."""
    random = np.random.default_rng(5)
    made: dict[str, dict[str, np.ndarray]] = {name: {} for name in ("base", "a", "b", "c", "far", "broken")}
    for name, shape in SHAPES.items():
        base = random.normal(0, 0.1, shape)
        common = random.normal(0, 0.01, shape)
        if name == TIED:
            base = np.round(base * 2**10) / 2**10
        made["base"][name] = base.astype(np.float32)
        for model, share in (("a", 1), ("b", 0.8), ("c", 0.6)):
            change = share * common + random.normal(0, 0.006, shape)
            change[random.random(shape) < 0.15] = 0
            change = np.where(random.random(shape) < 0.1, np.sign(change) * 4e-6, change)
            if name == TIED:
                change = random.integers(-2, 3, shape) / 2**8
            if name == STILL:
                change = np.zeros(shape)
            made[model][name] = (base + change).astype(np.float32)
        made["far"][name] = random.normal(0, 0.2, shape).astype(np.float32)
        made["broken"][name] = made["c"][name].copy()
    matrix = made["broken"]["model.layers.1.mlp.down_proj.weight"]
    matrix[3, 4], matrix[0, 0], matrix[6, 10] = np.nan, np.inf, -np.inf
    return made


def adapters() -> dict[str, dict[str, Factors]]:
    """LoRAs of different ranks, scales and targets."""
    random = np.random.default_rng(6)
    made: dict[str, dict[str, Factors]] = {}
    for name, adapter in ADAPTERS.items():
        rank = adapter["r"]
        scale = adapter["lora_alpha"] / (rank**0.5 if adapter["use_rslora"] else rank)
        made[name] = {}
        for target in adapter["targets"]:
            rows, columns = TARGETS[target]
            a = random.normal(0, 0.3, (rank, columns)).astype(np.float32)
            b = random.normal(0, 0.2, (rows, rank)).astype(np.float32)
            made[name][target] = Factors(a, b, scale)
    return made


def none_of(target: str) -> Factors:
    """The factors of an adapter that lacks a target."""
    rows, columns = TARGETS[target]
    return Factors(np.zeros((0, columns), np.float32), np.zeros((rows, 0), np.float32), 1)


def scalar(value: Any) -> str:
    """A number or truth as YAML has it."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def recipe(case: Case) -> str:
    """The case as YAML, with paths of models from the folder of the fixtures."""
    lines = [f"merge_method: {case.method}", *(["base_model: models/base"] if case.base else []), "models:"]
    each = case.each or [{} for _ in case.models]
    for model, parameters in zip(case.models, each, strict=True):
        lines += [f"  - model: models/{model}", *(["    parameters:"] if parameters else [])]
        lines += [f"      {key}: {scalar(value)}" for key, value in parameters.items()]
    if case.shared:
        lines += ["parameters:", *(f"  {key}: {scalar(value)}" for key, value in case.shared.items())]
    return "\n".join([*lines, "dtype: float32", ""])


def expected(case: Case, sources: dict[str, dict[str, np.ndarray]], name: str) -> np.ndarray:
    """The reference's result of one tensor."""
    base = sources["base"][name] if case.base else None
    inputs = [sources[model][name] for model in case.models]
    each = case.each or [{} for _ in inputs]
    if case.method == "arcee_fusion":
        scores, threshold = importance(group_of(case.method, base, inputs, case.shared, each))
        close = np.abs(scores - threshold) < 1e-5 * abs(threshold)
        if threshold > 0 and close.any():
            sys.exit(f"{case.name}: {name} hangs on rounding")
    return merge(case.method, base, inputs, case.shared, each, name, case.seed, case.allow_nan)


def of_target(case: AdapterCase | PeftCase, made: dict[str, dict[str, Factors]], target: str) -> list[Factors]:
    """The factors of a case's adapters, of rank 0 where one lacks the target."""
    return [made[name].get(target) or none_of(target) for name in case.adapters]


def adapted(case: AdapterCase, factors: list[Factors], target: str) -> np.ndarray:
    """The reference's change of one target, checked for standing on firm ground."""
    options = Options(case.weights, **case.options)
    merged = merge_adapters(case.method, factors, options, target, case.rank)
    random = np.random.default_rng(0)
    moved = [replace(f, b=f.b * (1 + NOISE * random.normal(size=f.b.shape))) for f in factors]
    difference = np.abs(merge_adapters(case.method, moved, options, target, case.rank) - merged).max()
    if difference > MOVED:
        sys.exit(f"{case.name}: {target} hangs on rounding: {difference:.2g}")
    return merged


def peft(case: PeftCase, made: dict[str, dict[str, Factors]], target: str) -> dict[str, np.ndarray]:
    """PEFT's factors or change of one target."""
    rank = case.rank or max(ADAPTERS[name]["r"] for name in case.adapters)
    factors = of_target(case, made, target)
    merged = merge_peft(case.combination, factors, case.weights, target, case.density, case.sign, rank, case.seed)
    if isinstance(merged, tuple):
        return {f"{target}/A": merged[0], f"{target}/B": merged[1]}
    return {f"{target}/change": merged}


def write_sources(sources: dict[str, dict[str, np.ndarray]], made: dict[str, dict[str, Factors]]) -> None:
    """The folders of models and adapters."""
    for folder in ("models", "adapters"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    for name, tensors in sources.items():
        folder = HERE / "models" / name
        folder.mkdir(parents=True)
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    for name, adapter in ADAPTERS.items():
        folder = HERE / "adapters" / name
        folder.mkdir(parents=True)
        tensors = {}
        for target, factors in made[name].items():
            tensors[f"base_model.model.{target}.lora_A.weight"] = factors.a
            tensors[f"base_model.model.{target}.lora_B.weight"] = factors.b
        save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
        config = {
            "base_model_name_or_path": None,
            "bias": "none",
            "lora_alpha": adapter["lora_alpha"],
            "peft_type": "LORA",
            "r": adapter["r"],
            "target_modules": sorted({target.split(".")[-1] for target in adapter["targets"]}),
            "use_rslora": adapter["use_rslora"],
        }
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    """Write everything."""
    sources, made = models(), adapters()
    write_sources(sources, made)
    results = {"recipes": {}, "adapters": {}, "peft": {}}
    first = {case.method: case for case in reversed(CASES)}
    for case in CASES:
        # The large tensor is in the first case of each method alone, to keep the file small.
        for name in SHAPES if case is first[case.method] else SHAPES.keys() - {LARGE}:
            results["recipes"][f"{case.name}/{name}"] = expected(case, sources, name)
    for case in ADAPTER_CASES:
        for target in sorted({target for name in case.adapters for target in made[name]}):
            results["adapters"][f"{case.name}/{target}"] = adapted(case, of_target(case, made, target), target)
    for case in PEFT_CASES:
        for target in sorted({target for name in case.adapters for target in made[name]}):
            for key, value in peft(case, made, target).items():
                results["peft"][f"{case.name}/{key}"] = value
    for name, tensors in results.items():
        save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, HERE / f"{name}.safetensors")
    table = {
        "recipes": [asdict(case) | {"recipe": recipe(case)} for case in CASES],
        "adapters": [asdict(case) for case in ADAPTER_CASES],
        "peft": [asdict(case) for case in PEFT_CASES],
    }
    rows = [f'"{key}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]" for key, cases in table.items()]
    (HERE / "cases.json").write_text("{" + ",\n".join(rows) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
