#!/usr/bin/env python3
"""Hold `tenon generate` against transformers and PEFT: greedy generation of many drawn prompts, token for token.

    generated_texts.py TENON [--prompts N] [--seed N]

Takes the bases and adapters of `Fixtures/generation`, and compositions of adapters with drawn weights. A row is compared up
to the first step at which the two highest scores are nearer than rounding may bring them; how many were is told.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Both compute in fp32, in another order.
NEAR = 1e-4


def goldens():
    """The script that makes the goldens, as a module."""
    loader = SourceFileLoader("goldens", str(ROOT / "Scripts" / "make-generation-goldens"))
    module = module_from_spec(spec_from_loader("goldens", loader))
    sys.modules["goldens"] = module
    loader.exec_module(module)
    return module


def compositions(names: list[str], draw: random.Random) -> list[dict[str, float]]:
    """No adapter, each alone, and all together with weights."""
    weights = [0.25, 0.5, 1.0, 1.5, -0.5]
    several = [{name: draw.choice(weights) for name in names}] if len(names) > 1 else []
    return [{}, *({name: draw.choice(weights)} for name in names), *several]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tenon")
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    ours = goldens()
    draw = random.Random(arguments.seed)
    compared = near = wrong = 0
    for base in ours.bases():
        names = [name for name, adapter in ours.ADAPTERS.items() if adapter.base == base]
        for adapters in compositions(names, draw):
            model = ours.adapted(base, adapters, ours.FOLDER)
            prompts = [[draw.randrange(480) for _ in range(draw.randint(1, 40))] for _ in range(arguments.prompts)]
            with tempfile.TemporaryDirectory() as work:
                lines = Path(work) / "prompts.jsonl"
                lines.write_text("".join(json.dumps({"input_ids": ids}) + "\n" for ids in prompts), encoding="utf-8")
                command = [arguments.tenon, "generate", "--quiet", "--base", str(ours.FOLDER / "bases" / base)]
                command += ["--batch", str(lines), "--max-tokens", str(ours.TOKENS)]
                for name, weight in adapters.items():
                    command += ["--adapter", f"{name}={ours.FOLDER / 'adapters' / name}@{weight}"]
                output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            answers = [json.loads(line)["ids"] for line in output.splitlines()]
            assert len(answers) == len(prompts), f"{len(answers)} answers for {len(prompts)} prompts"
            for ids, answer in zip(prompts, answers, strict=True):
                theirs, margins = ours.generate(model, ids, ours.TOKENS)
                length = next((place for place, margin in enumerate(margins) if margin < NEAR), None)
                near += length is not None
                compared += len(theirs[:length])
                if answer[:length] != theirs[:length]:
                    wrong += 1
                    print(f"{base} {adapters}: {ids}\n  ours   {answer}\n  theirs {theirs}")
    print(f"generate: {compared} tokens compared, {near} rows only in part, {wrong} rows differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
