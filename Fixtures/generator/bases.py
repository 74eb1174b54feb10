"""The tiny base checkpoints: four architectures, a classifier, and two mixtures of experts."""

import copy
import shutil
from dataclasses import dataclass, field

import torch
import transformers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    GptOssConfig,
    GptOssForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from . import BASES
from .noise import integers, noise

VOCABULARY = 48
BATCH = 2
LENGTH = 6

_TOKENS = {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
_LLAMA_SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
    "head_dim": 8,
    **_TOKENS,
}


@dataclass(frozen=True)
class Base:
    """One base checkpoint: how it is configured, and which task its adapters are for."""

    model: type
    config: type
    task: str | None
    settings: dict = field(default_factory=dict)


BASE_MODELS = {
    "llama": Base(LlamaForCausalLM, LlamaConfig, "CAUSAL_LM", {**_LLAMA_SHAPE, "intermediate_size": 64}),
    "gpt2": Base(
        GPT2LMHeadModel,
        GPT2Config,
        "CAUSAL_LM",
        {
            "n_embd": 32,
            "n_layer": 2,
            "n_head": 4,
            "n_positions": 32,
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            **_TOKENS,
        },
    ),
    "bert": Base(
        BertForMaskedLM,
        BertConfig,
        None,
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 32,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            **_TOKENS,
        },
    ),
    "t5": Base(
        T5ForConditionalGeneration,
        T5Config,
        "SEQ_2_SEQ_LM",
        {
            "vocab_size": VOCABULARY,
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 64,
            "num_layers": 2,
            "num_heads": 4,
            "dropout_rate": 0.0,
            "relative_attention_num_buckets": 8,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "decoder_start_token_id": 0,
        },
    ),
    "mixtral": Base(
        MixtralForCausalLM,
        MixtralConfig,
        "CAUSAL_LM",
        {**_LLAMA_SHAPE, "intermediate_size": 24, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    "gpt-oss": Base(
        GptOssForCausalLM,
        GptOssConfig,
        "CAUSAL_LM",
        {**_LLAMA_SHAPE, "intermediate_size": 24, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
}
BASE_MODELS["bert-classifier"] = Base(
    BertForSequenceClassification,
    BertConfig,
    "SEQ_CLS",
    {**BASE_MODELS["bert"].settings, "num_labels": 3},
)


def _fill(model: torch.nn.Module) -> None:
    """Gives every weight of a base a seeded value; biases and norms are not left at their neutral ones."""
    for name, weight in model.named_parameters():
        values = noise(f"base {name}", tuple(weight.shape))
        if weight.dim() > 1:
            values = values / weight.shape[-1] ** 0.5
        else:
            values = 0.1 * values + (1.0 if name.endswith("weight") else 0.0)
        weight.data.copy_(values)


def write_base(name: str) -> None:
    """Writes `bases/<name>/` (config.json, model.safetensors)."""
    base = BASE_MODELS[name]
    transformers.set_seed(0)
    model = base.model(base.config(**base.settings))
    _fill(model)
    folder = BASES / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


_loaded: dict[str, torch.nn.Module] = {}


def load_base(name: str) -> torch.nn.Module:
    """A fresh copy of the base in fp32, ready for evaluation, under its neutral name."""
    if name not in _loaded:
        model = BASE_MODELS[name].model.from_pretrained(
            BASES / name, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
        model.name_or_path = f"tenon/tiny-{name}"
        model.config._name_or_path = model.name_or_path
        _loaded[name] = model.eval()
    return copy.deepcopy(_loaded[name])


def batch(name: str) -> dict[str, torch.Tensor]:
    """The one batch every case of a base is run on; every position counts."""
    ids = integers(f"input {name}", (BATCH, LENGTH), 3, VOCABULARY)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if name == "bert-classifier":
        inputs["labels"] = torch.tensor([2, 0])
    elif name == "t5":
        inputs["labels"] = integers("labels t5", (BATCH, LENGTH), 3, VOCABULARY)
        inputs["decoder_input_ids"] = torch.nn.functional.pad(inputs["labels"][:, :-1], (1, 0))
    elif name == "bert":
        inputs["labels"] = integers("labels bert", (BATCH, LENGTH), 3, VOCABULARY)
    else:
        inputs["labels"] = ids.clone()
    return inputs
