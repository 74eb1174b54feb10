"""Norms, angles and means on the sphere of whole tensors, in fp64, as `Spec/merge.md` has them."""

import numpy as np


def norm(values: np.ndarray) -> float:
    """The Euclidean norm, in fp64."""
    return float(np.sqrt(np.sum(values.astype(np.float64) ** 2)))


def cosine(first: np.ndarray, second: np.ndarray, tiny: float = 0) -> float:
    """The cosine of two vectors within [−1, 1], 0 where a norm is `tiny` or less."""
    norms = norm(first), norm(second)
    if min(norms) <= tiny:
        return 0.0
    return float(np.clip(np.sum(first.astype(np.float64) * second) / (norms[0] * norms[1]), -1, 1))


def spherical(t: float, cos: float) -> tuple[float, float]:
    """The coefficients of spherical interpolation."""
    theta = np.arccos(cos)
    return float(np.sin((1 - t) * theta) / np.sin(theta)), float(np.sin(t * theta) / np.sin(theta))


def wide(values: np.ndarray) -> np.ndarray:
    """In fp64."""
    return values.astype(np.float64)


def karcher_direction(units: list[np.ndarray], weights: list[float], max_iter: int, tol: float) -> np.ndarray:
    """The weighted Karcher mean of unit vectors."""
    mean = sum(w * u for w, u in zip(weights, units, strict=True))
    mean = units[0].copy() if norm(mean) < tol else mean / norm(mean)
    for _ in range(max_iter):
        tangent = np.zeros(mean.shape)
        for w, u in zip(weights, units, strict=True):
            cos = float(np.clip(np.sum(mean * u), -1, 1))
            theta = np.arccos(cos)
            if theta >= tol and cos > -1 + 1e-12:
                tangent += w * (theta / np.sin(theta)) * (u - cos * mean)
        length = norm(tangent)
        if length < tol:
            break
        mean = np.cos(length) * mean + np.sin(length) / length * tangent
        mean = mean / norm(mean)
    return mean


def stock_ratio(vectors: list[np.ndarray]) -> float:
    """Model Stock's t of one vector of each fine-tuned model."""
    count = len(vectors)
    pairs = [cosine(vectors[i], vectors[j]) for i in range(count) for j in range(i + 1, count)]
    mean = sum(pairs) / len(pairs)
    divisor = 1 + (count - 1) * mean
    return 0.0 if abs(divisor) < 1e-6 else count * mean / divisor
