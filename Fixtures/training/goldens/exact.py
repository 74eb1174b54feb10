"""Float64 throughout. The models of transformers compute norms and rotations in float32 whatever their weights are; and
PEFT a softmax; here they are replaced by the same formulas in float64."""

import math

import torch
from peft.tuners.adaption_prompt import layer as prompted
from transformers import PretrainedConfig

# Between the frequencies here and those of transformers, which are rounded to float32 on the way.
FREQUENCY_TOLERANCE = 1e-6


def inverse_frequencies(config: PretrainedConfig) -> torch.Tensor:
    """The angle by which each pair of a head turns per position: θ^(−2i/d), scaled as the config says."""
    rope = config.rope_parameters
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    plain = rope["rope_theta"] ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    if rope["rope_type"] == "default":
        return plain
    if rope["rope_type"] == "linear":
        return plain / rope["factor"]
    if rope["rope_type"] != "llama3":
        raise ValueError(f"no formula for {rope['rope_type']}")
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return kept * plain + (1 - kept) * plain / rope["factor"]


def _norm(module: torch.nn.Module):
    def forward(states: torch.Tensor) -> torch.Tensor:
        size = states.pow(2).mean(-1, keepdim=True)
        return module.weight * (states * torch.rsqrt(size + module.variance_epsilon))

    return forward


def _rotation(frequencies: torch.Tensor):
    def forward(states: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        angles = position_ids[..., None].double() * frequencies
        angles = torch.cat((angles, angles), -1)
        return angles.cos(), angles.sin()

    return forward


class _Functional:
    """What the adapted attention of PEFT takes from `torch.nn.functional`."""

    @staticmethod
    def softmax(scores: torch.Tensor, dim: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.softmax(scores, dim)


def widen(model: torch.nn.Module, config: PretrainedConfig) -> torch.nn.Module:
    """The model in float64, in evaluation. Raises `ValueError` if its frequencies are not those of the formula."""
    model = model.double().eval()
    for module in model.modules():
        kind = type(module).__name__
        if kind.endswith("RMSNorm"):
            module.forward = _norm(module)
        elif kind.endswith("RotaryEmbedding"):
            frequencies = inverse_frequencies(config)
            if not torch.allclose(frequencies, module.inv_freq, rtol=FREQUENCY_TOLERANCE, atol=0):
                raise ValueError(f"frequencies {frequencies.tolist()}, transformers has {module.inv_freq.tolist()}")
            if module.attention_scaling != 1:
                raise ValueError("the rotation is scaled")
            module.forward = _rotation(frequencies)
        elif kind == "AdaptedAttention":
            prompted.F = _Functional
    return model
