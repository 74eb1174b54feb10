"""The Python peers: a process that compresses files with ZipNN and zstd when told, and the client that tells it.

ZipNN has its default number of threads and the dtype of the file; its delta is the XOR with the base. Its time goes
from opening one file to closing the other; the interpreter's start and the imports are not counted. `plain` is
`ZipNN(...).compress(data)` of its README, `stream` the same with `is_streaming`, as its script for files has it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from measure import Failed

DTYPES = {"bf16": "bfloat16", "fp32": "float32"}


class Peers:
    """The client. Each call waits for the answer."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _ask(self, **question: object) -> dict:
        self._process.stdin.write(json.dumps(question, default=os.fspath) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "ended"}')
        if "error" in answer:
            raise Failed(f"peer {question}: {answer['error']}")
        return answer

    def zipnn(self, verb: str, mode: str, dtype: str, source: Path, target: Path, base: Path | None = None) -> float:
        """Seconds to `compress` or `decompress` one file into another, as a delta if there is a base."""
        question = {"verb": verb, "mode": mode, "dtype": dtype, "source": source, "target": target, "base": base}
        return self._ask(do="zipnn", **question)["seconds"]

    def zipnn_size(self, dtype: str, source: Path) -> int:
        """The bytes a file takes in ZipNN, in the mode that makes it smaller."""
        return self._ask(do="zipnn-size", dtype=dtype, source=source)["bytes"]

    def zstd_size(self, level: int, source: Path) -> int:
        """The bytes a file takes in zstd."""
        return self._ask(do="zstd-size", level=level, source=source)["bytes"]

    def versions(self) -> str:
        """What the peers are."""
        return self._ask(do="versions")["text"]

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def read(path: str) -> bytearray:
    """A whole file in a buffer of its own: ZipNN reorders its input in place."""
    data = bytearray(os.path.getsize(path))
    with open(path, "rb", buffering=0) as file:
        view, begin = memoryview(data), 0
        while begin < len(data):
            begin += file.readinto(view[begin:])
    return data


def codec(mode: str, dtype: str, **options: str):
    """ZipNN with its defaults for a dtype."""
    from zipnn import ZipNN

    return ZipNN(bytearray_dtype=DTYPES[dtype], is_streaming=mode == "stream", **options)


def zipnn(verb: str, mode: str, dtype: str, source: str, target: str, base: str | None) -> dict:
    """Times one file."""
    begin = time.perf_counter()
    if base:
        delta = codec(mode, dtype, delta_compressed_type="byte")
        result = getattr(delta, verb)(read(source), delta_second_data=read(base))
    else:
        result = getattr(codec(mode, dtype), verb)(read(source))
    with open(target, "wb") as file:
        file.write(result)
    return {"seconds": time.perf_counter() - begin}


def zipnn_size(dtype: str, source: str) -> dict:
    """The smaller of both modes."""
    return {"bytes": min(len(codec(mode, dtype).compress(read(source))) for mode in ("plain", "stream"))}


def zstd_size(level: int, source: str) -> dict:
    """zstd of a whole file."""
    import zstandard

    return {"bytes": len(zstandard.ZstdCompressor(level=level).compress(read(source)))}


def versions() -> dict:
    """The packages that work here."""
    import importlib.metadata

    import zipnn  # noqa: F401  imported before anything is timed
    import zstandard

    library = ".".join(map(str, zstandard.ZSTD_VERSION))
    return {"text": f"ZipNN {importlib.metadata.version('zipnn')}, zstd {library}"}


def serve() -> None:
    """Answers one line of JSON with another until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the packages print is no answer
    verbs = {"zipnn": zipnn, "zipnn-size": zipnn_size, "zstd-size": zstd_size, "versions": versions}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = verbs[question.pop("do")](**question)
        except Exception as error:  # the client tells it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
