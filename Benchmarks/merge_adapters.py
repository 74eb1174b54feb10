#!/usr/bin/env python3
"""Compare an `svd` merge of four adapters of rank 16 with PEFT's `add_weighted_adapter` on the same files.

The adapters are LoRAs on all linear layers of a model of 32 layers, hidden size 2,048, intermediate size 5,632, in fp32. The tool
merges them all: wall clock of the built binary, start-up, reading and a verified container included, the median of its runs. PEFT merges
`--layers` of the layers, which it takes with the same threads, loaded beforehand, and the time is scaled to all: its layers are independent and
of one size. Errors are ‖B·A − T‖/‖D‖ in fp64, T the best approximation of D = Σ w·s·B·A of that rank, over the layers that both made.

    merge_adapters.py [--tenon .build/release/tenon] [--layers 1] [--threads 2] [--work /dev/shm]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LAYERS, HIDDEN, INTERMEDIATE, RANK, COUNT = 32, 2048, 5632, 16, 4
WEIGHTS = (0.4, 0.3, 0.2, 0.1)
SITES = {
    **{f"self_attn.{name}_proj": (HIDDEN, HIDDEN) for name in "qkvo"},
    **{f"mlp.{name}_proj": (HIDDEN, INTERMEDIATE) for name in ("gate", "up")},
    "mlp.down_proj": (INTERMEDIATE, HIDDEN),
}


def write(folder: Path, seed: int) -> None:
    """An adapter as PEFT saves it."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(LAYERS):
        for site, (inputs, outputs) in SITES.items():
            key = f"base_model.model.model.layers.{layer}.{site}.lora_"
            tensors[f"{key}A.weight"] = random.standard_normal((RANK, inputs), np.float32) * np.float32(0.02)
            tensors[f"{key}B.weight"] = random.standard_normal((outputs, RANK), np.float32) * np.float32(0.01)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 2 * RANK, "bias": "none", "base_model_name_or_path": None,
              "target_modules": sorted({site.split(".")[1] for site in SITES})}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))


def peft(folders: list[Path], layers: int, threads: int) -> tuple[float, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Seconds of PEFT's merge of the first layers, and its factors."""
    import torch
    from peft import LoraConfig, get_peft_model
    from safetensors import safe_open
    from torch import nn

    torch.set_num_threads(threads)
    root = nn.Module()
    for layer in range(layers):
        for site, (inputs, outputs) in SITES.items():
            parent = root
            *path, leaf = f"model.layers.{layer}.{site}".split(".")
            for part in path:
                if not hasattr(parent, part):
                    parent.add_module(part, nn.Module())
                parent = getattr(parent, part)
            parent.add_module(leaf, nn.Linear(inputs, outputs, bias=False))
    targets = sorted({site.split(".")[1] for site in SITES})
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=targets)
    model = get_peft_model(root, config, adapter_name="a0")
    for number in range(1, COUNT):
        model.add_adapter(f"a{number}", config)
    for number, folder in enumerate(folders):
        with safe_open(folder / "adapter_model.safetensors", "pt") as file:
            for layer in range(layers):
                for site in SITES:
                    module = model.base_model.model.get_submodule(f"model.layers.{layer}.{site}")
                    key = f"base_model.model.model.layers.{layer}.{site}.lora_"
                    module.lora_A[f"a{number}"].weight.data = file.get_tensor(f"{key}A.weight")
                    module.lora_B[f"a{number}"].weight.data = file.get_tensor(f"{key}B.weight")
    start = time.perf_counter()
    model.add_weighted_adapter([f"a{n}" for n in range(COUNT)], list(WEIGHTS), "merged", "svd", svd_rank=RANK)
    seconds = time.perf_counter() - start
    found = {}
    for layer in range(layers):
        for site in SITES:
            name = f"model.layers.{layer}.{site}"
            module = model.base_model.model.get_submodule(name)
            scale = module.scaling["merged"]
            found[name] = (
                scale * module.lora_B["merged"].weight.data.double().numpy(),
                module.lora_A["merged"].weight.data.double().numpy(),
            )
    return seconds, found


def truth(folders: list[Path], name: str) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    """The factors of the best approximation in fp64, and ‖D‖."""
    from safetensors import safe_open

    left, right = [], []
    for folder, weight in zip(folders, WEIGHTS, strict=True):
        with safe_open(folder / "adapter_model.safetensors", "np") as file:
            key = f"base_model.model.{name}.lora_"
            left.append(weight * 2 * file.get_tensor(f"{key}B.weight").astype(np.float64))
            right.append(file.get_tensor(f"{key}A.weight").astype(np.float64))
    q, r = np.linalg.qr(np.hstack(left))
    p, s = np.linalg.qr(np.vstack(right).T)
    u, values, v = np.linalg.svd(r @ s.T)
    best = ((q @ u[:, :RANK]) * values[:RANK], v[:RANK] @ p.T)
    return best, float(np.linalg.norm(values))


def distance(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """‖B·A − B'·A'‖ by the QR of both factors side by side: no cancellation, no dense product."""
    left = np.linalg.qr(np.hstack([a[0], -b[0]]), mode="r")
    right = np.linalg.qr(np.vstack([a[1], b[1]]).T, mode="r")
    return float(np.linalg.norm(left @ right.T))


def error(factors: dict[str, tuple[np.ndarray, np.ndarray]], folders: list[Path]) -> float:
    """The largest over the modules."""
    worst = 0.0
    for name, pair in factors.items():
        best, norm = truth(folders, name)
        worst = max(worst, distance(pair, best) / norm)
    return worst


def main() -> None:
    """Print both times, their ratio and both errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenon", type=Path, default=Path(".build/release/tenon"))
    parser.add_argument("--layers", type=int, default=1, help="how many of the layers PEFT merges")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm"))
    arguments = parser.parse_args()
    from safetensors import safe_open

    with tempfile.TemporaryDirectory(prefix="tenon-merge-", dir=arguments.work) as temporary:
        folders = [Path(temporary, f"a{number}") for number in range(COUNT)]
        for number, folder in enumerate(folders):
            write(folder, number)
        out, unpacked = Path(temporary, "merged.tenon"), Path(temporary, "merged")
        command = [arguments.tenon.resolve(), "merge", *folders, "-o", out, "--force", "--merge-method", "svd", "--rank", RANK]
        command += ["--weights", ",".join(map(str, WEIGHTS)), "--threads", arguments.threads, "--quiet"]
        times = []
        for _ in range(arguments.runs):
            start = time.perf_counter()
            subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        ours = statistics.median(times)
        subprocess.run([arguments.tenon.resolve(), "unpack", out, "-o", unpacked, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        seconds, theirs = peft(folders, arguments.layers, arguments.threads)
        found = {}
        with safe_open(unpacked / "adapter_model.safetensors", "np") as file:
            for name in theirs:
                key = f"base_model.model.{name}.lora_"
                found[name] = tuple(file.get_tensor(f"{key}{side}.weight").astype(np.float64) for side in "BA")
        whole = seconds * LAYERS / arguments.layers
        print(f"tenon: {ours:.2f} s for {LAYERS} layers (runs {', '.join(f'{t:.2f}' for t in times)})")
        print(f"PEFT:  {seconds:.1f} s for {arguments.layers} layers, {whole:.0f} s for {LAYERS}: {whole / ours:.0f}×")
        print(f"error: tenon {error(found, folders):.2e}, PEFT {error(theirs, folders):.2e}")


if __name__ == "__main__":
    sys.exit(main())
