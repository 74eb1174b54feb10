"""Where the measurements take place: the tool, a folder in memory, the peers, and the adapters made on demand."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import data
from peers import Peers

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "adapter_model.safetensors"
MEMORY = Path("/dev/shm")


class Setting:
    """A context: its folder and all in it are gone afterwards."""

    def __init__(self, tool: Path, smoke: bool, runs: int) -> None:
        self.tool = tool
        self.smoke = smoke
        self.runs = runs
        needed = 200 << 20 if smoke else 8 << 30
        in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= needed
        self.folder = Path(tempfile.mkdtemp(prefix="tenon-bench.", dir=MEMORY if in_memory else None))
        place = "a memory file system" if in_memory else "NO memory file system has the room: a temporary folder"
        self.peers = Peers()
        self.facts = {"files": place, "rounds": str(runs)}

    def __enter__(self) -> "Setting":
        self.facts["peers"] = self.peers.versions()
        return self

    def __exit__(self, *_: object) -> None:
        self.peers.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """A path in the folder with nothing there."""
        path = self.folder / name
        self.remove(path)
        return path

    @staticmethod
    def remove(path: Path) -> None:
        """Removes a file or folder, if there is one."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def gaussian(self, dtype: str, size: int, shape: tuple[int, int] = data.LARGE) -> Path:
        """An adapter folder of at least so many bytes."""
        folder = self.path(f"gaussian-{dtype}-{size}")
        hidden, intermediate = map(str, shape)
        rank = str(data.rank_for(size, dtype, shape))
        options = ["--dtype", dtype, "--rank", rank, "--hidden", hidden, "--intermediate", intermediate]
        subprocess.run([sys.executable, ROOT / "Benchmarks" / "data.py", folder, *options], check=True)
        return folder

    def trained(self) -> dict[str, Path]:
        """The folders `Scripts/train-lora.py` makes, by name. Trains them if they are missing; not in a smoke."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenon" / "trained"
        names = [f"{preset}-{dtype}" for preset in ("large", "small") for dtype in ("fp32", "bf16")]
        folders = {name: cache / name for name in names}
        if all((folder / WEIGHTS).exists() for folder in folders.values()):
            return folders
        if self.smoke:
            print("SKIPPED trained adapters: there are none yet; a full run trains them")
            return {}
        text = self.path("text")
        text.write_text(english())
        script = ROOT / "Scripts" / "train-lora.py"
        threads = str(os.cpu_count())
        command = [sys.executable, script, "--text", text, "--out", cache, "--threads", threads]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return folders


def english() -> str:
    """Half a megabyte of prose that every Python has: its language reference."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def compiled(name: str, sources: list[Path], headers: list[Path], *options: str | Path) -> Path:
    """A program or library of C in the benchmarks' build folder, built anew if a file changed."""
    program = ROOT / "Benchmarks" / ".build" / name
    newest = max(path.stat().st_mtime for path in [*sources, *headers])
    if not program.exists() or program.stat().st_mtime < newest:
        program.parent.mkdir(exist_ok=True)
        subprocess.run(["clang", "-O2", *sources, *options, "-o", program], check=True)
    return program


def tensor_bytes(weights: Path) -> int:
    """The bytes of the tensors of a safetensors file, its header left out."""
    with weights.open("rb") as file:
        (header,) = struct.unpack("<Q", file.read(8))
    return weights.stat().st_size - 8 - header


def inspected(tool: Path, container: Path) -> dict:
    """What `inspect --json` tells of a container."""
    return json.loads(subprocess.run([tool, "inspect", "--json", container], capture_output=True, check=True).stdout)
