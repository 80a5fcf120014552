"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Memory",
    "Strangers",
    "blas_threads",
    "blas_version",
    "caption",
    "cores",
    "describe",
    "disturbance",
    "forget_peak",
    "head",
    "memory",
    "processor",
]

QUIET = 0.05


def processor() -> str:
    """Return the CPU's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def blas_version() -> str:
    """Return which BLAS NumPy was built with."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def blas_threads() -> int:
    """Return the threads of NumPy's BLAS: asked where threadpoolctl is installed, else reckoned."""
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
    except ImportError:
        named = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
        return int(named) if named and named.isdigit() else os.cpu_count() or 1
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


class Memory(NamedTuple):
    """Bytes of memory that a process holds, and the most it has held."""

    resident: int
    peak: int


def memory() -> Memory | None:
    """Return this process's memory; None where /proc does not say.

    getrusage's ru_maxrss will not do: a child takes it over from its parent.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        fields = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
        return Memory(*(1024 * int(fields[name][0]) for name in ("VmRSS", "VmHWM")))
    except (OSError, KeyError):
        return None


def forget_peak() -> None:
    """Have the peak count from now on; where the system does not let it be, it counts as before."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


class Strangers:
    """How busy other processes keep the machine, from the making of this object on.

    The workers must have ended when it is asked: only then are their seconds known.
    """

    def __init__(self) -> None:
        self._start = self._seconds()

    def share(self) -> float | None:
        """Return the share of all cores' time that went to others; None where it is not known."""
        end = self._seconds()
        if self._start is None or end is None:
            return None
        busy, own, whole = (after - before for after, before in zip(end, self._start, strict=True))
        return max(0.0, busy - own) / whole if whole > 0 else None

    @staticmethod
    def _seconds() -> tuple[float, float, float] | None:
        """Return seconds of work on all cores, those of this process and its children, and all."""
        try:
            line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        except OSError:
            return None
        tick = os.sysconf("SC_CLK_TCK")
        # user nice system idle iowait irq softirq steal
        numbers = [int(word) / tick for word in line.split()[1:9]]
        idle = numbers[3] + numbers[4]
        spent = os.times()
        own = spent.user + spent.system + spent.children_user + spent.children_system
        return sum(numbers) - idle, own, sum(numbers)


def describe(sides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return machine, Python, and each side's versions and threads."""
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {k: v for side in sides.values() for k, v in side["versions"].items()},
        "threads": {name: side["threads"] for name, side in sides.items()},
    }


def head(machine: Mapping[str, Any]) -> str:
    """Return the lines above the output."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    threads = ", ".join(f"{name} {count}" for name, count in machine["threads"].items())
    return (
        f"machine   {machine['processor']}, {machine['cores']} cores, {machine['system']}\n"
        f"versions  Python {machine['python']}, {versions}\n"
        f"threads   {threads}"
    )


def caption(machine: Mapping[str, Any]) -> str:
    """Return one line for a picture."""
    names = ", ".join(f"{n} {v}" for n, v in machine["versions"].items() if n != "BLAS")
    threads = "/".join(map(str, sorted(set(machine["threads"].values()))))
    return f"{machine['processor']}, {machine['cores']} cores, {threads} threads; {names}"


def disturbance(machine: Mapping[str, Any]) -> str:
    """Return warnings where these times do not hold, else nothing."""
    found = ""
    share = machine.get("others_share")
    if share is not None and share > QUIET:
        found = f"Other processes took {100 * share:.0f} % of the cores: these times do not hold.\n"
    if len(set(machine.get("threads", {}).values())) > 1:
        found += "Not all sides had the same number of threads: their times are not comparable.\n"
    return found
