#!/usr/bin/env python3
"""What `shakespeare.py` does, with PyTorch and PEFT, in the folder that it has prepared; prints its figures as JSON.

The optimizer is AdamW with the same decay of all that is trained, the gradient is clipped to a norm of 1, the rate rises
and falls as `Spec/training.md` says, the batches are those of `Spec/data.md`.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
from peft import LoraConfig, get_peft_model
from training_order import batches
from training_peer import padded
from transformers import AutoModelForCausalLM

WEIGHT_DECAY = 0.01
NORM = 1.0
HELD_OUT_BATCH = 16
#: Steps from one line of progress to the next.
REPORT = 100


def rows(path: Path) -> list[list[int]]:
    """The ids of a file."""
    return [json.loads(line)["input_ids"] for line in path.read_text().splitlines()]


def rate(settings: dict, step: int) -> float:
    """Of a step, counted from 0."""
    warmup, steps = settings["warmup"], settings["steps"]
    if step < warmup:
        return settings["rate"] * step / warmup
    return settings["rate"] * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def train(model: torch.nn.Module, data: list[list[int]], settings: dict) -> float:
    """Trains what asks for gradients; the seconds it took."""
    begin = time.perf_counter()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=WEIGHT_DECAY, fused=True)
    model.train()
    for step, chosen in enumerate(batches(len(data), settings["batch"], settings["steps"], seed=0)):
        for group in optimizer.param_groups:
            group["lr"] = rate(settings, step)
        loss = model(**padded([data[row] for row in chosen], torch)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, NORM)
        optimizer.step()
        optimizer.zero_grad()
        if step % REPORT == 0:
            print(f"peer: step {step}, loss {loss.item():.4f}", file=sys.stderr)
    return time.perf_counter() - begin


@torch.inference_mode()
def held_out(model: torch.nn.Module, data: list[list[int]]) -> float:
    """The mean loss of all predicted bytes."""
    model.eval()
    total, count = 0.0, 0
    order = sorted(data, key=len)
    for start in range(0, len(order), HELD_OUT_BATCH):
        chosen = order[start : start + HELD_OUT_BATCH]
        predicted = sum(len(row) - 1 for row in chosen)
        total += model(**padded(chosen, torch)).loss.item() * predicted
        count += predicted
    return total / count


def main() -> None:
    """Trains, and prints what it saw."""
    folder = Path(sys.argv[1])
    settings = json.loads((folder / "settings.json").read_text())
    data = {
        f"{name}-{split}": rows(folder / name / f"{split}.jsonl")
        for name in ("text", "sentences")
        for split in ("train", "test")
    }
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(
        folder / "start", dtype=torch.float32, attn_implementation="sdpa", local_files_only=True
    )
    model.config.use_cache = False
    found = {"textBefore": held_out(model, data["text-test"])}
    found["fullSeconds"] = train(model, data["text-train"], settings["full"])
    found["textAfter"] = held_out(model, data["text-test"])
    found["sentencesBefore"] = held_out(model, data["sentences-test"])
    lora = settings["lora"]
    config = LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    found["loraSeconds"] = train(adapted, data["sentences-train"], lora)
    found["sentencesUnmerged"] = held_out(adapted, data["sentences-test"])
    found["sentencesMerged"] = held_out(adapted.merge_and_unload(), data["sentences-test"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
