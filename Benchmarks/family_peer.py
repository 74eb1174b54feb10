"""What a family of models takes when it is kept in other ways: `family_peer.py ANSWER BASE FOLDER ...` writes bytes to
ANSWER.

`copies` are the files. `tensors` keeps every tensor once, whatever file it is in, as `git-theta` and ZipLLM's first stage do.
`xor` adds, for tensors of the base's name and shape, the XOR with the base by zstd at level 3 (ZipLLM's BitX), and zstd of all
others. `zipnn` compresses every file that differs from all before it. A process of its own, since it needs numpy.
"""

import hashlib
import json
import mmap
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import peers
import zstandard

LEVEL = 3


def tensors(file: Path) -> Iterator[tuple[str, str, bytes]]:
    """Name, dtype and bytes of every tensor of a safetensors file."""
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (length,) = struct.unpack("<Q", data[:8])
        for name, one in json.loads(data[8 : 8 + length]).items():
            if name != "__metadata__":
                begin, end = (8 + length + offset for offset in one["data_offsets"])
                yield name, one["dtype"], data[begin:end]


def frame(file: Path) -> int:
    """The bytes of a safetensors file before its tensors."""
    with file.open("rb") as opened:
        return 8 + struct.unpack("<Q", opened.read(8))[0]


def main() -> None:
    """Measures all ways in one pass over the files."""
    answer, *folders = sys.argv[1:]
    sizes = dict.fromkeys(("copies", "tensors", "xor", "zipnn"), 0)
    base = {name: data for file in sorted(Path(folders[0]).glob("*.safetensors")) for name, _, data in tensors(file)}
    coder = zstandard.ZstdCompressor(level=LEVEL)
    known_tensors: set[bytes] = set()
    known_files: set[bytes] = set()
    for folder in folders:
        for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            size = file.stat().st_size
            sizes["copies"] += size
            digest = hashlib.file_digest(file.open("rb"), "sha256").digest()
            is_new = digest not in known_files
            known_files.add(digest)
            if file.suffix != ".safetensors":
                for way in ("tensors", "xor", "zipnn"):
                    sizes[way] += size if is_new else 0
                continue
            dtype = "bf16"
            for way in ("tensors", "xor"):
                sizes[way] += frame(file)
            for name, kind, data in tensors(file):
                dtype = "fp32" if kind == "F32" else dtype
                key = hashlib.sha256(data).digest()
                if key in known_tensors:
                    continue
                known_tensors.add(key)
                sizes["tensors"] += len(data)
                other = base.get(name)
                if other is not None and len(other) == len(data) and other != data:
                    data = np.bitwise_xor(np.frombuffer(data, np.uint8), np.frombuffer(other, np.uint8)).tobytes()
                sizes["xor"] += len(coder.compress(data))
            if is_new:
                sizes["zipnn"] += peers.zipnn_size(dtype, str(file))["bytes"]
    Path(answer).write_text(json.dumps(sizes))


if __name__ == "__main__":
    main()
