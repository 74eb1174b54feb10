#!/usr/bin/env python3
"""Writes rows of tokens to train on, one `{"input_ids": [...]}` a line:

    training_data.py OUT.jsonl --vocabulary 4096 --rows 256 --tokens 128        rows of one length
    training_data.py OUT.jsonl --vocabulary 4096 --rows 256 --tokens 16-512     rows of any length between, all as likely

Every token has a few followers, drawn by a seed, so that there is something to learn. The same arguments give the same
bytes with any version of Python.
"""

import argparse
import random
from pathlib import Path

FOLLOWERS = 4
#: Ids below are left to special tokens.
FIRST = 3


def rows(vocabulary: int, count: int, shortest: int, longest: int, seed: int) -> list[list[int]]:
    """`count` walks along the followers."""
    source = random.Random(seed)

    def below(limit: int) -> int:
        # Only `random()` is promised to stay the same between versions.
        return int(source.random() * limit)

    followers = [[FIRST + below(vocabulary - FIRST) for _ in range(FOLLOWERS)] for _ in range(vocabulary)]
    found = []
    for _ in range(count):
        row = [FIRST + below(vocabulary - FIRST)]
        for _ in range(shortest + below(longest - shortest + 1) - 1):
            row.append(followers[row[-1]][below(FOLLOWERS)])
        found.append(row)
    return found


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocabulary", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--tokens", required=True, help="a length, or the shortest and the longest: 16-512")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shortest, _, longest = arguments.tokens.partition("-")
    found = rows(arguments.vocabulary, arguments.rows, int(shortest), int(longest or shortest), arguments.seed)
    with arguments.out.open("w", encoding="ascii") as file:
        file.writelines(f'{{"input_ids": {row}}}\n' for row in found)


if __name__ == "__main__":
    main()
