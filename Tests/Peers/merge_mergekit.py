#!/usr/bin/env python3
"""Holds the reference of merging, or the built `tenon`, against mergekit 0.1.5, over the recipes of
`Fixtures/merge`.

Differences are in parts of the largest weight. Where mergekit computes in fp64, with the masks and the order of
equal magnitudes that `Spec/merge.md` defines, what is left is a difference of meaning: it stands in
`merge_mergekit.json`, with both numbers, or the script fails. "+n" counts such tensors; the other columns leave
them out. "small changes" are a two-hundredth of the models' differences, "tiny" models of 2⁻²⁴ of the weights,
"bf16" sources of bf16. The columns fp32 and bf16 compute in these; "as it is" is mergekit with its own order of
equal magnitudes. Masks and norms of random methods are compared in distribution. Run it with the interpreter of
`Scripts/peers-venv Benchmarks/mergekit.txt`:

    merge_mergekit.py [--tenon .build/release/tenon] [--pin]
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "Fixtures" / "merge"
sys.path[:0] = [str(HERE), str(FIXTURES)]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from cases import CASES, Case  # noqa: E402
from generate import CONFIG, SHAPES, models, recipe  # noqa: E402
from merge_distribution import check_distributions  # noqa: E402
from merge_masks import uniform  # noqa: E402
from merge_reference import merge  # noqa: E402
from mergekit import merge_methods  # noqa: E402
from mergekit.merge_methods.base import ParameterScope, TensorGroup  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

PINS = HERE / "merge_mergekit.json"
TOLERANCE = {"fp64": 1e-7, "fp32": 1e-6}
REASONS = {
    "multislerp": "the norms' ε",
    "sce": "weights are uniform where the mean squares are small",
    "model_stock": "a small product of norms counts as 1e-6",
    "nuslerp": "a small norm counts as 1e-7",
    "karcher": "a small norm counts as zero",
    "nearswap": "a small difference counts as 1e-6",
}
Sources = dict[str, dict[str, np.ndarray]]


def small(sources: Sources) -> Sources:
    """The models with a two-hundredth of their changes, as fine-tuning has them."""
    shrunk = {"base": sources["base"]}
    for name in sources.keys() - {"base"}:
        pairs = {key: (sources["base"][key], value) for key, value in sources[name].items()}
        shrunk[name] = {key: (base + (value - base) / 200).astype(np.float32) for key, (base, value) in pairs.items()}
    return shrunk


def tiny(sources: Sources) -> Sources:
    """The models times 2⁻²⁴."""
    return {
        name: {key: value * np.float32(2**-24) for key, value in tensors.items()} for name, tensors in sources.items()
    }


def halves(sources: Sources) -> Sources:
    """The models rounded to bf16."""

    def half(value: np.ndarray) -> np.ndarray:
        return torch.from_numpy(value).bfloat16().float().numpy()

    return {name: {key: half(value) for key, value in tensors.items()} for name, tensors in sources.items()}


def ours(case: Case, sources: Sources, name: str) -> np.ndarray:
    """The reference's result."""
    base = sources["base"][name] if case.base else None
    each = case.each or [{} for _ in case.models]
    return merge(case.method, base, [sources[model][name] for model in case.models], case.shared, each, name, case.seed)


def reason(case: Case, kind: str, name: str) -> str:
    """Why mergekit's result of a tensor is another."""
    if case.name == "ties-cancelling":
        return "divided by a sum of weights that is 0 but for rounding"
    if case.method.startswith("della") and SHAPES[name][-1] == 1:
        return "a row of one element has no place: 0/0"
    if case.method.startswith("della") and len(SHAPES[name]) > 2:
        return "rows run along the second axis"
    if case.method.startswith(("dare", "della", "breadcrumbs", "ties")) and kind in ("small", "tiny"):
        return "not rescaled where an L1 norm is small"
    return REASONS.get(case.method, "?")


@contextmanager
def defined(case: Case, name: str) -> Iterator[None]:
    """Masks and the order of equal magnitudes as the page has them, in place of torch's."""
    each = case.each or [{} for _ in case.models]
    densities = [own.get("density", case.shared.get("density", 1)) for own in each]
    drawing = iter([index for index, density in enumerate(densities) if density < 1])

    def bernoulli(chance: torch.Tensor) -> torch.Tensor:
        if chance.isnan().any():
            raise RuntimeError("a probability is not a number")
        drawn = torch.from_numpy(uniform(case.seed, f"{name}\0{next(drawing)}", chance.numel()))
        return (drawn.reshape(chance.shape) < chance.double()).to(chance.dtype)

    def argsort(values: torch.Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> torch.Tensor:
        order = original[0](-values, dim=dim, stable=True)
        return order if descending else order.flip(dim)

    def sort(values: torch.Tensor, dim: int = -1, descending: bool = False) -> torch.return_types.sort:
        indices = argsort(values, dim, descending)
        return torch.return_types.sort((values.gather(dim, indices), indices))

    def topk(values: torch.Tensor, k: int, largest: bool = True) -> torch.return_types.topk:
        indices = argsort(values, -1, True)[..., :k]
        return torch.return_types.topk((values.gather(-1, indices), indices))

    original = [torch.argsort]
    changed = {"bernoulli": bernoulli, "argsort": argsort, "topk": topk, "sort": sort}
    with patch.multiple(torch, **changed):
        yield


def theirs(case: Case, sources: Sources, name: str, dtype: torch.dtype) -> np.ndarray:
    """mergekit's result in fp64; what it raises goes through."""
    ids = [*case.models, *(["base"] if case.base else [])]
    tensors = [torch.from_numpy(sources[model][name]) for model in ids]
    group = TensorGroup.from_tensors(tensors, ids=ids, base_index=len(ids) - 1 if case.base else None, name=name)
    method = merge_methods.get(case.method)
    each = case.each or [{} for _ in case.models]
    given = {}
    for parameter in method.spec.parameters:
        if parameter.scope == ParameterScope.SHARED:
            given |= {parameter.name: case.shared[parameter.name]} if parameter.name in case.shared else {}
        else:
            values = [own.get(parameter.name, case.shared.get(parameter.name, parameter.default)) for own in each]
            given[parameter.name] = dict(zip(case.models, values, strict=True))
    (result,) = method((group,), parameters=given, dtype=dtype)
    return result.double().numpy()


def tenon_results(
    binary: Path, sources: Sources, cases: list[Case], dtype: torch.dtype
) -> dict[str, dict[str, np.ndarray]]:
    """What the tool makes of every recipe, by case and tensor."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        for model, tensors in sources.items():
            folder = Path(temporary, "models", model)
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(CONFIG))
            save_file(
                {key: torch.from_numpy(value).to(dtype) for key, value in tensors.items()}, folder / "model.safetensors"
            )
        for case in cases:
            text = recipe(case).replace("dtype: float32", f"dtype: {str(dtype).removeprefix('torch.')}")
            Path(temporary, "recipe.yml").write_text(text)
            command = [str(binary), "merge", "--recipe", "recipe.yml", "-o", case.name, "--seed", str(case.seed)]
            result = subprocess.run(command, cwd=temporary, capture_output=True, text=True, timeout=60)
            if result.returncode:
                sys.exit(f"{case.name}: {result.stderr.strip()}")
            merged = {}
            for file in Path(temporary, case.name).glob("*.safetensors"):
                merged |= {key: value.double().numpy() for key, value in load_file(file).items()}
            found[case.name] = merged
    return found


def size(case: Case, sources: Sources, name: str) -> float:
    """The largest magnitude of the sources."""
    present = [*case.models, *(["base"] if case.base else [])]
    return max(float(np.abs(sources[model][name]).max()) for model in present)


class Comparison:
    """The differences found, and those that are pinned."""

    def __init__(self, result: Callable[[Case, str, str], np.ndarray], sets: dict[str, Sources]) -> None:
        self.result, self.sets = result, sets
        self.pins: dict[tuple[str, str, str], dict] = {}
        self.worst: dict[tuple[str, str, str], float] = {}
        self.apart: set[tuple[str, str, str]] = set()

    def gap(self, case: Case, kind: str, name: str, dtype: torch.dtype, as_is: bool) -> tuple[float, int, float | None]:
        """The largest difference of a tensor, its place, and mergekit's number there: none if it raised an error."""
        wanted = self.result(case, kind, name)
        try:
            with nullcontext() if as_is else defined(case, name):
                found = theirs(case, self.sets[kind], name, dtype)
        except (ValueError, RuntimeError):
            return np.inf, 0, None
        gaps = np.abs(found - wanted) / size(case, self.sets[kind], name)
        gaps = np.where(np.isnan(gaps), np.inf, gaps)
        place = int(gaps.argmax())
        return float(gaps.flat[place]), place, float(found.flat[place])

    def meanings(self, case: Case, kind: str, tolerance: float) -> str:
        """The largest difference in fp64 of the tensors that mean the same, and how many do not."""
        worst, apart = 0.0, 0
        for name in SHAPES:
            gap, place, found = self.gap(case, kind, name, torch.float64, False)
            if gap <= tolerance:
                worst = max(worst, gap)
                continue
            apart += 1
            self.apart.add((case.name, kind, name))
            why = reason(case, kind, name)
            key = case.name, kind, why
            if gap > self.worst.get(key, 0):
                here = float(self.result(case, kind, name).flat[place])
                row = dict(zip(("case", "set", "why"), key, strict=True)) | {"tensor": name, "place": place}
                self.worst[key] = gap
                self.pins[key] = row | {"gap": None if found is None else gap, "mergekit": found, "here": here}
        return f"{worst:.1e}" + (f" +{apart}" if apart else "")

    def rounding(self, case: Case, kind: str, dtype: torch.dtype, as_is: bool = False) -> float:
        """The largest difference in a dtype of the tensors that mean the same."""
        same = [name for name in SHAPES if (case.name, kind, name) not in self.apart]
        return max(self.gap(case, kind, name, dtype, as_is)[0] for name in same)


def same_pins(found: list[dict], pinned: list[dict]) -> list[str]:
    """How the differences found and those pinned disagree."""

    def table(rows: list[dict]) -> dict:
        return {(row["case"], row["set"], row["why"]): row for row in rows}

    there, wanted = table(found), table(pinned)
    wrong = [f"not pinned, or gone: {' '.join(key)}" for key in sorted(there.keys() ^ wanted.keys())]
    for key in sorted(there.keys() & wanted.keys()):
        for side in ("mergekit", "here"):
            numbers = there[key][side], wanted[key][side]
            same = None not in numbers and np.isclose(*numbers, rtol=1e-4, atol=0)
            if not same and numbers != (None, None):
                wrong.append(f"{' '.join(key)}: {side} {numbers[0]} instead of {numbers[1]}")
    return wrong


def tenon_tables(binary: Path, sets: dict[str, Sources], cases: list[Case]) -> dict[str, dict]:
    """What the tool makes of all cases, by set."""
    kinds = {kind: torch.bfloat16 if kind == "bf16" else torch.float32 for kind in sets}
    return {kind: tenon_results(binary, sets[kind], cases, dtype) for kind, dtype in kinds.items()}


def tenon_faults(tables: dict[str, dict], sets: dict[str, Sources], cases: list[Case], pinned: list[dict]) -> list[str]:
    """Where the tool is not what the reference is, or not what is pinned."""
    faults = []
    for kind, sources in sets.items():
        limit = 2**-8 if kind == "bf16" else TOLERANCE["fp32"]
        for case in cases:
            for name in SHAPES:
                gap = np.abs(tables[kind][case.name][name] - ours(case, sources, name)).max() / size(
                    case, sources, name
                )
                if not gap <= limit:
                    faults.append(f"{case.name} {kind} {name}: {gap:.1e} from the reference")
    by_name = {case.name: case for case in cases}
    for pin in pinned:
        case, sources = by_name[pin["case"]], sets[pin["set"]]
        found = tables[pin["set"]][case.name][pin["tensor"]].flat[pin["place"]]
        limit = 2**-8 if pin["set"] == "bf16" else TOLERANCE["fp32"]
        if not abs(found - pin["here"]) <= limit * size(case, sources, pin["tensor"]):
            faults.append(f"{case.name} {pin['set']} {pin['tensor']}: {found} instead of {pin['here']}")
    return faults


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Prints a table in Markdown."""
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print()


def main() -> int:
    """Prints the tables, and fails where something differs that is not pinned."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, help="the built binary, in place of the reference")
    parser.add_argument("--pin", action="store_true", help="write the differences found")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    cases = [case for case in CASES if not case.allow_nan]
    sets = {"plain": models(), "small": small(models()), "tiny": tiny(models()), "bf16": halves(models())}
    pinned = [] if arguments.pin else json.loads(PINS.read_text(encoding="utf-8"))
    tables = tenon_tables(arguments.tenon.resolve(), sets, cases) if arguments.tenon else None
    failed = tenon_faults(tables, sets, cases, pinned) if tables else []

    def result(case: Case, kind: str, name: str) -> np.ndarray:
        return tables[kind][case.name][name] if tables else ours(case, sets[kind], name)

    tolerance = TOLERANCE["fp32" if tables else "fp64"]
    comparison, rows = Comparison(result, sets), []
    for case in cases:
        # Of tiny models mergekit's divergence of fusion is rounding alone, in fp64 too; the tool's bf16 is rounded.
        left_out = {"tiny"} if case.method == "arcee_fusion" else set()
        left_out |= {"bf16"} if tables else set()
        row = ["–" if kind in left_out else comparison.meanings(case, kind, tolerance) for kind in sets]
        fp32 = comparison.rounding(case, "plain", torch.float32)
        if fp32 > TOLERANCE["fp32"]:
            failed.append(f"{case.name}: fp32 differs by {fp32:.1e}")
        random = case.method.startswith(("dare", "della"))
        as_is = "–" if random else f"{comparison.rounding(case, 'plain', torch.float32, as_is=True):.1e}"
        rows.append([case.name, *row, f"{fp32:.1e}", as_is, f"{comparison.rounding(case, 'bf16', torch.bfloat16):.1e}"])
    print_table(["case", "fp64", "small changes", "tiny", "bf16 in fp64", "fp32", "as it is, fp32", "bf16"], rows)
    pins = list(comparison.pins.values())
    cells = [[f"{value:.6g}" if isinstance(value, float) else str(value) for value in row.values()] for row in pins]
    print_table(["case", "set", "why", "tensor", "place", "gap", "mergekit", "here"], cells)
    failed += check_distributions()
    if arguments.pin:
        text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in pins)
        PINS.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    elif not tables:
        failed += same_pins(pins, pinned)
    for line in failed:
        print(f"failed {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
