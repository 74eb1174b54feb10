#!/usr/bin/env python3
"""Writes a checkpoint of bf16 weights, in one file, again in fp32, the same numbers:

    widen.py BASE OUT

So a peer that computes in fp32 can take the weights as they lie.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

NAME = "model.safetensors"


def main() -> None:
    """Writes the folder."""
    base, out = map(Path, sys.argv[1:3])
    out.mkdir(parents=True)
    with (base / NAME).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        assert tensor["dtype"] == "BF16", f"{name} is {tensor['dtype']}"
        tensor["dtype"] = "F32"
        tensor["data_offsets"] = [2 * offset for offset in tensor["data_offsets"]]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    bits = np.fromfile(base / NAME, "<u2", offset=8 + length).astype("<u4")
    bits <<= 16
    with (out / NAME).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        bits.tofile(file)
    config = json.loads((base / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | {"torch_dtype": "float32"}, indent=2) + "\n")
    for path in base.iterdir():
        if path.is_file() and path.name not in (NAME, "config.json"):
            shutil.copyfile(path, out / path.name)


if __name__ == "__main__":
    main()
