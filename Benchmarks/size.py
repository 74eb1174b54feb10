"""The figures of size."""

from pathlib import Path

import data
from measure import Failed, run
from report import Board
from setting import ROOT, WEIGHTS, Setting, inspected

MEBIBYTE = 1 << 20


def packed(setting: Setting, folder: Path, *options: str) -> Path:
    """A container of an adapter folder."""
    container = setting.path("sized.tenon")
    run(setting.tool, "pack", folder, "-o", container, *options)
    return container


def overhead(setting: Setting, container: Path) -> float:
    """The bytes a tensor costs beside its coded planes: index, digests, padding and the files that come along."""
    tensors = [
        tensor["storedBytes"]
        for entry in inspected(setting.tool, container)["entries"]
        if entry["kind"] != "file"
        for tensor in entry["tensors"]
    ]
    return (container.stat().st_size - sum(tensors)) / len(tensors)


def fixtures(setting: Setting, board: Board) -> None:
    """What a container adds to the files of the fixture that fares worst."""
    excesses = {}
    for folder in sorted((ROOT / "Fixtures" / "peft").iterdir()):
        if not folder.is_dir():
            continue
        try:
            container = packed(setting, folder)
        except Failed as failure:
            board.broken("fixtures/excess", f"{folder.name}: {failure}")
            return
        files = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        excesses[folder.name] = container.stat().st_size - files
    worst = max(excesses, key=excesses.get)
    board.add("fixtures/excess", excesses[worst], firm=True, note=f"{worst}, of {len(excesses)}")


def trained(setting: Setting, board: Board) -> None:
    """Factors from a real training."""
    for name, folder in setting.trained().items():
        weights = folder / WEIGHTS
        container = packed(setting, folder)
        stored = container.stat().st_size
        peer = setting.peers.zipnn_size(name.split("-")[1], weights)
        board.add(f"trained/{name}", stored / weights.stat().st_size, ratio=stored / peer, firm=True)
        board.add(f"trained/{name}-to-zipnn", stored / peer, firm=True, note=f"{stored} B, ZipNN {peer} B")
        board.add(f"trained/{name}-overhead", overhead(setting, container), firm=True)


def adapter(setting: Setting, board: Board) -> None:
    """The 20 MB adapter of 448 tensors."""
    folder = setting.gaussian("fp32", 19_000_000, data.SMALL)
    container = packed(setting, folder)
    board.add("adapter/overhead", overhead(setting, container), firm=True)
    stored, peer = container.stat().st_size, setting.peers.zipnn_size("fp32", folder / WEIGHTS)
    board.add("adapter/to-zipnn", stored / peer, firm=True, note=f"{stored} B, ZipNN {peer} B")
    setting.remove(folder)


def strongest(setting: Setting, board: Board) -> None:
    """`--compression max` beside `zstd -19`, from 1 MiB up."""
    folders = {f"trained-{name}": folder for name, folder in setting.trained().items()}
    for dtype in ("bf16", "fp32"):
        # A smoke makes do with as little as the bar covers.
        size = 2_000_000 if setting.smoke else 19_000_000
        folders[f"gaussian-{dtype}"] = setting.gaussian(dtype, size, data.SMALL)
    for name, folder in folders.items():
        weights = folder / WEIGHTS
        if weights.stat().st_size < MEBIBYTE:
            continue
        stored = packed(setting, folder, "--compression", "max").stat().st_size
        peer = setting.peers.zstd_size(19, weights)
        board.add(f"max/{name}-to-zstd", stored / peer, firm=True, note=f"{stored} B, zstd {peer} B")
