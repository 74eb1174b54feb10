#!/usr/bin/env python3
"""Holds what `Spec/merge.md` says of vocabularies, or the built `tenon`, against mergekit: rows of embeddings by
token.

mergekit numbers the tokens that a union adds in the order of a hash table, so its rows are looked up by its own
tokenizer. Run it with the interpreter of `Scripts/peers-venv Benchmarks/mergekit.txt`:

    merge_vocabularies.py [--tenon .build/release/tenon]
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from merge_recipes import EMBEDDING, HEAD, HIDDEN, models, write  # noqa: E402
from mergekit.config import MergeConfiguration  # noqa: E402
from mergekit.merge import run_merge  # noqa: E402
from mergekit.options import MergeOptions  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import AddedToken, Tokenizer  # noqa: E402
from tokenizers.models import BPE  # noqa: E402

TOLERANCE = 1e-6
WEIGHTS = {"base": 0.5, "a": 0.3, "b": 0.9}
# Ordinary and added tokens by id; rows of the embeddings, of which some may belong to no token.
VOCABULARIES = {
    "base": (["p", "q", "r", "s"], ["<s>", "</s>"], 8),
    "a": (["q", "p", "t", "u", "r"], ["<s>", "<pad>"], 7),
    "b": (["s", "t", "v", "q"], ["</s>", "<mask>", "<s>"], 7),
}
HEADER = "merge_method: linear\nmodels:\n" + "".join(
    f"  - {{model: {name}, parameters: {{weight: {weight}}}}}\n" for name, weight in WEIGHTS.items()
)
RECIPES = {
    "union": "base_model: base\ntokenizer_source: union\n",
    "base": "base_model: base\ntokenizer_source: base\n",
    "model": "base_model: base\ntokenizer_source: b\n",
    "baseless": "tokenizer_source: a\n",
    "tokens": """base_model: base
tokenizer:
  source: union
  pad_to_multiple_of: 8
  tokens:
    <pad>: {source: {kind: zero}}
    t: {source: b, force: true}
    <new>: {source: {kind: model_token, model: a, token: u}}
    <mask>: {source: {kind: model_token, model: base, token_id: 2}}
""",
}


def sources() -> dict[str, dict[str, torch.Tensor]]:
    """The models with embeddings of as many rows as their vocabularies say."""
    random, made = torch.Generator().manual_seed(9), {}
    for name, (_, _, rows) in VOCABULARIES.items():
        made[name] = models()[name] | {key: torch.randn((rows, HIDDEN), generator=random) for key in (EMBEDDING, HEAD)}
    return made


def write_sources(folder: Path) -> None:
    """The models as checkpoints with tokenizers."""
    write(folder)
    for name, tensors in sources().items():
        ordinary, added, rows = VOCABULARIES[name]
        save_file(tensors, folder / name / "model.safetensors", {"format": "pt"})
        path = folder / name / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": rows}))
        tokenizer = Tokenizer(BPE({token: index for index, token in enumerate(ordinary)}, []))
        tokenizer.add_special_tokens([AddedToken(token, special=True) for token in added])
        tokenizer.save(str(folder / name / "tokenizer.json"))
        settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
        (folder / name / "tokenizer_config.json").write_text(json.dumps(settings))


def vocabulary(recipe: dict[str, Any]) -> list[str]:
    """The result's tokens by id."""
    given = recipe.get("tokenizer") or {}
    source, base = recipe.get("tokenizer_source") or given.get("source", "union"), recipe.get("base_model", "base")
    names = [item["model"] for item in recipe["models"]]
    first = base if source in ("base", "union") else source
    tokens = [token for part in VOCABULARIES[first][:2] for token in part]
    if source == "union":
        for part in (0, 1):
            for name in names:
                tokens += [token for token in VOCABULARIES[name][part] if token not in tokens]
    return tokens + [token for token in given.get("tokens", {}) if token not in tokens]


def rows(recipe: dict[str, Any], key: str) -> dict[str, np.ndarray]:
    """Each model's embedding by the result's vocabulary."""
    tokens, given = vocabulary(recipe), recipe.get("tokenizer") or {}
    settings, names = given.get("tokens", {}), [item["model"] for item in recipe["models"]]
    ids = {name: [token for part in VOCABULARIES[name][:2] for token in part] for name in names}
    tables = {name: sources()[name][key].double().numpy() for name in names}

    def own(name: str, token: str) -> np.ndarray:
        return tables[name][ids[name].index(token)]

    def default(token: str) -> np.ndarray:
        there = [name for name in names if token in ids[name]]
        if token in settings:
            source = settings[token]["source"]
            if not isinstance(source, dict):
                return own(source, token)
            if source["kind"] == "zero":
                return np.zeros(HIDDEN)
            name = source["model"]
            return own(name, source["token"]) if "token" in source else tables[name][source["token_id"]]
        if len(there) == 1 or recipe.get("base_model") in there:
            return own(there[0] if len(there) == 1 else recipe["base_model"], token)
        return np.mean([own(name, token) for name in there], axis=0) if there else np.zeros(HIDDEN)

    found, multiple = {}, given.get("pad_to_multiple_of", 1)
    for name in names:
        force = {token for token, setting in settings.items() if setting.get("force")}
        table = [own(name, t) if t in ids[name] and t not in force else default(t) for t in tokens]
        table += [np.mean(table, axis=0)] * (-len(tokens) % multiple)
        found[name] = np.array(table)
    return found


def merged(recipe: dict[str, Any], key: str) -> np.ndarray:
    """The weighted mean of all models."""
    tables = rows(recipe, key)
    return sum(WEIGHTS[name] * table for name, table in tables.items()) / sum(WEIGHTS.values())


def run(folder: Path, name: str, binary: Path | None) -> Path:
    """Merges; gives the folder made."""
    out = folder / f"{name}-{'tenon' if binary else 'mergekit'}"
    if binary:
        (folder / f"{name}.yml").write_text(HEADER + RECIPES[name])
        command = [str(binary), "merge", "--recipe", f"{name}.yml", "-o", str(out)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        if result.returncode:
            sys.exit(f"{name}: {result.stderr.strip()}")
        return out
    here = os.getcwd()
    os.chdir(folder)
    configuration = MergeConfiguration.model_validate(yaml.safe_load(HEADER + RECIPES[name]))
    run_merge(configuration, str(out), MergeOptions(quiet=True, write_model_card=False))
    os.chdir(here)
    return out


def check(folder: Path, name: str, binary: Path | None) -> tuple[float, str, list[str]]:
    """The largest difference of rows by token, what the folder says, and what is wrong."""
    recipe, out = yaml.safe_load(HEADER + RECIPES[name]), run(folder, name, binary)
    written = {key: value for file in out.glob("*.safetensors") for key, value in load_file(file).items()}
    ids = Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab()
    tokens, wrong, worst = vocabulary(recipe), [], 0.0
    if ids.keys() != set(tokens):
        wrong.append(f"{name}: other tokens: {sorted(ids.keys() ^ set(tokens))}")
    if binary and sorted(ids, key=ids.__getitem__) != tokens:
        wrong.append(f"{name}: other ids")
    for key in (EMBEDDING, HEAD):
        found, wanted = written[key].double().numpy(), merged(recipe, key)
        if found.shape != wanted.shape:
            wrong.append(f"{name}: {key} has {found.shape[0]} rows instead of {wanted.shape[0]}")
            continue
        order = [ids[token] for token in tokens] + list(range(len(tokens), len(wanted)))
        worst = max(worst, float(np.abs(found[order] - wanted).max()))
    size = json.loads((out / "config.json").read_text())["vocab_size"]
    if size != len(merged(recipe, EMBEDDING)):
        wrong.append(f"{name}: vocab_size {size}")
    return worst, f"{len(tokens)} tokens, vocab_size {size}", wrong


def main() -> int:
    """Prints a line for each recipe; fails where one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, help="the built binary, beside mergekit")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    binaries = [None, *([arguments.tenon.resolve()] if arguments.tenon else [])]
    failed = []
    print("| recipe | of | largest difference | beside |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        write_sources(Path(temporary))
        for name in RECIPES:
            for binary in binaries:
                worst, notes, wrong = check(Path(temporary), name, binary)
                print(f"| {name} | {'tenon' if binary else 'mergekit'} | {worst:.1e} | {notes} |")
                failed += wrong + ([] if worst <= TOLERANCE else [f"{name}: differs by {worst:.1e}"])
    for line in failed:
        print(f"failed {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
