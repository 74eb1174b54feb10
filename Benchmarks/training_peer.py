#!/usr/bin/env python3
"""Trains a LoRA on all linear layers with PyTorch and PEFT, as fast as they do it on a CPU, and prints JSON:

    training_peer.py BASE DATA.jsonl --batch-size 8 --steps 20 [--init ADAPTER] [--order FILE] [--save OUT]

Attention is torch's fused one, all is fp32, AdamW is fused. Rows of about one length share a batch, padded to its
longest (as `group_by_length` has it); with `--order`, a JSON list of lists of row numbers, batches are those. The
loss counts every token but each row's first. `--init` is an adapter's folder to begin with, `--save` where the trained
one goes. Run it with the interpreter `Scripts/peers-venv` prints; a process of its own, as it tells the peak of its memory.

    tokensPerSecond   the rows' own tokens, padding left out, by the seconds of all steps but the first two
    stepSeconds       the median of those steps
    firstStepSeconds  from the process's start to the end of the first step
    peakBytes         the most memory the process held (VmHWM), pages of files included
    losses            before each step
    sgemmGigaflops    of torch.mm of 1024 x 1024 matrices with the same threads, right after; 0 with --no-sgemm
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

WARM_UP = 2
#: Batches among which `group_by_length` sorts; as in transformers.
MEGABATCH = 50
SIZE = 1024
PRODUCTS = 20


def started() -> float:
    """When this process began, by the monotonic clock."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_bytes() -> int:
    """The most memory this process held so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def grouped(rows: list[list[int]], size: int, seed: int) -> list[list[int]]:
    """Row numbers by batch: shuffled, then sorted by length among fifty batches, the longest batch first."""
    import random

    numbers = list(range(len(rows)))
    random.Random(seed).shuffle(numbers)
    span = size * MEGABATCH
    spans = [numbers[start : start + span] for start in range(0, len(numbers), span)]
    numbers = [number for part in spans for number in sorted(part, key=lambda at: -len(rows[at]))]
    batches = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    longest = max(range(len(batches)), key=lambda at: len(rows[batches[at][0]]))
    batches[0], batches[longest] = batches[longest], batches[0]
    return batches


def sgemm(torch) -> float:
    """Billions of operations a second of matrix products."""
    left, right = torch.rand(SIZE, SIZE), torch.rand(SIZE, SIZE)
    seconds = []
    for _ in range(PRODUCTS):
        begin = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - begin)
    return 2 * SIZE**3 / statistics.median(seconds) / 1e9


def adapted(arguments: argparse.Namespace, torch):
    """The base with an adapter on it."""
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(arguments.seed)
    base = AutoModelForCausalLM.from_pretrained(
        arguments.base, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True
    )
    base.config.use_cache = False
    if arguments.init:
        return PeftModel.from_pretrained(base, str(arguments.init), is_trainable=True)
    rank, alpha = arguments.rank, arguments.alpha
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM")
    return get_peft_model(base, config)


def padded(rows: list[list[int]], torch) -> dict:
    """A batch as the model takes it; a mask only where there is padding."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for row in rows])
    batch = {"input_ids": ids, "labels": labels}
    if any(len(row) < longest for row in rows):
        batch["attention_mask"] = (labels != -100).long()
    return batch


def main() -> None:
    """Trains, and prints what it saw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", type=Path, help="the adapter to begin with, as PEFT saves it")
    parser.add_argument("--order", type=Path, help="the rows of each batch: a JSON list of lists of numbers from 0")
    parser.add_argument("--save", type=Path, help="where the trained adapter goes")
    parser.add_argument("--save-init", type=Path, help="where the adapter goes before the first step")
    parser.add_argument("--no-sgemm", action="store_true")
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(arguments.threads)
    rows = [json.loads(line)["input_ids"] for line in arguments.data.read_text(encoding="utf-8").splitlines()]
    order = grouped(rows, arguments.batch_size, arguments.seed)
    if arguments.order:
        order = json.loads(arguments.order.read_text())
    model = adapted(arguments, torch)
    if arguments.save_init:
        model.save_pretrained(arguments.save_init)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        weights, lr=arguments.learning_rate, weight_decay=arguments.weight_decay, fused=True
    )
    model.train()
    losses, seconds, tokens = [], [], []
    first = 0.0
    for step in range(arguments.steps):
        chosen = [rows[number] for number in order[step % len(order)]]
        begin = time.perf_counter()
        loss = model(**padded(chosen, torch)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
        tokens.append(sum(map(len, chosen)))
        if step == 0:
            first = time.clock_gettime(time.CLOCK_BOOTTIME) - started()
    peak = peak_bytes()
    if arguments.save:
        model.save_pretrained(arguments.save)
    counted = slice(WARM_UP, None)
    result = {
        "tokensPerSecond": sum(tokens[counted]) / sum(seconds[counted]),
        "stepSeconds": statistics.median(seconds[counted]),
        "firstStepSeconds": first,
        "peakBytes": peak,
        "trainableParameters": sum(weight.numel() for weight in weights),
        "sgemmGigaflops": 0.0 if arguments.no_sgemm else sgemm(torch),
        "losses": losses,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
