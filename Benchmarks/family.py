"""The figures of a store that keeps a whole family of models: what it takes, and how fast they go in and come out."""

import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path

from deltas import GIGABYTE, checkpoint
from measure import Failed, Run, median, run
from models import MEBIBYTE, PATIENCE, UNCACHED, answered
from report import Board
from setting import ROOT, Setting

#: Fine-tunes of all weights, of a hundredth of them, and adapters; and how many of them a smoke makes.
FULL, SPARSE, ADAPTERS = 10, 5, 20
FEW = 2, 1, 2


class Family:
    """The folders, by name: a base of 200 MB in bf16, what was made of it, and copies under other guises."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        small = setting.smoke
        full, sparse, adapters = FEW if small else (FULL, SPARSE, ADAPTERS)
        preset = ("--preset", "tiny", "--layers", 8) if small else ("--preset", "134m", "--layers", 7)
        self.folders: dict[str, Path] = {"base": checkpoint(setting, "family-base", *preset)}
        for number in range(full):
            self._tune(f"full-{number}", "gaussian:2e-4", number)
        for number in range(sparse):
            self._tune(f"sparse-{number}", "geometric:0.01", 100 + number)
        self.folders["resharded"] = checkpoint(
            setting, "family-resharded", *preset, "--shard-size", "300KB" if small else "80MB")
        self.folders["renamed"] = setting.path("family-renamed")
        shutil.copytree(self.folders["full-1"], self.folders["renamed"])
        for number in range(adapters):
            self._adapter(number)
        resaved = setting.path("family-resaved")
        shutil.copytree(self.folders["adapter-1"], resaved)
        config = json.loads((resaved / "adapter_config.json").read_text())
        (resaved / "adapter_config.json").write_text(json.dumps(config | {"revision": "main"}, indent=2))
        self.folders["resaved"] = resaved

    def _tune(self, name: str, change: str, seed: int) -> None:
        options = ("--base", self.folders["base"], "--tuned", change, "--seed", seed)
        self.folders[name] = checkpoint(self.setting, f"family-{name}", *options)

    def _adapter(self, number: int) -> None:
        """A LoRA of rank 16 in fp32, of 10 MB."""
        folder = self.setting.path(f"family-adapter-{number}")
        shape = {"--hidden": 64, "--intermediate": 176} if self.setting.smoke else {"--hidden": 768, "--intermediate": 2048}
        options = shape | {"--dtype": "fp32", "--rank": 16, "--layers": 11, "--seed": number}
        words = [str(word) for option in options.items() for word in option]
        subprocess.run([sys.executable, ROOT / "Benchmarks" / "data.py", folder, *words], check=True)
        self.folders[f"adapter-{number}"] = folder

    def bytes(self, *prefixes: str) -> int:
        """What the files take, of all or of those whose names begin so."""
        chosen = [folder for name, folder in self.folders.items() if name.startswith(prefixes or ("",))]
        return sum(file.stat().st_size for folder in chosen for file in folder.rglob("*") if file.is_file())

    def remove(self) -> None:
        """Removes all folders."""
        for folder in self.folders.values():
            self.setting.remove(folder)


def family(setting: Setting, board: Board) -> None:
    """A family of models in one store, beside other ways to keep it."""
    members = Family(setting)
    store = setting.path("family-store")
    run(setting.tool, "store", "init", "--store", store)
    seconds: dict[str, list[float]] = {}
    peaks = []
    for name, folder in members.folders.items():
        done = _store(setting, store, "add", folder, "--name", name)
        seconds.setdefault(name.split("-")[0], []).append(done.seconds)
        peaks.append(done.peak)
    plain = members.bytes()
    stored = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    board.add("family/stored", stored / plain, note=f"{stored} B of {plain}")
    _, sizes = answered(setting, "family_peer.py", *members.folders.values())
    for name, size in sizes.items():
        board.add(f"family/stored-to-{name}", stored / size, note=f"{size / plain:.4f} of the files")
    added = members.bytes("base", "full", "sparse") / GIGABYTE
    rate = added / sum(sum(seconds[kind]) for kind in ("base", "full", "sparse"))
    board.add("family/add", rate, note=f"base and fine-tunes: {added:.2f} GB", samples=seconds["full"])
    for figure, name in (("get-compressed", "base"), ("get-exact", "full-1"), ("get-sparse", "sparse-0")):
        _get(setting, board, store, members, figure, name, peaks)
    board.add("family/peak", max(peaks) / MEBIBYTE, firm=True, note="of all that was added and got")
    members.remove()
    setting.remove(store)


def _store(setting: Setting, store: Path, *words: str | Path) -> Run:
    return run(setting.tool, "store", *words, "--store", store, environment=UNCACHED, limit=PATIENCE)


def _get(
    setting: Setting, board: Board, store: Path, members: Family, figure: str, name: str, peaks: list[float]
) -> None:
    """Gets one model several times, and compares every file."""
    folder, times = members.folders[name], []
    for _ in range(setting.runs):
        found = setting.path("family-found")
        done = _store(setting, store, "get", name, "-o", found)
        times.append(done.seconds)
        peaks.append(done.peak)
        names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        if filecmp.cmpfiles(folder, found, names, shallow=False)[0] != names:
            raise Failed(f"{name} did not come back as it went in")
        setting.remove(found)
    board.add(f"family/{figure}", members.bytes(name) / GIGABYTE / median(times), samples=times)
