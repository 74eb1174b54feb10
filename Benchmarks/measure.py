"""Runs a command and tells its time and its memory; rounds that alternate; medians.

The process that starts the measured commands must stay small: Linux counts into a child's peak memory what its parent
held when it was started. So this module and all that `bench.py` imports use the standard library alone; numbers are
made (`data.py`) and peers run (`peers.py`) in processes of their own.
"""

import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The unit of ru_maxrss.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


#: Seconds after which a command counts as hung and is killed.
LIMIT = 120


class Failed(Exception):
    """A command did not do what was to be measured."""


@dataclass(frozen=True)
class Run:
    """One run of a command: wall clock, processor time of all its threads, and the most memory it held."""

    seconds: float
    cpu: float
    peak: int


def run(*arguments: str | Path, environment: dict[str, str] | None = None, limit: float = LIMIT) -> Run:
    """Runs a command from start to exit, its output discarded. Raises `Failed` with its words if it fails, or if it
    runs for longer than so many seconds."""
    words = [os.fspath(argument) for argument in arguments]
    with tempfile.TemporaryFile() as errors:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
        ]
        begin = time.perf_counter()
        child = os.posix_spawn(words[0], words, environment or os.environ, file_actions=actions)
        alarm = threading.Timer(limit, os.kill, (child, signal.SIGKILL))
        alarm.start()
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - begin
        alarm.cancel()
        if status != 0:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip()
            if seconds >= limit:
                message = f"still running after {limit} s"
            raise Failed(f"{' '.join(words)}: status {os.waitstatus_to_exitcode(status)}: {message}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * PEAK_UNIT)


def rounds(count: int, *stages: dict[str, Callable[[], object]]) -> dict[str, list]:
    """Runs each stage's steps side by side, `count` times, and collects what they return.

    The order of the steps of a stage turns around each time, so that none always comes after the same other.
    """
    results: dict[str, list] = {name: [] for stage in stages for name in stage}
    for number in range(count):
        for stage in stages:
            names = list(stage) if number % 2 == 0 else list(reversed(stage))
            for name in names:
                results[name].append(stage[name]())
    return results


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a whole round down falls out."""
    return median([a / b for a, b in zip(numerators, denominators, strict=True)])
