"""Measures the size, speed and memory of `tenon` beside its peers and holds the figures against `bars.json`.

Times are wall clock of the built tool, start-up, digests and verification included, on a memory file system; rounds
alternate with the peers, and a ratio is the median of the rounds' ratios. GB are 10^9 bytes of tensors. Run it by
`Benchmarks/run`, which finds an interpreter with the peers; this process itself imports nothing large (`measure.py`
says why). Exit status: 0 all floors hold, 1 one does not, 2 a measurement failed
(the other groups are still told).
"""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

import deltas
import diff
import family
import machine
import models
import quality
import recipes
import report
import size
import speed
import storage
import store
import tokenization
import training
from measure import Failed
from setting import ROOT, Setting

GROUPS = {
    "start": speed.start,
    "sha256": speed.sha256,
    "fixtures": size.fixtures,
    "trained": size.trained,
    "adapter": size.adapter,
    "max": size.strongest,
    "bf16": speed.bf16,
    "fp32": speed.fp32,
    "delta-size": deltas.delta_size,
    "apply": deltas.apply,
    "extract": deltas.extract,
    "table": storage.table,
    "sync": storage.sync,
    "memory": models.memory,
    "merge": models.merge,
    "layer": models.layer,
    "quality": quality.quality,
    "undo": quality.undo,
    "recipes": recipes.recipes,
    "training": training.training,
    "diff": diff.diff,
    "family": family.family,
    "store": store.store,
    "tokenization": tokenization.tokenization,
}


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small files and two rounds; no floors for speed")
    parser.add_argument("--tenon", type=Path, help="the tool (default: .build/release/tenon, built if absent)")
    parser.add_argument("--only", action="append", choices=GROUPS, help="only this group of figures; may be repeated")
    parser.add_argument("--runs", type=int, help="rounds of each comparison (default 5)")
    parser.add_argument("--json", type=Path, default=ROOT / "Benchmarks" / "last.json", help="where the records go")
    return parser.parse_args()


def built() -> Path:
    """The tool of this checkout, built if it is not there."""
    tool = ROOT / ".build" / "release" / "tenon"
    if not tool.exists():
        build = ["swift", "build", "-c", "release", "--product", "tenon"]
        subprocess.run(build, cwd=ROOT, check=True, stdout=sys.stderr)
    return tool


def main() -> int:
    """Runs the groups asked for, prints the table, writes the records."""
    arguments = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tool = (arguments.tenon or built()).resolve()
    groups = arguments.only or list(GROUPS)
    board = report.Board(groups, smoke=arguments.smoke)
    failures: list[str] = []
    load = machine.Load()
    facts = machine.facts(tool)
    with Setting(tool, arguments.smoke, arguments.runs or (2 if arguments.smoke else 5)) as setting:
        facts |= setting.facts
        print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
        for group in groups:
            print(f"... {group}", file=sys.stderr, flush=True)
            try:
                GROUPS[group](setting, board)
            except (Failed, OSError, subprocess.CalledProcessError) as failure:
                failures.append(f"{group}: {failure}")
    facts["beside"] = load.text()
    print(f"beside: {facts['beside']}\n")
    print(board.table())
    board.save(arguments.json, facts)
    for failure in failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 2 if failures else 0 if board.holds() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failed, OSError, subprocess.CalledProcessError) as failure:  # before the first group
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(2)
