#!/usr/bin/env python3
"""Makes the hostile inputs and `cases.json`, one record or more for every row of the list of what must be refused.

A record says what to run and how it must end:

- `row`, `name`, `note`: which row, what the case is called, what is wrong with it;
- `file`: the input beside this script, or `make`: how a test makes one that is no plain small file (`pieces`: bytes in
  hexadecimal and how often);
- `adapter`: files of a folder to pack, over those of `adapter/`: as text, or as `{"hex": …}` or
  `{"parts": [[text, how often], …]}`;
- `base`: files of a model's folder, over those of `base/`, as for `adapter`; null takes one away;
- `store`: changes to the files of a store that holds one adapter, named `a`: `OBJECT` is that one's file; null takes a file
  away, `{"cut": n}` its last n bytes, `{"at": offset, "hex": …}` writes over it, `{"hex": …}` in place of it;
- `command`: `FILE`, `FOLDER`, `BASE`, `STORE` and `OUT` stand for paths; where it is missing, `verify FILE`, or `pack FOLDER -o OUT`;
- `environment`: variables to set; `exit` and `code`: the status, and the word of `Spec/errors.md`;
- `tells`: what must be said, and `never`: what must not be written as it is;
- `open`: in place of all that, why nothing is run yet.

The independent reader must refuse every container here with the same code, and accept those that are accepted.
"""

import hashlib
import json
import math
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Spec")]

import segments  # noqa: E402
from builder import (  # noqa: E402
    BITS, DTYPES, MAGIC, NONE, Builder, Entry, Tensor, encode_parameters, floats, frame, lora, lp, noise, pack_strings,
    sha256, short, xxh3)
from json_texts import BROKEN, DOUBTFUL, TWICE  # noqa: E402
from reader import Refused, read  # noqa: E402

STATUS = {"not-found": 66, "not-regular": 66, "io-error": 74, "no-space": 74, "oom": 74, "changed-during-read": 74, "base-missing-shard": 66,
          "verification-failed": 1}
CASES = []


def case(row, name, note, code=None, content=None, *, file=None, **fields):
    """Records a case, and writes its file."""
    record = {"row": row, "name": name}
    if content is not None:
        file = f"{row:03}-{name}.{fields.pop('suffix', 'tenon')}"
        (HERE / file).write_bytes(content)
    if file:
        record["file"] = file
    record |= fields
    record |= {"code": code, "exit": fields.get("exit", 0 if code is None else STATUS.get(code, 65)), "note": note}
    CASES.append(record)


def open_rows(rows, why):
    for row in rows:
        CASES.append({"row": row, "name": f"open-{row}", "open": why})


def one_member(key, value):
    """A parameter set of one member, its value as it is written."""
    return struct.pack("<H", 1) + short(key) + value


def shares(parts, number, count):
    """The index in which one string shares only so many bytes with the one before."""
    packed = [(shared, rest) for shared, rest in pack_strings(parts.strings)]
    lost = packed[number][0] - count
    packed[number] = (count, parts.strings[number][count:])
    lengths = [(shared, len(rest)) for shared, rest in packed]
    index = parts.index(counts=dict(string_bytes=sum(rest for _, rest in lengths)), string_lengths=lengths)
    at = index.index(b"".join(rest for _, rest in pack_strings(parts.strings)))
    end = at + sum(rest for _, rest in lengths) - lost
    return index[:at] + b"".join(rest for _, rest in packed) + index[end:]


# Seeds: small valid containers that the cases change.

def plain(**fields):
    """One low-rank entry."""
    return Builder("lora", {"r": 2}, [lora("w", **fields)])


def one(tensor, kind="full", parameters=None, target="w"):
    """One entry of one tensor, or of several."""
    tensors = tensor if isinstance(tensor, list) else [tensor]
    return Builder("full", {}, [Entry(target, kind, tensors, parameters or {})])


def zeros(count=64):
    """A tensor whose one plane is compressed."""
    return one(Tensor("value", "U8", (count,), bytes(count), zstd=True))


def changed(builder, change, **overrides):
    """The container after a change of its parts."""
    parts = builder.lower()
    change(parts)
    return parts.bytes(**overrides)


def shaped(dtype, shape, **fields):
    """A container whose index claims a tensor that is not there."""
    return claims([(dtype, shape)], **fields)


def claims(shapes, **fields):
    """The same with several tensors."""
    builder = Builder("full", {}, [Entry(f"w{n}", "full", [Tensor("value", "U8", (1,), b"x")]) for n in range(len(shapes))])
    parts = builder.lower()
    parts.planes, parts.data = [], bytearray()
    for tensor, (dtype, shape) in zip(parts.tensors, shapes):
        tensor[1], tensor[2] = dtype, shape
    return parts.bytes(**fields)


U8, I64, F16, F32, U32, F4, F6, NF4, BIT, F64 = 2, 9, 10, 12, 6, 22, 20, 23, 24, 13


def whole_file():
    good = plain().bytes()
    case(1, "empty", "no bytes at all", "truncated", b"")
    case(1, "short", "one byte less than header and trailer", "truncated", good[:64] + good[-127:])
    foreign = {
        "zeros": bytes(8), "zip": b"PK\x03\x04\x14\0\0\0", "gguf": b"GGUF\3\0\0\0", "pickle": b"\x80\x02}q\0(X\1",
        "safetensors": struct.pack("<Q", 120), "pdf": b"%PDF-1.7", "one-bit": bytes([MAGIC[0], MAGIC[1] ^ 1]) + MAGIC[2:]}
    for name, magic in foreign.items():
        body = b'{"__metadata__":{}}' if name == "safetensors" else b""
        case(2, f"magic-{name}", f"begins as {name}", "not-this-format", (magic + body + good[8 + len(body):])[:len(good)])
    for name, magic in {
            "crlf-to-lf": b"\x89TNN\n\x1a\n", "lf-to-crlf": b"\x89TNN\r\r\n\x1a\r\n", "seven-bits": b"\x09TNN\r\n\x1a\n",
            "lf-to-cr": b"\x89TNN\r\r\x1a\r", "high-bit-dropped": b"TNN\r\n\x1a\n"}.items():
        case(3, name, "the magic after a transfer in text mode", "text-mode-damage", magic + good[8:])
    for name, version in {
            "major-1": dict(major=1), "major-last": dict(major=0xFFFF), "minor-0": dict(minor=0), "minor-2": dict(minor=2),
            "swapped": dict(major=0, minor=0x0100)}.items():
        case(4, name, "a version that is not this draft", "bad-version", plain().lower().bytes(header=version))
    for bit in (0, 17, 63):
        case(5, f"bit-{bit}", "an incompatible feature nobody defined", "unsupported-feature",
             plain().lower().bytes(header=dict(incompatible=1 << bit)))
    case(5, "compatible", "a compatible feature nobody defined is ignored", None,
         plain().lower().bytes(header=dict(compatible=1 << 63)))
    based = plain()
    based.bases = [(b"\1" * 32, b"\2" * 32, 1, 4, 0)]

    def poke(list_name, number, field, value):
        def change(parts):
            getattr(parts, list_name)[number][field] = value
        return change

    reserved = {
        "header-first": plain().lower().bytes(header=dict(zeros=b"\1" + bytes(20))),
        "header-last": plain().lower().bytes(header=dict(zeros=bytes(20) + b"\x80")),
        "trailer": plain().lower().bytes(trailer=dict(zero=1)),
        "base": changed(based, lambda parts: parts.bases.__setitem__(0, parts.bases[0][:-1] + b"\1")),
        "flag-2": changed(plain(), poke("entries", 0, 4, 4)), "flag-7": changed(plain(), poke("entries", 0, 4, 0x80))}
    for name, content in reserved.items():
        case(6, name, "a reserved byte is not zero", "reserved-nonzero", content)
    case(7, "header", "the header's check", "header-corrupt", plain().lower().bytes(header=dict(xxh=1)))
    case(7, "trailer", "the trailer's check", "trailer-corrupt", plain().lower().bytes(trailer=dict(xxh=1)))
    mismatch = "header-trailer-mismatch"
    case(8, "header-size", "a header of 65 bytes", mismatch, plain().lower().bytes(header=dict(size=65)))
    case(8, "trailer-size", "a trailer of 64 bytes", mismatch, plain().lower().bytes(trailer=dict(own=64)))
    case(8, "spliced", "the trailer belongs to another header", mismatch, plain().lower().bytes(trailer=dict(header=1)))
    case(9, "cut", "the last byte is missing", "truncated", good[:-1])
    case(9, "half", "half of the file", "truncated", good[:len(good) // 2])
    case(9, "every", "cut after every byte", "*", make="every-truncation", of="../golden/small.tenon", exit=65)
    case(10, "zip", "a zip archive after the end", "trailing-data", good + b"PK\5\6" + bytes(18))
    case(10, "byte", "one byte after the end", "trailing-data", good + b"\0")
    case(11, "script", "a script before the beginning", "not-this-format", b"#!/bin/sh\nexit\n" + good)
    case(11, "byte", "one byte before the beginning", "not-this-format", b"\0" + good)
    for name, more in {"more": 1, "less": -64, "huge": 2**63}.items():
        case(12, name, "the trailer states another size", "size-mismatch", plain().lower().bytes(trailer=dict(
            file=len(good) + more)))


def index_place():
    good = plain().lower()
    size = len(good.index())
    for name, place in {
            "past-end": dict(offset=2**20), "in-header": dict(offset=0), "in-trailer": dict(size=size + 64),
            "wraps": dict(offset=2**64 - 64, size=128), "wraps-to-header": dict(offset=2**64 - 64, size=64 + 64),
            "size-of-file": dict(size=1024)}.items():
        case(13, name, "the index lies outside its place", "index-range", good.bytes(trailer=place))
    offset = -(-(64 + len(good.data)) // 8) * 8
    case(14, "unaligned", "not on a multiple of 8", "index-misplaced", good.bytes(trailer=dict(
        offset=offset + 4, size=size - 4)))
    case(14, "gap", "eight bytes of nothing before the index", "index-misplaced", changed(
        plain(), lambda parts: parts.data.extend(bytes(8))))
    case(14, "early", "ends long before the trailer", "index-misplaced", good.bytes(padding=bytes(
        -size % 8 + 8), trailer=dict(file=len(good.bytes()) + 8)))
    case(15, "2-63", "an index of 2^63 bytes", "index-too-large", good.bytes(trailer=dict(size=2**63)))
    case(15, "limit", "an index of one byte over the limit", "index-too-large", good.bytes(trailer=dict(size=2**26 + 1)))
    case(16, "digest", "the index's digest is of other bytes", "index-corrupt", good.bytes(trailer=dict(digest=bytes(32))))
    broken = bytearray(good.bytes())
    broken[offset + size - 1] ^= 1
    case(16, "byte", "a byte of the index was changed", "index-corrupt", bytes(broken))
    for name, counts in {"entries": dict(entries=2), "strings": dict(strings=1), "dimensions": dict(dimensions=3),
                         "bases": dict(bases=1), "every-limit": dict(
                             bases=2**12, entries=2**18, leaves=2**19, shapes=2**20, dimensions=2**23, tensors=2**20,
                             planes=2**24, coded=2**24, parameter_sets=2**18, parameter_bytes=2**26, strings=2**21,
                             string_bytes=2**24, metadata=4096, extensions=256, extension_bytes=2**26)}.items():
        case(17, name, "the counts do not add up to the index's size", "index-inconsistent", good.bytes(
            index=good.index(counts=counts)))
    case(17, "no-counts", "an index too short for its counts", "index-inconsistent", good.bytes(index=good.index()[:64]))
    case(17, "coded", "fewer raw checks than coded planes", "index-inconsistent", changed(
        zeros(), lambda parts: parts.planes[0].__setitem__(1, 0)))
    case(17, "entry-tensors", "entries with more tensors than there are", "index-inconsistent", changed(
        plain(), lambda parts: parts.entries[0].__setitem__(5, 3)))
    case(17, "leaves", "a leaf that no flag asks for", "index-inconsistent", changed(
        plain(), lambda parts: parts.leaves.append(b"\1" * 32)))
    case(17, "no-base", "an entry of a base that is not there", "index-inconsistent", changed(
        plain(), lambda parts: parts.entries[0].__setitem__(6, 0)))
    case(17, "flag-without-base", "a leaf of no base", "index-inconsistent", changed(
        plain(), lambda parts: (parts.entries[0].__setitem__(4, 1), parts.leaves.append(b"\1" * 32))))
    case(17, "parameter-lengths", "parameter sets longer than their bytes", "index-inconsistent", good.bytes(
        index=good.index(parameter_lengths=[len(blob) + 1 for blob in good.parameter_sets])))
    case(17, "logical", "the trailer states another total", "index-inconsistent", good.bytes(trailer=dict(
        logical=good.logical_bytes + 1)))
    limits = dict(
        bases=2**12, entries=2**18, leaves=2**19, shapes=2**20, dimensions=2**23, tensors=2**20, planes=2**24, coded=2**24,
        parameter_sets=2**18, parameter_bytes=2**26, strings=2**21, string_bytes=2**24, metadata=4096, extensions=256,
        extension_bytes=2**26)
    for name, limit in limits.items():
        case(18, name, "a count above its limit", "limit", good.bytes(index=good.index(counts={name: limit + 1})))
    case(18, "all-ones", "every count is 2^32 − 1", "limit", good.bytes(index=good.index(counts=dict.fromkeys(
        limits, 0xFFFFFFFF))))
    long = changed(plain(), lambda parts: parts.parameter_sets.__setitem__(parts.record, b"\1" * (2**20 + 1)))
    case(18, "parameters", "a parameter set over 1 MiB", "limit", make="pieces", pieces=run_lengths(long, (64,)))
    wide = plain().lower()
    wide.strings += [b"z" * 60000] + [b"z" * 60000 + b"%03d" % n for n in range(300)]
    case(18, "strings-written-out", "strings of more than 16 MiB once they are written out", "limit", make="pieces",
         pieces=run_lengths(wide.bytes(), (64, 4)))
    half = [b"y" * 40000, b"y" * 40000 + b"z" * 40000]
    long = good.bytes(index=good.index(counts=dict(strings=2, string_bytes=80000), string_lengths=[
        (0, 40000), (40000, 40000)]).replace(b"loraw", b"".join([half[0], half[0].replace(b"y", b"z")])))
    case(18, "string", "a string over 65,535 bytes", "limit", make="pieces", pieces=run_lengths(long, (64,)))
    case(19, "many", "as many entries as allowed: read in linear time", None, make="many-entries", count=2**18)


def order_and_names():
    two = Builder("lora", {"r": 2}, [lora("v"), lora("w"), lora("w")], metadata={"a": "b", "b": "b"})
    two.entries[2].ordinal = 1

    def swap(name, a=0, b=1):
        def change(parts):
            records = getattr(parts, name)
            records[a], records[b] = records[b], records[a]
        return change

    case(20, "entries", "entries out of order", "not-canonical", changed(two, swap("entries")))
    case(20, "metadata", "metadata out of order", "not-canonical", changed(two, swap("metadata")))
    case(20, "strings", "strings out of order", "not-canonical", changed(two, swap("strings")))
    case(20, "strings-twice", "one string twice", "not-canonical", changed(
        two, lambda parts: parts.strings.__setitem__(1, parts.strings[0])))
    shapes = [(2, 4), (3, 2)]
    for name, table in {
            "order": shapes[::-1], "rank": [*shapes, (6,)], "twice": [shapes[0], *shapes], "unused": [*shapes, (5, 5)]}.items():
        case(20, f"shapes-{name}", "shapes out of order, twice or of no tensor", "not-canonical", changed(
            plain(), lambda parts, table=table: setattr(parts, "shapes", table)))
    roots = [bytes([n]) * 32 for n in (1, 2)]
    for name, order, numbers, code in [
            ("sorted", [0, 1], [0, 1], None), ("order", [1, 0], [0, 1], "not-canonical"), ("twice", [0, 0], [0, 1], "duplicate"),
            ("unused", [0, 1], [1, 1], "not-canonical"), ("of-nothing", [0, 1], [None, None], "not-canonical"),
            ("of-all", [0], [None, None], None)]:
        several = Builder("lora", {"r": 2}, [lora("v"), lora("w")], [(roots[n], bytes(32), 1, 4, 0) for n in order])
        for entry, number in zip(several.entries, numbers):
            entry.base = number
        case(21 if code == "duplicate" else 20, f"bases-{name}", "bases by root, each once and chosen; one that none chooses is that of all", code,
             several.bytes())
    case(20, "roles", "tensors not by role", "not-canonical", changed(plain(), lambda parts: (
        parts.tensors[0].__setitem__(0, 2), parts.tensors[1].__setitem__(0, 1))))
    case(20, "parameter-sets", "parameter sets out of order", "not-canonical", changed(
        Builder("lora", {"r": 2}, [lora("w", x=1)]), swap("parameter_sets")))
    case(20, "parameter-keys", "keys of a parameter set out of order", "not-canonical", changed(
        Builder("lora", {"a": 1, "b": 1}, [lora("w")]), lambda parts: parts.parameter_sets.__setitem__(
            parts.record, struct.pack("<H", 2) + short("b") + b"\0" + short("a") + b"\0")))
    case(20, "parameter-float", "a whole number written as a float", "not-canonical", changed(
        plain(), lambda parts: parts.parameter_sets.__setitem__(
            parts.record, one_member("r", b"\7" + struct.pack("<d", 2)))))
    for name, wide in {"2": b"\4\2\0", "4": b"\5\0\2\0\0", "8": b"\6" + struct.pack("<q", -2**31)}.items():
        case(20, f"parameter-int-{name}", "an integer in more bytes than it needs", "not-canonical", changed(
            plain(), lambda parts, wide=wide: parts.parameter_sets.__setitem__(parts.record, one_member("r", wide))))
    alike = Builder("lora", {"r": 2}, [lora("layer.1"), lora("layer.2")]).lower()
    case(20, "string-shares-less", "a string that shares less than it could", "not-canonical", alike.bytes(
        index=shares(alike, 1, 3)))
    bound = plain()
    bound.bases = [(b"\1" * 32, b"\2" * 32, 1, 4, 0)]
    bound.entries[0].base, bound.entries[0].base_leaf = 0, b"\3" * 32
    case(20, "zero-leaf", "a leaf of zeros says what a missing one says", "not-canonical", changed(
        bound, lambda parts: parts.leaves.__setitem__(0, bytes(32))))
    case(21, "entry", "one target, kind and ordinal twice", "duplicate", changed(
        two, lambda parts: parts.entries[2].__setitem__(3, 0)))
    case(21, "role", "one role twice", "duplicate", changed(plain(), lambda parts: parts.tensors[1].__setitem__(0, 1)))
    case(21, "metadata", "one metadata key twice", "duplicate", changed(
        two, lambda parts: parts.metadata[1].__setitem__(0, parts.metadata[0][0])))
    good = plain().lower()
    for name, change in {
            "target": lambda parts: parts.entries[0].__setitem__(0, 99),
            "method": lambda parts: setattr(parts, "method", 2), "method-none": lambda parts: setattr(parts, "method", NONE),
            "metadata-key": lambda parts: parts.metadata.append([NONE, 0]),
            "metadata-value": lambda parts: parts.metadata.append([0, NONE - 1]),
            "no-target": lambda parts: parts.entries[0].__setitem__(0, NONE)}.items():
        case(22, name, "a reference to a string that is not there", "bad-string-ref", changed(plain(), change))
    for name, lengths in {"past-end": [(0, len(string) + 1) for string in good.strings], "wraps": [(0, 0xFFFF)] * 2,
                          "short": [(0, 1)] * 2, "shares": [(0, 4), (5, 1)], "shares-first": [(1, 4), (0, 1)]}.items():
        case(22, f"length-{name}", "the strings' lengths are not those of their bytes", "bad-string-ref", good.bytes(
            index=good.index(string_lengths=lengths)))
    case(22, "parameters", "a reference to parameters that are not there", "bad-param", changed(
        plain(), lambda parts: parts.entries[0].__setitem__(1, 9)))
    case(22, "record", "a record that is not there", "bad-param", changed(plain(), lambda parts: setattr(parts, "record", 9)))
    case(22, "unused-string", "a string that nothing refers to", "not-canonical", changed(
        plain(), lambda parts: parts.strings.append(b"z")))
    case(22, "unused-parameters", "parameters that nothing refers to", "not-canonical", changed(
        plain(), lambda parts: parts.parameter_sets.append(encode_parameters({"z": 1}))))
    case(23, "empty", "an empty string in the table", "bad-name", changed(plain(), lambda parts: (
        parts.strings.insert(0, b""), parts.entries[0].__setitem__(0, 0))))
    case(23, "target", "a target of 1,025 bytes", "bad-name", Builder("lora", {"r": 2}, [lora("w" * 1025)]).bytes())
    case(23, "method", "a method of 1,025 bytes", "bad-name", Builder("m" * 1025, {}, [lora("w")]).bytes())
    case(23, "key", "a metadata key of 1,025 bytes", "bad-name", Builder("lora", {}, [lora("w")], metadata={
        "k" * 1025: "v"}).bytes())
    case(23, "longest", "a target of 1,024 bytes is allowed", None, Builder("full", {}, [
        Entry("w" * 1024, "full", [Tensor("value", "U8", (1,), b"x")])]).bytes())
    names = {
        "nul": b"w\0", "newline": b"w\n", "escape": b"w\x1b[2J", "delete": b"w\x7f", "c1": b"w\xc2\x85", "c1-last": b"w\xc2\x9f",
        "latin1": b"w\xe9", "overlong": b"w\xc0\xaf", "overlong-nul": b"w\xc0\x80", "surrogate": b"w\xed\xa0\x80",
        "beyond": b"w\xf4\x90\x80\x80", "cut": b"w\xe2\x82", "continuation": b"w\x80"}
    for name, text in names.items():
        case(24, name, "a target with controls or bytes that are no UTF-8", "bad-name", changed(
            plain(), lambda parts, text=text: parts.strings.__setitem__(parts.entries[0][0], text)))
    case(24, "method", "a method with a control character", "bad-name", changed(
        plain(), lambda parts: parts.strings.__setitem__(parts.method, b"\1lora")))
    odd = ["../../etc/passwd", "/etc/passwd", "C:\\x", "a\u202eb", "\ufeffx", "a\u2028b", "-o", "$(x)"]
    case(25, "names", "paths and marks that turn text around are names like others, escaped when printed", None, Builder(
        "full", {}, [Entry(name, "full", [Tensor("value", "U8", (1,), b"x")]) for name in odd],
        metadata={"note": "\x1b[31mred\x1b]0;title\x07"}).bytes(), command=["inspect", "FILE", "--tensors"],
        tells="\\u{202e}", never=["\u202e", "\u2028", "\u001b"])
    case(25, "verified", "and they are whole", None, file="025-names.tenon")


def shapes():
    case(26, "nine", "nine dimensions", "bad-rank", shaped(U8, [1] * 9))
    case(26, "255", "255 dimensions", "bad-rank", shaped(U8, [1] * 255))
    case(27, "alone", "a dimension of zero", "zero-dim", shaped(F32, [0]))
    case(27, "hiding", "a zero that hides a huge one", "zero-dim", shaped(F32, [0, 2**63]))
    case(27, "last", "a zero at the end", "zero-dim", shaped(F32, [4, 0]))
    case(28, "2-64", "2^32 by 2^32", "shape-overflow", shaped(U8, [2**32, 2**32]))
    case(28, "small", "a product that wraps to something small", "shape-overflow", shaped(
        F32, [4194305, 4194305, 211106198978564]))
    case(28, "eight", "eight dimensions of 2^47", "shape-overflow", shaped(BIT, [2**47] * 8))
    case(29, "f64", "the elements fit, their bits do not", "shape-overflow", shaped(F64, [2**47, 2**12]))
    case(29, "u8", "the bits need all 64", "shape-overflow", shaped(U8, [2**40, 2**20]))
    almost = [2**30 - 1, 2**30 + 1]
    case(30, "sum", "each tensor fits, their sum does not", "total-overflow", claims([(U8, almost)] * 9))
    case(31, "aligned", "the sum fits until it is rounded up to the alignment", "total-overflow", claims([(U8, almost)] * 8))
    case(32, "2-48", "a dimension of 2^48", "dim-too-large", shaped(BIT, [2**48]))
    case(32, "2-64", "a dimension of 2^64 − 1", "dim-too-large", shaped(U8, [2**64 - 1]))
    good = plain().lower()
    case(33, "more", "more dimensions than the ranks need", "index-inconsistent", good.bytes(index=good.index(ranks=[2, 1])))
    case(33, "fewer", "fewer dimensions than the ranks need", "index-inconsistent", good.bytes(index=good.index(
        ranks=[2, 3])))
    case(33, "number", "a tensor of a shape that is not there", "index-inconsistent", changed(
        plain(), lambda parts: parts.tensors.append([*parts.tensors.pop()[:2], 2, 0, 20, bytes(32)])))

    def poke(list_name, number, field, value):
        def change(parts):
            getattr(parts, list_name)[number][field] = value
        return change

    enums = {
        "dtype-0": poke("tensors", 0, 1, 0), "dtype-25": poke("tensors", 0, 1, 25), "dtype-255": poke("tensors", 0, 1, 255),
        "filter-3": poke("tensors", 0, 3, 3), "filter-15": poke("tensors", 0, 3, 15), "codec-3": poke("planes", 0, 1, 3),
        "codec-15": poke("planes", 0, 1, 15), "kind-0": poke("entries", 0, 2, 0), "role-37": poke("tensors", 1, 0, 37),
        "role-part-4": poke("tensors", 1, 0, 0x402), "role-of-others": poke("tensors", 1, 0, 33)}
    for name, change in enums.items():
        note = "a number that stands for nothing" if name != "role-of-others" else "a bitmap in a low-rank entry"
        code = "kind-shape" if name == "role-of-others" else "unknown-enum"
        case(34, name, note, code, changed(plain(), change))
    case(34, "role-extra", "a role that the kind does not have", "unknown-enum", Builder("full", {}, [Entry("w", "full", [
        Tensor("value", "U8", (1,), b"x"), Tensor("scale", "U8", (1,), b"x")])]).bytes())
    for name, header in {"align-0": dict(align=0), "align-7": dict(align=7), "align-255": dict(align=255),
                         "digest-2": dict(digest=2), "check-0": dict(check=0)}.items():
        case(34, name, "a number in the header that stands for nothing", "unknown-enum", plain().lower().bytes(header=header))
    case(35, "f4", "three elements of four bits", "misaligned", shaped(F4, [3]))
    case(35, "f6", "two elements of six bits", "misaligned", shaped(F6, [2]))
    case(36, "bit", "bits after the last element", "not-canonical", one(Tensor("value", "BIT", (12,), b"\xff\xff")).bytes())
    case(37, "nf4", "rows of NF4 that end within a byte", "bad-block", one(Tensor("value", "NF4", (2, 3), b"abc")).bytes())
    case(37, "nf4-scalar", "a scalar of NF4 has no rows", "bad-block", claimed_scalar())
    for log2 in (25, 31):
        case(37, f"chunk-{log2}", "chunks of a size that is not allowed", "bad-block", changed(
            plain(), poke("tensors", 0, 4, log2)))
    for name, dtype, filter in [("bytes-u8", "U8", 1), ("bytes-bit", "BIT", 1), ("exponent-u16", "U16", 2),
                                ("exponent-c64", "C64", 2), ("exponent-u8", "U8", 2)]:
        content = changed(one(Tensor("value", dtype, (8,), bytes({"BIT": 1, "U8": 8, "U16": 16, "C64": 64}[dtype]))),
                          poke("tensors", 0, 3, filter))
        case(38, name, "a filter that has no meaning for the type", "bad-filter", content)
    case(39, "fewer", "a plane too few", "chunk-count", changed(plain(), lambda parts: parts.planes.pop()))
    case(39, "more", "a plane too many", "chunk-count", changed(plain(), lambda parts: parts.planes.append([0, 0, 0])))
    case(39, "none", "a tensor of 2^43 bytes without planes", "chunk-count", shaped(U8, [2**43]))
    case(40, "cut", "less data than the planes have", "index-misplaced", changed(
        one(Tensor("value", "U8", (200,), noise("d", 200))), lambda parts: parts.data.__delitem__(slice(64, None))))
    for name, more in {"longer": 1, "shorter": -1, "zero": -32, "longest": 2**28 - 33}.items():
        case(41, name, "a raw plane of another length than its elements", "chunk-inconsistent", changed(
            plain(), lambda parts, more=more: parts.planes[0].__setitem__(0, parts.planes[0][0] + more)))
    for name, length in {"zero": 0, "equal": 64, "over": 65, "bound": 2**28 - 1}.items():
        case(42, name, "a compressed plane of a length that none can have", "chunk-inconsistent", changed(
            zeros(), lambda parts, length=length: parts.planes[0].__setitem__(0, length)))
    case(43, "every", "every bit flipped", "*", make="every-flip", of="../golden/small.tenon", exit=65)
    case(48, "one", "a tensor above 2^44 bytes, from the index alone", "too-large", shaped(U8, [2**45]))
    case(48, "sum", "tensors that are above 2^44 bytes together", "too-large", claims([(U8, [2**40])] * 17))
    case(48, "bits", "above 2^44 bytes, counted in bits", "too-large", shaped(BIT, [2**47, 2]))


def claimed_scalar():
    """Half a byte of NF4."""
    builder = one(Tensor("value", "U8", (1,), b"\0"))
    return changed(builder, lambda parts: (
        parts.tensors[0].__setitem__(1, NF4), parts.tensors[0].__setitem__(2, ())))


def data():
    def flip(at):
        def change(parts):
            parts.data[at] ^= 1
        return change

    case(44, "raw", "a stored byte was changed", "chunk-corrupt", changed(plain(), flip(0)))
    case(44, "coded", "a byte of a frame was changed", "chunk-corrupt", changed(zeros(), flip(5)))
    case(44, "check", "the check was changed", "chunk-corrupt", changed(
        plain(), lambda parts: parts.planes[0].__setitem__(2, 1)))

    def recode(parts, stored, raw=None, at=0):
        """Puts other stored bytes in the first plane; everything above is right for them."""
        parts.data[at:at + parts.planes[0][0]] = stored
        parts.planes[0] = [len(stored), parts.planes[0][1], xxh3(stored)]
        if raw is not None:
            parts.raw_checks[0] = xxh3(raw)

    other = bytes(63) + b"\1"
    case(45, "frame", "the frame of other bytes, its own check forged", "decode-mismatch", changed(
        zeros(), lambda parts: recode(parts, frame(other))))
    case(45, "raw-check", "the check of the plane is wrong", "decode-mismatch", changed(
        zeros(), lambda parts: parts.raw_checks.__setitem__(0, 7)))
    forged = changed(zeros(), lambda parts: recode(parts, frame(other), other))
    case(46, "full", "other bytes, both checks forged", "digest-mismatch", forged)
    case(46, "quick", "checksums are no proof: the level quick finds nothing", None, file="046-full.tenon",
         command=["verify", "FILE", "--level", "quick"])
    case(46, "raw", "other raw bytes, the check forged", "digest-mismatch", changed(plain(), lambda parts: (
        flip(0)(parts), parts.planes[0].__setitem__(2, xxh3(parts.data[:32])))))
    uneven = one(Tensor("value", "U8", (9,), noise("u", 9))).lower()
    gap = bytes(6) + b"\1"
    case(47, "before-index", "a byte between data and index", "padding-nonzero", uneven.bytes(gap=gap))
    padded = next(each for each in (plain(), *(Builder("l" * n, {}, [lora("w")]) for n in range(8)))
                  if -len(each.lower().index()) % 8 > 1).lower()
    after = -len(padded.index()) % 8
    case(47, "after-index", "a byte between index and trailer", "padding-nonzero", padded.bytes(
        padding=bytes(after - 1) + b"\1"))
    mapped = Builder("full", {}, [
        Entry("a", "full", [Tensor("value", "U8", (3,), b"abc")]),
        Entry("b", "full", [Tensor("value", "U8", (4200,), b"ab" * 2100)])])
    case(47, "before-tensor", "a byte before an aligned tensor", "padding-nonzero", changed(mapped, flip(50)))
    enormous()

    def framed(name, row, note, stored, code="bad-frame", plane=bytes(64)):
        case(row, name, note, code, changed(zeros(len(plane)), lambda parts: recode(parts, stored, plane)))

    def raw_frame(descriptor, *rest):
        return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + b"".join(rest)

    def block(kind, size, content=b"", last=True):
        return struct.pack("<I", size << 3 | kind << 1 | last)[:3] + content

    zero64 = block(1, 64, b"\0")
    good = raw_frame(0x20, b"\x40", zero64)
    framed("accepted", 50, "a frame written by hand, as it should be", good, None)
    framed("no-size", 50, "no content size", raw_frame(0x00, b"\x58", zero64))
    framed("more", 50, "states more than the plane has", raw_frame(0x20, b"\x41", block(1, 65, b"\0")))
    framed("less", 50, "states less than the plane has", raw_frame(0x20, b"\x3f", block(1, 63, b"\0")))
    framed("huge", 50, "states 2^63 bytes", raw_frame(0xE0, struct.pack("<Q", 2**63), zero64))
    framed("past", 51, "decodes to more than it states", raw_frame(0x20, b"\x40", block(1, 100, b"\0")))
    framed("bomb", 51, "decodes to megabytes", raw_frame(0x20, b"\x40", block(1, 131072, b"\0", False) * 8, zero64))
    framed("short", 51, "decodes to less than it states", raw_frame(0x20, b"\x40", block(1, 10, b"\0")))
    framed("two", 52, "two frames", raw_frame(0x20, b"\x40", zero64) + raw_frame(0x20, b"\0", block(0, 0)))
    framed("half", 52, "two frames of half the bytes each", raw_frame(0x20, b"\x20", block(1, 32, b"\0")) * 2)
    framed("bytes", 52, "bytes after the frame", good + b"\0\0")
    framed("cut", 52, "a frame without its last byte", good[:-1])
    framed("alone", 53, "a skippable frame", b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"abcd")
    framed("before", 53, "a skippable frame before the frame", b"\x5f\x2a\x4d\x18" + struct.pack("<I", 0) + good)
    framed("after", 53, "a skippable frame after the frame", good + b"\x50\x2a\x4d\x18" + struct.pack("<I", 0))
    for version in (0x1E, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27):
        framed(f"legacy-{version:x}", 54, "a frame of a library before 1.0", bytes([version]) + good[1:])
    framed("magicless", 54, "a frame without its magic", good[4:] + b"\0\0")
    framed("dictionary", 55, "names a dictionary", raw_frame(0x21, b"\7\x40", zero64))
    framed("dictionary-4", 55, "names a dictionary by four bytes", raw_frame(0x23, struct.pack("<I", 7), b"\x40", zero64))
    framed("reserved", 55, "the reserved bit", raw_frame(0x28, b"\x40", zero64))
    framed("checksum", 55, "a checksum nobody reads", raw_frame(0x24, b"\x40", zero64, b"\0\0\0\0"))
    framed("window", 55, "a window above 8 MiB", raw_frame(0x80, bytes([14 << 3]), struct.pack("<I", 64), zero64))
    framed("window-8", 55, "a window of an eighth above 8 MiB", raw_frame(
        0x80, bytes([13 << 3 | 1]), struct.pack("<I", 64), zero64))
    framed("window-allowed", 55, "a window of 8 MiB", raw_frame(0x80, bytes([13 << 3]), struct.pack("<I", 64), zero64), None)
    framed("block", 55, "a block of the reserved type", raw_frame(0x20, b"\x40", block(3, 64, b"\0")))
    framed("empty-over", 56, "more empty blocks than a plane may store", raw_frame(
        0x20, b"\x40", block(0, 0, last=False) * 30, zero64), "chunk-inconsistent")
    many = raw_frame(0x60, struct.pack("<H", 1000 - 256), block(0, 0, last=False) * 300, block(1, 1000, b"\0"))
    framed("empty", 56, "hundreds of empty blocks are bounded by the plane's length", many, None, bytes(1000))
    case(57, "tensor", "a tensor's digest, all checks right", "digest-mismatch", changed(
        redigested := plain(), lambda parts: redigest(redigested, parts)))
    case(57, "content", "the content digest", "digest-mismatch", plain().lower().bytes(trailer=dict(content=b"\1" * 32)))
    planes_in_segments()
    deltas()
    across_a_delta()


def deltas():
    """Kinds of differences of checkpoints, judged by shapes and parameters."""
    def entry(name, note, code, kind, tensors, parameters=None):
        case(97, name, note, code, one(tensors, kind, parameters).bytes())

    def integers(role, dtype, *shape):
        count = BITS[dtype] // 8
        for size in shape:
            count *= size
        return Tensor(role, dtype, shape, noise(f"{role}{dtype}", count).replace(b"\0", b"\1"))

    for kind in ("exact", "correction"):
        entry(kind, "a difference as it should be", None, kind, integers("value", "U16", 3, 4))
        entry(f"{kind}-type", "differences that are no unsigned integers", "kind-shape", kind, integers("value", "I16", 3, 4))
        entry(f"{kind}-indices", "a role that the kind does not have", "unknown-enum", kind, [
            integers("value", "U16", 3), integers("indices", "U32", 3)])
    gaps, value = Tensor("indices", "U8", (3,), b"\0\1\2"), integers("value", "U16", 3)
    counts = Tensor("counts", "U32", (1, 2), struct.pack("<II", 3, 3))
    good = {"places": "gaps"}
    entry("gaps", "few changes as they should be", None, "sparse", [gaps, value, counts], good | {"elements": 6})
    entry("gaps-elements", "the same without the number of elements", None, "sparse", [gaps, value, counts], good)
    for name, tensors in {
            "no-counts": [gaps, value], "type": [gaps, integers("value", "F32", 3), counts],
            "gaps-type": [integers("indices", "U16", 3), value, counts],
            "counts-type": [gaps, value, integers("counts", "U64", 1, 2)],
            "counts-shape": [gaps, value, integers("counts", "U32", 2)],
            "counts-columns": [gaps, value, integers("counts", "U32", 1, 3)],
            "more-values": [gaps, integers("value", "U16", 4), counts]}.items():
        entry(f"gaps-{name}", "tensors that do not fit together", "kind-shape", "sparse", tensors, good)
    entry("gaps-replace", "elements of a type that differences do not have", None, "sparse", [
        gaps, integers("value", "F32", 3), counts], good | {"mode": "replace"})
    entry("places", "places of a form that there is not", "bad-param", "sparse", [gaps, value, counts], {"places": "bits"})
    entry("gaps-mode", "gaps that are added", "bad-param", "sparse", [gaps, value, counts], good | {"mode": "add"})
    entry("counts", "counts without gaps", "kind-shape", "sparse", [integers("indices", "U32", 3), value, counts])
    header = safetensors_header()
    frame, size = Tensor("frame", "U8", (len(header),), header), len(header) + 8
    file = {"layout": "checkpoint", "size": size}
    entry("checkpoint", "a file of tensors as it should be", None, "file", frame, file)
    entry("checkpoint-frame", "a file of tensors without a header", "kind-shape", "file", [], file)
    entry("checkpoint-value", "a file of tensors with bytes of its own", "kind-shape", "file", [
        frame, integers("value", "U8", 3)], file)
    for name, number in {"none": None, "text": "9", "less": len(header) - 1, "negative": -1}.items():
        entry(f"checkpoint-size-{name}", "a file of tensors of a size that it cannot have", "bad-param", "file", frame, {
            "layout": "checkpoint"} | ({} if number is None else {"size": number}))
    copy = {"layout": "base", "from": "tokenizer.json", "digest": "0123456789abcdef" * 4}
    entry("base", "a file of the base as it should be", None, "file", [], copy)
    entry("base-value", "a file of the base with bytes of its own", "kind-shape", "file", integers("value", "U8", 3), copy)
    for name, change in {"from": {"from": ""}, "from-type": {"from": 1}, "digest": {"digest": "0" * 63},
                         "digest-upper": {"digest": "A" * 64}, "digest-none": {"digest": None}}.items():
        entry(f"base-{name}", "a file of the base that is not named", "bad-param", "file", [], copy | change)


def safetensors_header(*names):
    """The header of a file with one tensor of eight bytes for each name."""
    text = json.dumps({name: {"dtype": "U8", "shape": [8], "data_offsets": [8 * n, 8 * n + 8]}
                       for n, name in enumerate(names or ["w"])}).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def across_a_delta():
    """What a difference of checkpoints demands of its values, and of its entries together."""
    def gaps(name, note, places, changes, counts, code="sparse-index", **parameters):
        dtype = parameters.pop("dtype", "U16")
        values = parameters.pop("values", b"\1" * (changes * BITS[dtype] // 8))
        case(98, name, note, code, one([
            Tensor("indices", "U8", (len(places),), places), Tensor("value", dtype, (changes,), values),
            Tensor("counts", "U32", (len(counts), 2), b"".join(struct.pack("<II", *pair) for pair in counts)),
        ], "sparse", {"places": "gaps"} | parameters).bytes())

    far = b"\xff" * 2056 + bytes([7])
    gaps("last-place", "a change of the last element of a window", far, 1, [(1, 2057)], None)
    gaps("beyond-window", "a change beyond the window", far[:-1] + b"\x08", 1, [(1, 2057)])
    gaps("two-windows", "gaps that begin anew in each window", b"\5\0\3", 3, [(2, 2), (1, 1)], None, elements=2**19 + 4)
    gaps("beyond-elements", "a change beyond the last element", b"\5\0\4", 3, [(2, 2), (1, 1)], elements=2**19 + 4)
    gaps("windows-fewer", "fewer windows than elements ask for", b"\5", 1, [(1, 1)], elements=2**19 + 1)
    gaps("windows-more", "more windows than elements ask for", b"\5", 1, [(1, 1), (0, 0)], elements=2**19)
    gaps("elements-negative", "a negative number of elements", b"\5", 1, [(1, 1)], elements=-1)
    gaps("changes-more", "counts of more changes than there are", b"\5\5", 2, [(3, 2)])
    gaps("changes-fewer", "counts of fewer changes than there are", b"\5\5", 2, [(1, 2)])
    gaps("bytes-more", "counts of more bytes than there are", b"\5\5", 2, [(2, 3)])
    gaps("bytes-fewer", "counts of fewer bytes than there are", b"\5\5\5", 2, [(2, 2)])
    gaps("bytes-moved", "counts that add up, but not in each window", b"\5\5\5", 3, [(1, 2), (2, 1)])
    gaps("wraps", "counts that add up only in 32 bits", b"\5\5", 2, [(2**32 - 1, 2**32 - 1), (3, 3)])
    gaps("open", "a gap without its last byte", b"\5\xff", 1, [(1, 2)])
    gaps("more-gaps", "more gaps than changes", b"\5\5", 1, [(1, 2)])
    gaps("zero", "a difference of zero", b"\5\5", 2, [(2, 2)], values=b"\1\0\0\0")
    gaps("zero-replace", "zero is an element like others", b"\5\5", 2, [(2, 2)], None, values=bytes(4), mode="replace")

    root = hashlib.sha256(b"root").digest()

    def value(*shape):
        return [Tensor("value", "U8", shape, b"\1" * math.prod(shape))]

    def delta(name, note, code, entries, leaves=None, **record):
        """Entries are (target, kind) with parameters after them, if there are any."""
        made = []
        for target, kind, *parameters in entries:
            tensors = [] if kind in ("removed", "alias") else value(2, 2)
            parameters = parameters[0] if parameters else {}
            one_entry = Entry(target, kind, tensors, parameters)
            if kind == "file":
                header = safetensors_header(*parameters.pop("names"))
                one_entry.tensors = [Tensor("frame", "U8", (len(header),), header)]
                parameters["size"] = len(header) + parameters.pop("bytes")
            else:
                one_entry.base = 0
                one_entry.base_leaf = b"" if kind in ("full", "alias") or leaves == "result" else b"\1" * 32
                one_entry.result_leaf = b"" if kind == "removed" or leaves == "base" else b"\2" * 32
            made.append(one_entry)
        bases = [(root, root, 1, 4, 1)] if any(entry.base == 0 for entry in made) else []
        case(98, name, note, code, Builder("delta", {"result_root": root.hex()} | record, made, bases).bytes())

    delta("every", "one of every kind that may stand alone", None, [
        ("a", "exact"), ("b", "full"), ("c", "removed"), ("d", "alias", {"of": "b"}), ("e", "extend"), ("a", "extend")])
    for pair in [("exact", "full"), ("exact", "removed"), ("full", "alias"), ("alias", "removed"), ("full", "extend"),
                 ("removed", "extend"), ("alias", "extend")]:
        delta("-".join(pair), "two entries that make one tensor", "duplicate", [
            ("a", kind, {"of": "b"} if kind == "alias" else {}) for kind in pair])
    delta("alias-chain", "an alias of an alias", "bad-param", [("a", "alias", {"of": "b"}), ("b", "alias", {"of": "c"})])
    delta("alias-self", "an alias of itself", "bad-param", [("a", "alias", {"of": "a"})])
    delta("alias-of-removed", "an alias of what is removed", "bad-param", [("a", "alias", {"of": "b"}), ("b", "removed")])
    for leaf in ("base", "result"):
        delta(f"leaf-{leaf}", "a lossless delta whose entry has only one leaf", "index-inconsistent", [("a", "exact")], leaf)
    delta("root", "a root that is no digest", "bad-param", [("a", "exact")], result_root="12")
    delta("correction-accepted", "corrections among themselves", None, [("a", "correction")], stage="correction")
    delta("correction", "a correction in a delta that is none", "bad-param", [("a", "correction")])
    delta("correction-beside", "a difference among corrections", "bad-param", [("a", "correction"), ("b", "exact")],
          stage="correction")

    def files(name, note, code, *pairs):
        delta(name, note, code, [
            (f"f{n}", "file", {"layout": "checkpoint", "names": names, "bytes": size}) for n, (names, size) in enumerate(pairs)])

    files("files", "files of tensors as they should be", None, (["a", "b"], 16), (["c"], 8))
    files("files-twice", "a tensor in two files", "duplicate", (["a", "b"], 16), (["b"], 8))
    files("files-more", "a file larger than its tensors", "base-invalid", (["a"], 9))
    files("files-less", "a file smaller than its tensors", "base-invalid", (["a"], 7))


def planes_in_segments():
    """Planes of the codec `entropy`, all checks right."""
    plane = bytes(12 if place % 40 == 7 else place % 7 // 3 for place in range(400))
    frequencies = segments.frequencies_of(plane)
    table = segments.table(frequencies)
    states, words = segments.states_and_words(plane, frequencies)

    def stored_as(content, stored):
        parts = one(Tensor("value", "U8", (len(content),), content, cuts=())).lower()
        parts.data[:] = stored
        parts.planes = [[len(stored), 2, xxh3(stored)]]
        parts.raw_checks = [xxh3(content)]
        return parts.bytes()

    def whole(name, note, stored, code="bad-frame", content=plane):
        case(96, name, note, code, stored_as(content, stored))

    def single(name, note, segment, code="bad-frame", length=None):
        whole(name, note, segments.joined([(len(plane) if length is None else length, segment)]), code)

    def packed(states, words):
        return table + struct.pack(f"<4I{len(words)}H", *states, *words)

    single("accepted", "a plane of one segment, as it should be", packed(states, words), None)
    three = b"".join([plane * 4, noise("s", 1100), bytes(1024)])
    pieces = [(1600, segments.coded(plane * 4)), (1100, noise("s", 1100)), (1024, segments.coded(bytes(1024)))]
    whole("three", "a coded, a raw and a constant segment", segments.joined(pieces), None, three)
    whole("other", "the segment of another plane", segments.plane(plane[::-1]), "decode-mismatch")
    case(96, "as-long", "a plane of segments as long as itself", "chunk-inconsistent", changed(
        plain(), lambda parts: (parts.planes[0].__setitem__(1, 2), parts.raw_checks.append(parts.planes[0][2]))))
    whole("none", "no segment", segments.joined([]))
    whole("cut", "one byte", b"\1")
    whole("count", "more segments than bytes", segments.joined([(400, packed(states, words))], 9))
    for length in (399, 401, 0, 2**32 - 1):
        single(f"length-{length}", "a segment of another length than its plane", packed(states, words), length=length)
    short = [plane * 4, plane, plane * 4]
    whole("short", "a segment below 1,024 bytes beside others", segments.joined([
        (len(piece), segments.coded(piece)) for piece in short]), content=b"".join(short))
    for name, size in {"zero": 0, "more": len(packed(states, words)) + 1, "less": len(packed(states, words)) - 2,
                       "above-length": 401, "2-32": 2**32 - 1}.items():
        stored = bytearray(segments.joined([(400, packed(states, words))]))
        stored[6:10] = struct.pack("<I", size)
        whole(f"stored-{name}", "a segment of another stored length than its bytes", bytes(stored))
    whole("after", "bytes after the last segment", segments.joined([(400, packed(states, words))]) + b"\0\0")
    single("cut-table", "frequencies that end before their sum", table[:2])
    single("sum", "frequencies above their sum", segments.table([4000, 97]) + packed(states, words)[len(table):])
    single("negative", "a frequency below zero", segments.packed("010" + "1" * 13))
    single("long", "a number of fifteen digits", segments.packed("0" * 14 + "1" * 15) + bytes(40))
    single("bytes", "frequencies of 257 bytes", segments.packed("1" * 300) + bytes(40))
    single("padding", "a bit after the frequencies", segments.table(
        frequencies, "1") + packed(states, words)[len(table):])
    whole("constant", "bytes after the one value that there is", segments.joined([
        (400, segments.coded(bytes(400)) + b"\0")]), content=bytes(400))
    single("no-states", "frequencies alone", table)
    single("low-state", "a state below its bound", packed([65535, *states[1:]], words))
    single("end-state", "a state that does not end where it should", packed([states[0] + 4096, *states[1:]], words))
    single("less-words", "a word is missing", packed(states, words[:-1]))
    single("more-words", "a word too many", packed(states, [*words, 0]))
    single("odd", "half a word", packed(states, words) + b"\0")


def redigest(builder, parts):
    """Gives a tensor another digest, and the content digest that goes with it."""
    entry = builder.entries[0]

    class Liar(Tensor):
        digest = bytes(32)

    entry.tensors[0] = Liar(**vars(entry.tensors[0]))
    parts.content = builder.content(builder.entries)
    parts.tensors[0][5] = bytes(32)


def enormous():
    """A gigabyte of zeros in some kilobytes, which are themselves mostly repetition: a recipe."""
    count, step = 2**30 + 2**24, 2**24
    plane, chunks = bytes(step), count // step
    stored = frame(plane)
    parts = zeros().lower()
    parts.data = bytearray(stored * chunks)
    parts.planes = [[len(stored), 1, xxh3(stored)]] * chunks
    parts.raw_checks = [xxh3(plane)] * chunks
    builder = one(Tensor("value", "U8", (64,), bytes(64)))

    class Large(Tensor):
        digest = digest_of_zeros(count)

    builder.entries[0].tensors = [Large("value", "U8", (count,))]
    parts.tensors[0][2], parts.tensors[0][4], parts.tensors[0][5] = (count,), 24, Large.digest
    parts.logical_bytes, parts.content = count, builder.content(builder.entries)
    pieces = run_lengths(parts.bytes(), (len(stored), 12, 8))
    case(49, "zeros", "a thousand times more than the file holds, about to be written", "suspicious-ratio",
         make="pieces", pieces=pieces, command=["unpack", "FILE", "--format", "safetensors", "-o", "OUT"])
    case(49, "read", "and nothing is wrong with it while it is only read", make="pieces", pieces=pieces,
         command=["verify", "FILE", "--level", "structure"])


def run_lengths(content, steps):
    """Pieces (hexadecimal, how often) that make up the content."""
    pieces, at, plain_from = [], 0, 0
    while at < len(content):
        for step in steps:
            unit, count = content[at:at + step], 1
            while content[at + count * step:at + (count + 1) * step] == unit:
                count += 1
            if count > 16:
                pieces += [[content[plain_from:at].hex(), 1], [unit.hex(), count]]
                at = plain_from = at + count * step
                break
        else:
            at += 1
    return pieces + [[content[plain_from:].hex(), 1]]


def digest_of_zeros(count):
    """`tensor_digest` of so many zeros, whose leaves are all the same."""
    leaf = sha256(b"\0" + bytes(65536))
    return sha256(b"tenon.tdata.v1\0" + struct.pack("<Q", count) + leaf * (count // 65536))


def kinds():
    def entry(kind, tensors, parameters=None):
        return one(tensors, kind, parameters).bytes()

    def f32(role, *shape):
        count = 1
        for size in shape:
            count *= size
        return Tensor(role, "F32", shape, floats(str(role), count))

    loras = {
        "ranks": [f32("A", 2, 4), f32("B", 3, 3)], "no-B": [f32("A", 2, 4)], "vector": [f32("A", 4), f32("B", 3)],
        "magnitude": [f32("A", 2, 4), f32("B", 3, 2), f32("magnitude", 4)],
        "bias": [f32("A", 2, 4), f32("B", 3, 2), f32("bias", 2)], "depths": [f32("A", 2, 4), f32("B", 3, 2, 1)]}
    for name, tensors in loras.items():
        case(62, name, "factors that do not fit together", "kind-shape", entry("lora", tensors))
    case(62, "rank-0", "a rank of zero", "zero-dim", changed(plain(), lambda parts: parts.tensors[0].__setitem__(2, (0, 4))))

    a, b, small = ["F32", 0, 4], ["F32", 3, 0], ["F32", 0]
    for name, kind, tensors, empty, code in [
            ("accepted", "lora", [], {"A": a, "B": b}, None), ("one", "lora", [f32("B", 3, 2)], {"A": a}, None),
            ("ungathered", "lora", [f32("B", 3, 2)], {"A": small}, None),
            ("others", "lora", [f32("B", 3, 2), f32("magnitude", 4)], {"A": a}, "kind-shape"),
            ("zeros", "lora", [], {"A": ["F32", 0, 0], "B": b}, "kind-shape"),
            ("depths", "lora", [f32("B", 3, 2)], {"A": ["F32", 0, 4, 1]}, "kind-shape"),
            ("shape", "adalora", [], {"A": a, "B": b, "E": ["F32", 0, 2]}, "kind-shape"),
            ("ranks", "adalora", [f32("A", 2, 4), f32("B", 3, 3)], {"E": ["F32", 0, 1]}, "kind-shape"),
            ("twice", "lora", [f32("A", 2, 4), f32("B", 3, 2)], {"A": a}, "kind-shape"),
            ("elements", "lora", [f32("B", 3, 2)], {"A": ["F32", 2, 4]}, "bad-param"),
            ("none", "lora", [f32("A", 2, 4), f32("B", 3, 2)], {}, "bad-param")]:
        case(62 if code != "bad-param" else 70, f"empty-{name}", "factors without elements beside others", code, entry(
            kind, tensors, {"empty": empty}))

    def record(row, name, note, value, code="bad-param"):
        case(row, name, note, code, changed(Builder("lora", {}, [lora("w")]), lambda parts: parts.parameter_sets.__setitem__(
            0, value)))

    def float_set(bits):
        return one_member("lora_alpha", b"\7" + struct.pack("<Q", bits))

    record(63, "nan", "a scale that is no number", float_set(0x7FF8 << 48))
    record(63, "nan-signalling", "the same, signalling", float_set(0x7FF0 << 48 | 1))
    record(63, "infinity", "an infinite scale", float_set(0x7FF0 << 48))
    record(63, "minus-infinity", "an infinite scale below zero", float_set(0xFFF0 << 48))
    case(63, "size", "a negative block", "quant-param", entry("lora", quantized(), {"scheme": "nf4", "block": -4}))
    nan = struct.pack("<8f", float("nan"), float("inf"), *range(6))
    case(64, "values", "NaN in a tensor is data, and told when asked", None, entry("lora", [
        Tensor("A", "F32", (2, 4), nan), f32("B", 3, 2)]), command=["verify", "FILE", "--values"], tells="NaN or infinite")
    case(64, "accepted", "and is not looked for otherwise", None, file="064-values.tenon")

    def places(*numbers, dtype="U32", shape=None):
        layout = {"U32": "I", "I64": "q", "U64": "Q", "F64": "d", "F32": "f"}[dtype]
        return Tensor("indices", dtype, shape or (len(numbers),), struct.pack(f"<{len(numbers)}{layout}", *numbers))

    sparse = {
        "twice": places(0, 5, 5), "falling": places(0, 5, 4), "first-falls": places(5, 0, 9), "beyond": places(0, 5, 12),
        "far-beyond": places(0, 5, 2**32 - 1), "negative": places(-1, 5, 7, dtype="I64"),
        "negative-later": places(0, -5, 7, dtype="I64"), "fraction": places(0, 1.5, 7, dtype="F32"), "2-64": places(0, 5, 2**64 - 1, dtype="U64")}
    for name, indices in sparse.items():
        case(65, name, "places that do not ascend below the target's size", "sparse-index", entry(
            "sparse", [indices, f32("value", 3)], {"elements": 12}))
    case(65, "negative-last", "a negative place where the target's size is not known", "sparse-index", entry(
        "sparse", [places(0, 5, -1, dtype="I64"), f32("value", 3)]))
    case(65, "floats", "places as floats, as some libraries write them", None, entry(
        "sparse", [places(0, 5, 11, dtype="F32"), f32("value", 3)], {"elements": 12}))
    case(65, "count", "more places than values", "kind-shape", entry("sparse", [places(0, 1, 2, 3), f32("value", 3)]))

    def mask(bits, count, values=None, **parameters):
        tensors = [Tensor("bitmap", "BIT", (count,), bits)]
        return entry("mask", tensors + ([f32("value", values)] if values else []), parameters)

    case(66, "more", "more bits than values", "mask-count", mask(b"\x0f", 8, 3, mode="add"))
    case(66, "fewer", "fewer bits than values", "mask-count", mask(b"\x03", 8, 3, mode="add"))
    case(66, "tail", "bits after the last element", "mask-count", mask(b"\x17\x10", 12, 5, mode="add"))
    case(66, "tail-kept", "the same in a mask without values", "mask-count", mask(b"\0\x80", 12))
    case(66, "over", "more values than bits at all", "kind-shape", mask(b"\xff", 8, 9, mode="add"))
    case(66, "no-values", "a mask that adds nothing", "kind-shape", mask(b"\xff", 8, mode="add"))
    case(66, "mode", "a mode that is none", "bad-param", mask(b"\x07", 8, 3, mode="shred"))
    good = {"scheme": "nf4", "block": 4}
    for name, parameters in {
            "block-0": good | {"block": 0}, "block-missing": {"scheme": "nf4"}, "block-float": good | {"block": 4.5},
            "block-text": good | {"block": "4"}, "block-other": good | {"block": 2}, "scheme": good | {"scheme": "nf5"},
            "scheme-missing": {"block": 4}, "scheme-other": good | {"scheme": "int8"},
            "outer-missing": good | {"outer_block": 2}, "block-huge": good | {"block": 2**62}}.items():
        case(67, name, "parameters that do not fit the codes", "quant-param", entry("lora", quantized(), parameters))
    case(67, "scales", "too few scales", "quant-param", entry("lora", [
        *quantized()[:1], f32(0x201, 1), f32("B", 3, 2)], good))
    case(67, "no-scales", "codes without scales", "quant-param", entry("lora", [quantized()[0], f32("B", 3, 2)], good))
    case(67, "no-codes", "scales without codes", "quant-param", entry("lora", [*quantized()[1:], f32("A", 2, 4)], good))
    case(67, "both", "codes beside the factor itself", "quant-param", entry("lora", quantized() + [f32("A", 2, 4)], good))
    case(67, "outer-0", "an outer block of zero", "quant-param", entry("lora", [
        quantized()[0], Tensor(0x201, "U8", (2,), b"\1\2"), f32(0x301, 2), f32("B", 3, 2)], good | {"outer_block": 0}))
    case(67, "outer-shape", "too many outer scales", "quant-param", entry("lora", [
        quantized()[0], Tensor(0x201, "U8", (2,), b"\1\2"), f32(0x301, 3), f32("B", 3, 2)], good | {"outer_block": 2}))
    case(68, "scales", "scales of another type", "quant-param", entry("lora", [
        quantized()[0], Tensor(0x201, "F16", (2,), b"\0\x3c" * 2), f32("B", 3, 2)], good))
    case(68, "codes", "codes of another type", "quant-param", entry("lora", [
        Tensor(0x101, "U8", (2, 4), bytes(8)), *quantized()[1:]], good))
    case(68, "places", "places that are floats of 64 bits", "kind-shape", entry("sparse", [
        places(0, 1, dtype="F64"), f32("value", 2)]))
    case(68, "bitmap", "a bitmap of bytes", "kind-shape", entry("mask", [Tensor("bitmap", "U8", (8,), bytes(8))]))
    case(68, "file", "a file that is not of bytes", "kind-shape", entry(
        "file", [f32("value", 2)]))
    case(68, "layout", "a file of a layout that is none", "bad-param", entry(
        "file", [Tensor("value", "U8", (1,), b"x")], {"layout": "zip"}))
    open_rows([69], "no verb takes a slice of a tensor yet: comes with the library's API")

    nested = b"\0"
    for _ in range(8):
        nested = b"\x09" + struct.pack("<H", 1) + nested
    for name, value in {
            "trailing": encode_parameters({"r": 2}) + b"\0", "tag": one_member("r", b"\x0b"), "tag-255": one_member("r", b"\xff"),
            "twice": struct.pack("<H", 2) + (short("r") + b"\0") * 2,
            "twice-inside": one_member("r", b"\x0a" + struct.pack("<H", 2) + (short("q") + b"\0") * 2),
            "cut": encode_parameters({"r": 2})[:-1], "empty": b"", "text": one_member("r", b"\x08\1\0\xff"),
            "key": b"\1\0\1\xff\0", "deep": one_member("r", nested), "members": b"\xff\xff",
            "elements": one_member("r", b"\x09\xff\xff"), "text-length": one_member("r", b"\x08\xff\xff"),
            "key-length": b"\1\0\xff", "integer": one_member("r", b"\6\0\0\0\0")}.items():
        record(70, name, "parameters that are not what §6 allows", value)
    case(71, "critical", "an extension that a reader must know", "unsupported-ext", changed(
        plain(), lambda parts: parts.extensions.append((1 << 31 | 5, b"?"))))
    good = plain().lower()
    for name, length in {"past-end": 9, "wraps": 0xFFFFFFFF, "short": 1}.items():
        case(71, name, "an extension that does not fill its bytes", "index-inconsistent", good.bytes(index=good.index(
            counts=dict(extensions=1), extension_bytes=struct.pack("<II", 7, length) + b"abcd")))
    case(71, "count", "more extensions than bytes", "index-inconsistent", good.bytes(index=good.index(
        counts=dict(extensions=2), extension_bytes=struct.pack("<II", 7, 0))))


def quantized():
    """A factor of eight NF4 codes with two scales, and the other factor."""
    return [Tensor(0x101, "NF4", (2, 4), noise("codes", 4)), Tensor(0x201, "F32", (2,), struct.pack("<2f", 1, 2)),
            Tensor("B", "F32", (3, 2), floats("B", 6))]


def world():
    for name in ("fifo", "folder", "device", "proc"):
        case(72, name, "no regular file", "not-regular", make=name)
    case(72, "missing", "no file at all", "not-found", make="missing")
    read = dict(file="../golden/small.tenon")
    case(73, "shorter", "the file ends earlier than it did when it was opened", "changed-during-read", **read,
         environment={"TENON_FAULT": "pread:1+=short:0"})
    case(74, "eio", "a read that fails", "io-error", **read, environment={"TENON_FAULT": "pread:2=EIO"})
    case(74, "enomem", "no memory", "oom", **read, environment={"TENON_FAULT": "pread:1=ENOMEM"})
    case(74, "eintr", "an interrupted read goes on", None, **read, environment={"TENON_FAULT": "pread:1=EINTR"})
    case(74, "short", "a short read goes on", None, **read, environment={"TENON_FAULT": "pread:1=short:7"})
    write = dict(adapter={})
    case(75, "enospc", "no space", "no-space", **write, environment={"TENON_FAULT": "write:1=ENOSPC"})
    case(75, "eio", "a write that fails", "io-error", **write, environment={"TENON_FAULT": "write:1=EIO"})
    case(75, "fsync", "a file that cannot be made to last", "io-error", **write, environment={"TENON_FAULT": "fsync:1=EIO"})


WEIGHTS = {"base_model.model.q.lora_A.weight": ("F32", [2, 4]), "base_model.model.q.lora_B.weight": ("F32", [3, 2])}
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q"]}


def safetensors(header, data=None):
    """A safetensors file of a header, as a value or as text, and its data."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + (floats("data", 14) if data is None else data)


def good_header():
    header, at = {}, 0
    for name, (dtype, shape) in WEIGHTS.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + 4 * shape[0] * shape[1]]}
        at += 4 * shape[0] * shape[1]
    return header


def packing():
    folder = HERE / "adapter"
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG) + "\n")
    (folder / "adapter_model.safetensors").write_bytes(safetensors(good_header()))
    case(61, "accepted", "the adapter that the cases change", None, adapter={})
    a, b = WEIGHTS

    def weights(row, name, note, content, code="base-invalid"):
        case(row, name, note, code, adapter={"adapter_model.safetensors": {"hex": content.hex()}})

    def header(row, name, note, change, code="base-invalid", data=None):
        value = good_header()
        change(value)
        weights(row, name, note, safetensors(value, data), code)

    def offsets(key, *pair):
        return lambda value: value[key].__setitem__("data_offsets", list(pair))

    def field(key, name, new):
        return lambda value: value[key].__setitem__(name, new)

    text = json.dumps(good_header(), separators=(",", ":")).encode()
    header(61, "reversed", "a range that ends before it begins", offsets(a, 32, 0))
    header(61, "overlapping", "ranges that overlap", lambda value: (offsets(a, 0, 32)(value), offsets(b, 16, 40)(value)))
    header(61, "hole", "a hole between ranges", offsets(b, 36, 60), data=floats("data", 15))
    header(61, "short-range", "a range too short for its shape", offsets(b, 32, 52))
    header(61, "past-end", "a range past the end", field(b, "shape", [4, 2]) and (lambda value: (
        field(b, "shape", [4, 2])(value), offsets(b, 32, 64)(value))))
    header(61, "data-cut", "less data than ranges", lambda value: None, data=floats("data", 13))
    header(61, "data-more", "bytes after the last tensor", lambda value: None, data=floats("data", 15))
    header(61, "dtype", "a type nobody knows", field(a, "dtype", "F33"))
    header(61, "dtype-number", "a type that is no text", field(a, "dtype", 12))
    header(61, "no-dtype", "no type", lambda value: value[a].pop("dtype"))
    header(61, "no-offsets", "no range", lambda value: value[a].pop("data_offsets"))
    header(61, "one-offset", "half a range", offsets(a, 0))
    header(61, "three-offsets", "a range of three", offsets(a, 0, 16, 32))
    header(61, "unknown-key", "a tensor's key nobody knows", field(a, "sparse", True))
    header(61, "overflow", "a shape whose product wraps", field(a, "shape", [2**32, 2**32]))
    header(61, "metadata-tensor", "a tensor called __metadata__", lambda value: value.__setitem__(
        "__metadata__", value.pop(a)))
    header(61, "tensor-list", "a tensor that is a list", lambda value: value.__setitem__(a, []))
    weights(61, "length-huge", "a header of 2^63 bytes", struct.pack("<Q", 2**63) + text)
    weights(61, "length-limit", "a header above 100 MB", struct.pack("<Q", 100_000_001) + text)
    weights(61, "length-file", "a header longer than the file", struct.pack("<Q", 10_000) + text)
    weights(61, "length-zero", "a header without bytes", struct.pack("<Q", 0) + text)
    weights(61, "empty", "no bytes", b"")
    weights(61, "seven", "not even a length", b"\0" * 7)
    weights(61, "array", "a header that is a list", safetensors(b"[]      "))
    weights(61, "space-first", "a header that begins with a space", safetensors(b" " + text))
    weights(61, "padding", "a header padded with newlines", safetensors(text + b"\n\n"))
    weights(61, "cut-text", "a header that ends early", safetensors(text[:-2]), "json-syntax")
    weights(61, "not-utf8", "a name that is no UTF-8", safetensors(text.replace(b"lora_A", b"lor\xff_A")), "json-syntax")
    weights(61, "twice", "a tensor twice", safetensors(text[:-1] + b"," + text[1:]), "json-duplicate")
    twice = text.replace(b"{\"dtype\":\"F32\"", b"{\"dtype\":\"F32\",\"dtype\":\"F16\"", 1)
    weights(61, "key-twice", "a tensor's type twice", safetensors(twice), "json-duplicate")
    escaped = text.replace(b"lora_B", b"lor\\u0061_A")
    weights(76, "escaped", "two names that are the same once unescaped", safetensors(escaped), "json-duplicate")
    weights(76, "surrogate", "a name that is no text", safetensors(text.replace(b"lora_A", b"\\ud800")), "json-syntax")
    header(76, "shape", "a shape that does not fit its bytes", field(a, "shape", [2, 5]))
    header(76, "kind", "factors that do not fit together", lambda value: (
        field(a, "shape", [4, 2])(value)), "kind-shape")
    header(76, "name", "a name of which nothing is known", lambda value: value.__setitem__("x.y", value.pop(b)), "unknown-key")
    header(76, "long-name", "a target of 1,100 bytes", lambda value: [value.__setitem__(key.replace(
        ".q.", f".{'q' * 1100}."), value.pop(key)) for key in (a, b)], "bad-name")
    header(76, "control-name", "a target with a control character", lambda value: [value.__setitem__(key.replace(
        ".q.", ".\u0007."), value.pop(key)) for key in (a, b)], "bad-name")

    def config(row, name, note, content, code):
        """As text where JSON carries it unchanged, else in hexadecimal."""
        if isinstance(content, bytes):
            content = {"hex": content.hex()}
        case(row, name, note, code, adapter={"adapter_config.json": content})

    for name, content in TWICE.items():
        config(77, name, "a key twice", content, "json-duplicate")
    for name, content in BROKEN.items():
        config(78, name, "no JSON", content, "json-syntax")
    for name, (content, code) in DOUBTFUL.items():
        config(79, name, "JSON that parsers take differently", content, code)
    for name, number in {
            "float": "2.0", "exponent": "2e0", "minus": "-2", "minus-zero": "-0", "2-64": "18446744073709551616",
            "fraction": "2.5", "long": "2" * 400}.items():
        weights(80, f"shape-{name}", "a dimension that is no plain integer", safetensors(
            text.replace(b"[2,4]", f"[{number},4]".encode())), "json-number")
    for name, number in {"float": "0.0", "exponent": "0e0", "minus": "-1", "2-63": str(2**63)}.items():
        weights(80, f"offset-{name}", "an offset that is no plain integer", safetensors(
            text.replace(b"[0,", f"[{number},".encode())), "json-number")
    for name, number in {"float": "2.5", "minus": "-2", "zero": "0"}.items():
        config(80, f"rank-{name}", "a rank that is none", json.dumps(CONFIG).replace('"r": 2', f'"r": {number}'), "bad-param")
    config(80, "rank-2-63", "a rank that fits no integer", json.dumps(CONFIG).replace('"r": 2', f'"r": {2**63}'),
           "config-invalid")
    for name, opening in {"arrays": "[", "objects": '{"a":'}.items():
        config(81, f"deep-{name}", "a hundred thousand brackets", {"parts": [[opening, 100_000]]}, "json-limit")
    for name, key in {"text": "base_model_name_or_path", "key": "k" * 300}.items():
        before, after = json.dumps(dict(CONFIG, peft_type="NOBODYS", **{key: "?"})).split("?")
        config(76, f"long-{name}", "a config with a text of 70,000 bytes", {"parts": [
            [before, 1], ["x", 70_000], [after, 1]]}, "limit")
    config(81, "long", "a text above 4 MiB", {"parts": [[" ", (4 << 20) + 1]]}, "json-limit")


BASE = {"a.weight": ("F32", [2, 4]), "q.weight": ("F32", [3, 4])}


def model(tensors):
    """A safetensors file of matrices of 32 bits, whose bytes their names tell."""
    header, data = {}, b""
    for name, (dtype, shape) in tensors.items():
        own = floats(name, shape[0] * shape[1])
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    return safetensors(header, data)


def leaf(name, dtype, shape):
    """The leaf of a tensor of `model` (`Spec/base.md`)."""
    tensor = Tensor("value", dtype, tuple(shape), floats(name, shape[0] * shape[1]))
    return sha256(b"\0tenon.base.v1\0" + lp(name.encode()) + struct.pack(
        f"<BB{len(shape)}Q", DTYPES[dtype], len(shape), *shape) + tensor.digest)


def node(left, right):
    return sha256(b"\1" + left + right)


def bases():
    folder = HERE / "base"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}\n")
    (folder / "model.safetensors").write_bytes(model(BASE))
    leaves = {name: leaf(name, *tensor) for name, tensor in BASE.items()}
    root = node(*leaves.values())
    apply = ["apply", "FILE", "--base", "BASE", "-o", "OUT"]

    def bound(base_leaf, root=root, target="q.weight"):
        builder = Builder("lora", {"r": 2}, [lora(target)])
        builder.bases = [(root, b"\2" * 32, 2, 80, 0)]
        builder.entries[0].base, builder.entries[0].base_leaf = 0, base_leaf
        return builder.bytes()

    good = bound(leaves["q.weight"])
    case(58, "accepted", "the base that it is bound to", None, good, command=apply, base={})
    case(58, "leaf", "the leaf of the tensor is another", "base-mismatch", bound(b"\3" * 32, b"\4" * 32), command=apply,
         base={}, tells="q.weight")
    case(58, "verify", "the same, asked without applying", "verification-failed", file="058-leaf.tenon",
         command=["verify", "FILE", "--base", "BASE"], base={}, tells="q.weight")
    flipped = bytearray(model(BASE))
    flipped[-1] ^= 1
    one = {"file": "058-accepted.tenon", "command": apply}
    case(58, "bit", "one bit of the tensor is another", "base-mismatch",
         base={"model.safetensors": {"hex": flipped.hex()}}, tells="q.weight", **one)

    def other(**tensors):
        return {"model.safetensors": {"hex": model({name.replace("_", "."): t for name, t in tensors.items()}).hex()}}

    case(59, "absent", "the base lacks the tensor", "base-incompatible",
         base=other(a_weight=("F32", [2, 4]), r_weight=("F32", [3, 4])), tells="r.weight", **one)
    case(59, "shape", "the base has it in another shape", "base-incompatible",
         base=other(a_weight=("F32", [2, 4]), q_weight=("F32", [3, 5])), tells="[3, 5]", **one)
    case(59, "dtype", "the base has codes in its place", "base-incompatible",
         base=other(a_weight=("F32", [2, 4]), q_weight=("I32", [3, 4])), tells="I32", **one)

    def shards(code, name, note, index, **files):
        texts = {"model.safetensors": None, "model.safetensors.index.json": json.dumps({"weight_map": index})}
        made = {key.replace("_", "."): {"hex": model(tensors).hex()} for key, tensors in files.items()}
        case(60, name, note, code, base=texts | made, **one)

    def part(*names):
        return {name: BASE[name] for name in names}

    places = {"a.weight": "1.safetensors", "q.weight": "2.safetensors"}
    shards(None, "accepted", "two shards that are sound", places, **{
        "1_safetensors": part("a.weight"), "2_safetensors": part("q.weight")})
    shards("base-ambiguous", "twice", "a tensor in two shards", places, **{
        "1_safetensors": part("a.weight", "q.weight"), "2_safetensors": part("q.weight")})
    shards("base-ambiguous", "absent", "a tensor that is in no shard", places | {"z.weight": "1.safetensors"}, **{
        "1_safetensors": part("a.weight"), "2_safetensors": part("q.weight")})
    shards("base-missing-shard", "missing", "a shard that is not there", places, **{"1_safetensors": part("a.weight")})
    for name, path in {"parent": "../2.safetensors", "absolute": "/etc/passwd", "inside": "a/../../2.safetensors",
                       "empty": "", "backslash": "..\\2.safetensors"}.items():
        shards("base-path", f"path-{name}", "a shard that is not plainly in the folder", places | {"q.weight": path}, **{
            "1_safetensors": part("a.weight")})
    case(73, "base-shorter", "the base ends earlier than it did when it was opened", "changed-during-read", base={},
         environment={"TENON_FAULT": "pread@model.safetensors:3+=short:0"}, **one)


def stores():
    def store(row, name, note, code, changes, *words, **fields):
        words = words or ("list",)
        case(row, name, note, code, store=changes, command=["store", *words, "--store", "STORE"], **fields)

    catalog, get = "catalog.db", ("get", "a", "-o", "OUT")
    store(94, "accepted", "a store as it should be", None, {}, *get[:2], "--dry-run", "-o", "OUT")
    for name, note, change in [
            ("missing", "no catalog", None), ("empty", "an empty catalog", {"hex": ""}),
            ("text", "a catalog that is no database", {"hex": b"no database at all".hex()}),
            ("cut", "a catalog that was cut short", {"cut": 9000}),
            ("application", "the database of another program", {"at": 68, "hex": "00000000"}),
            ("schema", "a catalog whose first page is zeros", {"at": 100, "hex": "00" * 900})]:
        store(94, name, note, "catalog-corrupt", {catalog: change})
        store(94, f"{name}-get", note, "catalog-corrupt", {catalog: change}, *get)
    for words in [("list",), get, ("repair",), ("gc",)]:
        store(94, f"newer-{words[0]}", "a catalog that a newer version wrote", "catalog-too-new",
              {catalog: {"at": 60, "hex": "00000002"}}, *words)
    store(94, "layout", "a store that a newer version made", "store-too-new",
          {"format": {"hex": b"tenon-store 2\n".hex()}})
    for name, note, change in [
            ("missing", "no file of an object", None), ("empty", "an object's file is empty", {"hex": ""}),
            ("cut", "an object's file was cut short", {"cut": 1}),
            ("header", "another byte in an object's header", {"at": 12, "hex": "ff"}),
            ("data", "other bytes in an object's data", {"at": 400, "hex": "a5a5a5a5"})]:
        store(95, name, note, "*" if name == "data" else "object-damaged", {"OBJECT": change}, *get,
              **({"exit": 65} if name == "data" else {}))
    store(95, "gc", "no file of an object that a name stands for", "object-damaged", {"OBJECT": None}, "gc", "--grace", "0")
    stray = {"objects/sha256/00/" + "0" * 64: {"hex": "00"}}
    store(95, "extra", "a file that the catalog does not know", None, stray, "fsck", "--level", "catalog", tells="object-extra")


def later():
    open_rows(range(82, 92), "needs the registry client")
    open_rows([92, 93], "needs signatures")


def check():
    """Holds the independent reader against every record that it can read; prints the table."""
    failures = 0
    for record in CASES:
        if "open" in record or "file" not in record or "environment" in record:
            continue
        level = "structure" in record.get("command", []) or "quick" in record.get("command", [])
        expected = record["code"]
        # What is wrong is the base's.
        if level or "base" in record:
            continue
        try:
            read(HERE / record["file"])
            found = None
        except Refused as error:
            found = error.code
        verdict = "" if found == expected else f"  <-- expected {expected}"
        failures += bool(verdict)
        print(f"{record['row']:3} {record['name']:20} {found or 'accepted':24}{verdict}")
    rows = {record["row"] for record in CASES}
    missing = set(range(1, 99)) - rows
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    print(f"{len(CASES)} records, {len(rows)} rows, missing {sorted(missing)}, {size} bytes, {failures} failures")
    return int(bool(failures or missing))


def main():
    for old in HERE.glob("[0-9][0-9][0-9]-*"):
        old.unlink()
    for part in (whole_file, index_place, order_and_names, shapes, data, kinds, world, packing, bases, stores, later):
        part()
    CASES.sort(key=lambda record: record["row"])
    names = [(record["row"], record["name"]) for record in CASES]
    assert len(set(names)) == len(names), "two records of one name"
    lines = ",\n".join(json.dumps(record, ensure_ascii=True) for record in CASES)
    (HERE / "cases.json").write_text(f"[\n{lines}\n]\n")
    return check()


if __name__ == "__main__":
    sys.exit(main())
