#!/usr/bin/env python3
"""Remakes every fixture; twice gives the same bytes. Run it with the interpreter `Scripts/peers-venv` prints."""

import os
import sys

SETTINGS = {
    "PYTHONHASHSEED": "0",  # PEFT writes sets, whose order follows the hash seed
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

if __name__ == "__main__":
    if any(os.environ.get(key) != value for key, value in SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS})
    from generator.main import main

    sys.exit(main(sys.argv[1:]))
