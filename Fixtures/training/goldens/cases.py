"""What is trained, on which base, and the one batch that all see."""

from dataclasses import dataclass, field
from typing import Any

from generator.noise import integers

from .bases import BASES, VOCABULARY

STEPS = 5
BETAS = (0.9, 0.999)
EPSILON = 1e-8
WEIGHT_DECAY = 0.01

_LENGTHS = (11, 7, 14)
_IGNORED = -100


@dataclass(frozen=True)
class Case:
    """One golden.

    `trained` says what: `nothing` (the base alone), `adapter` (a PEFT config of `method` and `settings`), `beginning` (the
    same, from where PEFT begins), `encoder` (what makes the adapter, which alone is saved), `biases` or `everything` of the
    base. Gradients are written of the tensors whose names end in one of `recorded`, values after the steps of those that end
    in one of `followed`; of all where it is empty. `schedule` has settings that only training looks at.
    """

    name: str
    base: str = "llama"
    trained: str = "adapter"
    method: str = "LORA"
    settings: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 1e-2
    recorded: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What the base of the case is for."""
        return TASKS.get(self.base, "causal")


# Of the bases that are for something else than the next token.
TASKS = {
    "bert-classes": "classification",
    "bert-tokens": "token-classification",
    "bert-masked": "masked",
    "roberta-value": "regression",
    "roberta-masked": "masked",
    "distilbert-classes": "classification",
    "distilbert-masked": "masked",
    "gpt2-classes": "classification",
    "llama-classes": "classification",
    "roberta-classes": "classification",
}
PEFT_TASKS = {"causal": "CAUSAL_LM", "classification": "SEQ_CLS", "regression": "SEQ_CLS", "token-classification": "TOKEN_CLS"}

_QUERY_VALUE = ["q_proj", "v_proj"]
_ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_LLAMAS = ("llama", "llama-tied", "qwen2", "llama3-rope", "linear-rope", "mistral")
_RECORDED_OF_BASES = ("norm.weight", ".bias", "layers.0.self_attn.q_proj.weight", "layers.0.self_attn.k_proj.weight")

_BERT_IA3 = {"target_modules": ["key", "value", "output.dense"], "feedforward_modules": ["output.dense"]}
# A kind of tensor each.
_SOME = (
    "word_embeddings.weight",
    "token_type_embeddings.weight",
    "position_embeddings.weight",
    "orm.weight",
    ".bias",
    "layer.0.attention.self.key.weight",
    "layer.0.attention.k_lin.weight",
    "layer.1.ffn.lin2.weight",
    "layer.1.output.dense.weight",
    "pooler.dense.weight",
    "transform.dense.weight",
    "classifier.weight",
    "classifier.dense.weight",
    "wte.weight",
    "wpe.weight",
    "h.0.attn.c_attn.weight",
    "h.1.mlp.c_proj.weight",
)

_LISTED = [
    *(Case(f"base-{name}", name, "nothing", recorded=_RECORDED_OF_BASES) for name in BASES if name in _LLAMAS),
    Case("lora", settings={"r": 4, "lora_alpha": 8, "target_modules": _QUERY_VALUE}),
    Case("lora-all", settings={"r": 4, "lora_alpha": 12, "target_modules": _ALL}),
    Case("rslora", settings={"r": 4, "lora_alpha": 6, "target_modules": _QUERY_VALUE, "use_rslora": True}),
    Case("dora", settings={"r": 4, "lora_alpha": 8, "target_modules": [*_QUERY_VALUE, "down_proj"], "use_dora": True}),
    Case(
        "patterns",
        settings={
            "r": 4,
            "lora_alpha": 8,
            "target_modules": [*_QUERY_VALUE, "down_proj"],
            "rank_pattern": {"layers.1.self_attn.q_proj": 2, "down_proj": 3},
            "alpha_pattern": {"v_proj": 3, "layers.0.mlp.down_proj": 16},
        },
    ),
    Case("bias-lora-only", "qwen2", settings={"r": 4, "lora_alpha": 8, "target_modules": _QUERY_VALUE, "bias": "lora_only"}),
    Case("bias-all", "qwen2", settings={"r": 4, "lora_alpha": 8, "target_modules": _QUERY_VALUE, "bias": "all"}),
    Case(
        "ia3",
        method="IA3",
        settings={"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"]},
        learning_rate=5e-2,
    ),
    Case(
        "adalora",
        method="ADALORA",
        settings={"init_r": 4, "target_r": 2, "lora_alpha": 8, "target_modules": [*_QUERY_VALUE, "down_proj"]},
        schedule={"tinit": 1, "tfinal": 1, "deltaT": 1, "total_step": STEPS},
    ),
    Case(
        "shira",
        method="SHIRA",
        settings={"r": 3, "random_seed": 5, "target_modules": [*_QUERY_VALUE, "down_proj"]},
    ),
    Case("ln-tuning", "qwen2", method="LN_TUNING", settings={"target_modules": ["input_layernorm", "norm"]}),
    Case(
        "eva",
        trained="beginning",
        settings={
            "r": 4,
            "lora_alpha": 8,
            "target_modules": [*_QUERY_VALUE, "down_proj"],
            "init_lora_weights": "eva",
            "eva_config": {"rho": 1.0, "use_label_mask": False},
        },
    ),
    Case(
        "pissa",
        trained="beginning",
        settings={
            "r": 4,
            "lora_alpha": 6,
            "target_modules": [*_QUERY_VALUE, "down_proj"],
            "init_lora_weights": "pissa",
        },
    ),
    Case("prompt", method="PROMPT_TUNING", settings={"num_virtual_tokens": 4}, learning_rate=5e-2),
    Case("prefix", method="PREFIX_TUNING", settings={"num_virtual_tokens": 4}, learning_rate=5e-2),
    # Of the prefix too a token sees no more than the window has room for.
    Case("prefix-window", "mistral", method="PREFIX_TUNING", settings={"num_virtual_tokens": 4}, learning_rate=5e-2),
    Case(
        "prefix-encoder",
        trained="encoder",
        method="PREFIX_TUNING",
        settings={"num_virtual_tokens": 4, "prefix_projection": True, "encoder_hidden_size": 12},
    ),
    Case("adaption-prompt", method="ADAPTION_PROMPT", settings={"adapter_len": 3, "adapter_layers": 2}, learning_rate=5e-2),
    Case("adaption-last", method="ADAPTION_PROMPT", settings={"adapter_len": 4, "adapter_layers": 1}, learning_rate=5e-2),
    Case("bitfit", "qwen2", "biases"),
    Case("full", trained="everything", learning_rate=2e-3, followed=("norm.weight", "layers.0.self_attn.k_proj.weight")),
    # The gradient of a tied matrix is the sum of both its uses.
    Case(
        "full-tied",
        "llama-tied",
        "everything",
        learning_rate=2e-3,
        recorded=("embed_tokens.weight", "model.norm.weight"),
        followed=("embed_tokens.weight", "model.norm.weight"),
    ),
    Case("bert-lora", "bert-classes", settings={"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]}),
    # PEFT adapts the pooler too, whose name ends so.
    Case("bert-lora-dense", "bert-classes", settings={"r": 3, "lora_alpha": 8, "target_modules": ["key", "dense"]}),
    Case("bert-ia3", "bert-classes", method="IA3", settings=_BERT_IA3, learning_rate=5e-2),
    Case(
        "bert-dora", "bert-classes", settings={"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"], "use_dora": True}
    ),
    Case(
        "bert-adalora",
        "bert-classes",
        method="ADALORA",
        settings={"init_r": 4, "target_r": 2, "lora_alpha": 8, "target_modules": ["query", "value"]},
        schedule={"tinit": 1, "tfinal": 1, "deltaT": 1, "total_step": STEPS},
    ),
    Case("bert-shira", "bert-classes", method="SHIRA", settings={"r": 3, "random_seed": 5, "target_modules": ["query", "value"]}),
    Case("bert-ln-tuning", "bert-classes", method="LN_TUNING", settings={"target_modules": ["LayerNorm"]}),
    Case("bert-bitfit", "bert-classes", "biases"),
    Case("bert-full", "bert-classes", "everything", learning_rate=2e-3, recorded=_SOME, followed=_SOME),
    Case("bert-tokens-lora", "bert-tokens", settings={"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]}),
    Case("bert-masked-full", "bert-masked", "everything", learning_rate=2e-3, recorded=_SOME, followed=_SOME),
    Case("roberta-lora", "roberta-value", settings={"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]}),
    Case("roberta-bitfit", "roberta-value", "biases"),
    Case("roberta-full", "roberta-value", "everything", learning_rate=2e-3, recorded=_SOME, followed=_SOME),
    Case("roberta-masked-bitfit", "roberta-masked", "biases"),
    Case("distilbert-lora", "distilbert-classes", settings={"r": 4, "lora_alpha": 8, "target_modules": ["q_lin", "v_lin"]}),
    Case(
        "distilbert-ia3",
        "distilbert-classes",
        method="IA3",
        settings={"target_modules": ["k_lin", "v_lin", "ffn.lin2"], "feedforward_modules": ["ffn.lin2"]},
        learning_rate=5e-2,
    ),
    Case("distilbert-full", "distilbert-classes", "everything", learning_rate=2e-3, recorded=_SOME, followed=_SOME),
    Case("distilbert-masked-bitfit", "distilbert-masked", "biases"),
    Case("gpt2-lora", "gpt2", settings={"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"], "fan_in_fan_out": True}),
    Case(
        "gpt2-lora-all",
        "gpt2",
        settings={"r": 4, "lora_alpha": 8, "target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True},
    ),
    Case(
        "gpt2-dora",
        "gpt2",
        settings={"r": 4, "lora_alpha": 8, "target_modules": ["c_attn", "c_fc"], "use_dora": True, "fan_in_fan_out": True},
    ),
    Case(
        "gpt2-ia3",
        "gpt2",
        method="IA3",
        settings={
            "target_modules": ["c_attn", "mlp.c_proj"],
            "feedforward_modules": ["mlp.c_proj"],
            "fan_in_fan_out": True,
        },
        learning_rate=5e-2,
    ),
    Case(
        "gpt2-adalora",
        "gpt2",
        method="ADALORA",
        settings={"init_r": 4, "target_r": 2, "lora_alpha": 8, "target_modules": ["c_attn", "c_fc"], "fan_in_fan_out": True},
        schedule={"tinit": 1, "tfinal": 1, "deltaT": 1, "total_step": STEPS},
    ),
    Case(
        "gpt2-pissa",
        "gpt2",
        trained="beginning",
        settings={
            "r": 4,
            "lora_alpha": 6,
            # Whose first singular values lie apart: PEFT decomposes in float32.
            "target_modules": ["c_attn", "attn.c_proj"],
            "init_lora_weights": "pissa",
            "fan_in_fan_out": True,
        },
    ),
    Case("gpt2-ln-tuning", "gpt2", method="LN_TUNING", settings={"target_modules": ["ln_1", "ln_2", "ln_f"]}),
    Case("gpt2-bitfit", "gpt2", "biases"),
    Case("gpt2-full", "gpt2", "everything", learning_rate=2e-3, recorded=_SOME, followed=_SOME),
    Case(
        "gpt2-classes-lora",
        "gpt2-classes",
        settings={"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"], "fan_in_fan_out": True},
    ),
]
CASES = {case.name: case for case in _LISTED}


def batch() -> list[tuple[list[int], list[int]]]:
    """Rows of tokens and labels: one with a masked beginning, one all labelled, one masked here and there and at the end.
    Some tokens come twice."""
    rows = [integers(f"training row {number}", (length,), 3, VOCABULARY).tolist() for number, length in enumerate(_LENGTHS)]
    rows[2][4:8] = rows[0][2:6]
    labels = [list(row) for row in rows]
    labels[0][:4] = [_IGNORED] * 4
    for place in (3, 4, 9, len(labels[2]) - 1):
        labels[2][place] = _IGNORED
    return list(zip(rows, labels, strict=True))


def targets(task: str) -> list[list[int]]:
    """What of each row of the batch is asked at its tokens; for the causal task the labels of ``batch``."""
    if task == "token-classification":
        return [[label if label < 0 else token % 4 for token, label in zip(ids, labels, strict=True)] for ids, labels in batch()]
    return [labels for _, labels in batch()]


# Of the rows of the batch, for tasks that ask of rows.
CLASSES = (2, 0, 1)
VALUES = (0.75, -1.25, 0.5)


def types() -> list[list[int]]:
    """Which part of its row each token belongs to, for encoders: the first third, then the second part."""
    return [[int(3 * place >= len(ids)) for place in range(len(ids))] for ids, _ in batch()]
