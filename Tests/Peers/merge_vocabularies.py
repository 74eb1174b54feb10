#!/usr/bin/env python3
"""Holds what `Spec/merge.md` says of vocabularies, or the built `tenon`, against mergekit: rows of embeddings by
token.

mergekit numbers the tokens that a union adds in the order of a hash table, so its rows are looked up by its own
tokenizer. Run it with the interpreter of `Scripts/peers-venv Benchmarks/mergekit.txt`:

    merge_vocabularies.py [--tenon .build/release/tenon]
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from merge_recipes import EMBEDDING, HEAD, HIDDEN, models, write  # noqa: E402
from merge_runs import TOLERANCE, lines, run  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import AddedToken, Tokenizer  # noqa: E402
from tokenizers.models import BPE  # noqa: E402

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


def check(folder: Path, name: str, binary: Path | None) -> tuple[str, str, list[str]]:
    """The largest difference of rows by token, what the folder says, and what is wrong."""
    text = HEADER + RECIPES[name]
    recipe, out = yaml.safe_load(text), run(folder, name, text, binary)
    written = {key: value for file in out.glob("*.safetensors") for key, value in load_file(file).items()}
    ids = Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab()
    tokens, wrong, worst = vocabulary(recipe), [], 0.0
    if ids.keys() != set(tokens):
        wrong.append(f"other tokens: {sorted(ids.keys() ^ set(tokens))}")
    if binary and sorted(ids, key=ids.__getitem__) != tokens:
        wrong.append("other ids")
    for key in (EMBEDDING, HEAD):
        found, wanted = written[key].double().numpy(), merged(recipe, key)
        if found.shape != wanted.shape:
            wrong.append(f"{key} has {found.shape[0]} rows instead of {wanted.shape[0]}")
            continue
        order = [ids[token] for token in tokens] + list(range(len(tokens), len(wanted)))
        worst = max(worst, float(np.abs(found[order] - wanted).max()))
    size = json.loads((out / "config.json").read_text())["vocab_size"]
    if size != len(merged(recipe, EMBEDDING)):
        wrong.append(f"vocab_size {size}")
    if not worst <= TOLERANCE:
        wrong.append(f"differs by {worst:.1e}")
    return f"{worst:.1e}", f"{len(tokens)} tokens, vocab_size {size}", wrong


if __name__ == "__main__":
    sys.exit(lines(__doc__, "largest difference", RECIPES, write_sources, check))
