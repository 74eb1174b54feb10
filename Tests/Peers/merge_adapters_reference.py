"""Merges of low-rank adapters as `Spec/merge.md` has them, in fp64: those of the papers, and PEFT's.

`merge` gives the dense change of one target; the tool's factors must have it for a product. `merge_peft` gives
factors, where PEFT works on factors, and else the dense change before its decomposition.
"""

from dataclasses import dataclass

import numpy as np
from merge_geometry import cosine, karcher_direction, norm, spherical, stock_ratio
from merge_masks import (
    Refused,
    agreeing,
    check_density,
    keep_probabilities,
    largest,
    trimmed,
    uniform,
    without_outliers,
)
from merge_reference import SMALL, sce

RANK = 2.0**-20
NOTHING = 2.0**-40
EXACT = ("cat", "linear", "svd", "slerp", "karcher", "model-stock")
CORE = (
    "ties",
    "magnitude-prune",
    "dare",
    "dare-ties",
    "della",
    "della-linear",
    "breadcrumbs",
    "breadcrumbs-ties",
    "sce",
)
COMBINATIONS = (
    "svd",
    "linear",
    "cat",
    "ties",
    "ties_svd",
    "dare_ties",
    "dare_linear",
    "dare_ties_svd",
    "dare_linear_svd",
    "magnitude_prune",
    "magnitude_prune_svd",
)


@dataclass(frozen=True)
class Factors:
    """One adapter's factors of a target, A [r, in] and B [out, r], and their scale."""

    a: np.ndarray
    b: np.ndarray
    scale: float

    @property
    def change(self) -> np.ndarray:
        """scale·B·A."""
        return self.scale * (self.b.astype(np.float64) @ self.a.astype(np.float64))


@dataclass(frozen=True)
class Options:
    """What a merge of adapters is told."""

    weights: list[float]
    density: float = 1
    epsilon: float = 0.15
    gamma: float = 0.01
    select_topk: float = 1
    max_iter: int = 10
    tol: float = 1e-5
    seed: int = 0


def basis(stacked: np.ndarray) -> np.ndarray:
    """The left singular vectors of the values above 2⁻²⁰ of the largest, as columns."""
    vectors, values, _ = np.linalg.svd(stacked, full_matrices=False)
    return vectors[:, values > RANK * values[0]] if values.size else vectors


def coefficients(method: str, changes: list[np.ndarray], options: Options) -> list[float]:
    """c of the methods whose result is Σ c·D; of Karcher's, that of the unit vectors is told by its Gram matrix."""
    weights, total = options.weights, sum(options.weights)
    if method in ("cat", "linear", "svd"):
        return list(weights)
    if method == "model-stock":
        return [stock_ratio(changes) / len(changes)] * len(changes)
    if abs(total) < SMALL:
        raise Refused("the weights sum to zero")
    if len(changes) != 2:
        raise Refused("slerp is of two adapters")
    t, cos = weights[1] / total, cosine(changes[0], changes[1], SMALL)
    return [1 - t, t] if abs(cos) > 0.9995 else list(spherical(t, cos))


def _karcher(changes: list[np.ndarray], options: Options) -> np.ndarray:
    total = sum(options.weights)
    if abs(total) < SMALL:
        raise Refused("the weights sum to zero")
    if len(changes) == 1:
        return changes[0]
    norms = [norm(change) for change in changes]
    there = [index for index, size in enumerate(norms) if size > 0]
    if not there:
        return np.zeros(changes[0].shape)
    share = sum(options.weights[index] for index in there)
    if abs(share) < SMALL:
        raise Refused("the weights of what is there sum to zero")
    units = [changes[index] / norms[index] for index in there]
    weights = [options.weights[index] / share for index in there]
    direction = karcher_direction(units, weights, options.max_iter, options.tol)
    return direction * sum(w / total * size for w, size in zip(options.weights, norms, strict=True))


def sparsified(method: str, core: np.ndarray, options: Options, name: str) -> np.ndarray:
    """One adapter's core with what its method keeps, divided by the probability of keeping it."""
    if options.density <= 0:
        raise Refused("a density must be above 0")
    if options.density >= 1:
        return core
    if method in ("ties", "magnitude-prune"):
        return np.where(trimmed(core, options.density), core, 0)
    if method.startswith("breadcrumbs"):
        return np.where(without_outliers(core, options.density, options.gamma), core, 0)
    chance = np.full(core.shape, options.density)
    if method.startswith("della"):
        check_density(options.density, options.epsilon)
        chance = keep_probabilities(core, options.density, options.epsilon)
    drawn = uniform(options.seed, name, core.size).reshape(core.shape)
    return np.where(drawn < chance, core / chance, 0)


def merge_core(method: str, cores: list[np.ndarray], options: Options, target: str) -> np.ndarray:
    """The merged core."""
    if method == "sce":
        return sce(cores, options.select_topk, zero=0)
    kept = [sparsified(method, core, options, f"{target}\0{index}") for index, core in enumerate(cores)]
    terms = [w * core for w, core in zip(options.weights, kept, strict=True)]
    if method in ("magnitude-prune", "dare", "della-linear", "breadcrumbs"):
        return sum(terms)
    agree = agreeing(terms, zero=0)
    divisor = sum(w * mask for w, mask in zip(options.weights, agree, strict=True))
    total = sum(np.where(mask, term, 0) for mask, term in zip(agree, terms, strict=True))
    return total / np.where(np.abs(divisor) < SMALL, 1, divisor)


def cores_of(changes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """U, V and the cores Uᵀ·D·V, without what only rounding leaves of zeros."""
    left, right = basis(np.hstack(changes)), basis(np.vstack(changes).T)
    cores = [left.T @ change @ right for change in changes]
    floor = NOTHING * max(np.abs(core).max() for core in cores)
    return left, right, [np.where(np.abs(core) > floor, core, 0) for core in cores]


def truncated(change: np.ndarray, rank: int | None) -> np.ndarray:
    """The best approximation of a rank."""
    if rank is None:
        return change
    left, values, right = np.linalg.svd(change, full_matrices=False)
    return (left[:, :rank] * values[:rank]) @ right[:rank]


def merge(method: str, adapters: list[Factors], options: Options, target: str, rank: int | None = None) -> np.ndarray:
    """The change of one target; an adapter that lacks it has factors of rank 0."""
    changes = [adapter.change for adapter in adapters]
    if method == "svd" and rank is None:
        rank = max(adapter.a.shape[0] for adapter in adapters)
    if not any(change.any() for change in changes):
        return np.zeros(changes[0].shape)
    if method == "karcher":
        merged = _karcher(changes, options)
    elif method in EXACT:
        parts = zip(coefficients(method, changes, options), changes, strict=True)
        merged = sum(c * change for c, change in parts)
    else:
        left, right, cores = cores_of(changes)
        merged = left @ merge_core(method, cores, options, target) @ right.T
    return truncated(merged, None if method == "cat" else rank)


def _peft_mask(kind: str, values: np.ndarray, density: float, seed: int, name: str) -> np.ndarray:
    """What PEFT's pruning makes of a tensor."""
    if density < 0 or (density == 0 and kind == "dare"):
        raise Refused("the density")
    if density >= 1 or kind == "linear":
        return values
    if kind == "dare":
        return np.where(uniform(seed, name, values.size).reshape(values.shape) < density, values / density, 0)
    return np.where(largest(values, int(density * values.size)), values, 0)


def _peft_combine(
    combination: str,
    values: list[np.ndarray],
    weights: list[float],
    density: float,
    sign: str,
    seed: int,
    names: list[str],
) -> np.ndarray:
    """PEFT's combination of the tensors of several adapters."""
    kind = {"ties": "magnitude", "magnitude_prune": "magnitude"}.get(combination, combination.split("_")[0])
    kept = [_peft_mask(kind, tensor, density, seed, name) for tensor, name in zip(values, names, strict=True)]
    if combination not in ("ties", "dare_ties"):
        return sum(w * tensor for w, tensor in zip(weights, kept, strict=True))
    agree = agreeing(kept) if sign == "total" else _frequent(kept)
    total = sum(np.where(mask, w * tensor, 0) for w, mask, tensor in zip(weights, agree, kept, strict=True))
    return total / np.maximum(1, np.sum(agree, axis=0))


def _frequent(values: list[np.ndarray]) -> list[np.ndarray]:
    """Per tensor, where it has the sign of most."""
    signs = [np.sign(tensor) for tensor in values]
    majority = np.where(np.sum(signs, axis=0) >= 0, 1, -1)
    return [sign == majority for sign in signs]


def merge_peft(
    combination: str,
    adapters: list[Factors],
    weights: list[float],
    target: str,
    density: float = 1,
    sign: str = "total",
    rank: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray] | np.ndarray:
    """A and B of PEFT's combination, scale 1; for those that decompose, B·A. Adapters of rank 0 are passed over."""
    if len(adapters) == 1:
        combination = "linear"
    there = [index for index, adapter in enumerate(adapters) if adapter.a.shape[0]]
    weights, adapters = [weights[index] for index in there], [adapters[index] for index in there]
    scaled = [w * adapter.scale for w, adapter in zip(weights, adapters, strict=True)]
    factors = [(adapter.a.astype(np.float64), adapter.b.astype(np.float64)) for adapter in adapters]
    if combination == "cat":
        rows = [s * a for s, (a, _) in zip(scaled, factors, strict=True)]
        return np.vstack(rows), np.hstack([b for _, b in factors])
    names = [f"{target}\0{index}" for index in there]
    if combination.endswith("svd"):
        if rank is None:
            raise Refused("the rank of a decomposition is that of the largest config")
        plain = combination.removesuffix("_svd") if combination != "svd" else "linear"
        changes = [adapter.change.astype(np.float32).astype(np.float64) for adapter in adapters]
        return truncated(_peft_combine(plain, changes, weights, density, sign, seed, names), rank)
    if len({adapter.a.shape[0] for adapter in adapters}) != 1:
        raise Refused("the ranks differ")
    roots = [abs(s) ** 0.5 for s in scaled]
    signed = [root if s >= 0 else -root for root, s in zip(roots, scaled, strict=True)]
    merged = []
    for side, own in ((0, signed), (1, roots)):
        tensors = [pair[side] for pair in factors]
        keys = [f"{name}\0{'AB'[side]}" for name in names]
        merged.append(_peft_combine(combination, tensors, own, density, sign, seed, keys))
    return merged[0], merged[1]
