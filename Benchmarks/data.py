"""Writes an adapter folder of gaussian numbers as PEFT would save it: `data.py OUT --dtype bf16 --rank 16 ...`.

A LoRA on all linear layers of a LLaMA-like model of 32 layers, 448 tensors. A process of its own, since it needs torch.
"""

import argparse
import json
from pathlib import Path

#: What the sizes are made of: a model like LLaMA 2 7B, and one on which rank 16 makes 20 MB in fp32.
LAYERS = 32
LARGE = (4096, 11008)
SMALL = (512, 1376)
WIDTHS = {"bf16": 2, "fp32": 4}


def sites(hidden: int, intermediate: int, key_values: int | None = None) -> dict[str, tuple[int, int]]:
    """The linear layers of a block: inputs and outputs by name."""
    outputs = {name: key_values or hidden if name in "kv" else hidden for name in "qkvo"}
    attention = {f"self_attn.{name}_proj": (hidden, outputs[name]) for name in "qkvo"}
    up = {f"mlp.{name}_proj": (hidden, intermediate) for name in ("gate", "up")}
    return attention | up | {"mlp.down_proj": (intermediate, hidden)}


def parameters(hidden: int, intermediate: int) -> int:
    """How many numbers one rank has."""
    return LAYERS * sum(sum(shape) for shape in sites(hidden, intermediate).values())


def rank_for(size: int, dtype: str, shape: tuple[int, int] = LARGE) -> int:
    """The lowest rank that makes at least so many bytes."""
    return -(-size // (parameters(*shape) * WIDTHS[dtype]))


def config(rank: int, names: list[str]) -> dict:
    """What PEFT writes for such an adapter, as far as it matters."""
    return {
        "base_model_name_or_path": "tenon/gaussian",
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(name.split(".")[1] for name in names),
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }


def main() -> None:
    """Writes the folder."""
    import safetensors.torch
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", choices=WIDTHS, required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--intermediate", type=int, required=True)
    parser.add_argument("--key-values", type=int, help="outputs of k_proj and v_proj (default: hidden)")
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--sigma", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    source = torch.Generator().manual_seed(arguments.seed)
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[arguments.dtype]
    layer = sites(arguments.hidden, arguments.intermediate, arguments.key_values)
    tensors = {}
    for number in range(arguments.layers):
        for name, (inputs, outputs) in layer.items():
            for factor, shape in (("A", (arguments.rank, inputs)), ("B", (outputs, arguments.rank))):
                values = torch.empty(shape).normal_(0, arguments.sigma, generator=source).to(dtype)
                tensors[f"base_model.model.model.layers.{number}.{name}.lora_{factor}.weight"] = values
    arguments.out.mkdir()
    safetensors.torch.save_file(tensors, arguments.out / "adapter_model.safetensors", metadata={"format": "pt"})
    text = json.dumps(config(arguments.rank, list(layer)), indent=2, sort_keys=True)
    (arguments.out / "adapter_config.json").write_text(text)


if __name__ == "__main__":
    main()
