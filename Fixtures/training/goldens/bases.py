"""The tiny bases: members of the LLaMA family that differ in what a reader may get wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from generator.noise import noise
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
)

VOCABULARY = 97

_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
    "rms_norm_eps": 1e-5,
}


@dataclass(frozen=True)
class Base:
    """One base. `older` writes its config as transformers 4 did: `rope_theta` and `rope_scaling` by themselves."""

    model: type
    config: type
    settings: dict[str, Any] = field(default_factory=dict)
    older: bool = False
    shape: dict[str, Any] = field(default_factory=lambda: _SHAPE)


_ENCODER = {
    "vocab_size": VOCABULARY,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}
_DISTILLED = {"vocab_size": VOCABULARY, "dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 40, "max_position_embeddings": 40}
_GPT2 = {"vocab_size": VOCABULARY, "n_embd": 24, "n_layer": 2, "n_head": 3, "n_positions": 40, "bos_token_id": 1, "eos_token_id": 2}
_ROBERTA = {"layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}

BASES = {
    "llama": Base(LlamaForCausalLM, LlamaConfig, older=True),
    "llama-tied": Base(LlamaForCausalLM, LlamaConfig, {"tie_word_embeddings": True}),
    "qwen2": Base(
        Qwen2ForCausalLM,
        Qwen2Config,
        {"tie_word_embeddings": True, "rms_norm_eps": 1e-6, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
    ),
    # Of the four frequencies one is kept, one lies between the bands, two are divided by the factor.
    "llama3-rope": Base(
        LlamaForCausalLM,
        LlamaConfig,
        {
            "max_position_embeddings": 1024,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 128,
            },
        },
        older=True,
    ),
    "linear-rope": Base(
        LlamaForCausalLM,
        LlamaConfig,
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5}},
    ),
    # Heads wider than hidden size over heads, and a window that all rows outgrow.
    "mistral": Base(MistralForCausalLM, MistralConfig, {"head_dim": 12, "sliding_window": 5}, older=True),
    "bert-classes": Base(BertForSequenceClassification, BertConfig, {"num_labels": 3}, shape=_ENCODER),
    "bert-tokens": Base(BertForTokenClassification, BertConfig, {"num_labels": 4, "hidden_act": "gelu_new"}, shape=_ENCODER),
    "bert-masked": Base(BertForMaskedLM, BertConfig, shape=_ENCODER),
    "roberta-value": Base(RobertaForSequenceClassification, RobertaConfig, {**_ROBERTA, "num_labels": 1}, shape=_ENCODER),
    "roberta-masked": Base(RobertaForMaskedLM, RobertaConfig, _ROBERTA, shape=_ENCODER),
    "distilbert-classes": Base(DistilBertForSequenceClassification, DistilBertConfig, {"num_labels": 3}, shape=_DISTILLED),
    "distilbert-masked": Base(DistilBertForMaskedLM, DistilBertConfig, shape=_DISTILLED),
    "gpt2": Base(GPT2LMHeadModel, GPT2Config, shape=_GPT2),
    "gpt2-classes": Base(GPT2ForSequenceClassification, GPT2Config, {"num_labels": 3, "pad_token_id": 0}, shape=_GPT2),
}

# Whose heads others may get; no case begins with them.
HEADS = {
    "llama-classes": Base(LlamaForSequenceClassification, LlamaConfig, {"num_labels": 3}),
    "roberta-classes": Base(RobertaForSequenceClassification, RobertaConfig, {"num_labels": 3}),
}

_NORMS = ("norm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight")


def fill(model: torch.nn.Module, label: str) -> None:
    """Gives every weight a seeded value; biases and norms are not left at their neutral ones."""
    for name, weight in model.named_parameters():
        values = noise(f"training {label} {name}", tuple(weight.shape))
        if weight.dim() > 1:
            values = values / weight.shape[-1] ** 0.5
        else:
            values = 0.1 * values + (1.0 if name.lower().endswith(_NORMS) else 0.0)
        weight.data.copy_(values)


def _as_older(path: Path) -> None:
    """Rewrites a config as transformers 4 wrote it."""
    config = json.loads(path.read_text(encoding="utf-8"))
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_base(name: str, out: Path) -> None:
    """Writes `bases/<name>/` (config.json, model.safetensors in fp32)."""
    base = BASES[name]
    model = base.model(base.config(**{**base.shape, **base.settings}))
    fill(model, name)
    folder = out / "bases" / name
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if base.older:
        _as_older(folder / "config.json")


def load_base(name: str, out: Path, like: str | None = None) -> PreTrainedModel:
    """The base in fp32, read from its folder, under its neutral name; with a head `like` that of another base."""
    base = (BASES | HEADS)[like or name]
    load: Callable[..., PreTrainedModel] = base.model.from_pretrained
    labels = {"num_labels": base.settings["num_labels"], "ignore_mismatched_sizes": True} if like else {}
    model = load(out / "bases" / name, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True, **labels)
    model.name_or_path = f"tenon/training-{name}"
    model.config._name_or_path = model.name_or_path
    if hasattr(model.config, "use_cache"):
        model.config.use_cache = False
    return model
