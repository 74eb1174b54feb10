#!/usr/bin/env python3
"""Hold tokenizers against the `tokenizers` package: ids, offsets and decoded text of drawn lines, 0 differences.

    tokenizer_ids.py --tokenize .build/release/Tokenize [--lines N] [--every] [--text FILE ...] [--tokenizer FILE ...]

Builds a tokenizer of each family of `Scripts/make-tokenizer-goldens` and gives both N lines (10,000) of all scripts in every
normalization form, with emoji, controls and runs of white space; with `--every` all characters of Unicode, and the lines of
each FILE too. `--tokenizer` names files of tokenizers to hold as well.
"""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import unicodedata
from importlib.machinery import SourceFileLoader
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parent.parent.parent


def goldens():
    """The script that makes the goldens, as a module."""
    loader = SourceFileLoader("goldens", str(ROOT / "Scripts" / "make-tokenizer-goldens"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("goldens", loader))
    loader.exec_module(module)
    return module


def expected(tokenizer: Tokenizer, text: str) -> dict:
    """What the package makes of a text."""
    encoding = tokenizer.encode(text)
    return {
        "ids": encoding.ids,
        "same": True,
        "plain": tokenizer.encode(text, add_special_tokens=False).ids,
        "offsets": [place for pair in encoding.offsets for place in pair],
        "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False),
        "skipping": tokenizer.decode(encoding.ids),
    }


def hold(tokenize: str, name: str, file: str, texts: list[str], lines: str) -> int:
    """Print how many texts come out differently, with the first three; give their number."""
    tokenizer = Tokenizer.from_file(file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    output = subprocess.run([tokenize, file, lines], stdout=subprocess.PIPE, check=True).stdout
    found = output.split(b"\n")[:-1]
    assert len(found) == len(texts), f"{name}: {len(found)} answers for {len(texts)} lines"
    differences = 0
    for text, line in zip(texts, found, strict=True):
        ours, theirs = json.loads(line), expected(tokenizer, text)
        if ours == theirs:
            continue
        differences += 1
        if differences <= 3:
            keys = [key for key in theirs if theirs[key] != ours[key]]
            print(f"{name}: {text[:200]!r}: {', '.join(f'{k} {ours[k]} for {theirs[k]}' for k in keys)[:900]}")
    print(f"{name}: {len(texts)} lines, {differences} differences", flush=True)
    return differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenize", default=str(ROOT / ".build" / "release" / "Tokenize"))
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--text", action="append", default=[])
    parser.add_argument("--tokenizer", action="append", default=[])
    options = parser.parse_args()
    script = goldens()
    source = random.Random(options.seed)
    texts = ["", " ", *script.SENTENCES.splitlines(), script.SENTENCES]
    for index in range(options.lines):
        text = script.draw(source)
        form = ["NFC", "NFD", "NFKC", "NFKD", None][index % 5]
        texts.append(unicodedata.normalize(form, text) if form else text)
    if options.every:
        texts += script.every_character()
    for path in options.text:
        texts += Path(path).read_text(encoding="utf-8").splitlines()
    differences = 0
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "lines")
        lines.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
        for family in script.FAMILIES:
            file = Path(folder, f"{family.__name__}.json")
            file.write_text(script.document(family.__name__, family()), encoding="utf-8")
            differences += hold(options.tokenize, family.__name__, str(file), texts, str(lines))
        for file in options.tokenizer:
            differences += hold(options.tokenize, file, file, texts, str(lines))
    return differences > 0


if __name__ == "__main__":
    sys.exit(main())
