#!/usr/bin/env python3
"""Makes `cases.json`: keys as `alpha_pattern` has them, random ones among them, and which paths Python's `re` finds.

A record is a pattern and the numbers of the paths that match, or null where it is no regular expression. Patterns with
what is refused on purpose (back references, looking around, flags, possessive repetition) have `"refused"`.
"""

import json
import random
import re
import sys
import warnings
from pathlib import Path

PATHS = [
    "", "a", "b", "ab", "aab", "a.b", "b.a", "aa.bb", "a.a.a", "ab\n", "a\n", "a_1", "1", "12.a", "é", "a.é", "x-y", "a b",
    "model.layers.0.self_attn.q_proj", "model.layers.11.self_attn.o_proj", "model.layers.1.mlp.down_proj", "h.0.attn.c_attn",
    "block.٣.a", "a]b", "a{1}"]
FIXED = [
    "", "q_proj", "proj", "layers.1.mlp.down_proj", r"layers\.\d+\..*o_proj", "^model.layers", "^model.*q_proj", "(a+)+$",
    "(a|aa)+$", "(a*)*b", "a)|(b", "a|b", "^a|b$", "[a-b]", "[^a]", "[]a]+", "[^]]", "[a-]", "[-a]", r"[\w.]+",
    r"[\d-]+", "[a", "[b-a]", r"[\w-a]", "(", ")", "(a", "a)", "()", "(?:a|b)+", "(?P<x>a)b", "(?P<1>a)", "*", "a**", "a*?",
    "a+?b", "a??", "a{2}", "a{2,}", "a{,2}", "a{,}", "a{}", "a{x}", "a{2", "a{2,1}", "a{2}{3}", "{1}", "{", "a{1}", r"a\{1\}", "^*",
    "$*", "(^)*a", r"\b*", r"\ba\b", r"\Ba", r"a\Z", r"\Aa", r"a\.b", r"\q", "\\", r"\d", r"\D", r"\W", r"\S+", r"\s", "é", "[é]", ".",
    "a.b", "a$", "a\n", r"a\n", "a$b", "|", "a||b", "(|a)+", "(a|)*b", "(a{0}){3}b", "a{0}", "(?:(?:a?){8}){8}"]
REFUSED = [r"(a)\1", "(?=a)a", "(?<!a)b", "(?i)a", "a*+", "(?>a)", "a{9000}", "((a{90}){90}){90}", r"\x61", "(" * 80 + ")" * 80]
ATOMS = ["a", "b", "1", "_", ".", r"\.", r"\d", r"\w", "[ab]", "[^a.]", "[0-9a-b]", "é", r"\b", "^", "$", "-", " "]


def piece(dice, depth):
    """A random expression."""
    if depth == 0 or dice.random() < 0.4:
        atom = dice.choice(ATOMS)
    else:
        inner = "|".join(piece(dice, depth - 1) for _ in range(dice.randint(1, 3)))
        atom = dice.choice(["(%s)", "(?:%s)", "%s%s"]).replace("%s%s", f"{inner}{piece(dice, depth - 1)}").replace("%s", inner)
    return atom + dice.choice(["", "", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{,2}"])


def found(pattern):
    """The numbers of the paths that match; None where Python refuses the pattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(rf"(.*\.)?({pattern})$")
    except re.error:
        return None
    return [n for n, path in enumerate(PATHS) if compiled.match(path)]


def main():
    dice = random.Random(7)
    patterns = FIXED + ["".join(piece(dice, 2) for _ in range(dice.randint(1, 3))) for _ in range(400)]
    patterns = [pattern for pattern in dict.fromkeys(patterns) if len(pattern) < 60 and not re.search(r"[*+?}]\+", pattern)]
    cases = [{"pattern": pattern, "matches": found(pattern)} for pattern in patterns]
    cases += [{"pattern": pattern, "refused": True} for pattern in REFUSED]
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = f'{{"paths": {json.dumps(PATHS)},\n"cases": [\n{lines}\n]}}\n'
    (Path(__file__).parent / "cases.json").write_text(text)
    print(f"{len(cases)} patterns, {sum(case.get('matches', 1) is None for case in cases)} are none")


if __name__ == "__main__":
    sys.exit(main())
