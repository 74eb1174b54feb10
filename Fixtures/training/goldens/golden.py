"""What PyTorch computes of a case: logits, loss, gradients, and some steps of AdamW."""

from pathlib import Path

import torch
from generator.noise import noise
from safetensors.torch import save_file

from .adapters import load
from .beginnings import begin
from .cases import BETAS, CLASSES, EPSILON, STEPS, VALUES, WEIGHT_DECAY, Case, batch, targets, types
from .moments import after_step, extra_loss

# A model that computes in float32 anywhere is off by 1e-3 and more here.
DIFFERENCE = 1e-5
DIFFERENCE_TOLERANCE = 1e-7


def row_logits(model: torch.nn.Module) -> list[torch.Tensor]:
    """The logits of each row's own tokens, or of each row, computed alone, so that there is no padding to mask."""
    rows = []
    for (ids, _), parts in zip(batch(), types(), strict=True):
        has_types = getattr(model.config, "type_vocab_size", 1) > 1
        extra = {"token_type_ids": torch.tensor([parts])} if has_types else {}
        logits = model(input_ids=torch.tensor([ids]), **extra).logits[0]
        rows.append(logits[-len(ids) :])
    return rows


def loss_of(rows: list[torch.Tensor], task: str = "causal", first: int = 0) -> torch.Tensor:
    """The sum of the losses of all that is asked by its count: −log p over the labelled tokens of all rows, each predicted
    from those before it, or at its own place; or one of each row. The rows are those of the batch from `first` on."""
    asked = slice(first, first + len(rows))
    if task == "classification":
        return torch.nn.functional.cross_entropy(torch.stack(rows), torch.tensor(CLASSES[asked]))
    if task == "regression":
        return torch.nn.functional.mse_loss(torch.stack(rows)[:, 0], torch.tensor(VALUES[asked], dtype=rows[0].dtype))
    total, count = torch.zeros((), dtype=torch.float64), 0
    for logits, labels in zip(rows, targets(task)[asked], strict=True):
        wanted = torch.tensor(labels[1:] if task == "causal" else labels)
        logits = logits[:-1] if task == "causal" else logits
        total = total + torch.nn.functional.cross_entropy(logits, wanted, ignore_index=-100, reduction="sum")
        count += int((wanted != -100).sum())
    return total / count


def check_gradients(case: Case, model: torch.nn.Module, trained: dict[str, torch.nn.Parameter]) -> None:
    """Holds the gradients against a central difference of fourth order along one direction. Raises `ValueError` where they
    differ.

    DoRA takes its norms for constants in backward, so that only the magnitudes' gradients are those of the loss.
    """
    detached = case.settings.get("use_dora", False)
    moved = {key: value for key, value in trained.items() if not detached or key.endswith("lora_magnitude_vector")}
    directions = {key: noise(f"direction {key}", tuple(value.shape)).double() for key, value in moved.items()}
    with torch.no_grad():
        along = sum((value.grad * directions[key]).sum() for key, value in moved.items())
        start = {key: value.clone() for key, value in moved.items()}
        difference = torch.zeros((), dtype=torch.float64)
        for steps, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            for key, value in moved.items():
                value.copy_(start[key] + steps * DIFFERENCE * directions[key])
            loss = loss_of(row_logits(model), case.task) + extra_loss(case, model)
            difference += weight * loss / (12 * DIFFERENCE)
        for key, value in moved.items():
            value.copy_(start[key])
    if not torch.isclose(along, difference, rtol=DIFFERENCE_TOLERANCE, atol=0):
        raise ValueError(f"the gradient along a direction is {along}, the difference {difference}")


def write_golden(case: Case, out: Path) -> list[float]:
    """Writes `cases/<case>/golden.safetensors`, and gives the losses before each step and after the last."""
    model, trained = (begin if case.trained == "beginning" else load)(case, out)
    rows = row_logits(model)
    loss = loss_of(rows, case.task)
    (loss + extra_loss(case, model)).backward()
    golden = {f"logits.{number}": logits.detach() for number, logits in enumerate(rows)}
    golden["loss"] = loss.detach()
    recorded = (key for key in trained if not case.recorded or key.endswith(case.recorded))
    golden |= {f"grad.{key}": trained[key].grad.clone() for key in recorded}
    if case.trained == "beginning":
        golden |= {f"start.{key}": value.detach().clone() for key, value in trained.items()}
    check_gradients(case, model, trained)
    losses = [loss.item()]
    if case.trained != "nothing":
        optimizer = torch.optim.AdamW(
            trained.values(), lr=case.learning_rate, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY
        )
        for step in range(STEPS):
            optimizer.step()
            after_step(case, model, step + 1)
            optimizer.zero_grad()
            loss = loss_of(row_logits(model), case.task)
            losses.append(loss.item())
            if step + 1 < STEPS:
                (loss + extra_loss(case, model)).backward()
        golden["losses"] = torch.tensor(losses, dtype=torch.float64)
        followed = (key for key in trained if not case.followed or key.endswith(case.followed))
        golden |= {f"after.{key}": trained[key].detach().clone() for key in followed}
    folder = out / "cases" / case.name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in golden.items()}, folder / "golden.safetensors")
    return losses
