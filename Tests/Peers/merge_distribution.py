"""Whether random masks here and in mergekit have one distribution: χ² of what is kept, and the L1 norms that
rescaling keeps."""

import numpy as np
import torch
from merge_masks import keep_probabilities, uniform
from mergekit.sparsify import RescaleNorm, bernoulli, della_magprune

ROWS, COLUMNS, BINS = 256, 512, 64
# Standard deviations of χ² that are still chance.
CHANCE = 5
DENSITY, EPSILON = 0.4, 0.15


def chi_squared(kept: np.ndarray, chance: np.ndarray, bins: np.ndarray) -> float:
    """χ² of the elements kept, in bins of elements."""
    count = np.bincount(bins, kept, BINS)
    expected = np.bincount(bins, chance, BINS)
    variance = np.bincount(bins, chance * (1 - chance), BINS)
    return float(np.sum((count - expected) ** 2 / variance))


def check_distributions() -> list[str]:
    """Prints a line for each method and mask; what fails comes back."""
    torch.manual_seed(3)
    values = np.random.default_rng(3).normal(0, 0.01, (ROWS, COLUMNS)).astype(np.float32)
    place = np.argsort(np.argsort(np.abs(values), axis=1), axis=1)
    blocks = np.arange(values.size) * BINS // values.size
    masks = {
        "dare": (np.full(values.shape, DENSITY), lambda: bernoulli(torch.from_numpy(values), DENSITY, RescaleNorm.l1)),
        "della": (
            keep_probabilities(values, DENSITY, EPSILON),
            lambda: della_magprune(torch.from_numpy(values), DENSITY, EPSILON, RescaleNorm.l1),
        ),
    }
    failed, total = [], float(np.abs(values.astype(np.float64)).sum())
    print("| masks | of | χ² by place | χ² by rank | both models | L1 after / before |\n|---|---|---|---|---|---|")
    for word, (chance, drawn) in masks.items():
        for side in ("mergekit", "here"):
            if side == "mergekit":
                pair = [drawn().numpy() for _ in range(2)]
            else:
                pair = []
                for index in range(2):
                    mask = uniform(11, f"t\0{index}", values.size).reshape(values.shape) < chance
                    factor = total / np.abs(values.astype(np.float64))[mask].sum()
                    pair.append(np.where(mask, values * np.float32(factor), 0))
            kept = [(one != 0).ravel().astype(np.float64) for one in pair]
            flat, ranks = chance.ravel(), (place * BINS // COLUMNS).ravel()
            found = [
                chi_squared(kept[0], flat, blocks),
                chi_squared(kept[0], flat, ranks),
                chi_squared(kept[0] * kept[1], flat**2, blocks),
            ]
            norm = float(np.abs(pair[0].astype(np.float64)).sum()) / total
            print(f"| {word} | {side} | {found[0]:.1f} | {found[1]:.1f} | {found[2]:.1f} | {norm:.7f} |")
            if max(abs(x - BINS) for x in found) > CHANCE * (2 * BINS) ** 0.5 or abs(norm - 1) > 1e-5:
                failed.append(f"{word} of {side}: not the distribution")
    print()
    return failed
