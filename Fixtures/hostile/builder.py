"""A small writer of `.tenon` containers, made from `Spec/format.md` and from nothing else.

`Builder` says what a container holds; `lower` turns that into `Parts`, the tables of the index and the data as they
will be written. A test case changes `Parts` before `bytes()` puts them together, so that whatever lies above the change
(checks, digests, offsets) is right again and only the fault itself is wrong. What must be wrong above as well is given
to `bytes()` as overrides.
"""

import hashlib
import math
import struct
from dataclasses import dataclass, field

import numpy as np
import segments
import xxhash
import zstandard

MAGIC = bytes.fromhex("89544e4e0d0a1a0a")
NONE = 0xFFFFFFFF
BITS = dict(
    BOOL=8, U8=8, I8=8, U16=16, I16=16, U32=32, I32=32, U64=64, I64=64, F16=16, BF16=16, F32=32, F64=64, C64=64, F8_E4M3=8,
    F8_E5M2=8, F8_E8M0=8, F8_E4M3FNUZ=8, F8_E5M2FNUZ=8, F6_E2M3=6, F6_E3M2=6, F4=4, NF4=4, BIT=1)
DTYPES = {name: number for number, name in enumerate(BITS, 1)}
KINDS = dict(
    lora=1, adalora=2, bias=32, dense=33, sparse=34, mask=35, exact=37, full=38, removed=39, alias=40, extend=41,
    correction=42, file=64, opaque=65, shared=66, prompt=16, ia3=14)
ROLES = dict(value=0, A=1, B=2, magnitude=3, bias=4, E=5, scale=17, indices=20, bitmap=33, frame=34, splices=35, counts=36)
COUNTS = (
    "bases entries leaves shapes dimensions tensors planes coded parameter_sets parameter_bytes strings string_bytes metadata "
    "extensions extension_bytes").split()


def xxh3(data):
    return xxhash.xxh3_64_intdigest(bytes(data))


def sha256(data):
    return hashlib.sha256(data).digest()


def lp(data):
    return struct.pack("<I", len(data)) + data


def round_up(value, step):
    return -(-value // step) * step


def half(tag):
    """The least number too large for an integer of 2^tag bytes."""
    return 1 << (8 << tag) - 1


def short(key):
    """A key with its length."""
    return bytes([len(key.encode())]) + key.encode()


def pack_strings(strings):
    """What each string shares with the one before, and the rest of it."""
    pairs, previous = [], b""
    for string in strings:
        shared = next((n for n, (a, b) in enumerate(zip(previous, string)) if a != b), min(len(previous), len(string)))
        pairs.append((shared, string[shared:]))
        previous = string
    return pairs


def encode_parameters(values):
    """A parameter set: keys of the outer map sorted, those of inner maps as they come."""

    def value(x):
        match x:
            case None | False | True:
                return bytes([{None: 0, False: 1, True: 2}[x]])
            case int():
                tag = next(tag for tag in range(4) if -half(tag) <= x < half(tag))
                return bytes([3 + tag]) + struct.pack("<" + "bhiq"[tag], x)
            case float():
                whole = x.is_integer() and abs(x) < 2**53 and not (x == 0 and math.copysign(1, x) < 0)
                return value(int(x)) if whole else b"\7" + struct.pack("<d", x)
            case str():
                return b"\x08" + struct.pack("<H", len(x.encode())) + x.encode()
            case list():
                return b"\x09" + struct.pack("<H", len(x)) + b"".join(map(value, x))
            case dict():
                return b"\x0a" + members(x.items())
        raise TypeError(type(x))

    def members(pairs):
        return struct.pack("<H", len(pairs)) + b"".join(short(key) + value(x) for key, x in pairs)

    return members(sorted(values.items(), key=lambda pair: pair[0].encode()))


def tensor_digest(data):
    leaves = b"".join(sha256(b"\0" + data[at:at + 65536]) for at in range(0, len(data), 65536))
    return sha256(b"tenon.tdata.v1\0" + struct.pack("<Q", len(data)) + leaves)


def split_planes(chunk, dtype, filter):
    """The planes of one chunk."""
    if filter == 0:
        return [chunk]
    width = BITS[dtype] // 8
    if filter == 1:
        return [chunk[k::width] for k in range(width)]
    numbers = np.frombuffer(chunk, f"<u{width}")
    turned = (numbers << 1 | numbers >> (8 * width - 1)).view(np.uint8).reshape(-1, width)
    return [turned[:, -1].tobytes(), turned[:, :-1].tobytes()]


def frame(data, level=19):
    """One zstd frame as the specification wants it."""
    return zstandard.ZstdCompressor(
        level=level, write_checksum=False, write_content_size=True, write_dict_id=False).compress(data)


@dataclass
class Tensor:
    role: str | int
    dtype: str
    shape: tuple
    data: bytes = b""
    filter: int = 0
    chunk_log2: int = 20
    zstd: bool = False
    cuts: tuple | None = None  # where the planes of the codec of segments are cut

    def coded(self, plane):
        """The plane's codec and what is stored for it, were it not for raw."""
        if self.cuts is not None:
            return 2, segments.plane(plane, [cut for cut in self.cuts if cut < len(plane)])
        return int(self.zstd), frame(plane) if self.zstd else plane

    @property
    def role_id(self):
        return ROLES.get(self.role, self.role)

    @property
    def digest(self):
        return tensor_digest(self.data)


@dataclass
class Entry:
    target: str
    kind: str | int
    tensors: list
    parameters: dict = field(default_factory=dict)
    ordinal: int = 0
    base: int | None = None
    base_leaf: bytes = b""
    result_leaf: bytes = b""

    @property
    def kind_id(self):
        return KINDS.get(self.kind, self.kind)

    @property
    def base_number(self):
        return 0xFFFF if self.base is None else self.base


@dataclass
class Parts:
    """The tables of an index as they will be written, and the data. Lists are of records, to be changed at will."""
    align_log2: int = 6
    bases: list = field(default_factory=list)
    entries: list = field(default_factory=list)  # [target, parameters, kind, ordinal, flags, tensors, base]
    leaves: list = field(default_factory=list)
    shapes: list | None = None  # those of the tensors, unless given
    tensors: list = field(default_factory=list)  # [role, dtype, shape or its number, filter, chunk_log2, digest]
    planes: list = field(default_factory=list)  # [stored length, codec, check]
    raw_checks: list = field(default_factory=list)
    parameter_sets: list = field(default_factory=list)
    strings: list = field(default_factory=list)
    metadata: list = field(default_factory=list)
    extensions: list = field(default_factory=list)
    method: int = 0
    record: int = 0
    data: bytearray = field(default_factory=bytearray)
    logical_bytes: int = 0
    content: bytes = bytes(32)

    def index(self, counts=None, extension_bytes=None, ranks=None, parameter_lengths=None, string_lengths=None):
        """The index's bytes. `counts` overrides what is counted, ranks and lengths what stands in the tables."""
        shapes = self.shapes
        if shapes is None:
            own = {tuple(tensor[2]) for tensor in self.tensors if not isinstance(tensor[2], int)}
            shapes = sorted(own, key=lambda shape: (len(shape), shape))
        dimensions = [size for shape in shapes for size in shape]
        ranks = ranks or [len(shape) for shape in shapes]
        packed = pack_strings(self.strings)
        parameters, strings = b"".join(self.parameter_sets), b"".join(rest for _, rest in packed)
        extensions = extension_bytes or b"".join(struct.pack("<II", kind, len(data)) + data for kind, data in self.extensions)
        numbers = dict(
            bases=len(self.bases), entries=len(self.entries), leaves=len(self.leaves), shapes=len(ranks),
            dimensions=len(dimensions), tensors=len(self.tensors), planes=len(self.planes), coded=len(self.raw_checks),
            parameter_sets=len(self.parameter_sets), parameter_bytes=len(parameters), strings=len(self.strings),
            string_bytes=len(strings), metadata=len(self.metadata), extensions=len(self.extensions),
            extension_bytes=len(extensions)) | (counts or {})
        out = struct.pack("<17I", *(numbers[name] for name in COUNTS), self.method, self.record)
        out += b"".join(self.bases)
        out += b"".join(struct.pack("<IIHBBHH", *entry) for entry in self.entries)
        out += b"".join(self.leaves)
        out += bytes(ranks) + struct.pack(f"<{len(dimensions)}Q", *dimensions)
        for role, dtype, shape, filter, chunk_log2, digest in self.tensors:
            number = shape if isinstance(shape, int) else shapes.index(tuple(shape))
            out += struct.pack("<HBIB32s", role, dtype, number, filter | chunk_log2 - 16 << 4, digest)
        out += b"".join(struct.pack("<IQ", length | codec << 28, check) for length, codec, check in self.planes)
        out += struct.pack(f"<{len(self.raw_checks)}Q", *self.raw_checks)
        lengths = parameter_lengths or [len(blob) for blob in self.parameter_sets]
        out += struct.pack(f"<{len(lengths)}I", *lengths) + parameters
        lengths = string_lengths or [(shared, len(rest)) for shared, rest in packed]
        out += b"".join(struct.pack("<HH", *pair) for pair in lengths) + strings
        out += b"".join(struct.pack("<II", *pair) for pair in self.metadata)
        return out + extensions

    def bytes(self, header=None, trailer=None, index=None, gap=None, padding=None):
        """The file. `header` and `trailer` override fields before, their checks after the checks are computed."""
        h = dict(
            major=0, minor=1, size=64, incompatible=0, compatible=0, align=self.align_log2, digest=1, check=1,
            zeros=bytes(21)) | (header or {})
        head = MAGIC + struct.pack(
            "<HHIQQBBB21s", h["major"], h["minor"], h["size"], h["incompatible"], h["compatible"], h["align"], h["digest"],
            h["check"], h["zeros"])
        head += struct.pack("<Q", h.get("xxh", xxh3(head)))
        index = self.index() if index is None else index
        at = 64 + len(self.data)
        offset = round_up(at, 8)
        end = round_up(offset + len(index), 8)
        file = head + self.data + (gap or bytes(offset - at)) + index + (padding or bytes(end - offset - len(index)))
        t = dict(
            offset=offset, size=len(index), file=end + 128, header=struct.unpack("<Q", head[56:])[0],
            digest=sha256(head + index), content=self.content, logical=self.logical_bytes, own=128, zero=0) | (trailer or {})
        tail = struct.pack(
            "<QQQQ32s32sQII", t["offset"], t["size"], t["file"], t["header"], t["digest"], t["content"], t["logical"],
            t["own"], t["zero"])
        return bytes(file + tail + struct.pack("<Q", t.get("xxh", xxh3(tail))) + MAGIC[::-1])


@dataclass
class Builder:
    method: str = "lora"
    parameters: dict = field(default_factory=dict)
    entries: list = field(default_factory=list)
    bases: list = field(default_factory=list)  # of (root, header digest, tensors, bytes, source format)
    metadata: dict = field(default_factory=dict)
    extensions: list = field(default_factory=list)  # of (type, bytes)
    align_log2: int = 6

    def content(self, entries):
        """The content digest of entries in their order."""
        digests = []
        for entry in entries:
            if entry.kind == "file":
                continue
            tensors = [
                sha256(b"tenon.tensor.v1\0" + struct.pack(
                    f"<HBB{len(t.shape)}Q", t.role_id, DTYPES[t.dtype], len(t.shape), *t.shape) + t.digest)
                for t in entry.tensors]
            digests.append(sha256(
                b"tenon.entry.v1\0" + lp(entry.target.encode()) + struct.pack("<HB", entry.kind_id, entry.ordinal)
                + lp(encode_parameters(entry.parameters)) + struct.pack("<H", entry.base_number)
                + (entry.base_leaf or bytes(32)) + struct.pack("<I", len(tensors)) + b"".join(tensors)))
        return sha256(
            b"tenon.content.v1\0" + lp(self.method.encode()) + lp(encode_parameters(self.parameters))
            + struct.pack("<I", len(self.bases)) + b"".join(base[0] for base in self.bases)
            + struct.pack("<I", len(digests)) + b"".join(digests))

    def lower(self):
        entries = sorted(self.entries, key=lambda entry: (entry.target.encode(), entry.kind_id, entry.ordinal))
        for entry in entries:
            entry.tensors.sort(key=lambda tensor: tensor.role_id)
        sets = sorted({encode_parameters(values) for values in [self.parameters, *(e.parameters for e in entries)]})
        texts = {self.method, *(e.target for e in entries), *self.metadata, *self.metadata.values()} - {""}
        strings = sorted(text.encode() for text in texts)

        def number(text):
            return strings.index(text.encode()) if text else NONE

        parts = Parts(
            align_log2=self.align_log2, parameter_sets=sets, strings=strings, extensions=list(self.extensions),
            method=number(self.method), record=sets.index(encode_parameters(self.parameters)),
            bases=[struct.pack("<32s32sQQI12x", *base) for base in self.bases], content=self.content(entries),
            metadata=[[number(key), number(self.metadata[key])] for key in sorted(self.metadata, key=str.encode)])
        for entry in entries:
            leaves = [leaf for leaf in (entry.base_leaf, entry.result_leaf) if leaf]
            flags = bool(entry.base_leaf) | bool(entry.result_leaf) << 1
            parts.leaves += leaves
            parts.entries.append([
                number(entry.target), sets.index(encode_parameters(entry.parameters)), entry.kind_id, entry.ordinal, flags,
                len(entry.tensors), entry.base_number])
            for tensor in entry.tensors:
                self.add(tensor, parts)
        return parts

    @staticmethod
    def add(tensor, parts):
        parts.tensors.append([
            tensor.role_id, DTYPES[tensor.dtype], tuple(tensor.shape), tensor.filter, tensor.chunk_log2, tensor.digest])
        assert -(-math.prod(tensor.shape) * BITS[tensor.dtype] // 8) == len(tensor.data), tensor
        parts.logical_bytes += len(tensor.data)
        if tensor.filter == 0 and len(tensor.data) > 4096:
            at = 64 + len(parts.data)
            parts.data += bytes(round_up(at, 1 << parts.align_log2) - at)
        for at in range(0, len(tensor.data), 1 << tensor.chunk_log2):
            for plane in split_planes(tensor.data[at:at + (1 << tensor.chunk_log2)], tensor.dtype, tensor.filter):
                codec, stored = tensor.coded(plane)
                coded = len(stored) < len(plane)
                stored = stored if coded else plane
                parts.planes.append([len(stored), codec if coded else 0, xxh3(stored)])
                parts.raw_checks += [xxh3(plane)] if coded else []
                parts.data += stored

    def bytes(self):
        return self.lower().bytes()


def noise(name, count):
    """Bytes that depend on the name alone."""
    out = b""
    while len(out) < count:
        out += hashlib.sha256(f"{name}/{len(out)}".encode()).digest()
    return out[:count]


def floats(name, count, dtype="<f4"):
    """Small numbers around zero, as a factor holds them."""
    bits = np.frombuffer(noise(name, 4 * count), "<u4")
    return ((bits / 2**31 - 1) * 0.02).astype(dtype).tobytes()


def lora(target, rank=2, inputs=4, outputs=3, **parameters):
    return Entry(target, "lora", [
        Tensor("A", "F32", (rank, inputs), floats(target + "A", rank * inputs)),
        Tensor("B", "F32", (outputs, rank), floats(target + "B", outputs * rank))], parameters)
