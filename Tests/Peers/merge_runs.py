"""What the checks of recipes share: a recipe run by mergekit or by the built `tenon`, and a line for each of both."""

import argparse
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch  # noqa: E402
import yaml  # noqa: E402
from mergekit.config import MergeConfiguration  # noqa: E402
from mergekit.merge import run_merge  # noqa: E402
from mergekit.options import MergeOptions  # noqa: E402

TOLERANCE = 1e-6


class Refused(Exception):
    """The binary did not merge; its message."""


def run(folder: Path, name: str, recipe: str, binary: Path | None, *, copies_tokenizer: bool = True) -> Path:
    """Merges in the folder of the models; gives the folder made."""
    out = folder / f"{name}-{'tenon' if binary else 'mergekit'}"
    if binary:
        (folder / f"{name}.yml").write_text(recipe)
        command = [str(binary), "merge", "--recipe", f"{name}.yml", "-o", str(out)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        if result.returncode:
            raise Refused(result.stderr.strip())
        return out
    here, options = os.getcwd(), MergeOptions(copy_tokenizer=copies_tokenizer, quiet=True, write_model_card=False)
    os.chdir(folder)
    run_merge(MergeConfiguration.model_validate(yaml.safe_load(recipe)), str(out), options)
    os.chdir(here)
    return out


def lines(
    description: str,
    column: str,
    names: Iterable[str],
    write: Callable[[Path], None],
    check: Callable[[Path, str, Path | None], tuple[str, str, list[str]]],
) -> int:
    """Prints a line for each recipe and each tool: a figure and what is to be said beside it. Fails where something is
    wrong."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--tenon", type=Path, help="the built binary, beside mergekit")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    binaries = [None, *([arguments.tenon.resolve()] if arguments.tenon else [])]
    failed = []
    print(f"| recipe | of | {column} | beside |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tenon-merge-") as temporary:
        write(Path(temporary))
        for name in names:
            for binary in binaries:
                figure, notes, wrong = check(Path(temporary), name, binary)
                print(f"| {name} | {'tenon' if binary else 'mergekit'} | {figure} | {notes} |")
                failed += [f"{name}: {text}" for text in wrong]
    for line in failed:
        print(f"failed {line}")
    return 1 if failed else 0
