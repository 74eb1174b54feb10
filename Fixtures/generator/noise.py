"""Seeded values that do not depend on the machine.

`torch.randn` differs in its last bits between vector widths; a sum of four uniform numbers does not, and is close
enough to a normal distribution for test weights.
"""

import zlib

import torch


def generator(label: str) -> torch.Generator:
    """A generator seeded by a label alone, so that one tensor's values do not depend on its neighbours."""
    return torch.Generator().manual_seed(zlib.crc32(label.encode()))


def noise(label: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Bell-shaped float32 values of mean 0 and variance 1."""
    source = generator(label)
    total = torch.zeros(shape)
    for _ in range(4):
        total += torch.rand(shape, generator=source)
    return (total - 2) * 3**0.5


def integers(label: str, shape: tuple[int, ...], low: int, high: int) -> torch.Tensor:
    """Integers of `low ..< high`."""
    return torch.randint(low, high, shape, generator=generator(label))
