"""The machine that measured."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from vitrina import machine
from vitrina.machine import memory_limit, this_machine, usable_cores, vector_units


def test_this_machine_is_described() -> None:
    machine = this_machine()
    assert machine.processor
    assert machine.cores == usable_cores() >= 1
    assert machine.memory_gb > 0.1
    assert machine.python == platform.python_version()
    assert platform.system() in machine.system


def test_cores_are_those_that_may_be_used() -> None:
    if not hasattr(os, "sched_setaffinity"):
        assert usable_cores() == os.cpu_count()
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up /proc and /sys/fs/cgroup; eight processors, none of them bound."""
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "groups").mkdir()
    return tmp_path


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 8), ("", 8)],
)
def test_quota_of_version_2(groups: Path, quota: str, cores: int) -> None:
    write(groups / "proc/self/cgroup", "0::/\n")
    write(groups / "groups/cpu.max", f"{quota}\n")
    assert usable_cores() == cores


@pytest.mark.parametrize(("quota", "cores"), [("200000", 2), ("-1", 8), ("10000", 1)])
def test_quota_of_version_1(groups: Path, quota: str, cores: int) -> None:
    write(groups / "proc/self/cgroup", "4:memory:/\n3:cpu,cpuacct:/shop\n")
    write(groups / "groups/cpu,cpuacct/shop/cpu.cfs_quota_us", quota)
    write(groups / "groups/cpu,cpuacct/shop/cpu.cfs_period_us", "100000")
    assert usable_cores() == cores


def test_the_smallest_quota_on_the_way_up_counts(groups: Path) -> None:
    write(groups / "proc/self/cgroup", "0::/services/shop\n")
    write(groups / "groups/services/cpu.max", "100000 100000")
    write(groups / "groups/services/shop/cpu.max", "400000 100000")
    assert usable_cores() == 1


def test_a_quota_gives_no_more_than_there_is(groups: Path) -> None:
    write(groups / "proc/self/cgroup", "0::/\n")
    write(groups / "groups/cpu.max", "1600000 100000")
    assert usable_cores() == 8


def test_memory_limit(groups: Path) -> None:
    installed = memory_limit()
    write(groups / "proc/self/cgroup", "4:memory:/shop\n0::/\n")
    write(groups / "groups/memory/shop/memory.limit_in_bytes", str(512 * 2**20))
    assert memory_limit() == 512 * 2**20
    write(groups / "groups/memory/shop/memory.limit_in_bytes", str(2**63 - 4096))
    assert memory_limit() == installed
    write(groups / "groups/memory.max", "max")
    assert memory_limit() == installed
    write(groups / "groups/memory.max", str(256 * 2**20))
    assert memory_limit() == 256 * 2**20


def test_vector_units(groups: Path) -> None:
    assert vector_units() == ()
    write(groups / "proc/cpuinfo", "model name\t: X\nflags\t\t: fpu avx avx2 avx512_vnni sse\n")
    assert vector_units() == ("avx2", "avx512_vnni")
    write(groups / "proc/cpuinfo", "model name\t: old\nflags\t\t: fpu sse sse2\n")
    assert vector_units() == ()
