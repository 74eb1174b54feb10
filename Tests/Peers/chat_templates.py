#!/usr/bin/env python3
"""Hold the chat templates of the built binary against `transformers`: those built in, and those of public models.

    chat_templates.py TENON [--templates FOLDER]

A base has a tokenizer that transformers wrote, in which every byte is a token, so that other texts have other ids. The
binary trains one step on the conversations of `Scripts/make-chat-goldens`; the digest of its data, which the container keeps,
must be that of the ids (`Spec/data.md`) that `apply_chat_template` gives. With `--mask-prompt` labels show what a template
writes before an answer. Conversations that a template refuses must be those that it refuses in transformers, whose clock
is taken away, as data must not depend on the day.

The templates of public models are `*.jinja` in FOLDER. They are not part of this repository: without FOLDER they are
those of a package that `Scripts/peers-venv Tests/Peers/templates.txt` installs, and where it cannot be had a line SKIPPED says
why. A template that uses what Spec/data.md does not list is named, and does not count. Run it with the interpreter that
`Scripts/peers-venv` prints.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Spec"))

from reader import read  # noqa: E402

BUILT_IN = ROOT / "Fixtures" / "chat-templates" / "builtin"
LENGTH = 32_768
IGNORED = -100
#: Templates of public models that must be the same.
WANTED = 10
#: What trainers change in a template, so that it is no longer its maker's.
CHANGED = "_training"

Row = tuple[list[int], list[int]]


class Unsupported(Exception):
    """The binary does not know a part of the template; the message says which."""


def goldens():
    """The script that makes the goldens, as a module."""
    loader = SourceFileLoader("goldens", str(ROOT / "Scripts" / "make-chat-goldens"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("goldens", loader))
    loader.exec_module(module)
    return module


def take_clock_away() -> None:
    """Has templates find no `strftime_now`."""
    compiled = chat_template_utils._cached_compile_jinja_template

    def without(source: str):
        template = compiled(source)
        template.environment.globals.pop("strftime_now", None)
        return template

    chat_template_utils._cached_compile_jinja_template = without


def write_base(folder: Path, special_tokens: dict[str, str]) -> PreTrainedTokenizerFast:
    """A small model and its tokenizer, whose tokens are bytes and the special tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special_tokens)
    fast.save_pretrained(folder)
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
    config = LlamaConfig(**shape, intermediate_size=8, vocab_size=len(fast), max_position_embeddings=LENGTH)
    LlamaForCausalLM(config).save_pretrained(folder)
    return fast


def ids(tokenizer: PreTrainedTokenizerFast, source: str, messages: list[dict], **settings: object) -> list[int] | None:
    """What transformers makes of a conversation; none where the template fails."""
    try:
        # One of several, since a conversation alone may not be empty.
        return tokenizer.apply_chat_template([messages], chat_template=source, return_dict=False, **settings)[0]
    except Exception:  # whatever a template raises is its refusal
        return None


def row(tokenizer: PreTrainedTokenizerFast, source: str, conversation: dict, is_masked: bool) -> Row | None:
    """Ids and labels as `Spec/data.md` has them; none for a conversation that cannot be used."""
    messages, tools = conversation["messages"], conversation.get("tools")
    whole = ids(tokenizer, source, messages, tools=tools)
    if not whole:
        return None
    labels = list(whole)
    if is_masked:
        if messages[-1]["role"] != "assistant":
            return None
        prompt = ids(tokenizer, source, messages[:-1], tools=tools, add_generation_prompt=True)
        if prompt is None:
            return None
        for place, (asked, found) in enumerate(zip(prompt, whole, strict=False)):
            if asked != found:
                break
            labels[place] = IGNORED
    return whole, labels


def digest(rows: list[Row]) -> str:
    """Of data, as `Spec/data.md` has it."""
    found = hashlib.sha256(b"tenon/data/1\0" + struct.pack("<Q", len(rows)))
    for whole, labels in rows:
        found.update(struct.pack(f"<I{2 * len(whole)}i", len(whole), *whole, *labels))
    return found.hexdigest()


def told(command: list[object]) -> dict:
    """What the binary answers in JSON, its failure too."""
    result = subprocess.run(list(map(str, [*command, "--json", "--quiet"])), capture_output=True, text=True, timeout=60)
    try:
        return json.loads(result.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"chat_templates: {command[1]} exited {result.returncode}: {result.stderr.strip()}") from None


def trained_digest(tenon: Path, base: Path, conversations: list[dict], words: list[str], work: Path) -> str | None:
    """Of the data that the binary trained on; none where it could use no conversation."""
    data, container = work / "train.jsonl", work / "x.tenon"
    lines = ({key: line[key] for key in ("messages", "tools") if key in line} for line in conversations)
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")
    command = [tenon, "train", "--base", base, "--data", data, "-o", container, "--force", "--iters", 1]
    command += ["--batch-size", 1, "--rank", 1, "--max-seq-length", LENGTH, *words]
    answer = told(command)
    if error := answer.get("error"):
        if error["code"] == "data-empty":
            return None
        if error["code"] == "template-unsupported":
            raise Unsupported(error["message"])
        raise SystemExit(f"chat_templates: {error['message']}")
    return json.loads(read(container).listing()["metadata"]["training"])["dataDigest"]


def differing(
    tokenizer: PreTrainedTokenizerFast, source: str, conversations: list[dict], train: Callable[..., str | None]
) -> list[str]:
    """The conversations of which the two make other rows; first asked of all at once."""
    found = []
    for is_masked in (False, True):
        rows = [row(tokenizer, source, conversation, is_masked) for conversation in conversations]
        words = ["--mask-prompt"] if is_masked else []
        used = [one for one in rows if one]
        if train(conversations, words) == (digest(used) if used else None):
            continue
        for number, (conversation, one) in enumerate(zip(conversations, rows, strict=True)):
            if train([conversation], words) != (digest([one]) if one else None):
                found.append(f"{number}{' masked' if is_masked else ''}")
    return found


def packaged_templates() -> Path:
    """The folder of templates in the package; exits the caller's try with `LookupError` where it cannot be had."""
    command = [ROOT / "Scripts" / "peers-venv", ROOT / "Tests" / "Peers" / "templates.txt"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        raise LookupError((made.stderr.strip().splitlines() or ["no package"])[-1])
    folders = sorted(Path(made.stdout.strip()).parent.parent.glob("lib/python*/site-packages/trl/chat_templates"))
    if not folders:
        raise LookupError("the package has no templates")
    return folders[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tenon", type=Path)
    parser.add_argument("--templates", type=Path)
    options = parser.parse_args()
    tenon, script = options.tenon.resolve(), goldens()
    take_clock_away()
    conversations = script.CONVERSATIONS
    failed, same, unknown = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="tenon-peers-") as temporary:
        work = Path(temporary)
        base = work / "base"
        tokenizer = write_base(base, script.SPECIAL_TOKENS)

        def check(source: str, words: list[str]) -> list[str]:
            def train(lines: list[dict], more: list[str]) -> str | None:
                return trained_digest(tenon, base, lines, [*words, *more], work)

            return differing(tokenizer, source, conversations, train)

        for path in sorted(BUILT_IN.glob("*.jinja")):
            if wrong := check(path.read_text(encoding="utf-8"), ["--chat-template", path.stem]):
                failed += 1
                print(f"failed built-in {path.stem}: conversations {', '.join(wrong)}")
        try:
            folder = options.templates or packaged_templates()
        except LookupError as error:
            print(f"SKIPPED templates of public models: {error}")
            folder = None
        for path in sorted(folder.glob("*.jinja")) if folder else []:
            if path.stem.endswith(CHANGED):
                continue
            source = path.read_text(encoding="utf-8")
            (base / "chat_template.jinja").write_text(source, encoding="utf-8")
            try:
                wrong = check(source, [])
            except Unsupported as error:
                unknown += 1
                print(f"unknown {path.stem}: {error}")
                continue
            failed += bool(wrong)
            same += not wrong
            print(f"failed {path.stem}: conversations {', '.join(wrong)}" if wrong else f"same {path.stem}")
    if folder and same < WANTED:
        failed += 1
        print(f"failed: {same} templates of public models are the same, which should be {WANTED}")
    print(f"chat templates: {same} of public models the same, {unknown} use what is not known, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
