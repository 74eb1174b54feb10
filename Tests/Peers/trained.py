"""Training and evaluation: adapters trained here in PEFT, adapters of PEFT evaluated here."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from goldens.bases import load_base
from goldens.cases import CASES, CLASSES, TASKS, VALUES, Case, batch, targets, types
from goldens.golden import loss_of, row_logits
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file

TRAINING = Path(__file__).resolve().parent.parent.parent / "Fixtures" / "training"
ADAPTED = [case for case in CASES.values() if case.trained in ("adapter", "encoder")]
_LORA = ["--method", "lora", "--rank", "4", "--alpha", "8"]
_QUERY_VALUE = [*_LORA, "--target-modules", "q_proj,v_proj"]
_PREFIX = ["--method", "prefix-tuning", "--virtual-tokens", "4"]
# What the binary trains, and how.
TRAINED = {
    "lora": _QUERY_VALUE,
    "dora": [*_LORA, "--dora"],
    "eva": [*_QUERY_VALUE, "--set", 'init_lora_weights="eva"'],
    "pissa": [*_QUERY_VALUE, "--set", 'init_lora_weights="pissa"', "--set", 'alpha_pattern={"v_proj":4}'],
    "adalora": ["--method", "adalora", "--set", "init_r=4", "--set", "target_r=1", "--set", "tinit=2", "--set", "tfinal=4"],
    "shira": ["--method", "shira", "--rank", "4"],
    "ia3": ["--method", "ia3"],
    "prompt-tuning": ["--method", "prompt-tuning", "--virtual-tokens", "4"],
    "prefix-tuning": [*_PREFIX, "--learning-rate", "1e-1"],
    "prefix-encoder": [*_PREFIX, "--set", "prefix_projection=true", "--set", "encoder_hidden_size=12"],
    "adaption-prompt": ["--method", "adaption-prompt", "--set", "adapter_len=4"],
    "ln-tuning": ["--method", "ln-tuning"],
}
# The same for other tasks: the base, that whose head it gets where it has none of its own, and how it is trained.
_BERT = [*_LORA, "--target-modules", "query,value,dense"]
_DISTILBERT = [*_LORA, "--target-modules", "q_lin,v_lin"]
TRAINED_TASKS = {
    "bert": ("bert-classes", None, _BERT),
    "bert-norms": ("bert-classes", None, ["--method", "ln-tuning"]),
    "bert-new-head": ("bert-masked", "bert-classes", _BERT),
    "bert-tokens": ("bert-tokens", None, _LORA),
    "bert-biases": ("bert-classes", None, [*_BERT, "--bias", "lora_only"]),
    "roberta": ("roberta-value", None, _LORA),
    "roberta-new-head": ("roberta-masked", "roberta-value", _LORA),
    "distilbert": ("distilbert-classes", None, _DISTILBERT),
    "distilbert-new-head": ("distilbert-masked", "distilbert-classes", _DISTILBERT),
    "roberta-other-head": ("roberta-value", "roberta-classes", [*_LORA, "--new-head"]),
    "llama-new-head": ("llama", "llama-classes", _QUERY_VALUE),
    "gpt2": ("gpt2", None, _LORA),
    "gpt2-new-head": ("gpt2", "gpt2-classes", _LORA),
}
# Of losses and of −log p.
TOLERANCE = 1e-4
STEPS = 20

Tenon = Callable[..., str]


def write_data(folder: Path, rows: list[tuple[list[int], list[int]]]) -> Path:
    """A data folder whose every split has these rows of tokens and labels."""
    return write_lines(folder, [{"input_ids": ids, "labels": labels} for ids, labels in rows])


def lines(base: str) -> list[dict]:
    """The rows of the batch as a base is asked."""
    task = TASKS.get(base, "causal")
    rows = []
    for number, (ids, _) in enumerate(batch()):
        row: dict = {"input_ids": ids}
        if base.startswith("bert"):
            row["token_type_ids"] = types()[number]
        if task == "classification":
            row["label"] = CLASSES[number]
        elif task == "regression":
            row["label"] = VALUES[number]
        else:
            row["labels"] = targets(task)[number]
        rows.append(row)
    return rows


def write_lines(folder: Path, rows: list[dict]) -> Path:
    """A data folder whose every split has these rows."""
    folder.mkdir()
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for split in ("train", "valid", "test"):
        (folder / f"{split}.jsonl").write_text(text, encoding="ascii")
    return folder


def evaluated(tenon: Tenon, container: Path, base: str, data: Path) -> float:
    """The loss that the binary tells."""
    return json.loads(tenon("eval", container, "--base", TRAINING / "bases" / base, "--data", data, "--json"))["loss"]


def loaded(folder: Path, base: str, like: str | None = None) -> torch.nn.Module:
    """PEFT's model of an adapter's folder, in evaluation. Raises `ValueError` unless it holds just what the file does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(load_base(base, TRAINING, like), str(folder)).eval()
        held = get_peft_model_state_dict(model)
    stored = load_file(folder / "adapter_model.safetensors")
    if held.keys() != stored.keys():
        raise ValueError(f"keys differ: {sorted(held.keys() ^ stored.keys())[:4]}")
    if changed := sorted(key for key in stored if not torch.equal(held[key], stored[key])):
        raise ValueError(f"values differ after loading: {changed[:4]}")
    return model


def evaluation_difference(tenon: Tenon, case: Case, work: Path) -> float:
    """Between the loss recorded of PEFT's adapter and the binary's."""
    container = work / "peft.tenon"
    tenon("pack", TRAINING / "cases" / case.name / "adapter", "-o", container)
    wanted = load_file(TRAINING / "cases" / case.name / "golden.safetensors")["loss"].item()
    return abs(evaluated(tenon, container, case.base, write_lines(work / "data", lines(case.base))) - wanted)


def training_difference(tenon: Tenon, words: list[str], work: Path) -> float:
    """Trains an adapter with the binary. The largest difference between what PEFT makes of it and what the binary does: of the
    loss, and of −log p of every token, each asked for as the one label of a row. Raises `ValueError` if nothing was
    learned."""
    base, container, folder = "llama", work / "trained.tenon", work / "trained"
    data = write_data(work / "data", batch())
    options = {"--batch-size": len(batch()), "--iters": STEPS, "--learning-rate": 1e-2, "--seed": 1}
    words = [*(str(word) for option in options.items() for word in option), *words]
    tenon("train", "--base", TRAINING / "bases" / base, "--data", data, *words, "-o", container)
    tenon("unpack", container, "--format", "peft", "-o", folder)
    with torch.no_grad():
        rows = row_logits(loaded(folder, base))
        loss, before = loss_of(rows).item(), loss_of(row_logits(load_base(base, TRAINING).eval())).item()
    if not loss < before:
        raise ValueError(f"the loss was {before:.4f}, and is {loss:.4f}")
    worst = abs(evaluated(tenon, container, base, data) - loss)
    for number, ((ids, _), logits) in enumerate(zip(batch(), rows, strict=True)):
        likely = torch.log_softmax(logits.double(), -1)
        for place in range(1, len(ids)):
            labels = [-100] * len(ids)
            labels[place] = ids[place]
            one = write_data(work / f"{number}-{place}", [(ids, labels)])
            found = evaluated(tenon, container, base, one)
            worst = max(worst, abs(found + likely[place - 1, ids[place]].item()))
    return worst


def task_difference(tenon: Tenon, base: str, like: str | None, words: list[str], work: Path) -> float:
    """As ``training_difference``, for the task of the base or of that whose head it gets, row by row, each row of a
    classification with every class in turn."""
    asked, container, folder = like or base, work / "trained.tenon", work / "trained"
    task, rows = TASKS.get(asked, "causal"), lines(asked)
    data = write_lines(work / "data", rows)
    options = {"--batch-size": len(rows), "--iters": STEPS, "--learning-rate": 1e-2, "--seed": 1, "--task": task}
    words = [*(str(word) for option in options.items() for word in option), *words]
    tenon("train", "--base", TRAINING / "bases" / base, "--data", data, *words, "-o", container)
    tenon("unpack", container, "--format", "peft", "-o", folder)
    with torch.no_grad():
        logits = row_logits(loaded(folder, base, like))
        loss = loss_of(logits, task).item()
        first = json.loads(container.with_suffix(".metrics.jsonl").read_text().splitlines()[0])["loss"]
        if not loss < first:
            raise ValueError(f"the loss was {first:.4f}, and is {loss:.4f}")
        worst = abs(evaluated(tenon, container, base, data) - loss)
        for number, row in enumerate(rows):
            one = write_lines(work / str(number), [row])
            wanted = loss_of(logits[number : number + 1], task, number).item()
            worst = max(worst, abs(evaluated(tenon, container, base, one) - wanted))
            likely = torch.log_softmax(logits[number].double(), -1).tolist() if task == "classification" else []
            for label, wanted in enumerate(likely):
                one = write_lines(work / f"{number}-{label}", [{**row, "label": label}])
                worst = max(worst, abs(evaluated(tenon, container, base, one) + wanted))
    return worst
