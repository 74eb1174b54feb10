"""Adapters of layers that the tiny bases lack: convolutions, on a model of one or two layers, and what PEFT merges."""

import json
import shutil
import warnings

import torch
from peft import PeftModel, PeftType, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import save_file

from . import MERGED
from .noise import noise

FOLDER = MERGED / "layers"


class Layers(torch.nn.Module):
    """A convolution with a kernel, one without, and one in one dimension."""

    def __init__(self):
        super().__init__()
        self.wide = torch.nn.Conv2d(4, 6, 3)
        self.thin = torch.nn.Conv2d(6, 4, 1)
        self.line = torch.nn.Conv1d(4, 6, 3)
        for name, weight in self.named_parameters():
            weight.data.copy_(noise(f"layers {name}", tuple(weight.shape)) / 4)

    def forward(self, inputs):
        """Only so that PEFT has something to wrap."""
        return self.thin(self.wide(inputs))


TWO = ["wide", "thin"]
LAYERS = {
    "lora": ("LORA", {"r": 3, "lora_alpha": 5, "target_modules": ["wide", "thin", "line"]}),
    "dora": ("LORA", {"r": 3, "lora_alpha": 5, "target_modules": TWO, "use_dora": True}),
    "loha": ("LOHA", {"r": 3, "alpha": 5, "target_modules": TWO}),
    "loha-cores": ("LOHA", {"r": 3, "alpha": 5, "target_modules": TWO, "use_effective_conv2d": True}),
    "lokr": ("LOKR", {"r": 1, "alpha": 5, "target_modules": TWO}),
    "lokr-cores": (
        "LOKR",
        {"r": 1, "alpha": 5, "target_modules": TWO, "use_effective_conv2d": True, "decompose_factor": 2},
    ),
    "oft": ("OFT", {"r": 0, "oft_block_size": 6, "target_modules": TWO}),
    "hra": ("HRA", {"r": 2, "target_modules": TWO}),
    "ia3": ("IA3", {"target_modules": TWO, "feedforward_modules": ["thin"]}),
}


def write_layers() -> None:
    """Writes `merged/layers/<case>/`: the adapter's folder, `base.safetensors` and `merged.safetensors`."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, (method, settings) in LAYERS.items():
        folder = FOLDER / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            model = get_peft_model(Layers(), PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(method)](**settings))
            for key, weight in model.named_parameters():
                if weight.requires_grad:
                    weight.data += 0.1 * noise(f"layers {name} {key}", tuple(weight.shape))
            model.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)
            merged = PeftModel.from_pretrained(Layers(), str(folder)).merge_and_unload().state_dict()
        before = Layers().state_dict()
        save_file(before, folder / "base.safetensors")
        changed = {key: value.contiguous() for key, value in merged.items() if not torch.equal(value, before[key])}
        save_file(changed, folder / "merged.safetensors")
