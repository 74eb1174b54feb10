"""The methods of recipes as `Spec/merge.md` has them: decisions to the bit, everything else in fp64.

`merge` makes one tensor of several. Sources are fp32 arrays; the result is fp64, not yet rounded to a dtype.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from merge_geometry import cosine, karcher_direction, norm, spherical, stock_ratio, wide
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

SMALL = 1e-8


@dataclass(frozen=True)
class Parameter:
    """A parameter's default (None where it is required) and whether each model has its own."""

    default: Any
    each: bool = False


@dataclass(frozen=True)
class Group:
    """The sources of one tensor: the base where there is one, the other models in the order of the recipe."""

    base: np.ndarray | None
    models: list[np.ndarray]
    shared: dict[str, Any]
    each: dict[str, list[Any]]
    name: str = ""
    seed: int = 0
    differences: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        shift = [] if self.base is None else [(model - self.base).astype(np.float32) for model in self.models]
        object.__setattr__(self, "differences", shift)


def _linear(group: Group) -> np.ndarray:
    weights = group.each["weight"]
    total = sum(w * wide(model) for w, model in zip(weights, group.models, strict=True))
    if not group.shared["normalize"]:
        return total
    if abs(sum(weights)) < SMALL:
        raise Refused("the weights sum to zero")
    return total / sum(weights)


def _mask(method: str, group: Group, index: int) -> np.ndarray:
    """What of a model's difference its method keeps."""
    values = group.differences[index]
    density = group.each.get("density", [1] * len(group.models))[index]
    if method == "task_arithmetic" or density >= 1:
        return np.ones(values.shape, bool)
    if method == "ties":
        return trimmed(values, density)
    if method.startswith("breadcrumbs"):
        return without_outliers(values, density, group.each["gamma"][index])
    drawn = uniform(group.seed, f"{group.name}\0{index}", values.size).reshape(values.shape)
    if method.startswith("dare"):
        return drawn < density
    check_density(density, group.each["epsilon"][index])
    if density <= 0:
        return np.zeros(values.shape, bool)
    return drawn < keep_probabilities(values, density, group.each["epsilon"][index])


def _task_arithmetic(method: str, group: Group) -> np.ndarray:
    weights, terms, exact = group.each["weight"], [], []
    for index, (w, values) in enumerate(zip(weights, group.differences, strict=True)):
        mask = _mask(method, group, index)
        factor = 1.0
        if group.shared.get("rescale", False) and not mask.all():
            sums = np.sum(np.abs(wide(values))), np.sum(np.abs(wide(values[mask])))
            factor = sums[0] / sums[1] if min(sums) > 0 else 1.0
        kept = np.where(mask, values, np.float32(0))
        terms.append(w * factor * wide(kept))
        exact.append(wide(np.float32(w * factor)) * wide(kept))
    if not terms:
        return wide(group.base)
    if method in ("ties", "dare_ties", "breadcrumbs_ties", "della"):
        agree = agreeing(exact)
    else:
        agree = [np.ones(term.shape, bool) for term in terms]
    change = sum(np.where(mask, term, 0) for term, mask in zip(terms, agree, strict=True))
    if group.shared["normalize"]:
        divisor = sum(w * mask for w, mask in zip(weights, agree, strict=True))
        change = change / np.where(np.abs(divisor) < SMALL, 1, divisor)
    return wide(group.base) + group.shared["lambda"] * change


def _slerp(group: Group) -> np.ndarray:
    t, cos = group.shared["t"], cosine(group.base, group.models[0], SMALL)
    first, second = (1 - t, t) if abs(cos) > 0.9995 else spherical(t, cos)
    return first * wide(group.base) + second * wide(group.models[0])


def _nuslerp(group: Group) -> np.ndarray:
    weights = group.each["weight"]
    t = 0.5 if abs(sum(weights)) < 1e-6 else weights[1] / sum(weights)
    first, second = group.models if group.base is None else group.differences
    if group.shared["nuslerp_flatten"]:
        vectors = [values.reshape(1, -1) for values in (first, second)]
    elif group.shared["nuslerp_row_wise"]:
        vectors = [np.swapaxes(values, 0, -1) for values in (first, second)]
    else:
        vectors = [first, second]
    shape, length = vectors[0].shape, vectors[0].shape[-1]
    rows = [values.reshape(-1, length) for values in vectors]
    out = np.empty(rows[0].shape)
    for index, (a, b) in enumerate(zip(*rows, strict=True)):
        cos = cosine(a, b)
        one, two = (1 - t, t) if 1 - cos**2 <= 1e-7 else spherical(t, cos)
        out[index] = one * wide(a) + two * wide(b)
    out = out.reshape(shape)
    if not group.shared["nuslerp_flatten"] and group.shared["nuslerp_row_wise"]:
        out = np.swapaxes(out, 0, -1)
    return out.reshape(first.shape) + (0 if group.base is None else wide(group.base))


def _multislerp(group: Group) -> np.ndarray:
    if len(group.models) == 1:
        return wide(group.models[0])
    weights = np.array(group.each["weight"], np.float64)
    if group.shared["normalize_weights"]:
        if abs(weights.sum()) < SMALL:
            raise Refused("the weights sum to zero")
        weights = weights / weights.sum()
    vectors = [wide(values) for values in (group.models if group.base is None else group.differences)]
    norms = [norm(values) for values in vectors]
    mean = sum(w * (x / size if size > 0 else x) for w, x, size in zip(weights, vectors, norms, strict=True))
    if norm(mean) >= group.shared["eps"] and norm(mean) > 0:
        out = mean / norm(mean) * sum(w * size for w, size in zip(weights, norms, strict=True))
    else:
        out = sum(w * x for w, x in zip(weights, vectors, strict=True))
    return out + (0 if group.base is None else wide(group.base))


def _karcher(group: Group) -> np.ndarray:
    if len(group.models) == 1:
        return wide(group.models[0])
    norms = [norm(model) for model in group.models]
    units = [wide(model) / size for model, size in zip(group.models, norms, strict=True) if size > 0]
    if not units:
        return np.zeros(group.models[0].shape)
    weights = [1 / len(units)] * len(units)
    direction = karcher_direction(units, weights, group.shared["max_iter"], group.shared["tol"])
    return direction * (sum(norms) / len(norms))


def _model_stock(group: Group) -> np.ndarray:
    shape = group.base.shape
    length = shape[-1] if group.shared["filter_wise"] else group.base.size
    rows = [values.reshape(-1, length) for values in group.differences]
    ratios = np.array([stock_ratio([values[row] for values in rows]) for row in range(rows[0].shape[0])])
    mean = sum(wide(values) for values in rows) / len(rows)
    return wide(group.base) + (ratios[:, None] * mean).reshape(shape)


def _nearswap(group: Group) -> np.ndarray:
    t, values = np.float32(group.shared["t"]), group.differences[0]
    moved = wide(group.base) + np.copysign(wide(t), values)
    return np.where(np.abs(values) <= t, wide(group.models[0]), moved)


def sce(vectors: list[np.ndarray], topk: float, zero: int = 1) -> np.ndarray:
    """The change that SCE makes of several."""
    if topk < 1:
        mean = sum(wide(values) for values in vectors) / len(vectors)
        spread = sum((wide(values) - mean) ** 2 for values in vectors) / len(vectors)
        spread = spread.astype(np.float32)
        mask = largest(spread, int(np.count_nonzero(spread) * topk))
        vectors = [np.where(mask, values, 0).astype(values.dtype) for values in vectors]
    squares = [float(np.sum(wide(values) ** 2)) for values in vectors]
    total = sum(squares)
    weights = [q / total if total > 0 else 1 / len(vectors) for q in squares]
    agree = agreeing([wide(values) for values in vectors], zero)
    divisor = sum(w * mask for w, mask in zip(weights, agree, strict=True))
    change = sum(w * wide(values) * mask for w, values, mask in zip(weights, vectors, agree, strict=True))
    return change / np.where(divisor == 0, 1, divisor)


def _sce(group: Group) -> np.ndarray:
    if not group.models:
        return wide(group.base)
    return wide(group.base) + sce(group.differences, group.shared["select_topk"])


def _softmax(rows: np.ndarray) -> np.ndarray:
    powers = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def importance(group: Group) -> tuple[np.ndarray, float]:
    """Arcee Fusion's importance of each element, and its threshold."""
    p, q = (_softmax(wide(values)) + 1e-8 for values in (group.models[0], group.base))
    divergence = np.maximum(0, np.sum(p * np.log1p((p - q) / q) - (p - q), axis=-1, keepdims=True))
    scores = (np.abs(wide(group.differences[0])) * divergence).astype(np.float32)
    ordered, last = np.sort(wide(scores.ravel())), scores.size - 1
    return scores, float(ordered[last // 2] + 1.5 * (ordered[3 * last // 4] - ordered[last // 4]))


def _arcee_fusion(group: Group) -> np.ndarray:
    scores, threshold = importance(group)
    return np.where(scores >= threshold, wide(group.models[0]), wide(group.base))


def _ram(method: str, group: Group) -> np.ndarray:
    if not group.models:
        return wide(group.base)
    masks = [np.abs(values) > np.float32(group.shared["epsilon"]) for values in group.differences]
    count = np.sum(masks, axis=0)
    change = np.zeros(group.base.shape)
    for mask, values in zip(masks, group.differences, strict=True):
        factor = 1.0
        if method == "ramplus_tl":
            both, alone = np.sum(mask & (count > 1)), np.sum(mask & (count == 1))
            ratio = both / alone if alone else np.inf
            factor = 1 + group.shared["r"] * min(ratio, group.shared["alpha"])
        change += np.where(mask, np.where(count == 1, factor, 1.0) / np.maximum(count, 1) * wide(values), 0)
    return wide(group.base) + change


def _passthrough(group: Group) -> np.ndarray:
    scale = group.each["scale"][0]
    return wide(group.models[0]) * (1 if scale is None else scale)


_WEIGHT = {"weight": Parameter(None, True)}


def _arithmetic(normalize: bool, rescale: bool, **more: float) -> dict[str, Parameter]:
    """The parameters of task arithmetic's kin; `more` are per model."""
    own = {name: Parameter(default, True) for name, default in more.items()}
    return (
        _WEIGHT
        | own
        | {
            "normalize": Parameter(normalize),
            "rescale": Parameter(rescale),
            "lambda": Parameter(1.0),
        }
    )


@dataclass(frozen=True)
class Method:
    """A method's base ("yes", "may", "member" or "no"), how many models it takes beside it, its parameters."""

    base: str
    least: int
    most: int | None
    parameters: dict[str, Parameter]
    merge: Callable[[Group], np.ndarray]


def _kin(name: str, parameters: dict[str, Parameter]) -> Method:
    return Method("yes", 0, None, parameters, lambda group: _task_arithmetic(name, group))


_MASKED = {"density": 1.0}
_RAM = {"epsilon": Parameter(1e-5)}
METHODS: dict[str, Method] = {
    "linear": Method("member", 1, None, _WEIGHT | {"normalize": Parameter(True)}, _linear),
    "task_arithmetic": _kin("task_arithmetic", _arithmetic(False, False)),
    "ties": _kin("ties", _arithmetic(True, False, **_MASKED)),
    "dare_linear": _kin("dare_linear", _arithmetic(False, True, **_MASKED)),
    "dare_ties": _kin("dare_ties", _arithmetic(False, True, **_MASKED)),
    "breadcrumbs": _kin("breadcrumbs", _arithmetic(False, False, **_MASKED, gamma=0.01)),
    "breadcrumbs_ties": _kin("breadcrumbs_ties", _arithmetic(False, False, **_MASKED, gamma=0.01)),
    "della": _kin("della", _arithmetic(True, True, **_MASKED, epsilon=0.15)),
    "della_linear": _kin("della_linear", _arithmetic(False, True, **_MASKED, epsilon=0.15)),
    "slerp": Method("yes", 1, 1, {"t": Parameter(None)}, _slerp),
    "nuslerp": Method(
        "may", 2, 2, _WEIGHT | {"nuslerp_row_wise": Parameter(False), "nuslerp_flatten": Parameter(True)}, _nuslerp
    ),
    "multislerp": Method(
        "may", 1, None, _WEIGHT | {"normalize_weights": Parameter(True), "eps": Parameter(1e-8)}, _multislerp
    ),
    "karcher": Method("member", 1, None, {"max_iter": Parameter(10), "tol": Parameter(1e-5)}, _karcher),
    "model_stock": Method("yes", 2, None, {"filter_wise": Parameter(False)}, _model_stock),
    "nearswap": Method("yes", 1, 1, {"t": Parameter(None)}, _nearswap),
    "sce": Method("yes", 0, None, {"select_topk": Parameter(1.0)}, _sce),
    "arcee_fusion": Method("yes", 1, 1, {}, _arcee_fusion),
    "ram": Method("yes", 0, None, _RAM, lambda group: _ram("ram", group)),
    "ramplus_tl": Method(
        "yes", 0, None, _RAM | {"r": Parameter(0.1), "alpha": Parameter(0.2)}, lambda group: _ram("ramplus_tl", group)
    ),
    "passthrough": Method("no", 1, 1, {"scale": Parameter(None, True)}, _passthrough),
}


def group_of(
    method: str,
    base: np.ndarray | None,
    models: list[np.ndarray],
    shared: dict[str, Any],
    each: list[dict[str, Any]],
    name: str = "",
    seed: int = 0,
) -> Group:
    """Check and complete the parameters; raise `Refused`."""
    spec = METHODS[method]
    if (base is None) != (spec.base in ("member", "no")) and spec.base != "may":
        raise Refused(f"{method}: the base")
    if len(models) < spec.least or (spec.most is not None and len(models) > spec.most):
        raise Refused(f"{method}: {len(models)} models")
    common, own = {}, {}
    for key, parameter in spec.parameters.items():
        if parameter.each:
            own[key] = [values.get(key, shared.get(key, parameter.default)) for values in each]
        else:
            common[key] = shared.get(key, parameter.default)
        if key != "scale" and None in (own.get(key, []) if parameter.each else [common[key]]):
            raise Refused(f"{method}: {key} is missing")
    return Group(base, models, common, own, name, seed)


def merge(
    method: str,
    base: np.ndarray | None,
    models: list[np.ndarray],
    shared: dict[str, Any],
    each: list[dict[str, Any]],
    name: str = "",
    seed: int = 0,
    allow_nan: bool = False,
) -> np.ndarray:
    """Merge one tensor of fp32 sources into fp64; `each` are parameters of the models, `shared` of the recipe."""
    sources = [*models, *([] if base is None else [base])]
    lost = np.logical_or.reduce([~np.isfinite(source) for source in sources])
    if lost.any() and not allow_nan:
        raise Refused(f"{name}: an element is not finite")
    if not sources[0].size:
        return wide(sources[0])
    finite = [np.where(lost, np.float32(0), source) for source in sources]
    models = finite[: len(models)]
    merged = METHODS[method].merge(
        group_of(method, None if base is None else finite[-1], models, shared, each, name, seed)
    )
    return np.where(lost, np.nan, merged)
