"""The smallest machines: one processor, 512 MB of memory, and too little of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from asking import LiveServer
from drawing import COLOURS, drawn_photo

from vitrina import Shop

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="binds a process to one core, which Linux can"
)

LIMITED = """
import sys
from pathlib import Path
from vitrina import machine
machine.CONTROL_GROUPS, machine.PROC = Path(sys.argv[1]), Path(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
from vitrina.cli import main
main()
"""


def one_core_and_512_mb() -> None:
    import resource  # Windows has none, and leaves these tests out

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_DATA, (512 * 2**20, 512 * 2**20))


def test_one_core_and_512_mb(published_shop: Shop, tmp_path: Path) -> None:
    server = LiveServer(published_shop.folder.root, tmp_path, limiting=one_core_and_512_mb)
    try:
        assert len(os.sched_getaffinity(server.process.pid)) == 1
        answer = httpx.post(
            f"{server.address}/v1/search/photo",
            content=drawn_photo(COLOURS["lampy"], kind="JPEG"),
            headers={"content-type": "image/jpeg"},
        )
        assert answer.status_code == 200
        assert answer.json()["category"]["id"] == "lamps"
        ready = next(line for line in server.said if '"event": "ready"' in line)
        assert json.loads(ready)["threads"] == 1
    finally:
        server.stop()


def test_too_little_memory_is_told_instead_of_being_killed(
    published_shop: Shop, tmp_path: Path
) -> None:
    """A container of 64 MB, as its control group tells it."""
    groups, proc = tmp_path / "groups", tmp_path / "proc"
    groups.mkdir()
    (proc / "self").mkdir(parents=True)
    (proc / "self/cgroup").write_text("0::/\n")
    (groups / "memory.max").write_text(f"{64 * 2**20}\n")
    photo = tmp_path / "lamp.jpg"
    photo.write_bytes(drawn_photo(COLOURS["lampy"], kind="JPEG"))
    search = ["search", str(photo), "--shop", str(published_shop.folder.root)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(groups), str(proc), *search],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "This process may have 67 MB of memory" in done.stderr
    assert "hint: Raise the limit" in done.stderr
    assert "Traceback" not in done.stderr
