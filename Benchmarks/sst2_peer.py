#!/usr/bin/env python3
"""What `sst2.py` does, with PyTorch and PEFT; each command prints JSON.

    sst2_peer.py rows BASE TABLE.tsv OUT.jsonl         ids and labels of a table, by the base's tokenizer
    sst2_peer.py begin BASE OUT --seed N               a LoRA and a head at their beginnings
    sst2_peer.py train BASE ROWS.jsonl [DEV.jsonl] [--init ADAPTER] [--batch N] --seed N --steps N
    sst2_peer.py epoch BASE TABLE.tsv OUT              what one would write: from a table to an adapter that was read again
    sst2_peer.py shape OUT                             a BERT-base with random weights in bf16

The optimizer is AdamW with the same decay of all that is trained, the gradient is clipped to a norm of 1, the rate rises
over the first steps and then stays. `train` takes the batches of `Spec/data.md`, `epoch` such as a shuffling loader takes;
both pad each batch to its longest row. No dropout, as the tool leaves out what a config names.
"""

import argparse
import json
import os
import random
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
warnings.simplefilter("ignore", FutureWarning)

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from sst2_settings import ALPHA, BATCH, NORM, RANK, RATE, TARGETS, THREADS, WARM_UP, WARMUP, WEIGHT_DECAY
from training_order import batches
from training_peer import peak_bytes
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

HELD_OUT_BATCH = 32

Rows = list[tuple[list[int], int]]


def base_of(folder: Path) -> torch.nn.Module:
    """The base with a head of two classes, without dropout."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip


def adapted(folder: Path, seed: int) -> torch.nn.Module:
    """A new LoRA beside a new head."""
    torch.manual_seed(seed)
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=list(TARGETS), modules_to_save=["classifier"], task_type="SEQ_CLS"
    )
    return get_peft_model(base_of(folder), config)


def tokenized(folder: Path, table: Path) -> Rows:
    """Ids and labels of a table without a header."""
    pairs = [line.rsplit("\t", 1) for line in table.read_text(encoding="utf-8").splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ids = tokenizer([text for text, _ in pairs])["input_ids"]
    return [(row, int(label)) for row, (_, label) in zip(ids, pairs, strict=True)]


def read(path: Path) -> Rows:
    """What `rows` wrote."""
    lines = map(json.loads, path.read_text().splitlines())
    return [(line["input_ids"], line["label"]) for line in lines]


def padded(rows: Rows) -> dict[str, torch.Tensor]:
    """A batch as the model takes it."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows])
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([label for _, label in rows])}


def train(model: torch.nn.Module, rows: Rows, order: list[list[int]]) -> dict:
    """Trains on the batches; losses before each step, and tokens a second without padding and the first steps."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=WEIGHT_DECAY, fused=True)
    model.train()
    losses, seconds, tokens = [], [], []
    for step, chosen in enumerate(order):
        begin = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, step / WARMUP)
        loss = model(**padded([rows[row] for row in chosen])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, NORM)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
        tokens.append(sum(len(rows[row][0]) for row in chosen))
    rate = sum(tokens[WARM_UP:]) / sum(seconds[WARM_UP:])
    count = sum(map(torch.numel, weights))
    return {"losses": losses, "tokensPerSecond": rate, "trainableParameters": count, "peakBytes": peak_bytes()}


@torch.inference_mode()
def accuracy(model: torch.nn.Module, rows: Rows) -> float:
    """The share of rows whose class is the likeliest."""
    model.eval()
    right = 0
    order = sorted(rows, key=lambda row: len(row[0]))
    for start in range(0, len(order), HELD_OUT_BATCH):
        batch = padded(order[start : start + HELD_OUT_BATCH])
        right += int((model(**batch).logits.argmax(-1) == batch["labels"]).sum())
    return right / len(rows)


def epoch(base: Path, table: Path, out: Path) -> dict:
    """One pass over a table, and the adapter saved, read again and held against what was trained."""
    rows = tokenized(base, table)
    numbers = list(range(len(rows)))
    random.Random(0).shuffle(numbers)
    order = [numbers[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    model = adapted(base, 0)
    found = train(model, rows, order)
    model.save_pretrained(out)
    PeftModel.from_pretrained(base_of(base), str(out))
    trained = sum(weight.numel() for weight in load_file(out / "adapter_model.safetensors").values())
    if trained != found["trainableParameters"]:
        raise ValueError(f"{trained} numbers are stored of {found['trainableParameters']}")
    return found


def main() -> None:
    """Does what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("rows", "begin", "train", "epoch", "shape"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--init", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, default=BATCH)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    paths, answer = arguments.paths, {}
    match arguments.verb:
        case "rows":
            lines = (json.dumps({"input_ids": ids, "label": label}) + "\n" for ids, label in tokenized(*paths[:2]))
            paths[2].write_text("".join(lines))
        case "begin":
            adapted(paths[0], arguments.seed).save_pretrained(paths[1])
        case "train":
            rows = read(paths[1])
            if arguments.init:
                model = PeftModel.from_pretrained(base_of(paths[0]), str(arguments.init), is_trainable=True)
            else:
                model = adapted(paths[0], arguments.seed)
            answer = train(model, rows, batches(len(rows), arguments.batch, arguments.steps, arguments.seed))
            for held in paths[2:]:
                answer["accuracy"] = accuracy(model, read(held))
        case "epoch":
            answer = epoch(*paths)
        case "shape":
            torch.manual_seed(arguments.seed)
            BertForSequenceClassification(BertConfig(num_labels=2)).to(torch.bfloat16).save_pretrained(paths[0])
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
