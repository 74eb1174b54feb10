"""Makes an adapter with PEFT, writes its folder, and loads such a folder strictly."""

import contextlib
import copy
import json
import os
import shutil
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.lora.loraga import preprocess_loraga

from . import ADAPTERS
from .bases import BASE_MODELS, batch, load_base
from .case import Case
from .noise import noise

README = """---
base_model: tenon/tiny-llama
library_name: peft
---

A LoRA on a tiny LLaMA. The model card, the tokenizer and the chat template travel with the adapter.
"""
CHAT_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "é": 1, "日本": 2}, "unk_token": "<unk>"},
}


# PEFT puts these into the prompt encoder itself and then reports them as unexpected by the rest of the model.
LOADED_APART = {"prompt_embeddings", "prefix_task_cols", "prefix_task_rows"}


class Mismatch(Exception):
    """An adapter folder that PEFT does not load completely."""


def config_of(case: Case) -> peft.PeftConfig:
    """The PEFT config of a case."""
    settings = copy.deepcopy(case.settings)
    task = BASE_MODELS[case.base].task if case.task == "base" else case.task
    if settings.get("alora_invocation_tokens") == "base-tokens":
        settings["alora_invocation_tokens"] = [int(token) for token in batch(case.base)["input_ids"][0, 2:4]]
    for key, kind in (
        ("kasa_config", "KasaConfig"),
        ("monteclora_config", "MontecloraConfig"),
        ("velora_config", "VeloraConfig"),
        ("lora_ga_config", "LoraGAConfig"),
        ("use_bdlora", "BdLoraConfig"),
    ):
        if key in settings:
            settings[key] = getattr(peft.tuners.lora.config, kind)(**settings[key])
    return PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(case.method)](task_type=task, **settings)


@contextlib.contextmanager
def beside_adapters():
    """Runs with the adapters' folder as the current one: X-LoRA's config names its adapters by relative path."""
    before = os.getcwd()
    os.chdir(ADAPTERS)
    try:
        yield
    finally:
        os.chdir(before)


def base_of(name: str, method: str) -> torch.nn.Module:
    """The base of a method; X-LoRA refuses one that caches keys and values."""
    base = load_base(name)
    if method == "XLORA":
        base.config.use_cache = False
    return base


def inputs_of(case: Case, labels: bool = False) -> dict[str, torch.Tensor]:
    """The batch of a case, with labels where the loss is wanted."""
    inputs = {**batch(case.base), **{key: torch.tensor(value) for key, value in case.inputs.items()}}
    if case.method == "MULTITASK_PROMPT_TUNING" and case.base == "t5":
        del inputs["decoder_input_ids"]  # PEFT prepends the prompt only to what it derives from the labels
    elif not labels:
        del inputs["labels"]
    return inputs


def logits_of(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the model answers, in evaluation."""
    with torch.no_grad():
        return model(**inputs).logits.detach().clone()


def make(case: Case) -> PeftModel:
    """A fresh adapter of the case, every trainable weight moved away from its start."""
    transformers.set_seed(0)
    with warnings.catch_warnings(), beside_adapters():
        warnings.simplefilter("ignore")
        base, config = base_of(case.base, case.method), config_of(case)
        if config.to_dict().get("init_lora_weights") == "lora_ga":
            preprocess_loraga(base, config, lambda: base(**inputs_of(case, labels=True)).loss.backward())
        model = get_peft_model(base, config)
    if not case.untouched:
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.data += case.spread * noise(f"{case.method} {name}", tuple(weight.shape)).to(weight.dtype)
    if case.name == "adalora-pruned":
        _prune(model, case)
    if case.dtype:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.to(case.dtype)
    return model.eval()


def _prune(model: PeftModel, case: Case) -> None:
    """Runs AdaLoRA's own allocation until ranks are masked out, as a training would."""
    for step in range(1, case.settings["total_step"] + 1):
        model(**inputs_of(case, labels=True)).loss.backward()
        model.base_model.update_and_allocate(step)
        model.zero_grad()


def write(case: Case, model: PeftModel) -> Path:
    """Writes `peft/<case>/` as `save_pretrained` does, without the generated model card."""
    folder = ADAPTERS / case.name
    shutil.rmtree(folder, ignore_errors=True)
    with warnings.catch_warnings(), beside_adapters():
        warnings.simplefilter("ignore")
        # X-LoRA counts its adapters as the model's own and would write them, with the base, into subfolders.
        model.save_pretrained(folder, safe_serialization=not case.pickle, selected_adapters=["default"])
    (folder / "README.md").unlink(missing_ok=True)
    if case.extra_files:
        (folder / "README.md").write_text(README, encoding="utf-8")
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
        text = json.dumps(TOKENIZER, ensure_ascii=False, indent=2)
        (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    return folder


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of an adapter folder by name."""
    from safetensors.torch import load_file

    path = folder / "adapter_model.safetensors"
    return load_file(path) if path.exists() else torch.load(folder / "adapter_model.bin", weights_only=True)


def load(folder: Path, base: str, trainable: bool = False) -> PeftModel:
    """Loads a folder with PEFT onto its base; every tensor must arrive, and none may be missing."""
    method = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["peft_type"]
    results = []
    original = peft.peft_model.set_peft_model_state_dict

    def record(*arguments, **options):
        result = original(*arguments, **options)
        results.append(result)
        return result

    transformers.set_seed(0)
    peft.peft_model.set_peft_model_state_dict = record
    try:
        with warnings.catch_warnings(), beside_adapters():
            warnings.simplefilter("ignore")
            model = PeftModel.from_pretrained(base_of(base, method), str(folder.absolute()), is_trainable=trainable)
    finally:
        peft.peft_model.set_peft_model_state_dict = original
    _check(model, folder, results)
    return model.eval()


def _check(model: PeftModel, folder: Path, results: list) -> None:
    """Raises `Mismatch` unless what PEFT holds after loading is what the folder says."""
    found = {key for result in results for key in result.unexpected_keys}
    if unexpected := sorted(found - LOADED_APART):
        raise Mismatch(f"unexpected keys: {unexpected[:4]}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = get_peft_model_state_dict(model)
    stored = tensors_of(folder)
    if missing := sorted(held.keys() - stored.keys()):
        raise Mismatch(f"missing keys: {missing[:4]}")
    if lost := sorted(stored.keys() - held.keys()):
        raise Mismatch(f"keys PEFT does not take up: {lost[:4]}")
    for key, value in stored.items():
        if key.endswith("_topk_weights"):
            same = torch.allclose(held[key], value, rtol=0, atol=1e-6)
        else:
            same = torch.equal(held[key].to(value.dtype), value)
        if not same:
            raise Mismatch(f"values differ after loading: {key}")
