#!/usr/bin/env python3
"""Compare a low-rank extraction with numpy's full decomposition (LAPACK's gesdd) of the same difference.

Builds nothing: `swift build -c release --build-tests` comes first. Run it with the interpreter that
`Scripts/peers-venv` prints. Matrices are bf16: a base, and the base with a change, which is `planted`, a product of rank 32
with noise of full rank, or `slow`, a product of 1,024 columns whose sizes fall with the root of their number. The extraction's time is the median of five runs within one process, which read both matrices from memory and
measure the error of the stored factors; numpy's is one run of `svd(tuned - base)` in fp32 on the same processors.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def bf16(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round to nearest, ties to even: the stored halves and what they mean."""
    bits = values.astype(np.float32).view(np.uint32)
    halves = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return halves, (halves.astype(np.uint32) << 16).view(np.float32)


def matrices(
    kind: str, rows: int, columns: int, scale: float = 1
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A base and what tuning made of it, each as halves and as numbers; `scale` multiplies the change."""
    random = np.random.default_rng(rows * columns)
    base = bf16(random.standard_normal((rows, columns), dtype=np.float32) * 0.02)
    sizes = np.linspace(1, 0.2, 32) if kind == "planted" else np.arange(1, 1025) ** -0.5
    left = random.standard_normal((rows, len(sizes)), dtype=np.float32) * sizes.astype(np.float32)
    change = left @ random.standard_normal((len(sizes), columns), dtype=np.float32) * 2e-4
    if kind == "planted":
        change += random.standard_normal((rows, columns), dtype=np.float32) * 2e-4
    return base, bf16(base[1] + np.float32(scale) * change)


def extraction(base: Path, tuned: Path, shape: tuple[int, int], rank: int) -> tuple[float, float]:
    """Median seconds and the relative error."""
    request = ",".join(map(str, (base, tuned, *shape, rank)))
    command = "swift test -c release --disable-testable-imports --disable-xctest --skip-build --filter LowRankTimingTests"
    output = subprocess.run(
        command.split(), cwd=ROOT, env=os.environ | {"TENON_LOWRANK": request}, check=True, capture_output=True, text=True
    ).stdout
    runs = [line.split()[1:] for line in output.splitlines() if line.startswith("lowrank ")]
    if not runs:
        sys.exit("lowrank.py: the test printed no times")
    return statistics.median(float(run[0]) for run in runs), float(runs[0][1])


def main() -> None:
    """Print one row for each shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="2048x5632,4096x4096", help="ROWSxCOLUMNS, with commas between")
    parser.add_argument("--changes", default="planted,slow", help="which of both, with commas between")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--skip-numpy", action="store_true", help="leave out the decomposition, which takes minutes")
    options = parser.parse_args()
    print("| matrix | tenon s | gesdd s | ratio | error | exact | error / exact |")
    print("|---|---|---|---|---|---|---|")
    for name, kind in itertools.product(options.shapes.split(","), options.changes.split(",")):
        rows, columns = map(int, name.split("x"))
        base, tuned = matrices(kind, rows, columns)
        with tempfile.TemporaryDirectory() as folder:
            paths = Path(folder, "base"), Path(folder, "tuned")
            paths[0].write_bytes(base[0].tobytes())
            paths[1].write_bytes(tuned[0].tobytes())
            seconds, error = extraction(*paths, (rows, columns), options.rank)
        if options.skip_numpy:
            print(f"| {name} {kind} | {seconds:.3f} | | | {error:.5f} | | |")
            continue
        start = time.perf_counter()
        _, values, _ = np.linalg.svd(tuned[1] - base[1], full_matrices=False)
        full = time.perf_counter() - start
        squares = values.astype(np.float64) ** 2
        exact = float(np.sqrt(squares[options.rank :].sum() / squares.sum()))
        print(
            f"| {name} {kind} | {seconds:.3f} | {full:.1f} | {full / seconds:.0f} | {error:.5f} | {exact:.5f} "
            f"| {error / exact:.5f} |"
        )


if __name__ == "__main__":
    main()
