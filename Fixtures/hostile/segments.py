"""Planes of the codec `entropy`, written from `Spec/format.md` §3 and `Spec/arithmetic.md`, whole or in pieces."""

import struct

TOTAL, STATE = 4096, 1 << 16


def frequencies_of(segment):
    """Frequencies near the true ones that add up; how near is the writer's affair."""
    found = {byte: max(1, segment.count(byte) * TOTAL // len(segment)) for byte in sorted(set(segment))}
    most = max(found, key=found.get)
    found[most] += TOTAL - sum(found.values())
    return [found.get(byte, 0) for byte in range(256)]


def table(frequencies, more=""):
    """As bits, `more` after them, zeros to the end of the byte."""
    bits, before, total = "", 0, 0
    for frequency in frequencies:
        order, step = before.bit_length() // 2, frequency - before
        digits = f"{(2 * step if step >= 0 else -2 * step - 1) + (1 << order):b}"
        bits += "0" * (len(digits) - 1 - order) + digits
        before, total = frequency, total + frequency
        if total == TOTAL:
            break
    return packed(bits + more)


def packed(bits):
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def states_and_words(segment, frequencies):
    """The four states and the words, as lists."""
    starts, states, words = [sum(frequencies[:byte]) for byte in range(256)], [STATE] * 4, []
    for i in reversed(range(len(segment))):
        byte, state = segment[i], states[i % 4]
        if state >= frequencies[byte] << 20:
            words.append(state & 0xFFFF)
            state >>= 16
        states[i % 4] = (state // frequencies[byte] << 12) + state % frequencies[byte] + starts[byte]
    return states, words[::-1]


def coded(segment, frequencies=None, more=""):
    """A segment with its frequencies."""
    frequencies = frequencies or frequencies_of(segment)
    if TOTAL in frequencies:
        return table(frequencies, more)
    states, words = states_and_words(segment, frequencies)
    return table(frequencies, more) + struct.pack(f"<4I{len(words)}H", *states, *words)


def joined(segments, count=None):
    """A plane of segments, each given by its length and by the bytes stored for it."""
    records = b"".join(struct.pack("<II", length, len(stored)) for length, stored in segments)
    return struct.pack("<H", len(segments) if count is None else count) + records + b"".join(stored for _, stored in segments)


def plane(content, cuts=()):
    """A plane cut at these places, each segment as its code or raw."""
    pieces = [content[a:b] for a, b in zip((0, *cuts), (*cuts, len(content)))]
    return joined([(len(piece), min(coded(piece), piece, key=len)) for piece in pieces])
