"""Which elements a merge keeps and which signs win, to the bit, as `Spec/merge.md` has them."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Refused(ValueError):
    """What the page says is refused, with the reason."""


def _mixed(value: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer of a counter."""
    with np.errstate(over="ignore"):
        bits = value + GOLDEN
        bits = (bits ^ bits >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ bits >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return bits ^ bits >> np.uint64(31)


def uniform(seed: int, name: str, count: int) -> np.ndarray:
    """u(e) for e = 0 … count − 1: multiples of 2⁻²⁴ in [0, 1)."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    start = np.array([seed % 2**64], np.uint64)
    key = _mixed(np.uint64(hashed) ^ _mixed(start))
    with np.errstate(over="ignore"):
        bits = _mixed(key + np.arange(count, dtype=np.uint64) * GOLDEN)
    return (bits >> np.uint64(40)).astype(np.float64) * 2.0**-24


def by_magnitude(values: np.ndarray) -> np.ndarray:
    """Indices by |x| descending, ties by index ascending, along the last axis."""
    return np.argsort(-np.abs(values), axis=-1, kind="stable")


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """The mask of the `count` largest magnitudes of the whole array."""
    mask = np.zeros(values.size, bool)
    mask[by_magnitude(values.ravel())[: max(0, count)]] = True
    return mask.reshape(values.shape)


def trimmed(values: np.ndarray, density: float) -> np.ndarray:
    """The mask of TIES: the ⌊density·n⌋ largest magnitudes, one at least."""
    if density >= 1:
        return np.ones(values.shape, bool)
    return largest(values, 0 if density <= 0 else max(1, int(density * values.size)))


def without_outliers(values: np.ndarray, density: float, gamma: float) -> np.ndarray:
    """The mask of breadcrumbs: the largest magnitudes but for the outliers."""
    if density >= 1:
        return np.ones(values.shape, bool)
    kept = max(0, int(density * values.size))
    bottom = max(0, values.size - kept - int(gamma * values.size))
    top = values.size - bottom - kept
    mask = np.zeros(values.size, bool)
    mask[by_magnitude(values.ravel())[top : top + kept]] = True
    return mask.reshape(values.shape)


def keep_probabilities(values: np.ndarray, density: float, epsilon: float) -> np.ndarray:
    """p(e) of DELLA: linear in the place of the magnitude within its row."""
    rows = values.reshape(-1, values.shape[-1])
    columns = rows.shape[1]
    if columns == 1:
        return np.full(values.shape, density)
    place = np.empty(rows.shape)
    np.put_along_axis(place, by_magnitude(rows), np.arange(columns - 1.0, -1, -1)[None, :], axis=1)
    return ((density - epsilon) + 2 * epsilon * (place / (columns - 1))).reshape(values.shape)


def check_density(density: float, epsilon: float) -> None:
    """Refuse a DELLA whose probabilities leave (0, 1)."""
    if 0 < density < 1 and not (density - epsilon > 0 and density + epsilon < 1):
        raise Refused("density ± epsilon must lie within (0, 1)")


def agreeing(terms: list[np.ndarray], zero: int = 1) -> list[np.ndarray]:
    """Per model, where its term has the sign of the sum; `zero` is the sign of a sum of 0."""
    total = np.zeros(terms[0].shape)
    for term in terms:
        total = total + term
    sign = np.where(total > 0, 1, np.where(total < 0, -1, zero))
    return [(np.sign(term) == sign) & (term != 0) for term in terms]
