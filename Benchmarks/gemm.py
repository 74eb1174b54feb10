#!/usr/bin/env python3
"""Compare products of matrices with those of OpenBLAS, as numpy has it, and of MKL, as PyTorch has it.

Builds nothing: `swift build -c release --build-tests` comes first. Run it with the interpreter that
`Scripts/peers-venv` prints. Within one process the two take turns, eleven times after a first; the ratio is the median of
those of each turn. One thread is timed by the processor's time, more by the clock.

OpenBLAS is measured as it chooses its kernels itself, and, where the environment sets OPENBLAS_CORETYPE, as that says too.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "swift test -c release --disable-testable-imports --disable-xctest --skip-build --filter ProductTimingTests"


def package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        sys.exit(f"gemm.py: {name} is not installed")
    return Path(found.origin).parent


def peers() -> dict[str, tuple[Path, str, dict[str, str | None]]]:
    """Libraries by name, with their symbol and what their environment lacks or has."""
    openblas = next((package("numpy").parent / "numpy.libs").glob("libscipy_openblas*.so"))
    peers: dict[str, tuple[Path, str, dict[str, str | None]]] = {
        "OpenBLAS": (openblas, "scipy_sgemm_64_", {"OPENBLAS_CORETYPE": None}),
        "MKL": (package("torch") / "lib" / "libtorch_cpu.so", "sgemm_", {}),
    }
    if kind := os.environ.get("OPENBLAS_CORETYPE"):
        peers[f"OpenBLAS {kind}"] = (openblas, "scipy_sgemm_64_", {"OPENBLAS_CORETYPE": kind})
    return peers


def measure(library: Path, symbol: str, settings: dict[str, str | None], threads: int) -> list[list[str]]:
    """The words of each line the test prints."""
    changes = {name: str(threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = os.environ | changes | {"TENON_PRODUCTS": f"{threads},{library},{symbol}"}
    for name, value in settings.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    output = subprocess.run(TEST.split(), cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return [line.split()[1:] for line in output.splitlines() if line.startswith("product ")]


def main() -> None:
    """Print one table for each library and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", default="1,2", help="how many, with commas between")
    parser.add_argument("--peer", help="only this one")
    options = parser.parse_args()
    for name, (library, symbol, settings) in peers().items():
        if options.peer and name != options.peer:
            continue
        for threads in map(int, options.threads.split(",")):
            print(f"\n| {name}, {threads} threads: product, m, n, k | tenon GFLOP/s | {name} GFLOP/s | ratio |\n|---|---|---|---|")
            for kind, rows, columns, depth, ours, theirs, ratio in measure(library, symbol, settings, threads):
                print(f"| {kind} {rows} {columns} {depth} | {float(ours):.0f} | {float(theirs):.0f} | {float(ratio):.2f} |")


if __name__ == "__main__":
    main()
