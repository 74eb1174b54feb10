#!/usr/bin/env python3
"""Makes tokenizers to measure with, and measures the `tokenizers` package on one thread:

    tokenization_peer.py make FOLDER TEXT        trains one of each family on TEXT: FOLDER/<family>.json
    tokenization_peer.py time TOKENIZER LINES    prints bytes a second and tokens of LINES, one JSON text a line

The parts of each family are those of `Fixtures/tokenizers`. The package is asked in its fastest way: a batch without offsets.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "tokenizers"
FAMILIES = ["gpt2", "llama3", "bert", "llama2", "t5"]
SIZE = 8000


def trained(family: str, text: str) -> str:
    """A tokenizer with the parts of the family's fixture, but a vocabulary of 8,000 tokens of the text."""
    parts = json.loads((FIXTURES / family / "tokenizer.json").read_text(encoding="utf-8"))
    specials = [token["content"] for token in parts["added_tokens"]]
    by_bytes = [f"<0x{byte:02X}>" for byte in range(256)] if parts["model"].get("byte_fallback") else []
    tokenizer = Tokenizer.from_str(json.dumps(parts | {"added_tokens": []}))
    options = {"vocab_size": SIZE, "special_tokens": specials + by_bytes, "show_progress": False}
    if family == "t5":
        tokenizer.model = models.Unigram()
        trainer = trainers.UnigramTrainer(unk_token="<unk>", **options)
    elif family == "bert":
        trainer = trainers.WordPieceTrainer(**options)
    else:
        if by_bytes:
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
        alphabet = [] if by_bytes else pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(initial_alphabet=alphabet, **options)
    tokenizer.train_from_iterator(text.splitlines(), trainer)
    made = json.loads(tokenizer.to_str())
    ids = {token["content"]: token["id"] for token in made["added_tokens"]}
    made["added_tokens"] = [token for token in made["added_tokens"] if token["content"] in specials]
    made["pre_tokenizer"] = parts["pre_tokenizer"]
    for name, token in (made["post_processor"].get("special_tokens") or {}).items():
        token["ids"] = [ids[name]]
    return json.dumps(made, ensure_ascii=False)


def seconds(tokenizer: Tokenizer, texts: list[str]) -> tuple[float, int]:
    """The quickest of three passes over the texts, and how many tokens they have."""
    best, count = float("inf"), 0
    for _ in range(3):
        start = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(texts)
        best = min(best, time.perf_counter() - start)
        count = sum(len(encoding.ids) for encoding in encodings)
    return best, count


def main() -> None:
    what, first, second = sys.argv[1:4]
    if what == "make":
        text = Path(second).read_text(encoding="utf-8")
        for family in FAMILIES:
            Path(first, f"{family}.json").write_text(trained(family, text), encoding="utf-8")
        return
    texts = [json.loads(line) for line in Path(second).read_text(encoding="utf-8").splitlines()]
    best, count = seconds(Tokenizer.from_file(first), texts)
    rate = sum(len(text.encode()) for text in texts) / best
    print(json.dumps({"bytesPerSecond": rate, "tokens": count}))


if __name__ == "__main__":
    main()
