#!/usr/bin/env python3
"""An independent reader of `.tenon` containers, written from `format.md` alone.

It is made to be read beside the specification and shares no code with Tenon. It checks what the specification demands,
in its order, recomputes every check and every digest, and prints a listing as JSON:

    python3 Spec/reader.py FILE...

The exit status is 0 if all files are whole, else 1. `read(path)` gives a `Container`, or raises `Refused` with one of
the codes of `errors.md`. What the kinds of entries demand is in `kinds.py`, the codec `entropy` in `entropy.py`. Needs
numpy, zstandard and xxhash.
"""
import hashlib
import json
import math
import os
import stat
import struct
import sys
from collections import namedtuple
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import xxhash
import zstandard

from entropy import unpack_segments
from kinds import KINDS, PARTS, ROLES, Refused, check_delta, check_frames, check_kind, check_values, need

MAGIC = bytes.fromhex("89544e4e0d0a1a0a")
NONE, NO_BASE = 0xFFFFFFFF, 0xFFFF
FLOATS = "F16 BF16 F32 F64".split()
#: Name and bits by id.
DTYPES = {number: (name, int(bits)) for number, (name, bits) in enumerate((word.split(":") for word in (
    "BOOL:8 U8:8 I8:8 U16:16 I16:16 U32:32 I32:32 U64:64 I64:64 F16:16 BF16:16 F32:32 F64:64 C64:64 F8_E4M3:8 F8_E5M2:8 "
    "F8_E8M0:8 F8_E4M3FNUZ:8 F8_E5M2FNUZ:8 F6_E2M3:6 F6_E3M2:6 F4:4 NF4:4 BIT:1").split()), 1)}
FILE, FOR_THE_WHOLE_MODEL = 64, {15, 16, 65, 66}
#: The counts that begin an index: limit, and the bytes that each takes in the tables.
COUNTS = {
    "bases": (2**12, 96), "entries": (2**18, 16), "leaves": (2**19, 32), "shapes": (2**20, 1),
    "dimensions": (2**23, 8), "tensors": (2**20, 40), "planes": (2**24, 12), "coded": (2**24, 8), "parameter_sets": (2**18, 4),
    "parameter_bytes": (2**26, 1), "strings": (2**21, 4), "string_bytes": (2**24, 1), "metadata": (4096, 8),
    "extensions": (256, 0), "extension_bytes": (2**26, 1)}
Base = namedtuple("Base", "root header_digest tensors bytes source_format")
Plane = namedtuple("Plane", "offset length stored codec check raw_check")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def lp(data):
    """A length, then the bytes."""
    return struct.pack("<I", len(data)) + data


def round_up(value, step):
    return -(-value // step) * step


def check_order(keys, what, twice="duplicate"):
    for a, b in pairwise(keys):
        need(a != b, twice, f"{what} stands twice: {a}")
        need(a < b, "not-canonical", f"{what} is out of order: {b}")


@dataclass
class Tensor:
    """A record of the tensor table, then its shape and its chunks: lists of planes."""
    role: int
    dtype: int
    filter: int
    chunk_log2: int
    digest: bytes
    shape: tuple
    chunks: list

    @property
    def type(self):
        return DTYPES[self.dtype][0]

    @property
    def width(self):
        """The bytes of an element, 0 where it is less than one."""
        return DTYPES[self.dtype][1] // 8

    @property
    def bits(self):
        return math.prod(self.shape) * DTYPES[self.dtype][1]

    @property
    def bytes(self):
        return -(-self.bits // 8)

    @property
    def role_word(self):
        known = self.role & 255 < len(ROLES) and self.role >> 8 < len(PARTS)
        return ROLES[self.role & 255] + PARTS[self.role >> 8] if known else f"unknown-{self.role}"

    @property
    def plane_count(self):
        return -(-self.bytes // 2**self.chunk_log2) * (1, self.width, 2)[self.filter]

    def plane_lengths(self):
        """For each chunk the lengths of its planes."""
        for at in range(0, self.bytes, 2**self.chunk_log2):
            n, w = min(self.bytes - at, 2**self.chunk_log2), max(self.width, 1)
            yield ([n], [n // w] * w, [n // w, n - n // w])[self.filter]

    def join(self, planes):
        """A chunk's bytes from its planes (§3)."""
        if self.filter == 0:
            return planes[0]
        columns = [np.frombuffer(plane, np.uint8).reshape(len(planes[0]), -1) for plane in planes]
        if self.filter == 1:
            return np.hstack(columns).tobytes()
        turned = np.hstack(columns[::-1]).copy().view(f"<u{self.width}")
        return (turned >> 1 | turned << (8 * self.width - 1)).tobytes()


@dataclass
class Entry:
    target: bytes
    kind: int
    ordinal: int
    parameters: dict
    parameter_bytes: bytes
    tensors: list
    base: int
    base_leaf: bytes
    result_leaf: bytes

    @property
    def word(self):
        return KINDS[self.kind][0] if self.kind in KINDS else f"unknown-{self.kind}"

    def digest(self):
        """§5."""
        tensors = [sha256(b"tenon.tensor.v1\0", struct.pack(
            f"<HBB{len(t.shape)}Q", t.role, t.dtype, len(t.shape), *t.shape), t.digest) for t in self.tensors]
        return sha256(
            b"tenon.entry.v1\0", lp(self.target), struct.pack("<HB", self.kind, self.ordinal), lp(self.parameter_bytes),
            struct.pack("<H", self.base), self.base_leaf or bytes(32), struct.pack("<I", len(tensors)), *tensors)


class Cursor:
    """Reads from front to back and never past the end."""

    def __init__(self, data, code):
        self.data, self.at, self.code = data, 0, code

    def take(self, count):
        need(count <= len(self.data) - self.at, self.code, f"{count} bytes at {self.at} go past the end")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def table(self, layout, count):
        return list(struct.iter_unpack("<" + layout, self.take(struct.calcsize("<" + layout) * count)))

    def column(self, layout, count):
        return [value for value, in self.table(layout, count)]


def parse_parameters(data):
    """§6: a map from text to values, canonical."""
    cursor = Cursor(data, "bad-param")

    def text(length):
        try:
            return str(cursor.take(*cursor.unpack(length)), "utf-8")
        except UnicodeDecodeError as error:
            raise Refused("bad-param", "text that is not UTF-8") from error

    def members(depth):
        found = {}
        for _ in range(*cursor.unpack("H")):
            key = text("B")
            need(key not in found, "bad-param", f"{key!r} stands twice")
            found[key] = value(depth + 1)
        return found

    def value(depth):
        need(depth <= 8, "bad-param", "nested too deep")
        (tag,) = cursor.unpack("B")
        need(tag <= 10, "bad-param", f"tag {tag}")
        if 3 <= tag <= 6:
            (number,) = cursor.unpack("bhiq"[tag - 3])
            half = 2 ** (8 * 2 ** (tag - 4) - 1) if tag > 3 else 0
            need(not -half <= number < half, "not-canonical", "an integer in more bytes than it needs")
            return number
        if tag == 7:
            (number,) = cursor.unpack("d")
            need(math.isfinite(number), "bad-param", "a number that is not finite")
            whole = number == math.trunc(number) and abs(number) < 2**53 and struct.pack("<d", number) != b"\0" * 7 + b"\x80"
            need(not whole, "not-canonical", "a whole number as a float")
            return number
        if tag == 8:
            return text("H")
        if tag == 9:
            return [value(depth + 1) for _ in range(*cursor.unpack("H"))]
        return members(depth) if tag == 10 else (None, False, True)[tag]

    found = members(1)
    need(cursor.at == len(data), "bad-param", "bytes after the last member")
    check_order([key.encode() for key in found], "a key")
    return found


def unpack_frame(frame, length):
    """The bytes of exactly one zstd frame that states its size, without dictionary, checksum or reserved bit."""
    need(len(frame) > 5 and frame[:4] == b"\x28\xb5\x2f\xfd", "bad-frame", "no zstd frame")
    need(frame[4] & 0b1111 == 0, "bad-frame", "a reserved bit, a checksum or a dictionary")
    try:
        header, at, last = zstandard.get_frame_parameters(frame), zstandard.frame_header_size(frame), False
        need(header.content_size == length, "bad-frame", f"the frame says {header.content_size} of {length} bytes")
        need(header.window_size <= 2**23, "bad-frame", f"a window of {header.window_size} bytes")
        while not last:
            need(at + 3 <= len(frame), "bad-frame", "a block goes past the end")
            head = int.from_bytes(frame[at:at + 3], "little")
            last, at = head & 1, at + 3 + (1 if head >> 1 & 3 == 1 else head >> 3)
        need(at == len(frame), "bad-frame", "the frame does not fill its bytes")
        return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Refused("bad-frame", str(error)) from error


class Container:
    """A container that is whole. The methods are the steps of §8."""

    def __init__(self, data):
        self.data = data
        self.read_ends()
        self.read_index(Cursor(data[self.index_offset:self.index_offset + self.index_size], "index-inconsistent"))
        self.lay_out()
        self.check_references()
        entries = [entry.digest() for entry in self.entries if entry.kind != FILE]
        content = sha256(
            b"tenon.content.v1\0", lp(self.method), lp(self.record_bytes), struct.pack("<I", len(self.bases)),
            *(base.root for base in self.bases), struct.pack("<I", len(entries)), *entries)
        need(content == self.content, "digest-mismatch", "the content digest")
        self.check_data()

    def read_ends(self):
        """Steps 1 to 7: header, trailer, the index's place and digest."""
        data = self.data
        need(len(data) >= 192, "truncated", f"{len(data)} bytes")
        text_mode = data.startswith((MAGIC[:4], MAGIC[1:4], b"\x09" + MAGIC[1:4]))
        need(data[:8] == MAGIC, "text-mode-damage" if text_mode else "not-this-format", "the first eight bytes")
        moved = MAGIC[::-1] in data[-65536:]
        need(data[-8:] == MAGIC[::-1], "trailing-data" if moved else "truncated", "the last eight bytes")
        (offset, size, file_size, header_check, index_digest, self.content, self.logical_bytes, trailer_size, zero,
         check) = struct.unpack("<QQQQ32s32sQIIQ", data[-128:-8])
        need(xxhash.xxh3_64_intdigest(data[-128:-16]) == check, "trailer-corrupt", "the trailer's check")
        need(trailer_size == 128, "header-trailer-mismatch", f"a trailer of {trailer_size} bytes")
        need(zero == 0, "reserved-nonzero", "the trailer's reserved bytes")

        major, minor, header_size, incompatible, _, align, digest, checks, zeros, check = struct.unpack(
            "<HHIQQBBB21sQ", data[8:64])
        need((major, minor) == (0, 1), "bad-version", f"{major}.{minor}")
        need(header_size == 64, "header-trailer-mismatch", f"a header of {header_size} bytes")
        need(xxhash.xxh3_64_intdigest(data[:56]) == check, "header-corrupt", "the header's check")
        need(incompatible == 0, "unsupported-feature", f"bits {incompatible:#x}")
        need(align in (6, 12) and digest == checks == 1, "unknown-enum", "in the header")
        need(not any(zeros), "reserved-nonzero", "the header's reserved bytes")
        need(check == header_check, "header-trailer-mismatch", "header and trailer are of two files")
        need(file_size == len(data), "size-mismatch", f"{len(data)} bytes instead of {file_size}")

        end = offset + size
        need(size <= 2**26, "index-too-large", f"{size} bytes")
        need(offset >= 64 and end <= len(data) - 128, "index-range", f"{size} bytes at {offset}")
        need(offset % 8 == 0 and round_up(end, 8) == len(data) - 128, "index-misplaced", f"{size} bytes at {offset}")
        need(not any(data[end:-128]), "padding-nonzero", "between index and trailer")
        need(sha256(data[:64], data[offset:end]) == index_digest, "index-corrupt", "the index's digest")
        self.index_offset, self.index_size, self.index_digest, self.align = offset, size, index_digest, 1 << align

    def read_index(self, cursor):
        """Steps 8 and 9: the counts, then each record by itself."""
        *counts, self.method_id, self.record_id = cursor.unpack("17I")
        n = dict(zip(COUNTS, counts))
        for name, (limit, _) in COUNTS.items():
            need(n[name] <= limit, "limit", f"{n[name]} {name}")
        total = 68 + sum(n[name] * size for name, (_, size) in COUNTS.items())
        need(total == self.index_size, "index-inconsistent", f"the tables have {total} bytes, not {self.index_size}")
        self.bases = []
        for *base, zeros in cursor.table("32s32sQQI12s", n["bases"]):
            need(not any(zeros), "reserved-nonzero", "a base's reserved bytes")
            self.bases.append(Base(*base))
        self.records = cursor.table("IIHBBHH", n["entries"])
        for _, _, kind, _, flags, _, _ in self.records:
            need(kind != 0, "unknown-enum", "kind 0")
            need(flags < 4, "reserved-nonzero", "an entry's reserved flags")
        self.leaves = cursor.column("32s", n["leaves"])
        shapes = self.read_shapes(cursor.column("B", n["shapes"]), cursor.column("Q", n["dimensions"]))
        self.tensors, used = [], set()
        for role, dtype, shape, cut, digest in cursor.table("HBIB32s", n["tensors"]):
            filter_id, chunk_log2 = cut & 15, 16 + (cut >> 4)
            need(dtype in DTYPES and filter_id <= 2, "unknown-enum", f"dtype {dtype}, filter {filter_id}")
            need(shape < len(shapes), "index-inconsistent", f"shape {shape}")
            used.add(shape)
            tensor = Tensor(role, dtype, filter_id, chunk_log2, digest, shapes[shape], [])
            fits = (True, tensor.width > 1, tensor.type in FLOATS)[filter_id]
            need(fits, "bad-filter", f"filter {filter_id} on {tensor.type}")
            need(chunk_log2 <= 24, "bad-block", f"chunks of 2^{chunk_log2} bytes")
            self.tensors.append(tensor)
        need(len(used) == len(shapes), "not-canonical", "a shape that nothing refers to")
        self.planes = cursor.table("IQ", n["planes"])
        codecs = [word >> 28 for word, _ in self.planes]
        need(all(codec <= 2 for codec in codecs), "unknown-enum", "a codec")
        coded = sum(codec > 0 for codec in codecs)
        need(coded == n["coded"], "index-inconsistent", f"{coded} coded planes")
        self.raw_checks = cursor.column("Q", n["coded"])
        lengths = cursor.column("I", n["parameter_sets"])
        need(sum(lengths) == n["parameter_bytes"], "index-inconsistent", "the parameter sets' lengths")
        need(all(length <= 2**20 for length in lengths), "limit", "a parameter set over 1 MiB")
        self.sets = [cursor.take(length) for length in lengths]
        check_order(self.sets, "a parameter set", "not-canonical")
        self.parsed = [parse_parameters(blob) for blob in self.sets]
        self.read_strings(cursor, cursor.table("HH", n["strings"]), n["string_bytes"])
        self.metadata_ids = cursor.table("II", n["metadata"])
        self.extensions = [(kind, cursor.take(length)) for kind, length in (
            cursor.unpack("II") for _ in range(n["extensions"]))]
        need(cursor.at == self.index_size, "index-inconsistent", "extensions do not fill their bytes")
        need(not any(kind >> 31 for kind, _ in self.extensions), "unsupported-ext", "an extension one must know")

    @staticmethod
    def read_shapes(ranks, dimensions):
        """Each shape once, by rank and then by dimensions."""
        need(all(rank <= 8 for rank in ranks), "bad-rank", f"{max(ranks, default=0)} dimensions")
        need(sum(ranks) == len(dimensions), "index-inconsistent", "ranks and dimensions")
        need(all(dimensions), "zero-dim", "a dimension of zero")
        need(all(size < 2**48 for size in dimensions), "dim-too-large", "a dimension of 2^48 or more")
        shapes = [tuple(dimensions[a:b]) for a, b in pairwise(accumulate(ranks, initial=0))]
        check_order([(len(shape), shape) for shape in shapes], "a shape", "not-canonical")
        return shapes

    def read_strings(self, cursor, lengths, total):
        """Each string as what it shares with the one before, and the rest."""
        need(sum(rest for _, rest in lengths) == total, "bad-string-ref", "the strings' lengths")
        need(all(sum(pair) < 2**16 for pair in lengths), "limit", "a string over 65,535 bytes")
        need(sum(map(sum, lengths)) <= 2**24, "limit", "strings over 16 MiB")
        self.strings, previous = [], b""
        for shared, rest in lengths:
            need(shared <= len(previous), "bad-string-ref", "a string shares more than there is")
            string = previous[:shared] + cursor.take(rest)
            need(string, "bad-name", "an empty string")
            need(previous < string, "not-canonical", "strings are out of order")
            need(previous[:shared + 1] != string[:shared + 1] or shared == len(previous), "not-canonical", "shares too little")
            try:
                string.decode()
            except UnicodeDecodeError as error:
                raise Refused("bad-name", f"not UTF-8: {string}") from error
            self.strings.append(string)
            previous = string

    def lay_out(self):
        """Step 10: sizes, and where every plane lies."""
        for tensor in self.tensors:
            need(tensor.bits < 2**63 - 7, "shape-overflow", f"{tensor.shape}")
            need(tensor.type in ("BIT", "NF4") or tensor.bits % 8 == 0, "misaligned", f"{tensor.type} {tensor.shape}")
        need(sum(round_up(t.bytes, self.align) for t in self.tensors) < 2**63, "total-overflow", "all tensors together")
        total = sum(tensor.bytes for tensor in self.tensors)
        need(total <= 2**44, "too-large", f"all tensors together have {total} bytes")
        count = sum(tensor.plane_count for tensor in self.tensors)
        need(count == len(self.planes), "chunk-count", f"{len(self.planes)} planes instead of {count}")
        planes, raw_checks, at, self.gaps = iter(self.planes), iter(self.raw_checks), 64, []
        for tensor in self.tensors:
            start = round_up(at, self.align) if tensor.filter == 0 and tensor.bytes > 4096 else at
            self.gaps.append((at, start))
            at = start
            for lengths in tensor.plane_lengths():
                tensor.chunks.append([])
                for length, (word, check) in zip(lengths, planes):
                    stored, codec = word & 0xFFFFFFF, word >> 28
                    need(0 < stored < length if codec else stored == length, "chunk-inconsistent", f"the plane at {at}")
                    raw_check = next(raw_checks) if codec else check
                    tensor.chunks[-1].append(Plane(at, length, stored, codec, check, raw_check))
                    at += stored
        need(round_up(at, 8) == self.index_offset, "index-misplaced", f"data end at {at}")
        self.gaps.append((at, self.index_offset))
        need(total == self.logical_bytes, "index-inconsistent", f"the trailer says {self.logical_bytes} of {total} bytes")

    def text(self, number, may_be_empty):
        """The string of that id."""
        need(number < len(self.strings) or may_be_empty and number == NONE, "bad-string-ref", f"string {number}")
        return b"" if number == NONE else self.strings[number]

    def check_references(self):
        """Step 11: references, order, names, kinds and shapes."""
        self.method = self.text(self.method_id, False)
        self.metadata = [(self.text(key, False), self.text(value, True)) for key, value in self.metadata_ids]
        used = {self.record_id} | {record[1] for record in self.records}
        need(max(used) < len(self.sets), "bad-param", "a reference to a parameter set that is not there")
        need(len(used) == len(self.sets), "not-canonical", "a parameter set that nothing refers to")
        self.record, self.record_bytes = self.parsed[self.record_id], self.sets[self.record_id]
        need(sum(record[5] for record in self.records) == len(self.tensors), "index-inconsistent", "entries' tensors")
        need(sum(record[4].bit_count() for record in self.records) == len(self.leaves), "index-inconsistent", "leaves")
        need(all(map(any, self.leaves)), "not-canonical", "a leaf of zeros")
        check_order([base.root for base in self.bases], "a base")
        unused = set(range(len(self.bases))) - {record[6] for record in self.records}
        need(not unused or len(self.bases) == 1, "not-canonical", f"bases that nothing refers to: {unused}")
        tensors, leaves, self.entries = iter(self.tensors), iter(self.leaves), []
        for target, parameters, kind, ordinal, flags, count, base in self.records:
            need(base < len(self.bases) or base == NO_BASE and not flags, "index-inconsistent", f"base {base}")
            target = self.text(target, kind in FOR_THE_WHOLE_MODEL or kind not in KINDS)
            self.entries.append(Entry(
                target, kind, ordinal, self.parsed[parameters], self.sets[parameters],
                [next(tensors) for _ in range(count)], base, *(next(leaves) if flags & bit else b"" for bit in (1, 2))))
        used = {self.method_id} | {record[0] for record in self.records} | {i for pair in self.metadata_ids for i in pair}
        need(len(used - {NONE}) == len(self.strings), "not-canonical", "a string that nothing refers to")
        for name in [self.method] + [e.target for e in self.entries if e.target] + [key for key, _ in self.metadata]:
            need(len(name) <= 1024, "bad-name", f"a name of {len(name)} bytes")
            need(not any(c < " " or "\x7f" <= c <= "\x9f" for c in name.decode()), "bad-name", f"controls in {name}")
        check_order([(e.target, e.kind, e.ordinal) for e in self.entries], "an entry")
        check_order([key for key, _ in self.metadata], "a metadata key")
        need(sum(len(key) + len(value) for key, value in self.metadata) <= 2**20, "limit", "metadata over 1 MiB")
        for entry in self.entries:
            check_order([tensor.role for tensor in entry.tensors], "a role")
            for tensor in entry.tensors:
                need(tensor.type != "NF4" or (tensor.shape or [1])[-1] % 2 == 0, "bad-block", f"NF4 {tensor.shape}")
            if entry.kind in KINDS:
                check_kind(entry)

    def check_data(self):
        """Step 13: every byte of every tensor."""
        for start, end in self.gaps:
            need(not any(self.data[start:end]), "padding-nonzero", f"between {start} and {end}")
        frames = []
        for entry in self.entries:
            values = {}
            for tensor in entry.tensors:
                raw = b"".join(tensor.join([self.plane(plane) for plane in chunk]) for chunk in tensor.chunks)
                leaves = [sha256(b"\0", raw[at:at + 65536]) for at in range(0, len(raw), 65536)]
                digest = sha256(b"tenon.tdata.v1\0", struct.pack("<Q", len(raw)), *leaves)
                need(digest == tensor.digest, "digest-mismatch", f"{tensor.role_word} of {entry.target}")
                values[tensor.role_word] = (tensor, raw)
            check_values(entry, values)
            if entry.kind == FILE and entry.parameters.get("layout") == "splice":
                self.check_splices(entry, values)
            if entry.kind == FILE and entry.parameters.get("layout") == "checkpoint":
                frames.append((values["frame"][1], entry.parameters["size"]))
        check_frames(frames)
        if self.method == b"delta":
            check_delta(self.record, self.entries)

    def check_splices(self, entry, values):
        """§7: that each tensor goes in once, and that frame and tensors fill the file."""
        need("frame" in values, "kind-shape", "a spliced file has no frame")
        tensors = [tensor for other in self.entries if other.kind != FILE for tensor in other.tensors]
        rows = list(struct.iter_unpack("<QQ", values["splices"][1] if "splices" in values else b""))
        need(all(number < len(tensors) for _, number in rows), "bad-param", "a splice of a tensor that is not there")
        need(len({number for _, number in rows}) == len(rows), "bad-param", "two splices of one tensor")
        end, left, size = 0, values["frame"][0].bytes, entry.parameters.get("size")
        for offset, number in rows:
            need(end <= offset <= end + left, "bad-param", f"a splice at {offset} that does not ascend or fit")
            left -= offset - end
            end = offset + tensors[number].bytes
        need(type(size) is int and size == end + left, "bad-param", f"a spliced file of {end + left} bytes, not {size}")

    def plane(self, plane):
        data = self.data[plane.offset:plane.offset + plane.stored]
        need(xxhash.xxh3_64_intdigest(data) == plane.check, "chunk-corrupt", f"the plane at {plane.offset}")
        if plane.codec:
            data = (unpack_frame if plane.codec == 1 else unpack_segments)(data, plane.length)
        need(xxhash.xxh3_64_intdigest(data) == plane.raw_check, "decode-mismatch", f"the plane at {plane.offset}")
        return data

    def listing(self):
        """What is in it, for JSON."""
        return {
            "contentDigest": self.content.hex(), "indexDigest": self.index_digest.hex(), "method": self.method.decode(),
            "parameters": self.record, "logicalBytes": self.logical_bytes,
            "bases": [{"root": base.root.hex(), "headerDigest": base.header_digest.hex()} for base in self.bases],
            "metadata": {key.decode(): value.decode() for key, value in self.metadata},
            "extensions": [{"type": kind, "bytes": data.hex()} for kind, data in self.extensions],
            "entries": [{
                "target": entry.target.decode(), "kind": entry.word, "ordinal": entry.ordinal,
                "parameters": entry.parameters, "tensors": [{
                    "role": t.role_word, "dtype": t.type, "shape": t.shape, "digest": t.digest.hex(),
                    "logicalBytes": t.bytes, "storedBytes": sum(plane.stored for chunk in t.chunks for plane in chunk),
                } for t in entry.tensors]} for entry in self.entries]}


def read(path):
    """The container at `path`; raises `Refused`, or `OSError` where it cannot be read."""
    need(stat.S_ISREG(os.stat(path).st_mode), "not-regular", path)
    with open(path, "rb") as file:
        return Container(file.read())


def main(paths):
    """Lists every file; 1 if one of them is refused."""
    failed = False
    for path in paths:
        try:
            print(json.dumps({"path": path, **read(path).listing()}, indent=1))
        except (Refused, OSError) as error:
            failed = True
            print(json.dumps({"path": path, "error": getattr(error, "code", "io-error"), "what": str(error)}))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
