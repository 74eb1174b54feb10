#!/usr/bin/env python3
"""Holds `tenon plan` against transformers and PEFT: parameters of models, and what each method trains in them.

Models of `Fixtures/plan` are built without memory, and their parameters counted; small ones of every family are built,
wrapped with PEFT for every method that it knows, and what can be trained is counted. Run it with the interpreter of
`Scripts/peers-venv`:

    plan_counts.py [--tenon .build/release/tenon]
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification

PLANS = Path(__file__).resolve().parent.parent.parent / "Fixtures" / "plan"
# Their code is not part of transformers; tests hold them against the numbers that their makers print.
FOREIGN = {"chatglm"}

# `model_type` and sizes of a small model of each family and layout.
SMALL: dict[str, dict] = {
    "llama": dict(
        model_type="llama", hidden_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=96, vocab_size=112, attention_bias=True, mlp_bias=True,
    ),
    "llama-tied": dict(
        model_type="llama", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, head_dim=32,
        intermediate_size=96, vocab_size=112, tie_word_embeddings=True,
    ),
    "mistral": dict(
        model_type="mistral", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1,
        head_dim=16, intermediate_size=96, vocab_size=112, sliding_window=None,
    ),
    "qwen2": dict(
        model_type="qwen2", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=96, vocab_size=112, use_sliding_window=True, sliding_window=16, max_window_layers=1,
    ),
    "gpt2": dict(model_type="gpt2", n_embd=64, n_layer=3, n_head=4, n_positions=48, vocab_size=112),
    "gpt2-inner": dict(model_type="gpt2", n_embd=64, n_layer=2, n_head=4, n_positions=48, n_inner=80, vocab_size=112),
    "bert": dict(
        model_type="bert", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=48, type_vocab_size=2, vocab_size=112,
    ),
    "roberta": dict(
        model_type="roberta", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=50, type_vocab_size=1, vocab_size=112,
    ),
    "t5": dict(
        model_type="t5", d_model=64, d_ff=96, d_kv=16, num_layers=2, num_heads=4, vocab_size=112,
        relative_attention_num_buckets=8, decoder_start_token_id=0,
    ),
    "t5-gated": dict(
        model_type="t5", d_model=64, d_ff=96, d_kv=16, num_layers=2, num_decoder_layers=2, num_heads=4, vocab_size=112,
        relative_attention_num_buckets=8, feed_forward_proj="gated-gelu", decoder_start_token_id=0,
    ),
    "mt5": dict(
        model_type="mt5", d_model=64, d_ff=96, d_kv=16, num_layers=2, num_heads=4, vocab_size=112,
        relative_attention_num_buckets=8, decoder_start_token_id=0,
    ),
    "bloom": dict(model_type="bloom", hidden_size=64, n_layer=2, n_head=4, vocab_size=112),
    "falcon": dict(
        model_type="falcon", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=112, multi_query=True,
    ),
    "falcon-new": dict(
        model_type="falcon", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2, vocab_size=112,
        new_decoder_architecture=True, ffn_hidden_size=160,
    ),
    "falcon-rw": dict(
        model_type="falcon", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=112,
        multi_query=False, parallel_attn=False, alibi=True, bias=True,
    ),
    "deberta": dict(
        model_type="deberta-v2", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=48, type_vocab_size=2, vocab_size=112, relative_attention=True, position_buckets=8,
        norm_rel_ebd="layer_norm", share_att_key=False, pos_att_type="p2c|c2p", position_biased_input=True,
        embedding_size=32,
    ),
    "deberta-conv": dict(
        model_type="deberta-v2", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=48, type_vocab_size=0, vocab_size=112, relative_attention=True, position_buckets=-1,
        max_relative_positions=-1, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
        position_biased_input=False, conv_kernel_size=3, conv_groups=2,
    ),
}

VIRTUAL = dict(num_virtual_tokens=6)
# The word of the method, PEFT's config, and the same for `tenon plan`.
CASES: list[tuple[str, type, dict, list[str]]] = [
    ("lora", peft.LoraConfig, dict(r=5), ["--rank", "5"]),
    ("lora", peft.LoraConfig, dict(target_modules="all-linear"), ["--target-modules", "all-linear"]),
    ("lora", peft.LoraConfig, dict(bias="all"), ["--bias", "all"]),
    ("lora", peft.LoraConfig, dict(bias="lora_only"), ["--bias", "lora_only"]),
    ("lora", peft.LoraConfig, dict(layers_to_transform=[1]), ["--set", "layers_to_transform=[1]"]),
    ("dora", peft.LoraConfig, dict(use_dora=True), []),
    ("rslora", peft.LoraConfig, dict(use_rslora=True), []),
    ("adalora", peft.AdaLoraConfig, dict(init_r=7, target_r=3, total_step=100), ["--rank", "7"]),
    ("vera", peft.VeraConfig, dict(r=9), ["--rank", "9"]),
    ("loha", peft.LoHaConfig, dict(r=3), ["--rank", "3"]),
    ("lokr", peft.LoKrConfig, dict(r=3), ["--rank", "3"]),
    ("lokr", peft.LoKrConfig, dict(r=2, decompose_both=True), ["--rank", "2", "--set", "decompose_both=true"]),
    ("lokr", peft.LoKrConfig, dict(r=2, decompose_factor=4), ["--rank", "2", "--set", "decompose_factor=4"]),
    ("oft", peft.OFTConfig, dict(), []),
    ("oft", peft.OFTConfig, dict(oft_block_size=10), ["--set", "oft_block_size=10"]),
    ("oft", peft.OFTConfig, dict(r=4, oft_block_size=0), ["--set", "r=4", "--set", "oft_block_size=0"]),
    ("oft", peft.OFTConfig, dict(block_share=True), ["--set", "block_share=true"]),
    ("boft", peft.BOFTConfig, dict(), []),
    ("boft", peft.BOFTConfig, dict(boft_block_size=0, boft_block_num=8),
     ["--set", "boft_block_size=0", "--set", "boft_block_num=8"]),
    ("hra", peft.HRAConfig, dict(r=4), ["--rank", "4"]),
    ("ia3", peft.IA3Config, dict(), []),
    ("fourierft", peft.FourierFTConfig, dict(n_frequency=50), ["--set", "n_frequency=50"]),
    ("shira", peft.ShiraConfig, dict(r=4), ["--rank", "4"]),
    ("vblora", peft.VBLoRAConfig, dict(num_vectors=7, vector_length=16),
     ["--set", "num_vectors=7", "--set", "vector_length=16"]),
    ("miss", peft.MissConfig, dict(r=8), ["--rank", "8"]),
    ("miss", peft.MissConfig, dict(r=8, init_weights="bat"), ["--rank", "8", "--set", 'init_weights="bat"']),
    ("randlora", peft.RandLoraConfig, dict(r=7), ["--rank", "7"]),
    ("ln-tuning", peft.LNTuningConfig, dict(), []),
    ("prefix-tuning", peft.PrefixTuningConfig, VIRTUAL, ["--virtual-tokens", "6"]),
    ("prefix-tuning", peft.PrefixTuningConfig, dict(VIRTUAL, prefix_projection=True, encoder_hidden_size=24),
     ["--virtual-tokens", "6", "--set", "prefix_projection=true", "--set", "encoder_hidden_size=24"]),
    ("prompt-tuning", peft.PromptTuningConfig, VIRTUAL, ["--virtual-tokens", "6"]),
    ("p-tuning", peft.PromptEncoderConfig, dict(VIRTUAL, encoder_hidden_size=24),
     ["--virtual-tokens", "6", "--set", "encoder_hidden_size=24"]),
    ("p-tuning", peft.PromptEncoderConfig, dict(VIRTUAL, encoder_reparameterization_type="LSTM"),
     ["--virtual-tokens", "6", "--set", 'encoder_reparameterization_type="LSTM"']),
    ("multitask-prompt-tuning", peft.MultitaskPromptTuningConfig, dict(VIRTUAL, num_tasks=3, num_ranks=2),
     ["--virtual-tokens", "6", "--set", "num_tasks=3", "--set", "num_ranks=2"]),
    ("adaption-prompt", peft.AdaptionPromptConfig, dict(adapter_len=5, adapter_layers=2),
     ["--virtual-tokens", "5", "--set", "adapter_layers=2"]),
]
PROMPTS = {"prompt-tuning", "p-tuning", "multitask-prompt-tuning"}
# What PEFT says where it has no targets for a type of model, or a method cannot adapt its layers.
UNKNOWN = ("Please specify `target_modules`", "Unsupported model type", "not supported")
SEQ2SEQ = {"t5", "mt5"}
DECODERS = {"llama", "mistral", "qwen2", "gpt2", "bloom", "falcon"}


def model_of(config: transformers.PretrainedConfig, head: str | None = None) -> torch.nn.Module:
    """The model that `tenon plan` counts."""
    if head == "sequence-classification":
        return AutoModelForSequenceClassification.from_config(config)
    if config.model_type in SEQ2SEQ:
        return transformers.AutoModelForSeq2SeqLM.from_config(config)
    if config.model_type in DECODERS:
        return AutoModelForCausalLM.from_config(config)
    if config.model_type == "roberta":
        return transformers.RobertaModel(config, add_pooling_layer=False)
    return AutoModel.from_config(config)


def config_of(values: dict) -> transformers.PretrainedConfig:
    """The config of transformers with these values."""
    return AutoConfig.for_model(**values)


def tie_of(values: dict, config: transformers.PretrainedConfig) -> int:
    """What a head has of its own in checkpoints where transformers ties it whatever the config says."""
    if values["model_type"] in SEQ2SEQ and values.get("tie_word_embeddings") is False:
        return config.vocab_size * config.d_model
    return 0


class Tool:
    """`tenon plan` for a config."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def plan(self, config: Path, *arguments: str) -> dict:
        run = subprocess.run(
            [self.path, "plan", "--config", config, "--json", *arguments], stdout=subprocess.PIPE, text=True
        )
        return json.loads(run.stdout)


def large(tool: Tool) -> int:
    """Models of `Fixtures/plan`, built without memory. Returns how many were compared."""
    count = 0
    for path in sorted(PLANS.glob("*.json")):
        values = json.loads(path.read_text())
        if values["model_type"] in FOREIGN:
            continue
        config = config_of(values)
        with torch.device("meta"):
            model = model_of(config)
        expected = model.num_parameters() + tie_of(values, config)
        found = tool.plan(path).get("baseParameters")
        if found != expected:
            sys.exit(f"{path.stem}: transformers has {expected} parameters, tenon {found}")
        count += 1
    return count


def trained(values: dict, method: type, options: dict, head: str | None) -> int | None:
    """What PEFT trains; None where it has no such adapter."""
    model_type = values["model_type"]
    task = "SEQ_2_SEQ_LM" if model_type in SEQ2SEQ else "CAUSAL_LM" if model_type in DECODERS else "FEATURE_EXTRACTION"
    config = method(task_type="SEQ_CLS" if head else task, **options)
    try:
        model = peft.get_peft_model(model_of(config_of(values), head), config)
    except (NotImplementedError, TypeError, ValueError, KeyError) as error:
        if any(words in str(error) for words in UNKNOWN):
            return None
        raise
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def small(tool: Tool, folder: Path) -> tuple[int, int]:
    """Small models with every method. Returns how many pairs were compared, and how many PEFT has no adapter for."""
    compared = skipped = 0
    for name, values in SMALL.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(values))
        bare = model_of(config_of(values)).num_parameters()
        for head in [None] if values["model_type"] in SEQ2SEQ else [None, "sequence-classification"]:
            heads = ["--head", head] if head else []
            base = tool.plan(path, *heads).get("baseParameters")
            expected = model_of(config_of(values), head).num_parameters() if head else bare
            if base != expected:
                sys.exit(f"{name} {head}: transformers has {expected} parameters, tenon {base}")
            for word, method, options, arguments in CASES:
                if head and word not in {"lora", "ia3", "prompt-tuning", "prefix-tuning"}:
                    continue
                # Keys of one head, where PEFT's prefix is as wide as all heads and does not fit.
                if word == "prefix-tuning" and values["model_type"] == "falcon":
                    continue
                more = ["--set", "num_transformer_submodules=2"]
                both = more if values["model_type"] in SEQ2SEQ and word in PROMPTS else []
                expected = trained(values, method, options, head)
                if expected is None:
                    skipped += 1
                    continue
                answer = tool.plan(path, "--method", word, *heads, *arguments, *both)
                if answer.get("trainableParameters") != expected:
                    found = answer.get("trainableParameters") or answer.get("error")
                    sys.exit(f"{name} {head} {word} {options}: PEFT trains {expected} parameters, tenon {found}")
                compared += 1
    return compared, skipped


def main() -> None:
    """Compare, and say how much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon", type=Path, default=Path(".build/release/tenon"))
    tool = Tool(parser.parse_args().tenon.resolve())
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    transformers.utils.logging.set_verbosity_error()
    models = large(tool)
    with tempfile.TemporaryDirectory() as folder:
        compared, skipped = small(tool, Path(folder))
    print(f"plan: {models} known models and {len(SMALL)} small ones as transformers counts them")
    print(f"plan: {compared} adapters as PEFT counts them ({skipped} that it has none for)")


if __name__ == "__main__":
    main()
