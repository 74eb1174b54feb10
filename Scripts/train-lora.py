#!/usr/bin/env python3
"""Trains a LoRA with PEFT on a text file, for the size benchmarks: real factors compress unlike random ones.

A byte-level LLaMA is first trained on the text for a few steps, so that its activations are not noise, and then
adapted (rank 16, all linear layers). Two presets: `large` has a mean tensor of at least 32 KiB in fp32, `small` of
about 11 KiB. Writes `OUT/<preset>-fp32/` and `OUT/<preset>-bf16/`, folders as PEFT saves them. Run it with the
interpreter `Scripts/peers-venv` prints.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

RANK = 16
BASE_NAME = "tenon/byte-llama"


@dataclass(frozen=True)
class Preset:
    """The shape of a base and of its batches."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    batch: int
    length: int


PRESETS = {
    "large": Preset(hidden=512, intermediate=1408, layers=4, heads=8, key_value_heads=4, batch=2, length=64),
    "small": Preset(hidden=128, intermediate=352, layers=4, heads=4, key_value_heads=4, batch=4, length=64),
}


def base_model(preset: Preset) -> LlamaForCausalLM:
    """A byte-level LLaMA with seeded weights."""
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=preset.hidden,
        intermediate_size=preset.intermediate,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        num_key_value_heads=preset.key_value_heads,
        max_position_embeddings=max(128, preset.length),
        bos_token_id=None,
        eos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    model.name_or_path = BASE_NAME
    return model


def train(model: torch.nn.Module, text: torch.Tensor, preset: Preset, steps: int, rate: float, label: str) -> None:
    """Minimises the next-byte loss with AdamW over random windows of the text."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate)
    source = torch.Generator().manual_seed(steps)
    model.train()
    begin, smoothed = time.monotonic(), None
    for step in range(1, steps + 1):
        starts = torch.randint(len(text) - preset.length, (preset.batch,), generator=source).tolist()
        ids = torch.stack([text[start : start + preset.length] for start in starts])
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        smoothed = loss.item() if smoothed is None else 0.95 * smoothed + 0.05 * loss.item()
        if step % 50 == 0 or step == steps:
            print(f"{label} step {step}: loss {smoothed:.3f}, {time.monotonic() - begin:.0f} s", file=sys.stderr)


def save(model: torch.nn.Module, folder: Path, dtype: torch.dtype) -> None:
    """Saves the adapter in a dtype and prints its size."""
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.to(dtype)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    sizes = [weight.numel() * weight.element_size() for name, weight in model.named_parameters() if "lora_" in name]
    mean = sum(sizes) / len(sizes) / 1024
    print(f"{folder}: {len(sizes)} tensors, {sum(sizes)} bytes, mean {mean:.1f} KiB")


def main() -> None:
    """Trains and saves the presets asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, required=True, help="the text to train on")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the adapters")
    parser.add_argument("--preset", choices=[*PRESETS, "all"], default="all")
    parser.add_argument("--steps", type=int, default=400, help="steps of the adapter's training")
    parser.add_argument("--base-steps", type=int, default=150, help="steps of the base's training before it")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    data = arguments.text.read_bytes()
    half = len(data) // 2  # the base learns one half, the adapter the other
    first, second = (torch.frombuffer(bytearray(part), dtype=torch.uint8).long() for part in (data[:half], data[half:]))
    for name in PRESETS if arguments.preset == "all" else [arguments.preset]:
        preset = PRESETS[name]
        set_seed(0)
        model = base_model(preset)
        train(model, first, preset, arguments.base_steps, 1e-3, f"{name} base")
        config = LoraConfig(r=RANK, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
        train(model, second, preset, arguments.steps, 3e-4, f"{name} adapter")
        save(model, arguments.out / f"{name}-fp32", torch.float32)
        save(model, arguments.out / f"{name}-bf16", torch.bfloat16)


if __name__ == "__main__":
    main()
