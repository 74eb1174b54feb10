"""The codec `entropy`: what `format.md` §3 says of its planes, and `arithmetic.md` of its segments."""
import struct

from kinds import need

TOTAL, STATE = 4096, 1 << 16


def unpack_segments(data, length):
    """The bytes of a plane in segments that fill it and use all of `data`."""
    count, = struct.unpack_from("<H", data) if len(data) > 1 else (0,)
    at, plane = 2 + 8 * count, bytearray()
    need(count > 0 and at <= len(data), "bad-frame", f"{count} segments")
    for size, stored in struct.iter_unpack("<II", data[2:at]):
        fits = size <= length - len(plane) and 0 < stored <= min(size, len(data) - at)
        need(fits and (count == 1 or size >= 1024), "bad-frame", f"a segment of {size} bytes, stored as {stored}")
        segment = data[at:at + stored]
        plane += segment if stored == size else unpack_segment(segment, size)
        at += stored
    need(len(plane) == length and at == len(data), "bad-frame", "segments that do not fill their plane")
    return bytes(plane)


def unpack_segment(data, count):
    """The `count` bytes of a segment: its frequencies, then what they decode."""
    frequencies, at = read_frequencies(data)
    if TOTAL in frequencies:
        need(at == len(data), "bad-frame", "more than one value needs")
        return bytes([frequencies.index(TOTAL)]) * count
    need(len(data) - at >= 16 and (len(data) - at) % 2 == 0, "bad-frame", "no four states and words")
    starts = [sum(frequencies[:byte]) for byte in range(256)]
    byte_at = [byte for byte, frequency in enumerate(frequencies) for _ in range(frequency)]
    states, words = list(struct.unpack_from("<4I", data, at)), iter(struct.unpack(f"<{(len(data) - at) // 2}H", data[at:])[8:])
    need(min(states) >= STATE, "bad-frame", "a state that is none")
    out = bytearray(count)
    for i in range(count):
        state = states[i % 4]
        place = state % TOTAL
        byte = out[i] = byte_at[place]
        state = frequencies[byte] * (state // TOTAL) + place - starts[byte]
        if state < STATE:
            word = next(words, None)
            need(word is not None, "bad-frame", "a word is missing")
            state = state << 16 | word
        states[i % 4] = state
    need(states == [STATE] * 4 and next(words, None) is None, "bad-frame", "states or words are left over")
    return bytes(out)


def read_frequencies(data):
    """256 frequencies that add up to 4096, and how many bytes they took."""
    bits, size = int.from_bytes(data, "big"), 8 * len(data)
    frequencies, before, at = [], 0, 0
    while sum(frequencies) < TOTAL:
        order, zeros = before.bit_length() // 2, 0
        while at + zeros < size and not bits >> size - 1 - at - zeros & 1:
            zeros += 1
        length = zeros + 1 + order
        need(length <= 14 and at + zeros + length <= size, "bad-frame", "a frequency that does not end")
        at += zeros + length
        code = (bits >> size - at & (1 << length) - 1) - (1 << order)
        before += -(code + 1) // 2 if code % 2 else code // 2
        need(before >= 0 and len(frequencies) < 256, "bad-frame", "a frequency that there cannot be")
        frequencies.append(before)
    need(sum(frequencies) == TOTAL, "bad-frame", "frequencies above their sum")
    end = -(-at // 8)
    need(bits >> size - 8 * end & (1 << 8 * end - at) - 1 == 0, "bad-frame", "bits after the frequencies")
    return frequencies + [0] * (256 - len(frequencies)), end
