"""How fast one thread makes tokens of text, beside the `tokenizers` package, for a tokenizer of each family."""

import json
import subprocess
import sys
from pathlib import Path

from measure import Failed, median, ratio, rounds
from report import Board
from setting import ROOT, Setting, english

PEER = ROOT / "Benchmarks" / "tokenization_peer.py"
#: What of the prose a smoke takes.
LITTLE = 60_000


def tokenization(setting: Setting, board: Board) -> None:
    """Bytes a second of paragraphs of prose, to those of the package; the numbers of tokens must agree."""
    subprocess.run(["swift", "build", "-c", "release", "--product", "Tokenize"], cwd=ROOT, check=True, stdout=sys.stderr)
    tool = ROOT / ".build" / "release" / "Tokenize"
    prose = english()[: LITTLE if setting.smoke else None]
    text, lines, folder = (setting.path(f"tokenization-{name}") for name in ("text", "lines", "tokenizers"))
    folder.mkdir()
    text.write_text(prose, encoding="utf-8")
    paragraphs = [paragraph for paragraph in prose.split("\n\n") if paragraph]
    lines.write_text("".join(json.dumps(paragraph) + "\n" for paragraph in paragraphs), encoding="utf-8")
    subprocess.run([sys.executable, PEER, "make", folder, text], check=True)
    for file in sorted(folder.iterdir()):
        seen = rounds(
            setting.runs,
            {
                "ours": lambda file=file: _asked(tool, file, lines, "--time"),
                "theirs": lambda file=file: _asked(sys.executable, PEER, "time", file, lines),
            },
        )
        counts = {record["tokens"] for records in seen.values() for record in records}
        if len(counts) != 1:
            raise Failed(f"{file.stem}: numbers of tokens differ: {sorted(counts)}")
        ours, theirs = ([record["bytesPerSecond"] for record in seen[side]] for side in ("ours", "theirs"))
        note = f"{median(ours) / 1e6:.1f} MB/s, theirs {median(theirs) / 1e6:.1f} MB/s"
        board.add(f"tokenization/{file.stem}", ratio(ours, theirs), note=note, samples=ours)


def _asked(*words: str | Path) -> dict:
    """What a program prints as JSON."""
    return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
