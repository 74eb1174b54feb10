#!/usr/bin/env python3
"""Makes the golden containers: small valid ones, by the independent writer of `Fixtures/hostile/builder.py`.

Every reader of this version must read them and find the digests that `golden.json` states. Between them they use each
filter, codec and element type, chunks of several sizes, bases and leaves, an unknown kind, an extension and metadata.
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "hostile"), str(HERE.parent.parent / "Spec")]

import numpy as np  # noqa: E402
from builder import BITS, Builder, Entry, Tensor, floats, lora, noise  # noqa: E402
from reader import read  # noqa: E402


def small():
    """As small as one with a compressed plane gets: its every cut and every flipped bit is tried."""
    return Builder("lora", {"r": 2, "lora_alpha": 4}, [
        lora("w"), Entry("n", "full", [Tensor("value", "U8", (64,), bytes(64), zstd=True)])])


def empty():
    """Nothing at all: a method without entries."""
    return Builder("lora")


def dtypes():
    """A tensor of every type, scalars and eight dimensions among them, under names only data may have."""
    entries = []
    for name, bits in BITS.items():
        shape = (1, 2, 1, 2, 1, 2, 1, 2) if bits >= 8 else (3, 4)
        count = 16 if bits >= 8 else 12
        data = bytearray(noise(name, -(-count * bits // 8)))
        if name == "BIT":
            data[-1] &= 0x0F
        entries.append(Entry(f"t.{name}", "full", [Tensor("value", name, shape, bytes(data))]))
    entries.append(Entry("scalar", "full", [Tensor("value", "F64", (), floats("scalar", 1, "<f8"))]))
    return Builder("full", {}, entries)


def filters():
    """Every filter and codec for every width it knows, over several chunks with a short one at the end."""
    entries = []
    for dtype, width in [("F16", 2), ("BF16", 2), ("F32", 4), ("F64", 8)]:
        for filter in (0, 1, 2):
            for zstd in (False, True):
                data = bytes(range(width)) * 40 if zstd else noise(f"{dtype}{filter}", 40 * width)
                entries.append(Entry(f"{dtype}.{filter}.{zstd:d}", "full", [
                    Tensor("value", dtype, (8, 5), data, filter=filter, chunk_log2=16, zstd=zstd)]))
    for dtype in ("U16", "I64", "C64"):
        width = BITS[dtype] // 8
        entries.append(Entry(f"{dtype}.bytes", "full", [Tensor("value", dtype, (6,), noise(dtype, 6 * width), filter=1)]))
    return Builder("full", {}, entries)


def chunks():
    """Chunks of 2^16 and 2^17 bytes, the last one short, and the aligned start of large tensors without a filter."""
    ramp = (np.arange(50_000, dtype="<u4") // 999).tobytes()
    return Builder("full", {}, [
        Entry("a", "full", [Tensor("value", "U8", (3,), b"abc")]),
        Entry("b", "full", [Tensor("value", "U32", (50_000,), ramp, chunk_log2=16, zstd=True)]),
        Entry("c", "full", [Tensor("value", "F32", (150, 300), np.zeros(45_000, "<f4").tobytes(), 2, 17, True)]),
        Entry("d", "full", [Tensor("value", "U8", (5_000,), noise("d", 5_000))]),
        Entry("e", "full", [Tensor("value", "I16", (40_000,), bytes(80_000), 1, 16, True)]),
    ], align_log2=12)


def bound():
    """Two bases, leaves of both sorts and of one, ordinals, and the record of a method that nobody understood."""
    bases = [(hashlib.sha256(bytes([n])).digest(), hashlib.sha256(bytes([n, n])).digest(), 7, 4096 * n, n) for n in (1, 2)]
    first, second, third = lora("w"), lora("w"), lora("x")
    first.base, first.base_leaf, first.result_leaf = 0, b"\1" * 32, b"\2" * 32
    second.base, second.base_leaf, second.ordinal = 1, b"\3" * 32, 1
    third.base, third.result_leaf = 0, b"\4" * 32
    record = {
        "null": None, "yes": True, "no": False, "int": -5, "large": 2**62, "float": 0.1, "zero": -0.0, "huge": 1e300,
        "text": "é\n", "list": [1, [2.5, []], {}], "pattern": {"b": 1, "a": {"deep": [[["x"]]]}}, "": "an empty key"}
    return Builder("somebody's own", record, [first, second, third], bases)


def strange():
    """An unknown kind with an unknown role, an extension, metadata, a file, a shared entry and odd names."""
    return Builder("lora", {"r": 2}, [
        lora("../../etc/passwd"), lora("a\u202eb"), Entry("", 9999, [Tensor(250, "F32", (), floats("s", 1))], {"x": 1}),
        Entry("", "shared", [Tensor("A", "F16", (2, 3), floats("A", 6, "<f2"))]),
        Entry("notes.txt", "file", [Tensor("value", "U8", (5,), b"hello")]),
        Entry("nothing.txt", "file", []),
    ], metadata={"author": "somebody", "empty": "", "é": "\x1b[31m free text"}, extensions=[(7, b"kept"), (7, b"")])


def values():
    """Kinds that demand something of their numbers: sparse, mask, quantized factors."""
    quantized = {"scheme": "nf4", "block": 4, "outer_block": 2}
    return Builder("mixed", {}, [
        Entry("sparse", "sparse", [
            Tensor("indices", "U32", (3,), np.array([0, 5, 11], "<u4").tobytes()),
            Tensor("value", "F32", (3,), floats("v", 3))], {"elements": 12}),
        Entry("mask", "mask", [
            Tensor("bitmap", "BIT", (3, 4), bytes([0b00010001, 0b1000])), Tensor("value", "F32", (3,), floats("m", 3))],
            {"mode": "add"}),
        Entry("kept", "mask", [Tensor("bitmap", "BIT", (8,), b"\xAA")]),
        Entry("nf4", "lora", [
            Tensor(0x101, "NF4", (2, 6), noise("codes", 6)), Tensor(0x201, "U8", (3,), b"\1\2\3"),
            Tensor(0x301, "F32", (3,), floats("o", 3)), Tensor("B", "F32", (3, 2), floats("B", 6))], quantized),
        Entry("int8", "lora", [
            Tensor(0x101, "I8", (2, 4), noise("i", 8)), Tensor(0x201, "F32", (2,), np.ones(2, "<f4").tobytes()),
            Tensor("B", "F32", (3, 2), floats("B", 6))], {"scheme": "int8", "block": 4, "dtype": "BF16"}),
    ])


def segments():
    """Planes in segments: skewed, constant and raw ones, for each filter, a short chunk at the end."""
    skewed = np.frombuffer(noise("skewed", 6000), np.uint8).astype("<u2") ** 2 >> 10
    ordered = np.concatenate([skewed, np.arange(3000, dtype="<u2") % 3, np.zeros(1500, "<u2")]).astype("<u2")
    cuts = (1024, 6000, 9000)
    return Builder("delta", {}, [
        Entry("a", "exact", [Tensor("value", "U16", (10_500,), ordered.tobytes(), filter=1, cuts=cuts)]),
        Entry("b", "exact", [Tensor("value", "U8", (70_000,), bytes(69_990) + noise("b", 10), chunk_log2=16, cuts=(60_000,))]),
        Entry("c", "full", [Tensor("value", "F16", (500,), floats("c", 500, "<f2"), filter=2, cuts=())]),
        Entry("d", "exact", [Tensor("value", "U8", (4000,), noise("d", 2000) + bytes(2000), cuts=(2000,))]),
    ])


CASES = [small, empty, dtypes, filters, chunks, bound, strange, values, segments]


def main():
    golden = {}
    for case in CASES:
        name = f"{case.__name__}.tenon"
        content = case().bytes()
        (HERE / name).write_bytes(content)
        found = read(HERE / name)
        golden[name] = {
            "what": " ".join(case.__doc__.split()), "blobDigest": hashlib.sha256(content).hexdigest(),
            "indexDigest": found.index_digest.hex(), "contentDigest": found.content.hex(),
            "logicalBytes": found.logical_bytes,
            "tensors": [tensor.digest.hex() for entry in found.entries for tensor in entry.tensors]}
        print(f"{name:16} {len(content):6} bytes  {found.content.hex()}")
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
