"""What the kinds of entries demand of their tensors: the part of `reader.py` that `format.md` and `methods.md` give by kind.

The entries and tensors that these functions take are those of the reader.
"""
import math

import numpy as np

INTEGERS = "U8 I8 U16 I16 U32 I32 U64 I64".split()
ROLES = (
    "value A B magnitude bias E lambda_b lambda_d w1 w1_a w1_b w2 w2_a w2_b t1 t2 rotation scale u spectrum indices "
    "lambda gamma logits_a logits_b indices_a indices_b weights_a weights_b bank gate task_rows task_columns bitmap "
    "frame splices").split()
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
34 sparse | indices value | | value:n
35 mask | bitmap | value | value:n
36 signs | bitmap scale | |
37 exact | value | indices |
38 full | value | |
39 removed | | |
40 alias | | |
41 extend | value | |
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
    if name in ("bias", "dense", "sparse"):
        word("mode", "add", "replace")
    if name == "sparse" and not empty:
        need(found["indices"].type in [*INTEGERS, "F32"], "kind-shape", f"indices {found['indices'].type}")
        need(len(shape["indices"]) in (1, 2) and shape["indices"][-1:] == shape["value"], "kind-shape", f"{shape}")
    if name == "mask" and not empty:
        keep = word("mode", "keep", "add", "replace") == "keep"
        need(found["bitmap"].type == "BIT" and keep == ("value" not in found), "kind-shape", "bitmap and values")
        need(keep or shape["value"][0] <= math.prod(shape["bitmap"]), "kind-shape", "more values than bits")
    if name == "file":
        layout = {None: ["value"], "verbatim": ["value"], "safetensors": ["frame"], "splice": ["frame", "splices"]}
        need(set(found) <= set(layout[word("layout", *layout)]), "kind-shape", f"a file with {[*found]}")
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
    if entry.word == "sparse" and "indices" in values and len(values["indices"][0].shape) == 1:
        tensor, raw = values["indices"]
        places = np.frombuffer(raw, f"<{'u' if tensor.type[0] == 'U' else tensor.type[0].lower()}{tensor.width}")
        bound = entry.parameters.get("elements")
        need(np.all(places == np.trunc(places)), "sparse-index", "an index with a fraction")
        need(0 <= places[0] and np.all(places[1:] > places[:-1]), "sparse-index", "indices do not ascend")
        need(type(bound) is not int or places[-1] < bound, "sparse-index", "an index beyond the target")
    if entry.word == "mask" and {"bitmap", "value"} <= set(values):
        count = int(np.unpackbits(np.frombuffer(values["bitmap"][1], np.uint8)).sum())
        need(values["value"][0].shape == (count,), "mask-count", f"{count} bits are set")
