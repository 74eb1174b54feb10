"""What the kinds of entries demand of their tensors: the part of `reader.py` that `format.md` and `methods.md` give by kind.

The entries and tensors that these functions take are those of the reader.
"""
import json
import math
import struct

import numpy as np

INTEGERS = "U8 I8 U16 I16 U32 I32 U64 I64".split()
DIFFERENCES = "U8 U16 U32 U64".split()
#: Elements of a window of `exact`.
WINDOW = 2**19
ROLES = (
    "value A B magnitude bias E lambda_b lambda_d w1 w1_a w1_b w2 w2_a w2_b t1 t2 rotation scale u spectrum indices "
    "lambda gamma logits_a logits_b indices_a indices_b weights_a weights_b bank gate task_rows task_columns bitmap "
    "frame splices counts").split()
PARTS = ["", ".codes", ".scales", ".outer_scales"]
#: Kind: name, roles that must be there, roles that may be, their shapes. A letter stands for one size throughout.
KINDS = {int(line.split()[0]): [part.strip() for part in line.split(None, 1)[1].split("|")] for line in """
1 lora | A B | magnitude bias lambda |
2 adalora | A B E | | A:r,i B:o,r E:r,1
3 vera | lambda_b lambda_d | | lambda_b:o lambda_d:r
4 hadamard | w1_a w1_b w2_a w2_b | t1 t2 |
5 kronecker | | w1 w1_a w1_b w2 w2_a w2_b t2 |
6 orthogonal | rotation | | rotation:n,t
7 butterfly | rotation scale | | rotation:m,n,b,b scale:o,1
8 householder | u | | u:i,r
9 spectrum | spectrum | indices | spectrum:n indices:n
10 rows | value | indices | value:n,d indices:n
11 random-basis | lambda gamma | A B | lambda:r,n gamma:n,m
12 vector-bank | | logits_a logits_b indices_a indices_b weights_a weights_b |
13 shards | value | |
14 ia3 | scale | |
15 prefix | value | | value:n,d
16 prompt | value | task_rows task_columns | value:n,d task_rows:t,r,d task_columns:t,m,r
17 gated-prompt | value gate | | value:1,n,d gate:1
18 bottleneck | A B | bias gate scale | A:b,d B:e,b
32 bias | value | | value:n
33 dense | value | |
34 sparse | indices value | counts | value:n counts:w,2
35 mask | bitmap | value | value:n
36 signs | bitmap scale | |
37 exact | value | |
38 full | value | |
39 removed | | |
40 alias | | |
41 extend | value | |
42 correction | value | |
64 file | | value frame splices | value:n frame:n splices:k,2
65 opaque | value | |
66 shared | | A B bank |""".strip().splitlines()}


class Refused(Exception):
    """Why a file is no container."""

    def __init__(self, code, what):
        super().__init__(f"{code}: {what}")
        self.code = code


def need(condition, code, what):
    """Raises `Refused` unless the condition holds."""
    if not condition:
        raise Refused(code, what)


def check_kind(entry):
    """The tensors, the shapes and the words that a known kind must have: what `methods.md` says, as far as it is short."""
    name, required, optional, shapes = KINDS[entry.kind]
    required, optional, parameters = required.split(), optional.split(), entry.parameters
    for tensor in entry.tensors:
        need(not tensor.role_word.startswith("unknown"), "unknown-enum", tensor.role_word)
    check_quantized({tensor.role: tensor for tensor in entry.tensors}, parameters)
    empty = empty_shapes(parameters)
    found = {ROLES[tensor.role & 255]: tensor for tensor in entry.tensors if tensor.role >> 8 < 2}
    for role in required:
        need(role in found or role in empty, "kind-shape", f"{name} lacks {role}")
    for role in [*found, *empty]:
        need(role in required + optional, "unknown-enum", f"{name} has no {role}")
        need(role not in empty or role not in found and name != "file", "kind-shape", f"{role} of {name} is there and empty as well")

    def word(parameter, *allowed):
        value = parameters.get(parameter, allowed[0])
        need(value in allowed, "bad-param", f"{parameter} is {value!r}")
        return value

    sizes, shape = {}, {role: tensor.shape for role, tensor in found.items()} | empty
    for role, letters in (pattern.split(":") for pattern in shapes.split()):
        letters = letters.split(",")
        need(role not in empty or empty[role].count(0) == 1, "kind-shape", f"{role} of {name} has zeros")
        known = shape.get(role, (0,)) == (0,) or len(shape[role]) == len(letters) and all(
            size == (int(letter) if letter.isdigit() else sizes.setdefault(letter, size))
            for size, letter in zip(shape[role], letters) if size)
        need(known, "kind-shape", f"{role} of {name} is {shape.get(role)}")
    if name == "lora":
        form, a, b = word("form", "linear", "embedding", "parameter", "blocks"), shape["A"], shape["B"]
        rank = max(2, len(a), len(b))
        a, b = (factor if factor != (0,) else (0,) * rank for factor in (a, b))
        need(len(a) == len(b) == rank and all(empty.get(role, (0,)).count(0) == 1 for role in "AB"), "kind-shape", f"A {a}, B {b}")
        whole = b[1] == 0 or a[0] % b[1] == 0
        need(whole if rank > 2 or form == "blocks" else fits(a[0], b[1]), "kind-shape", f"A {a}, B {b}")
        need(fits(math.prod(shape.get("magnitude", b[:1])), b[0]), "kind-shape", "magnitude")
        for role, size in (("bias", b[0]), ("lambda", a[0])):
            side = shape.get(role, (size,))
            need(len(side) == 1 and fits(side[0], size), "kind-shape", role)
    types = {role: tensor.type for role, tensor in found.items()} | empty_types(parameters)
    gaps = name == "sparse" and "places" in parameters
    if name in ("bias", "dense", "sparse") and not gaps:
        word("mode", "add", "replace")
    if name in ("exact", "correction"):
        need(types["value"] in DIFFERENCES, "kind-shape", f"differences of {types['value']}")
    if gaps:
        word("places", "gaps")
        plain = word("mode", "difference", "replace") == "replace"
        need("counts" in types and (types["indices"], types["counts"]) == ("U8", "U32"), "kind-shape", f"gaps {types}")
        need(plain or types["value"] in DIFFERENCES, "kind-shape", f"differences of {types['value']}")
        need(len(shape["indices"]) == 1 and shape["indices"][0] >= shape["value"][0], "kind-shape", "more values than gaps")
    elif name == "sparse":
        need("counts" not in types, "kind-shape", "counts without gaps")
    if name == "sparse" and not gaps and not empty:
        need(found["indices"].type in [*INTEGERS, "F32"], "kind-shape", f"indices {found['indices'].type}")
        need(len(shape["indices"]) in (1, 2) and shape["indices"][-1:] == shape["value"], "kind-shape", f"{shape}")
    if name == "mask" and not empty:
        keep = word("mode", "keep", "add", "replace") == "keep"
        need(found["bitmap"].type == "BIT" and keep == ("value" not in found), "kind-shape", "bitmap and values")
        need(keep or shape["value"][0] <= math.prod(shape["bitmap"]), "kind-shape", "more values than bits")
    if name == "file":
        layouts = {
            None: ["value"], "verbatim": ["value"], "safetensors": ["frame"], "splice": ["frame", "splices"],
            "checkpoint": ["frame"], "base": []}
        layout = word("layout", *layouts)
        need(set(found) <= set(layouts[layout]), "kind-shape", f"a file with {[*found]}")
        if layout == "checkpoint":
            size = parameters.get("size")
            need("frame" in found, "kind-shape", "a file of tensors without a header")
            need(type(size) is int and size >= shape["frame"][0], "bad-param", f"a file of {size} bytes")
        if layout == "base":
            name_there = parameters.get("from")
            need(isinstance(name_there, str) and name_there, "bad-param", "a file of the base without a name")
            need(is_digest(parameters.get("digest")), "bad-param", "a file of the base without a digest")
        need(all(t.type == ("U64" if role == "splices" else "U8") for role, t in found.items()), "kind-shape", "types")
    need(name != "alias" or isinstance(parameters.get("of"), str), "bad-param", "an alias of nothing")


def fits(a, b):
    """Whether two sides may be the same one: a side of zero fits every other."""
    return a == b or 0 in (a, b)


def empty_shapes(parameters):
    """The shapes in the parameter `empty`, by factor."""
    if "empty" not in parameters:
        return {}
    empty = parameters["empty"]
    need(isinstance(empty, dict) and empty, "bad-param", "the parameter empty")
    for role, value in empty.items():
        known = role in ROLES and isinstance(value, list) and value and isinstance(value[0], str)
        need(known and all(type(size) is int and size >= 0 for size in value[1:]), "bad-param", f"empty {role}: {value}")
        need(0 in value[1:], "bad-param", f"empty {role} has elements")
    return {role: tuple(value[1:]) for role, value in empty.items()}


def empty_types(parameters):
    """The types in the parameter `empty`, by factor."""
    return {role: value[0] for role, value in parameters.get("empty", {}).items()}


def is_digest(text):
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


def check_quantized(by_role, parameters):
    """That codes, scales and the scales of scales of a factor fit together."""
    for factor in sorted({role & 255 for role in by_role if role >> 8}):
        whole, codes, scales, outer = (by_role.get(factor | part << 8) for part in range(4))
        size, outer_size = parameters.get("block"), parameters.get("outer_block")
        need(not whole and codes and scales and bool(outer) == (outer_size is not None), "quant-param", "parts")
        need(type(size) is int and size > 0, "quant-param", f"a block of {size}")
        need(not outer or type(outer_size) is int and outer_size > 0, "quant-param", f"an outer block of {outer_size}")
        need(codes.type == {"nf4": "NF4", "int8": "I8"}.get(parameters.get("scheme")), "quant-param", "the scheme")
        blocks = -(-math.prod(codes.shape) // size)
        need((scales.type, scales.shape) == ("U8" if outer else "F32", (blocks,)), "quant-param", "scales")
        need(not outer or (outer.type, outer.shape) == ("F32", (1 - -blocks // outer_size,)), "quant-param", "outer scales")


def check_values(entry, values):
    """What a kind demands of its numbers."""
    for tensor, raw in values.values():
        code = "mask-count" if entry.word == "mask" else "not-canonical"
        need(tensor.bits % 8 == 0 or raw[-1] >> tensor.bits % 8 == 0, code, "bits after the last element")
    if entry.word == "sparse" and "places" in entry.parameters:
        check_gaps(entry, values)
    elif entry.word == "sparse" and "indices" in values and len(values["indices"][0].shape) == 1:
        tensor, raw = values["indices"]
        places = np.frombuffer(raw, f"<{'u' if tensor.type[0] == 'U' else tensor.type[0].lower()}{tensor.width}")
        bound = entry.parameters.get("elements")
        need(np.all(places == np.trunc(places)), "sparse-index", "an index with a fraction")
        need(0 <= places[0] and np.all(places[1:] > places[:-1]), "sparse-index", "indices do not ascend")
        need(type(bound) is not int or places[-1] < bound, "sparse-index", "an index beyond the target")
    if entry.word == "mask" and {"bitmap", "value"} <= set(values):
        count = int(np.unpackbits(np.frombuffer(values["bitmap"][1], np.uint8)).sum())
        need(values["value"][0].shape == (count,), "mask-count", f"{count} bits are set")


def check_gaps(entry, values):
    """`deltas.md` §1: counts that add up, gaps that stay in their windows, and no difference of zero."""
    raw = {role: values[role][1] if role in values else b"" for role in ("indices", "value", "counts")}
    counts, elements = list(struct.iter_unpack("<II", raw["counts"])), entry.parameters.get("elements")
    width = values["value"][0].width if "value" in values else 1
    known = type(elements) is int
    need(not known or -(-elements // WINDOW) == len(counts), "sparse-index", f"{len(counts)} windows of {elements} elements")
    whole = (len(raw["value"]) // width, len(raw["indices"]))
    need((sum(n for n, _ in counts), sum(m for _, m in counts)) == whole, "sparse-index", "counts that do not add up")
    at = 0
    for number, (changes, size) in enumerate(counts):
        room = min(WINDOW, elements - number * WINDOW) if known else WINDOW
        gaps = raw["indices"][at:at + size]
        need(gaps[-1:] != b"\xff", "sparse-index", "a gap that does not end")
        found = sum(gap < 255 for gap in gaps)
        need(found == changes and sum(gaps) + found <= room, "sparse-index", "gaps that lead beyond their window")
        at += size
    if entry.parameters.get("mode") != "replace":
        need(np.frombuffer(raw["value"], f"<u{width}").all(), "sparse-index", "a difference of zero")


def check_delta(record, entries):
    """What `deltas.md` demands across entries."""
    root, lossless = record.get("result_root"), "result_root" in record
    need(not lossless or is_digest(root), "bad-param", "the root of the result")
    makers, extended, aliases, removed = {}, set(), {}, set()
    for entry in (entry for entry in entries if entry.word != "file"):
        correction = record.get("stage") == "correction"
        need((entry.word == "correction") == correction, "bad-param", "corrections beside others")
        if lossless:
            need(entry.base_leaf or entry.word in ("full", "alias"), "index-inconsistent", "no leaf of the base")
            need(entry.result_leaf or entry.word == "removed", "index-inconsistent", "no leaf of the result")
        if entry.word in ("exact", "sparse", "full", "removed", "alias", "correction"):
            need(entry.target not in makers, "duplicate", f"two entries make {entry.target}")
            makers[entry.target] = entry.word
        if entry.word == "extend":
            need(entry.target not in extended, "duplicate", f"{entry.target} is extended twice")
            extended.add(entry.target)
        if entry.word == "alias":
            aliases[entry.target] = entry.parameters["of"].encode()
        if entry.word == "removed":
            removed.add(entry.target)
    for target in extended:
        need(makers.get(target, "exact") in ("exact", "sparse"), "duplicate", f"{target} is whole and extended")
    for name in aliases.values():
        need(name not in aliases and name not in removed, "bad-param", f"an alias of {name}")


def check_frames(frames):
    """The headers of files of tensors, with the files' sizes: that they fit, and that no tensor is in two."""
    seen = set()
    for frame, size in frames:
        need(len(frame) >= 8 and int.from_bytes(frame[:8], "little") == len(frame) - 8, "base-invalid", "a header's length")
        tensors = {name: member for name, member in json.loads(frame[8:]).items() if name != "__metadata__"}
        need(not seen & set(tensors), "duplicate", "a tensor stands in two files")
        seen |= set(tensors)
        end = len(frame)
        for begin, last in sorted(member["data_offsets"] for member in tensors.values()):
            need(begin == end - len(frame), "base-invalid", f"a hole or an overlap at {begin}")
            end = last + len(frame)
        need(end == size, "base-invalid", f"a file of {size} bytes whose tensors end at {end}")
