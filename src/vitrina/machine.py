"""The machine: how much of it this process may use, and which one a figure was measured on.

The last is part of every record that holds milliseconds.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CONTROL_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """Processor, memory and software of the machine that measured.

    Attributes:
        processor: As the system names it.
        cores: That this process may use.
        memory_gb: Installed, 10^9 bytes; 0 where the system does not say.
        system: Name and release of the operating system.
        python: Version.
    """

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str


def this_machine() -> Machine:
    """The machine that runs this process."""
    return Machine(
        processor=_processor(),
        cores=usable_cores(),
        memory_gb=round(_memory_bytes() / 1e9, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def usable_cores() -> int:
    """Processor cores that this process may run on; fewer than there are in a container.

    What the process is bound to counts, and the quota of its control groups (version 1 and 2).
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores, _quota() or cores)


def _processor() -> str:
    try:
        for line in (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def memory_limit() -> int:
    """Bytes that this process may have: of the machine, or fewer in a container; 0: not known."""
    limits = [_memory_bytes(), *_group_numbers("memory", "memory.max", "memory.limit_in_bytes")]
    return min((limit for limit in limits if limit > 0), default=0)


def resident_bytes() -> int:
    """Memory that this process has now; 0 where the system does not say."""
    try:
        pages = int((PROC / "self" / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def vector_units() -> tuple[str, ...]:
    """Which of the instructions that inference gains by this processor has.

    Empty where the system does not tell.
    """
    known = {"avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimd", "asimddp"}
    try:
        lines = (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    named = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return tuple(sorted(known & set(named.partition(":")[2].split())))


def _quota() -> int | None:
    """Whole processors that a container's quota is worth; None without one."""
    quotas = [
        cores
        for path in _groups("cpu")
        for cores in (_two_numbers(path / "cpu.max"), _quota_of_version_1(path))
        if cores is not None
    ]
    # rounded down: threads beyond the quota are all stopped together until its next period
    return max(1, int(min(quotas))) if quotas else None


def _two_numbers(file: Path) -> float | None:
    try:
        quota, period = file.read_text(encoding="ascii").split()[:2]
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # no such file, or "max"


def _quota_of_version_1(path: Path) -> float | None:
    try:
        quota = int((path / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((path / "cpu.cfs_period_us").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None


def _group_numbers(controller: str, *files: str) -> list[int]:
    numbers = []
    for path in _groups(controller):
        for file in files:
            try:
                numbers.append(int((path / file).read_text(encoding="ascii")))
            except (OSError, ValueError):
                continue  # no such file, or "max"
    return numbers


def _groups(controller: str) -> list[Path]:
    """The control groups that this process is in, up to the topmost; of both versions."""
    found = []
    try:
        lines = (PROC / "self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []  # not Linux
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        # inside a container the path is that of the host, and its own group lies at the top
        inside = Path(place.strip("/"))
        for top in (CONTROL_GROUPS / controllers, CONTROL_GROUPS / controller, CONTROL_GROUPS):
            found += [top / inside, *(top / parent for parent in inside.parents)]
    return list(dict.fromkeys(found))


def give_back_memory() -> None:
    """Has the C library give memory that is free back to the system, where it can."""
    import ctypes  # seldom needed, and nothing that a start should wait for

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # another C library than glibc
