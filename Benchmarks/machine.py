"""What the figures were taken on, and what ran beside them."""

import os
import platform
import resource
import subprocess
import time
from pathlib import Path

STATISTICS = Path("/proc/stat")


def processor() -> str:
    """The processor's name and the size of its memory, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = [line.partition(":") for line in information.read_text().splitlines()]
        values = {name.strip(): value.strip() for name, _, value in fields}
        family = f"family {values['cpu family']} model {values['model']}" if "cpu family" in values else ""
        return f"{values.get('model name', platform.machine())} {family}".strip()
    brand = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
    return brand.stdout.strip() or platform.machine()


def facts(tool: Path) -> dict[str, str]:
    """The machine and the tool; `tenon --version` tells zstd and the level of instructions."""
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"tool": version, "processor": f"{processor()}, {cores} cores", "system": platform.platform()}


class Load:
    """How much of the processor others took while we measured."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.busy = self._busy()

    @staticmethod
    def _busy() -> float | None:
        """Seconds in which the cores worked since the system started, stolen ones included."""
        if not STATISTICS.exists():
            return None
        user, nice, system, _, _, *interrupts_and_stolen = STATISTICS.read_text().split()[1:9]
        ticks = sum(map(int, (user, nice, system, *interrupts_and_stolen)))
        return ticks / os.sysconf("SC_CLK_TCK")

    def text(self) -> str:
        """The share that went elsewhere since the start; call it when all children have ended."""
        busy = self._busy()
        if self.busy is None or busy is None:
            return "unknown"
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        own = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        seconds = time.monotonic() - self.begin
        share = max(0.0, busy - self.busy - own) / (seconds * os.cpu_count())
        return f"{share:.0%} of the processor's time went to others in these {seconds:.0f} s"
