#!/usr/bin/env python3
"""Holds what `Spec/merge.md` says of recipes, or the built `tenon`, against `mergekit`'s own planner, on tiny
LLaMAs.

Every recipe runs through mergekit, and through a reading of the YAML that follows the page: slices, places of
parameters, filters, gradients, loose tensors, tied heads, tensors that a model lacks. Run it with the interpreter
of `Scripts/peers-venv Benchmarks/mergekit.txt`:

    merge_recipes.py [--tenon .build/release/tenon]
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from merge_reference import METHODS, merge  # noqa: E402
from merge_runs import TOLERANCE, Refused, lines, run  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

HIDDEN, LAYERS, VOCABULARY = 8, 4, 12
SHAPES = {
    "input_layernorm": (HIDDEN,),
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, HIDDEN),
    "self_attn.v_proj": (HIDDEN, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "post_attention_layernorm": (HIDDEN,),
    "mlp.up_proj": (12, HIDDEN),
    "mlp.gate_proj": (12, HIDDEN),
    "mlp.down_proj": (HIDDEN, 12),
}
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
LAYER = re.compile(r"\.(\d+)\.")
RECIPES = {
    "gradients": """
merge_method: slerp
base_model: base
models: [{model: base}, {model: a}]
parameters:
  t:
    - filter: self_attn
      value: [0, 0.5, 0.3, 0.7, 1]
    - filter: mlp
      value: [1, 0.5, 0.2]
    - value: 0.25
dtype: float32
""",
    "places": """
merge_method: task_arithmetic
base_model: base
models:
  - model: a
    parameters:
      weight: [{filter: down_proj, value: 0.9}, {filter: layers.2, value: "2e-1"}]
  - model: b
    parameters: {weight: [0.1, 0.8]}
parameters:
  weight: 0.4
  lambda: [1, 2]
  normalize: true
dtype: float32
""",
    "slices": """
merge_method: linear
slices:
  - sources:
      - {model: a, layer_range: [0, 2], parameters: {weight: [1, 3]}}
      - {model: b, layer_range: [1, 3]}
    parameters: {weight: 2}
  - sources:
      - {model: a, layer_range: [1, 4], parameters: {weight: {filter: mlp, value: 0.3}}}
      - {model: c, layer_range: [0, 3], parameters: {weight: 0.6}}
parameters: {weight: 1}
dtype: float32
""",
    "stacked": """
merge_method: passthrough
slices:
  - sources: [{model: a, layer_range: [0, 3]}]
  - sources:
      - model: b
        layer_range: [1, 4]
        parameters: {scale: [{filter: o_proj, value: 0}, {filter: down_proj, value: [0.5, 1]}]}
dtype: float32
""",
    "head": """
merge_method: linear
models:
  - {model: a, parameters: {weight: 0.3}}
  - {model: tied, parameters: {weight: 0.7}}
dtype: float32
""",
    "member": """
merge_method: linear
base_model: base
models: [{model: a, parameters: {weight: 0.3}}]
parameters: {weight: 0.5}
dtype: float32
""",
    "promoted": """
merge_method: linear
models: [{model: half, parameters: {weight: 1}}, {model: a, parameters: {weight: 3}}]
""",
    "flags": """
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 1, density: [0.2, 0.9]}}
  - {model: b, parameters: {weight: 0.5}}
parameters:
  density: 0.5
  normalize: [{filter: mlp, value: false}, {value: true}]
dtype: float32
out_dtype: bfloat16
""",
}


def models() -> dict[str, dict[str, torch.Tensor]]:
    """A base, models beside it, one whose head is tied and one in bf16."""
    random = torch.Generator().manual_seed(8)
    names = [f"model.layers.{layer}.{name}.weight" for layer in range(LAYERS) for name in SHAPES]
    shapes = {name: SHAPES[re.sub(r"^model\.layers\.\d+\.|\.weight$", "", name)] for name in names}
    shapes |= {EMBEDDING: (VOCABULARY, HIDDEN), "model.norm.weight": (HIDDEN,), HEAD: (VOCABULARY, HIDDEN)}
    made = {}
    for model in ("base", "a", "b", "c", "tied", "half"):
        made[model] = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    del made["tied"][HEAD]
    made["half"] = {name: value.bfloat16() for name, value in made["half"].items()}
    return made


def write(folder: Path) -> None:
    """The models as checkpoints."""
    for model, tensors in models().items():
        (folder / model).mkdir()
        config = {
            "architectures": ["LlamaForCausalLM"],
            "dtype": "float32",
            "hidden_size": HIDDEN,
            "intermediate_size": 12,
            "model_type": "llama",
            "num_attention_heads": 2,
            "num_hidden_layers": LAYERS,
            "num_key_value_heads": 2,
            "tie_word_embeddings": model == "tied",
            "vocab_size": VOCABULARY,
        }
        (folder / model / "config.json").write_text(json.dumps(config))
        save_file(tensors, folder / model / "model.safetensors", {"format": "pt"})


def single(value: Any) -> Any:
    """A scalar; numbers may be texts."""
    return float(value) if isinstance(value, str) else value


def value_of(setting: Any, tensor: str, x: float) -> Any:
    """What a setting says of a tensor, none if nothing."""
    if isinstance(setting, dict):
        setting = [setting]
    if not isinstance(setting, list):
        return single(setting)
    if any(isinstance(item, dict) for item in setting):
        for item in setting:
            if item.get("filter") in (None, "*") or item["filter"] in tensor:
                return value_of(item["value"], tensor, x)
        return None
    if not setting:
        return None
    values, y = [single(item) for item in setting], x * (len(setting) - 1)
    if isinstance(values[0], bool):
        return values[int(y)]
    k = int(y)
    return (1 - (y - k)) * values[k] + (y - k) * values[min(k + 1, len(values) - 1)]


def found(name: str, places: list[dict], tensor: str, x: float) -> dict[str, Any]:
    """A parameter from the first place that has it."""
    for place in places:
        value = value_of(place[name], tensor, x) if name in place else None
        if value is not None:
            return {name: value}
    return {}


class Reading:
    """A recipe as the page reads it."""

    def __init__(self, recipe: dict[str, Any], sources: dict[str, dict[str, torch.Tensor]]) -> None:
        self.recipe, self.sources, self.method = recipe, sources, recipe["merge_method"]
        self.base = recipe.get("base_model")
        self.merged: dict[str, np.ndarray] = {}
        slices = recipe.get("slices")
        if slices is None:
            listed = list(recipe["models"])
            if self.base and all(item["model"] != self.base for item in listed):
                listed.append({"model": self.base})
            slices = [{"sources": [item | {"layer_range": [0, LAYERS]} for item in listed]}]
        written = 0
        for part in slices:
            start, end = part["sources"][0]["layer_range"]
            for offset in range(end - start):
                x = offset / (end - start - 1) if end - start > 1 else 1
                for name in SHAPES:
                    own = [f"model.layers.{s['layer_range'][0] + offset}.{name}.weight" for s in part["sources"]]
                    self.tensor(f"model.layers.{written}.{name}.weight", own, part, x)
                written += 1
        for name, part in ((EMBEDDING, slices[0]), ("model.norm.weight", slices[-1]), (HEAD, slices[-1])):
            self.tensor(name, [name] * len(part["sources"]), part, 0)

    def tensor(self, name: str, own: list[str], part: dict[str, Any], x: float) -> None:
        """Merges one tensor of the sources of a slice."""
        places = [part.get("parameters") or {}, self.recipe.get("parameters") or {}]
        spec, shared = METHODS[self.method], {}
        for key, parameter in spec.parameters.items():
            if not parameter.each:
                shared |= found(key, places, name, x)
        base, inputs, each = None, [], []
        for source, key in zip(part["sources"], own, strict=True):
            tensors = self.sources[source["model"]]
            array = tensors[key if key in tensors else EMBEDDING].float().numpy()
            if source["model"] == self.base and spec.base != "member":
                base = array
                continue
            inputs.append(array)
            nearest = [source.get("parameters") or {}, *places]
            keys = [parameter for parameter in spec.parameters if spec.parameters[parameter].each]
            each.append({key_: value for p in keys for key_, value in found(p, nearest, key, x).items()})
        self.merged[name] = merge(self.method, base, inputs, shared, each, name)


def differences(folder: Path, name: str, binary: Path | None) -> tuple[float, str]:
    """The largest difference of a recipe's result from the reading, and what is missing or differs beside it."""
    recipe = yaml.safe_load(RECIPES[name])
    try:
        out = run(folder, name, RECIPES[name], binary, copies_tokenizer=False)
    except Refused as error:
        return np.inf, str(error)
    written = {key: value for file in out.glob("*.safetensors") for key, value in load_file(file).items()}
    reading = Reading(recipe, models()).merged
    if written.keys() != reading.keys():
        return np.inf, f"other tensors: {sorted(written.keys() ^ reading.keys())}"
    config, worst = json.loads((out / "config.json").read_text()), 0.0
    notes = [f"layers {config['num_hidden_layers']}", f"tied {config.get('tie_word_embeddings')}"]
    notes.append("/".join(sorted({str(value.dtype).removeprefix("torch.") for value in written.values()})))
    for key, value in written.items():
        step = 2**-8 if value.dtype == torch.bfloat16 else TOLERANCE
        gap = np.abs(value.double().numpy() - reading[key]).max() / max(1e-9, np.abs(reading[key]).max())
        worst = max(worst, float(gap) / step)
    return worst, ", ".join(notes)


def check(folder: Path, name: str, binary: Path | None) -> tuple[str, str, list[str]]:
    """A recipe's difference, what is to be said, and what is wrong."""
    worst, notes = differences(folder, name, binary)
    return f"{worst:.2g}", notes, [] if worst <= 1 else [f"{worst:.2g} tolerances"]


if __name__ == "__main__":
    sys.exit(lines(__doc__, "difference, in tolerances", RECIPES, write, check))
