"""The machine that measured."""

from __future__ import annotations

import os
import platform

from vitrina.machine import this_machine, usable_cores


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
