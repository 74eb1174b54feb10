"""Python packages at the work of one command: `rivals.py ANSWER JOB ARGUMENTS` writes the seconds it took to ANSWER.

A process for each run, so that the system tells the memory of that run alone. The seconds go from the first file opened
to the last one closed; the interpreter's start and the imports are not counted. Nothing here asks a network.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}


def peft(base: str, adapter: str, out: str) -> Callable[[], None]:
    """Puts an adapter onto a checkpoint as PEFT's manual says, in the base's type."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    def work() -> None:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, local_files_only=True)
        PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(out)

    return work


def mergekit(base: str, tuned: str, out: str, rank: str) -> Callable[[], None]:
    """A LoRA of all linear layers by mergekit-extract-lora."""
    from mergekit.scripts.extract_lora import main

    options = ["--base-model", base, "--model", tuned, "--out-path", out, "--max-rank", rank]
    excluded = [word for name in ("embed_tokens", "lm_head") for word in ("--exclude-regex", name)]
    return lambda: main.main([*options, *excluded], standalone_mode=False)


def mergekit_yaml(recipe: str, out: str, threads: str) -> Callable[[], None]:
    """A recipe by mergekit-yaml, reading and writing as fast as it can on processors."""
    from mergekit.scripts.run_yaml import main

    options = [recipe, out, "--num-threads", threads, "--async-write", "--lazy-unpickle", "--quiet"]
    return lambda: main.main(options, standalone_mode=False)


def gesdd(base: str, tuned: str, out: str, rank: str) -> Callable[[], None]:
    """A LoRA of all linear layers by numpy's full decomposition, which is LAPACK's gesdd, in fp32."""
    import numpy
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    def work() -> None:
        factors = {}
        with safe_open(Path(base, "model.safetensors"), "pt") as before, safe_open(
            Path(tuned, "model.safetensors"), "pt"
        ) as after:
            for name in (name for name in before.keys() if name.endswith("_proj.weight")):
                change = after.get_tensor(name).float() - before.get_tensor(name).float()
                left, values, right = numpy.linalg.svd(change.numpy(), full_matrices=False)
                kept, path = int(rank), "base_model.model." + name.removesuffix(".weight")
                columns = left[:, :kept] * values[:kept]
                factors[f"{path}.lora_A.weight"] = torch.from_numpy(right[:kept].copy()).bfloat16()
                factors[f"{path}.lora_B.weight"] = torch.from_numpy(columns.copy()).bfloat16()
        save_file(factors, out)

    return work


def main() -> None:
    """Does one job."""
    answer, job, *arguments = sys.argv[1:]
    work = {"peft": peft, "mergekit": mergekit, "mergekit-yaml": mergekit_yaml, "gesdd": gesdd}[job](*arguments)
    begin = time.perf_counter()
    work()
    Path(answer).write_text(json.dumps({"seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
