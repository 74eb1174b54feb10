"""Prints the goldens of Tests/QuantizationTests/PeerTests.swift: what bitsandbytes makes of a fixed sequence.

Needs torch and bitsandbytes (any version that has a CPU backend; seen with 0.50.2).
"""

import math

import numpy as np
import torch
import bitsandbytes.functional as bnb
from bitsandbytes.backends.default import ops  # noqa: F401 (registers the reference rules)

COUNT = 40_037


def values() -> torch.Tensor:
    """Integers of 24 bits times powers of two: the same fp32 bits on every machine."""
    state, numbers = 1, []
    for index in range(COUNT):
        state = (1664525 * state + 1013904223) % 2**32
        signed = (state >> 8) - 2**23
        numbers.append(signed * 2.0 ** (index // 640 % 7 - 26))
    return torch.tensor(numbers, dtype=torch.float64).to(torch.float32)


def fnv(data: bytes) -> str:
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"0x{digest:016x}"


def raw(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()


def bits(number: float) -> str:
    return f"0x{int(np.float32(number).view(np.uint32)):08x}"


print("map", fnv(raw(bnb.create_dynamic_map())))
for dtype in (torch.float32, torch.bfloat16, torch.float16):
    tensor = values().to(dtype)
    codes, state = bnb.quantize_4bit(tensor, blocksize=64, quant_type="nf4")
    packed = bytearray(raw(codes))
    packed[-1] &= 0xF0  # bitsandbytes pads an odd count with the code of zero, we with zero bits
    back = bnb.dequantize_4bit(codes, state)
    # Ours is the mean in fp64, rounded once; torch's depends on the machine in its last bits.
    offset = torch.tensor(math.fsum(state.absmax.tolist()) / state.absmax.numel(), dtype=torch.float32)
    assert abs(float(offset - state.absmax.mean())) < 1e-6 * float(offset)
    # The reference rule (nearest entry) in Python; bitsandbytes' own CPU library differs from it, and from its CUDA
    # kernel, in about one code of 650.
    table = bnb.create_dynamic_map()
    bounds = (table[:-1] + table[1:]) / 2
    shifted = state.absmax - offset
    padded = torch.nn.functional.pad(shifted, (0, -len(shifted) % 256)).reshape(-1, 256)
    outer = padded.abs().amax(dim=1)
    scale_codes = torch.bucketize(padded * (1.0 / outer)[:, None], bounds).flatten()[: len(shifted)].to(torch.uint8)
    scales = (table[scale_codes.long()] * outer.repeat_interleave(256)[: len(shifted)]) + offset
    absmax, state.absmax = state.absmax, scales
    back_double = bnb.dequantize_4bit(codes, state)
    parts = {
        "codes": fnv(bytes(packed)), "scales": fnv(raw(absmax)), "back": fnv(raw(back)), "offset": bits(float(offset)),
        "scaleCodes": fnv(raw(scale_codes)), "outerScales": fnv(raw(outer)), "backDouble": fnv(raw(back_double)),
    }
    print(dtype, ", ".join(f"{name}: {value}" for name, value in parts.items()))
