"""The figures of comparing checkpoints and adapters."""

import json
import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from data import sites
from deltas import GIGABYTE, checkpoint, weights
from measure import Run, median, ratio, rounds, run
from report import Board
from setting import WEIGHTS, Setting

#: Any change will do: a difference is no failure here.
ANY = ("--max-change", "1e30")
#: A model's shape, and the layers that make 10 MB of rank 8 in bf16.
HIDDEN, INTERMEDIATE, KEY_VALUES, LAYERS = 2048, 5632, 256, 18
#: Upper halves of bf16 become those of numbers around ±0.01.
UPPER = bytes(0x3C | byte & 0x80 for byte in range(256))


def adapter(setting: Setting, name: str, rank: int) -> Path:
    """A container of a LoRA on all linear layers; its numbers follow from its name."""
    source = random.Random(name)
    folder, header, parts, end = setting.path(name), {}, [], 0
    for layer in range(LAYERS):
        for module, (inputs, outputs) in sites(HIDDEN, INTERMEDIATE, KEY_VALUES).items():
            for factor, shape in (("A", (rank, inputs)), ("B", (outputs, rank))):
                count = shape[0] * shape[1]
                values = bytearray(2 * count)
                values[::2] = source.randbytes(count)
                values[1::2] = source.randbytes(count).translate(UPPER)
                key = f"base_model.model.model.layers.{layer}.{module}.lora_{factor}.weight"
                header[key] = {"dtype": "BF16", "shape": shape, "data_offsets": (end, end + len(values))}
                parts.append(values)
                end += len(values)
    text = json.dumps(header).encode()
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    container = setting.path(f"{name}.tenon")
    run(setting.tool, "pack", folder, "-o", container)
    setting.remove(folder)
    return container


def diff(setting: Setting, board: Board) -> None:
    """Two checkpoints of 1.1 B parameters, with and without spectra; two adapters of 10 MB, and 100 of them."""
    preset = "tiny" if setting.smoke else "1.1b"
    base = checkpoint(setting, "diff-base", "--preset", preset)
    tuned = checkpoint(setting, "diff-tuned", "--base", str(base), "--tuned", "gaussian:0.0002")

    def step(*options: object) -> Callable[[], Run]:
        return lambda: run(setting.tool, "diff", *map(str, options))

    both = (base, tuned, *ANY)
    found = rounds(setting.runs, {"plain": step(*both), "spectra": step(*both, "--spectrum")})
    seconds = {name: [one.seconds for one in runs] for name, runs in found.items()}
    rate = (weights(base) + weights(tuned)) / GIGABYTE / median(seconds["plain"])
    board.add("diff/checkpoints", rate, samples=seconds["plain"])
    spectra = [whole - plain for whole, plain in zip(seconds["spectra"], seconds["plain"], strict=True)]
    board.add("diff/spectra-to-plain", ratio(spectra, seconds["plain"]), samples=seconds["spectra"])
    board.add("diff/peak", max(one.peak for runs in found.values() for one in runs) / (1 << 20), firm=True)
    for folder in (base, tuned):
        setting.remove(folder)

    adapters = [adapter(setting, f"adapter-{number}", 8) for number in range(4 if setting.smoke else 100)]
    times = rounds(setting.runs, {"two": step(*adapters[:2], *ANY), "all": step(*adapters)})
    two, every = ([one.seconds for one in times[name]] for name in ("two", "all"))
    board.add("diff/two-adapters", median(two) * 1e3, samples=two)
    board.add("diff/hundred-adapters", median(every), samples=every)
    small, page = [adapter(setting, f"small-{number}", 2) for number in range(2)], setting.path("page.html")
    command = [setting.tool, "diff", *small, "--spectrum", "--html", page]
    subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL)
    board.add("diff/page", page.stat().st_size / 1e6, firm=True)
    for path in (*adapters, *small, page):
        setting.remove(path)
