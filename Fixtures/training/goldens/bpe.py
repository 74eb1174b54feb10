"""Byte-level BPE as four families of models have it, trained on a tiny text, and the ids of many lines."""

import json
from pathlib import Path

from generator.noise import integers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from .lines import TEXT, lines

VOCABULARY = 480

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _REST
_LLAMA3 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _REST


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    bytes_alone = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated", invert=False), bytes_alone])


_SPLITTING = {
    "gpt2": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    "smollm": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    ),
    "qwen2": _split(_QWEN2),
    "llama3": _split(_LLAMA3),
}
_SPECIAL = {
    "gpt2": ["<|endoftext|>"],
    "smollm": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
}


def trained(name: str) -> Tokenizer:
    """A tokenizer with the parts of its family, trained on the text."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _SPLITTING[name]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    # After the vocabulary, as these families have them.
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _SPECIAL[name]])
    # One that is not special, and takes the white space before it.
    tokenizer.add_tokens([AddedToken("<tool>", special=False, lstrip=True, normalized=False)])
    if name == "llama3":
        begin = _SPECIAL[name][0]
        template = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def _member(key: str, rows: list) -> str:
    """A key with a list, each element on a line of its own."""
    return f'"{key}":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"


def write(out: Path) -> None:
    """Writes `bpe/<family>/tokenizer.json` and `bpe/expected.json`. Raises `ValueError` where the ids do not give the line
    back."""
    chosen = lines(integers)
    members = [_member("lines", chosen)]
    for name in _SPLITTING:
        tokenizer = trained(name)
        folder = out / name
        folder.mkdir(parents=True)
        tokenizer.save(str(folder / "tokenizer.json"))
        rows = [tokenizer.encode(line, add_special_tokens=True).ids for line in chosen]
        for line, ids in zip(chosen, rows, strict=True):
            plain = tokenizer.encode(line, add_special_tokens=False).ids
            text = tokenizer.decode(plain, skip_special_tokens=False)
            if name != "qwen2" and "<tool>" not in line and text != line:
                raise ValueError(f"{name}: {line!r} came back as {text!r}")
        members.append(_member(name, rows))
    (out / "expected.json").write_text("{" + ",\n".join(members) + "}\n", encoding="utf-8")
