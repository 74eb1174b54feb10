"""The cases of LoRA and its variants."""

import torch

from .case import Case

ATTENTION = ["q_proj", "v_proj"]
EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
GPT2 = ["c_attn", "c_proj", "c_fc"]
T5 = ["q", "v", "wi", "wo"]


def lora(name: str, base: str = "llama", **settings) -> Case:
    """A LoRA case whose rank and alpha differ from PEFT's defaults and from each other."""
    options = {key: settings.pop(key) for key in tuple(settings) if key in Case.__dataclass_fields__}
    return Case(name, "LORA", base, {"r": 4, "lora_alpha": 6, "target_modules": ATTENTION, **settings}, **options)


LORA_CASES = [
    lora("lora-llama", target_modules="all-linear"),
    lora("lora-gpt2", "gpt2", target_modules=GPT2, fan_in_fan_out=True),
    lora("lora-bert", "bert", target_modules=["query", "value", "dense"]),
    lora("lora-t5", "t5", target_modules=T5),
    lora("lora-conv1d-auto", "gpt2", target_modules=["c_attn"], r=3),
    lora("lora-rslora", use_rslora=True, lora_alpha=5),
    lora("lora-dora", use_dora=True, target_modules=EVERY),
    lora("lora-dora-rslora", use_dora=True, use_rslora=True),
    lora("lora-dora-gpt2", "gpt2", use_dora=True, target_modules=GPT2, fan_in_fan_out=True),
    lora("lora-dora-embedding", use_dora=True, target_modules=["embed_tokens", "q_proj"]),
    lora(
        "lora-patterns",
        target_modules=EVERY,
        rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 6, r"layers\.0\..*o_proj": 3},
        alpha_pattern={"q_proj": 7, "up_proj": 3},
    ),
    lora(
        "lora-patterns-rslora",
        use_rslora=True,
        rank_pattern={"^model.layers.1.self_attn.v_proj": 5},
        alpha_pattern={"v_proj": 9},
    ),
    lora("lora-embedding", target_modules=["embed_tokens", "q_proj"]),
    lora("lora-embedding-tied", "gpt2", target_modules=["wte", "c_attn"], fan_in_fan_out=True),
    lora("lora-head", target_modules=["lm_head", "q_proj"]),
    lora("lora-lora-bias", "gpt2", target_modules=GPT2, lora_bias=True, fan_in_fan_out=True),
    lora("lora-lora-bias-biasless", lora_bias=True),
    lora("lora-bias-all", "bert", target_modules=["query"], bias="all"),
    lora("lora-bias-only", "gpt2", target_modules=["c_attn", "c_fc"], bias="lora_only", fan_in_fan_out=True),
    lora("lora-modules-to-save", "bert-classifier", target_modules=["query", "value"]),
    lora("lora-modules-to-save-norm", target_modules=["q_proj"], modules_to_save=["lm_head", "norm"]),
    lora("lora-tokens", target_modules=["v_proj"], trainable_token_indices=[5, 17, 40]),
    lora(
        "lora-tokens-named",
        target_modules=["v_proj"],
        trainable_token_indices={"embed_tokens": [11, 3], "lm_head": [7]},
    ),
    lora("lora-tokens-tied", "gpt2", target_modules=["c_attn"], trainable_token_indices=[4, 9], fan_in_fan_out=True),
    lora(
        "lora-parameters", target_modules=["q_proj"], target_parameters=["mlp.gate_proj.weight", "mlp.down_proj.weight"]
    ),
    lora(
        "lora-parameters-experts",
        "mixtral",
        r=2,
        target_modules=["v_proj"],
        target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
    ),
    lora(
        "lora-parameters-transposed",
        "gpt-oss",
        r=2,
        target_modules=["v_proj"],
        target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
    ),
    lora("lora-replication", layer_replication=[[0, 2], [1, 2]]),
    lora("lora-layers", target_modules=EVERY, layers_to_transform=[1], layers_pattern="layers"),
    lora("lora-regex", target_modules=r".*\.layers\.\d+\.mlp\.(gate|up)_proj"),
    lora("lora-exclude", target_modules="all-linear", exclude_modules=["down_proj", "k_proj"]),
    lora("lora-bf16", target_modules=EVERY, dtype=torch.bfloat16),
    lora("lora-f16", target_modules=EVERY, dtype=torch.float16),
    lora("lora-untrained", untouched=True),
    lora("lora-gaussian", init_lora_weights="gaussian", untouched=True),
    lora("lora-orthogonal", init_lora_weights="orthogonal"),
    lora("lora-pissa", init_lora_weights="pissa", spread=0.02),
    lora("lora-olora", init_lora_weights="olora", spread=0.02),
    lora(
        "lora-ga",
        init_lora_weights="lora_ga",
        lora_ga_config={},
        spread=0.02,
        lossy="PEFT shifts the base when it initialises and does not do so again when it loads",
    ),
    lora("lora-mica", init_lora_weights="mica"),
    lora("lora-readme", extra_files=True),
    lora("lora-pickle", target_modules=EVERY, pickle=True),
    lora("lora-pickle-bf16", pickle=True, dtype=torch.bfloat16),
    lora("lora-dropout", lora_dropout=0.25, target_modules=["q_proj"]),
    lora("lora-alora", alora_invocation_tokens="base-tokens", target_modules=EVERY),
    lora("lora-qalora", use_qalora=True, qalora_group_size=8),
    lora("lora-kasa", kasa_config={}, target_modules=["q_proj"], understood=False),
    lora(
        "lora-bdlora",
        use_bdlora={"target_modules_bd_a": ["o_proj"], "target_modules_bd_b": ["q_proj"], "nblocks": 2},
        target_modules=["q_proj", "o_proj"],
        understood=False,
    ),
    lora("lora-monteclora", monteclora_config={}, target_modules=["q_proj"], understood=False),
    lora("lora-velora", velora_config={}, target_modules=["q_proj"], understood=False),
]
