"""The cases of the merges: every method with two sets of parameters."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A recipe: which models it merges, with what parameters; `base` is false where the method has none."""

    name: str
    method: str
    models: list[str]
    base: bool = True
    shared: dict[str, Any] = field(default_factory=dict)
    each: list[dict[str, Any]] = field(default_factory=list)
    seed: int = 0
    allow_nan: bool = False


@dataclass(frozen=True)
class AdapterCase:
    """A merge of adapters by a paper's method."""

    name: str
    method: str
    adapters: list[str]
    weights: list[float]
    options: dict[str, Any] = field(default_factory=dict)
    rank: int | None = None


@dataclass(frozen=True)
class PeftCase:
    """A merge of adapters by one of PEFT's combinations."""

    name: str
    combination: str
    adapters: list[str]
    weights: list[float]
    density: float = 1
    sign: str = "total"
    rank: int | None = None
    seed: int = 0


ABC = ["a", "b", "c"]


def weighted(*weights: float, **more: list[Any]) -> list[dict[str, Any]]:
    """The parameters of each model; `more` lists one value for each of them."""
    return [{"weight": w} | {key: values[index] for key, values in more.items()} for index, w in enumerate(weights)]


CASES = [
    Case("linear-mean", "linear", ABC, False, each=weighted(1, 1, 1)),
    Case("linear-sum", "linear", ABC, False, {"normalize": False}, weighted(0.5, -0.25, 0.8)),
    Case("task-arithmetic", "task_arithmetic", ABC, each=weighted(0.6, 0.3, 0.4)),
    Case("task-arithmetic-mean", "task_arithmetic", ABC, True, {"normalize": True, "lambda": 1.3}, weighted(1, 2, 0.5)),
    Case("ties", "ties", ABC, each=weighted(1, 0.5, 0.7, density=[0.5, 0.3, 0.62])),
    Case(
        "ties-sum",
        "ties",
        ABC,
        True,
        {"normalize": False, "rescale": True, "lambda": 0.7, "density": 0.2},
        weighted(0.5, 0.5, -0.3),
    ),
    Case("ties-whole", "ties", ["a", "b"], each=weighted(0.3, -0.3)),
    Case("ties-nothing", "ties", ["a", "b"], each=weighted(1, 1, density=[0, 0.001])),
    Case("ties-cancelling", "ties", ABC, each=weighted(0.1, 0.2, -0.3)),
    Case("dare-linear", "dare_linear", ABC, True, {"density": 0.5}, weighted(0.4, 0.4, 0.2), 7),
    Case(
        "dare-linear-unscaled",
        "dare_linear",
        ABC,
        True,
        {"density": 0.3, "rescale": False, "normalize": True},
        weighted(0.4, 0.1, 0.2),
    ),
    Case("dare-ties", "dare_ties", ABC, True, {"density": 0.6}, weighted(0.4, 0.4, 0.3), 7),
    Case(
        "dare-ties-mean",
        "dare_ties",
        ["b", "c"],
        True,
        {"normalize": True, "lambda": 1.2},
        weighted(1, 0.5, density=[0.4, 1]),
    ),
    Case("breadcrumbs", "breadcrumbs", ABC, True, {"density": 0.7, "gamma": 0.1}, weighted(0.5, 0.3, 0.2)),
    Case(
        "breadcrumbs-crowded",
        "breadcrumbs",
        ABC,
        True,
        {"density": 0.95, "gamma": 0.3, "rescale": True},
        weighted(0.5, 0.3, 0.2),
    ),
    Case("breadcrumbs-ties", "breadcrumbs_ties", ABC, True, {"density": 0.5, "gamma": 0.05}, weighted(0.5, 0.6, 0.4)),
    Case(
        "breadcrumbs-ties-default",
        "breadcrumbs_ties",
        ABC,
        True,
        {"density": 0.4, "normalize": True},
        weighted(1, 1, 1),
    ),
    Case("della", "della", ABC, True, {"density": 0.5}, weighted(1, 0.6, 0.8), 7),
    Case(
        "della-narrow",
        "della",
        ["a", "c"],
        True,
        {"epsilon": 0.05, "lambda": 1.1, "normalize": False},
        weighted(0.6, 0.7, density=[0.3, 0.8]),
    ),
    Case("della-linear", "della_linear", ABC, True, {"density": 0.4, "epsilon": 0.2}, weighted(0.3, 0.4, 0.2), 7),
    Case(
        "della-linear-unscaled", "della_linear", ABC, True, {"density": 0.6, "rescale": False}, weighted(0.3, 0.4, 0.2)
    ),
    Case("slerp", "slerp", ["far"], True, {"t": 0.3}),
    Case("slerp-near", "slerp", ["a"], True, {"t": 0.75}),
    Case("nuslerp", "nuslerp", ["a", "far"], False, each=weighted(0.4, 0.9)),
    Case("nuslerp-base", "nuslerp", ["a", "b"], each=weighted(1, 0.5)),
    Case("nuslerp-rows", "nuslerp", ["a", "b"], True, {"nuslerp_flatten": False}, weighted(0.7, 0.7)),
    Case(
        "nuslerp-columns",
        "nuslerp",
        ["a", "far"],
        False,
        {"nuslerp_flatten": False, "nuslerp_row_wise": True},
        weighted(0.2, 0.8),
    ),
    Case("multislerp", "multislerp", ["a", "b", "far"], False, each=weighted(0.5, 0.25, 0.7)),
    Case("multislerp-base", "multislerp", ABC, True, {"normalize_weights": False}, weighted(0.5, 0.4, 0.3)),
    Case("karcher", "karcher", ["a", "b", "far"], False),
    Case("karcher-short", "karcher", ["base", "a", "far"], False, {"max_iter": 2, "tol": 1e-9}),
    Case("model-stock", "model_stock", ABC),
    Case("model-stock-rows", "model_stock", ["a", "b"], True, {"filter_wise": True}),
    Case("nearswap", "nearswap", ["a"], True, {"t": 0.005}),
    Case("nearswap-nothing", "nearswap", ["b"], True, {"t": 0}),
    Case("nearswap-little", "nearswap", ["c"], True, {"t": 5e-7}),
    Case("sce", "sce", ABC),
    Case("sce-selected", "sce", ABC, True, {"select_topk": 0.3}),
    Case("arcee-fusion", "arcee_fusion", ["far"]),
    Case("arcee-fusion-near", "arcee_fusion", ["b"]),
    Case("ram", "ram", ABC),
    Case("ram-coarse", "ram", ["a", "b"], True, {"epsilon": 0.004}),
    Case("ramplus", "ramplus_tl", ABC, True, {"epsilon": 0.004}),
    Case("ramplus-strong", "ramplus_tl", ABC, True, {"epsilon": 0.006, "r": 0.5, "alpha": 0.7}),
    Case("passthrough", "passthrough", ["a"], False),
    Case("passthrough-scaled", "passthrough", ["b"], False, each=[{"scale": 0.37}]),
    Case("ties-broken", "ties", ["a", "broken"], True, {"density": 0.5}, weighted(1, 1), allow_nan=True),
    Case("slerp-broken", "slerp", ["broken"], True, {"t": 0.5}, allow_nan=True),
]

XYZ = ["x", "y", "z"]
MEAN = [1 / 3] * 3
MIXED = [0.8, 0.5, -0.3]
ADAPTER_CASES = [
    AdapterCase("cat", "cat", XYZ, MIXED),
    AdapterCase("linear", "linear", XYZ, MIXED),
    AdapterCase("linear-short", "linear", XYZ, MEAN, rank=2),
    AdapterCase("svd", "svd", XYZ, MIXED),
    AdapterCase("svd-one", "svd", XYZ, MEAN, rank=1),
    AdapterCase("slerp", "slerp", ["x", "y"], [0.6, 0.2]),
    AdapterCase("slerp-short", "slerp", ["y", "z"], [1, 1], rank=2),
    AdapterCase("karcher", "karcher", XYZ, MEAN),
    AdapterCase("karcher-weighted", "karcher", XYZ, [0.5, 0.2, 0.9], {"max_iter": 3, "tol": 1e-9}),
    AdapterCase("model-stock", "model-stock", ["x", "w"], [0.5, 0.5]),
    AdapterCase("model-stock-three", "model-stock", ["x", "y", "w"], MEAN),
    AdapterCase("ties", "ties", XYZ, MEAN, {"density": 0.5}),
    AdapterCase("ties-weighted", "ties", XYZ, [0.8, 0.5, 0.3], {"density": 0.2}, rank=3),
    AdapterCase("magnitude-prune", "magnitude-prune", XYZ, MIXED, {"density": 0.5}),
    AdapterCase("magnitude-prune-little", "magnitude-prune", ["x", "w"], [1, 1], {"density": 0.1}),
    AdapterCase("dare", "dare", XYZ, MIXED, {"density": 0.5, "seed": 7}),
    AdapterCase("dare-whole", "dare", ["y", "z"], [1, 1], {"density": 1}),
    AdapterCase("dare-ties", "dare-ties", XYZ, MEAN, {"density": 0.6, "seed": 7}),
    AdapterCase("dare-ties-weighted", "dare-ties", XYZ, [0.8, 0.5, 0.3], {"density": 0.4}),
    AdapterCase("della", "della", XYZ, MEAN, {"density": 0.5, "seed": 7}),
    AdapterCase("della-narrow", "della", ["x", "w"], [0.4, 0.6], {"density": 0.7, "epsilon": 0.1}),
    AdapterCase("della-linear", "della-linear", XYZ, MIXED, {"density": 0.5, "epsilon": 0.2}),
    AdapterCase(
        "della-linear-narrow", "della-linear", ["x", "y"], [1, 1], {"density": 0.3, "epsilon": 0.01, "seed": 7}
    ),
    AdapterCase("breadcrumbs", "breadcrumbs", XYZ, MIXED, {"density": 0.7, "gamma": 0.1}),
    AdapterCase("breadcrumbs-crowded", "breadcrumbs", ["x", "y"], [1, 1], {"density": 0.9, "gamma": 0.3}),
    AdapterCase("breadcrumbs-ties", "breadcrumbs-ties", XYZ, MEAN, {"density": 0.7, "gamma": 0.1}),
    AdapterCase("breadcrumbs-ties-default", "breadcrumbs-ties", ["x", "w"], [1, 1], {"density": 0.4}),
    AdapterCase("sce", "sce", XYZ, MEAN),
    AdapterCase("sce-selected", "sce", XYZ, MEAN, {"select_topk": 0.4}),
]

XW = ["x", "w"]
PEFT_CASES = [
    PeftCase("svd", "svd", XYZ, MIXED),
    PeftCase("svd-two", "svd", XYZ, MEAN, rank=2),
    PeftCase("linear", "linear", XW, [0.7, 0.4]),
    PeftCase("linear-minus", "linear", XW, [0.7, -0.4]),
    PeftCase("cat", "cat", XYZ, MIXED),
    PeftCase("cat-one", "cat", ["y"], [0.5]),
    PeftCase("ties", "ties", XW, [0.7, 0.4], 0.5),
    PeftCase("ties-frequency", "ties", XW, [1, -0.5], 0.3, "frequency"),
    PeftCase("ties_svd", "ties_svd", XYZ, MEAN, 0.5),
    PeftCase("ties_svd-frequency", "ties_svd", XYZ, MIXED, 0.3, "frequency", 2),
    PeftCase("dare_ties", "dare_ties", XW, [0.7, 0.4], 0.5, seed=7),
    PeftCase("dare_ties-frequency", "dare_ties", XW, [1, 1], 0.7, "frequency"),
    PeftCase("dare_linear", "dare_linear", XW, [0.7, 0.4], 0.5, seed=7),
    PeftCase("dare_linear-whole", "dare_linear", XW, [0.7, 0.4], 1),
    PeftCase("dare_ties_svd", "dare_ties_svd", XYZ, MEAN, 0.5, seed=7),
    PeftCase("dare_ties_svd-frequency", "dare_ties_svd", XYZ, MIXED, 0.7, "frequency", 3),
    PeftCase("dare_linear_svd", "dare_linear_svd", XYZ, MIXED, 0.5, seed=7),
    PeftCase("dare_linear_svd-two", "dare_linear_svd", ["x", "y"], [1, 1], 0.8, rank=2),
    PeftCase("dare_linear_svd-between", "dare_linear_svd", ["x", "z", "y"], [1, 1, 1], 0.8, rank=1, seed=7),
    PeftCase("magnitude_prune", "magnitude_prune", XW, [0.7, 0.4], 0.5),
    PeftCase("magnitude_prune-little", "magnitude_prune", XW, [0.7, -0.4], 0.05),
    PeftCase("magnitude_prune_svd", "magnitude_prune_svd", XYZ, MIXED, 0.5),
    PeftCase("magnitude_prune_svd-two", "magnitude_prune_svd", ["y", "z"], [1, 1], 0.2, rank=2),
]
