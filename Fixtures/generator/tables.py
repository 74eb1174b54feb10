"""The tables of PEFT's methods: which Tenon understands, and the config keys of each with their defaults."""

import dataclasses
import enum
from typing import Any

from peft import PeftType
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from .cases import CASES

UNDERSTOOD = {
    "LORA": "low-rank factors, with every variant of `Fixtures/peft/lora-*` that changes the function",
    "ADALORA": "low-rank factors with a vector of singular values",
    "VERA": "two vectors per module over shared projections",
    "LOHA": "element-wise product of two low-rank matrices",
    "LOKR": "Kronecker product of small factors",
    "OFT": "block-diagonal rotations",
    "BOFT": "butterfly rotations with a scale",
    "IA3": "one scaling vector per module",
    "PREFIX_TUNING": "keys and values of virtual tokens in every layer",
    "PROMPT_TUNING": "embeddings of virtual tokens",
    "P_TUNING": "embeddings of virtual tokens, the encoder folded away",
    "MULTITASK_PROMPT_TUNING": "embeddings of virtual tokens with low-rank factors per task",
    "ADAPTION_PROMPT": "prompts with a gate in the attention of the last layers",
    "LN_TUNING": "replaced norms",
    "FOURIERFT": "a sparse spectrum at seeded places",
    "SHIRA": "sparse changes at stored places",
    "HRA": "a chain of Householder reflections",
    "VBLORA": "low-rank factors composed of a shared vector bank",
    "MISS": "one repeated block per module",
    "RANDLORA": "scaled sums of shared random projections",
}
OPAQUE = {
    "ADAMSS": "subspaces found by clustering the base's singular vectors",
    "BEFT": "one added bias per module",
    "LILY": "low-rank factors shared between layers through a router",
    "POLY": "a router over an inventory of low-rank skills",
    "FROD": "sparse coefficients over shared projections of the base",
    "PVERA": "VeRA with sampled vectors",
    "GLORA": "per-module configurable changes of weights, inputs and bias",
    "XLORA": "a classifier that mixes other adapters, which it names by path",
    "UNILORA": "one shared vector scattered into low-rank factors at seeded places",
    "CPT": "embeddings of context tokens",
    "ROAD": "rotations and scales of pairs of outputs",
    "TRAINABLE_TOKENS": "replaced rows of the embedding",
    "HIRA": "low-rank factors multiplied into the base's weights",
    "C3A": "block-circular convolution",
    "WAVEFT": "sparse wavelet coefficients at seeded places",
    "OSF": "the base's own singular vectors, split into kept and trained ones",
    "DELORA": "normalised low-rank factors with a bound",
    "GRALORA": "low-rank factors per block",
    "CARTRIDGE": "keys and values of a context, kept as virtual tokens",
    "TINYLORA": "a few numbers per module over seeded projections of the base's singular vectors",
    "PSOFT": "rotations within the base's principal subspace",
    "PEANUT": "a small network of the base's weights",
    "SHADOW": "a second, smaller model beside the base",
    "SUPERTUNING": "sparse changes at places chosen by magnitude",
    "DEFT": "a projection decomposed into two factors",
}


def methods() -> dict[str, dict[str, Any]]:
    """Every member of `PeftType`: its status, the reason, and the fixtures that hold it."""
    table = {}
    for member in sorted(PeftType, key=lambda member: member.value):
        name = member.value
        if name in UNDERSTOOD:
            status, reason = "understood", UNDERSTOOD[name]
        else:
            status, reason = "opaque", OPAQUE[name]
        fixtures = [case.name for case in CASES.values() if case.method == name]
        table[name] = {"status": status, "reason": reason, "fixtures": fixtures}
        if status == "understood":
            table[name]["opaqueFixtures"] = [case for case in fixtures if not CASES[case].understood]
    return table


def plain(value: Any) -> Any:
    """A default as JSON would hold it."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


def _default(field: dataclasses.Field) -> Any:
    """The default of a field; null where it has none."""
    if field.default is not dataclasses.MISSING:
        return plain(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return plain(field.default_factory())
    return None


def config_keys() -> dict[str, dict[str, Any]]:
    """Every key of every config class with its default."""
    return {
        kind.value: {
            field.name: kind.value if field.name == "peft_type" else _default(field)
            for field in dataclasses.fields(config)
        }
        for kind, config in sorted(PEFT_TYPE_TO_CONFIG_MAPPING.items(), key=lambda item: item[0].value)
    }
