"""What the store's catalog costs where it has a hundred thousand adapters."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from measure import median, rounds, run
from report import Board
from setting import Setting

#: Name, method and rank of the adapters differ as in a team that has made them for years.
METHODS = ("lora", "lora", "lora", "dora", "ia3", "loha")
TEAMS, BASES = 40, 12


def digest(*words: object) -> bytes:
    """Thirty-two bytes that nothing else has."""
    return hashlib.sha256(repr(words).encode()).digest()


def fill(catalog: Path, count: int) -> None:
    """Writes the rows that as many adds would leave; the objects' files, which no search looks at, are not there."""
    objects, names, metadata = [], [], []
    for number in range(count):
        method, rank = METHODS[number % len(METHODS)], 2 ** (2 + number % 7)
        size = 10_000_000 + number
        base = digest("base", number % BASES)
        objects.append(
            (number + 1, digest("object", number), digest("content", number), method, rank, size // 2, size, size, size)
            + (base, number, number, number)
        )
        names.append((f"team-{number % TEAMS}/adapter-{number // 5}", f"v{number % 5}", number + 1, number + 1, number))
        metadata.append((number + 1, "owner", f"user-{number % 5000}", 1))
    database = sqlite3.connect(catalog)
    with database:
        database.executemany(
            "INSERT INTO object (id, digest, content, sort, method, rank, parameters, stored_bytes, logical_bytes,"
            " input_bytes, base_root, origin, added, used, checked, check_level, state)"
            " VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, 'peft', ?, ?, ?, 3, 0)",
            objects,
        )
        database.executemany("INSERT INTO name VALUES (?, ?, ?, ?, ?)", names)
        database.executemany("INSERT INTO metadata VALUES (?, ?, ?, ?)", metadata)
        database.execute("UPDATE state SET generation = ?", (count,))
    database.close()


def store(setting: Setting, board: Board) -> None:
    """Opening a store, listing it and searching it, each by a run of the tool."""
    count = 2_000 if setting.smoke else 100_000
    place = setting.path("store")
    run(setting.tool, "store", "init", "--store", place)
    fill(place / "catalog.db", count)
    last = count - 1
    name = f"team-{last % TEAMS}/adapter-{last // 5}"

    def step(*words: str) -> Callable[[], float]:
        return lambda: run(setting.tool, "store", *words, "--store", place).seconds

    steps = {
        "open": step("show", f"{name}:v{last % 5}"),
        "list": step("list"),
        "list-json": step("list", "--json"),
        "by-name": step("list", f"{name[:-1]}*"),
        "by-middle": step("list", "*adapter-1234:v*"),
        "by-rank": step("list", "--method", "dora", "--rank", "256"),
        "by-base": step("list", "--base", digest("base", 3).hex()[:12]),
        "by-digest": step("list", "--digest", digest("object", 7).hex()[:8]),
        "by-metadata": step("list", "--metadata", "owner=user-77", "--method", "lora"),
        "nothing": step("list", "--method", "lora", "--rank", "3"),
    }
    seconds = rounds(setting.runs, steps)
    for step_name, samples in seconds.items():
        board.add(f"store/{step_name}", median(samples) * 1e3, samples=samples)
    setting.remove(place)
