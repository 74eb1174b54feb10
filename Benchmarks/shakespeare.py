#!/usr/bin/env python3
"""From nothing to an adapter on real text, and beside it the same with PyTorch and PEFT:

    shakespeare.py TEXT SENTENCES.tsv HELD-OUT.tsv [--tenon TOOL] [--no-peer] [--keep FOLDER]

A LLaMA of bytes with random weights (a token is a byte, so no tokenizer is needed) learns the first nine tenths of a
text; all its weights are trained. Then a LoRA teaches it sentences of another kind: the first column of a table. Told is
the loss in nats a byte on what neither step saw, the last tenth of the text and the sentences of the other table, of the
adapter both beside the base and merged into it. The peer begins with the same weights and sees the same batches at the
same rates; the factors of its LoRA begin otherwise. Exit status 1 where merged and unmerged differ by more than 1e-4,
where training does not help, or where PyTorch's loss is lower by more than a fiftieth.

It takes some minutes. Run it with the interpreter that `Scripts/peers-venv` prints.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Bytes of a row.
LENGTH = 256
MODEL = {"preset": "bytes", "dtype": "f32"}
FULL = {"steps": 600, "batch": 8, "rate": 2e-3, "warmup": 30}
LORA = {"steps": 300, "batch": 16, "rate": 3e-3, "warmup": 15, "rank": 16, "alpha": 32}
#: By how much merged and unmerged may differ, and our figure and the peer's, relatively.
MERGED, BESIDE = 1e-4, 0.02
ROWS = {
    "textBefore": "text, random weights",
    "textAfter": "text, all weights trained",
    "sentencesBefore": "sentences, that base",
    "sentencesUnmerged": "sentences, base and LoRA",
    "sentencesMerged": "sentences, LoRA merged",
}


def write_rows(path: Path, rows: list[bytes]) -> None:
    """One row a line, its bytes as ids; a row of one byte has nothing to predict."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"input_ids": list(row)}) + "\n" for row in rows if len(row) > 1))


def chunks(text: bytes) -> list[bytes]:
    """A text in rows."""
    return [text[start : start + LENGTH] for start in range(0, len(text), LENGTH)]


def sentences(table: Path) -> list[bytes]:
    """The first column, each sentence between ends of lines."""
    lines = table.read_text(encoding="utf-8").splitlines()
    return [f"\n{line.split(chr(9))[0]}\n".encode()[:LENGTH] for line in lines]


def prepare(folder: Path, arguments: argparse.Namespace) -> None:
    """Rows, weights and what both sides are told."""
    text = arguments.text.read_bytes()
    held = len(text) // 10
    write_rows(folder / "text" / "train.jsonl", chunks(text[:-held]))
    write_rows(folder / "text" / "test.jsonl", chunks(text[-held:]))
    write_rows(folder / "sentences" / "train.jsonl", sentences(arguments.sentences))
    write_rows(folder / "sentences" / "test.jsonl", sentences(arguments.held_out))
    (folder / "settings.json").write_text(json.dumps({"full": FULL, "lora": LORA}))
    make = [sys.executable, ROOT / "Scripts" / "make-checkpoint", folder / "start"]
    subprocess.run([*make, "--preset", MODEL["preset"], "--dtype", MODEL["dtype"]], check=True)


def ours(tool: Path, folder: Path) -> dict:
    """The losses and seconds of the tool."""
    start, base, merged = (folder / name for name in ("start", "base", "merged"))
    text, rest = folder / "text", folder / "sentences"

    def told(*words: object) -> dict:
        command = list(map(str, [tool, *words, "--json", "--quiet"]))
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    def train(settings: dict, *words: object) -> float:
        begin = time.perf_counter()
        rates = ("--learning-rate", settings["rate"], "--lr-schedule", "cosine", "--warmup", settings["warmup"])
        told("train", *words, "--iters", settings["steps"], "--batch-size", settings["batch"], *rates)
        return time.perf_counter() - begin

    def loss(*words: object) -> float:
        return told("eval", *words)["loss"]

    delta, adapter = folder / "base.tenon", folder / "adapter.tenon"
    found = {"textBefore": loss("--base", start, "--data", text)}
    found["fullSeconds"] = train(FULL, "--method", "full", "--base", start, "--data", text, "-o", delta)
    told("apply", delta, "--base", start, "-o", base)
    found["textAfter"] = loss("--base", base, "--data", text)
    found["sentencesBefore"] = loss("--base", base, "--data", rest)
    lora = ("--rank", LORA["rank"], "--alpha", LORA["alpha"], "--target-modules", "all-linear")
    found["loraSeconds"] = train(LORA, *lora, "--base", base, "--data", rest, "-o", adapter)
    found["sentencesUnmerged"] = loss(adapter, "--base", base, "--data", rest)
    told("apply", adapter, "--base", base, "-o", merged)
    found["sentencesMerged"] = loss("--base", merged, "--data", rest)
    sizes = {"adapterBytes": adapter, "deltaBytes": delta, "baseBytes": base / "model.safetensors"}
    return found | {name: path.stat().st_size for name, path in sizes.items()}


def table(own: dict, peer: dict | None) -> str:
    """The figures, for people."""
    lines = ["| held-out loss, nats a byte | tenon | PyTorch and PEFT |", "|---|---|---|"]
    for name, label in ROWS.items():
        lines.append(f"| {label} | {own[name]:.4f} | {f'{peer[name]:.4f}' if peer else ''} |")
    for name, label in (("fullSeconds", "all weights"), ("loraSeconds", "LoRA")):
        lines.append(f"| training {label}, s | {own[name]:.1f} | {f'{peer[name]:.1f}' if peer else ''} |")
    sizes = (f"{own[name]:,} bytes" for name in ("baseBytes", "deltaBytes", "adapterBytes"))
    return "\n".join([*lines, "", "base {}, delta of all weights {}, adapter {}".format(*sizes)])


def broken(own: dict, peer: dict | None) -> list[str]:
    """What did not come out as promised."""
    found = []
    if abs(own["sentencesMerged"] - own["sentencesUnmerged"]) > MERGED:
        found.append("merged and unmerged differ")
    if own["sentencesUnmerged"] >= own["sentencesBefore"] or own["textAfter"] >= own["textBefore"]:
        found.append("training did not help")
    for name in ROWS:
        if peer and own[name] > peer[name] * (1 + BESIDE):
            found.append(f"{name} is worse than the peer's")
    return found


def main() -> int:
    """Trains, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--tenon", type=Path, default=ROOT / ".build" / "release" / "tenon")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--keep", type=Path, help="where models and adapters stay (default: nowhere)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenon-shakespeare.") as temporary:
        folder = arguments.keep or Path(temporary)
        prepare(folder, arguments)
        own = ours(arguments.tenon.resolve(), folder)
        peer = None
        if not arguments.no_peer:
            command = [sys.executable, ROOT / "Benchmarks" / "shakespeare_peer.py", folder]
            peer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(table(own, peer))
    faults = broken(own, peer)
    for fault in faults:
        print(f"shakespeare: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
