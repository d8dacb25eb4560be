"""What a photo can do to the process that decodes it, and what that may do to others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from drawing import drawn_picture, encoded
from heif_making import avif, heic
from PIL import Image

from vitrina.errors import Busy, PhotoDamaged
from vitrina.photos import DEFAULT_LIMITS, HeavyDecoder, decode
from vitrina.photos import children as module

# Imported by every Python that finds it, so by the child alone: its decoder then does what the end
# of a photo says, in place of a fault in a C library.
SABOTAGE = """
import ctypes, os, socket, sys, time
from vitrina.errors import PhotoDamaged
from vitrina.photos import picture

decode = picture.decode_picture

def tried(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"

def decode_or_fail(content, kind, limits):
    name = content[-12:].strip(b".").decode("ascii", "replace")
    if name == "segfault":
        ctypes.string_at(0)
    if name == "abort":
        os.abort()
    if name == "spin":
        while True:
            pass
    if name == "sleep":
        time.sleep(600)
    if name == "memory":
        kept = []
        while True:
            kept.append(bytearray(50_000_000))
    if name == "chatter":
        os.write(1, b"a warning of some C library\\n")
        os.write(2, b"another\\n")
    if name == "escape":
        told = {
            "read": tried(lambda: open("/etc/hostname")),
            "write": tried(lambda: open("/tmp/vitrina-was-here", "w")),
            "socket": tried(socket.socket),
            "pipe": tried(os.pipe),
        }
        raise PhotoDamaged(str(told))
    return decode(content, kind, limits)

if "vitrina.photos.child" in sys.orig_argv:
    picture.decode_picture = decode_or_fail
"""
GOOD = heic(drawn_picture())


def photo_that(fault: str) -> bytes:
    """A good photo with an order for the sabotaged decoder at its end."""
    return GOOD + fault.encode().rjust(12, b".")


@pytest.fixture
def sabotaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(SABOTAGE)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def heavy(sabotaged: None) -> Iterator[HeavyDecoder]:
    with HeavyDecoder(seconds=2, max_memory=400_000_000) as decoder:
        yield decoder


def children() -> set[int]:
    """Decoders that this process started and that still live; never a server of other tests."""
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "vitrina.photos.child" in child.cmdline():
                found.add(child.pid)
    return found


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "did not happen in half a minute"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Those that were being started when their decoder was closed end as soon as they are ready."""
    before = children()
    yield
    until(lambda: children() <= before)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("segfault", "its decoder crashed on it"),
        ("abort", "its decoder crashed on it"),
        ("spin", "decoding it takes too long"),
        ("sleep", "decoding it takes too long"),
        ("memory", "decoding it takes too much memory"),
    ],
)
def test_photo_that_takes_its_child_along(heavy: HeavyDecoder, fault: str, told: str) -> None:
    decode(GOOD, heavy=heavy)
    start = time.monotonic()
    with pytest.raises(PhotoDamaged, match=told) as refusal:
        decode(photo_that(fault), heavy=heavy)
    assert time.monotonic() - start < 10
    assert refusal.value.hint
    assert heavy.replaced == 1
    assert np.array_equal(decode(GOOD, heavy=heavy), decode(GOOD))
    assert (heavy.photos, heavy.replaced) == (3, 1)


def test_nothing_can_be_opened(heavy: HeavyDecoder) -> None:
    with pytest.raises(PhotoDamaged) as refusal:
        decode(photo_that("escape"), heavy=heavy)
    assert refusal.value.message.count("Too many open files") == 4, refusal.value.message
    assert not Path("/tmp/vitrina-was-here").exists()
    assert heavy.replaced == 0


def test_what_a_library_prints_is_no_answer(
    heavy: HeavyDecoder, capfd: pytest.CaptureFixture[str]
) -> None:
    assert np.array_equal(decode(photo_that("chatter"), heavy=heavy), decode(GOOD))
    assert capfd.readouterr() == ("", "")


def test_one_child_is_reused_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PHOTOS_PER_CHILD", 3)
    before = children()
    with HeavyDecoder() as heavy:
        assert children() == before  # none before the first photo
        seen = []
        for number in range(7):
            decode(GOOD, heavy=heavy)
            if number % 3 == 2:  # the successor is started beside: nobody waits for it
                until(lambda: seen[-1].isdisjoint(children()) and children() != before)
            seen.append(frozenset(children() - before))
        first, second, third = seen[0], seen[2], seen[5]
        assert seen == [first, first, second, second, second, third, third]
        assert len(first | second | third) == 3
        assert (heavy.photos, heavy.replaced) == (7, 0)
    assert children() == before


def test_no_photo_waits_for_a_successor(sabotaged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PHOTOS_PER_CHILD", 2)
    start, may_start = module.Child, threading.Event()

    def start_slowly(*arguments: float) -> module.Child:
        may_start.wait(30)
        return start(*arguments)

    before = children()
    with HeavyDecoder(wait_seconds=5) as heavy:
        decode(GOOD, heavy=heavy)
        monkeypatch.setattr(module, "Child", start_slowly)
        (old,) = children() - before
        for _ in range(4):  # the old one goes on
            decode(GOOD, heavy=heavy)
        assert children() - before == {old}
        may_start.set()
        until(lambda: old not in children() and children() - before)
        decode(GOOD, heavy=heavy)
        # a photo that takes its child along: the next one is started before anybody asks
        (second,) = children() - before
        with pytest.raises(PhotoDamaged):
            decode(photo_that("segfault"), heavy=heavy)
        until(lambda: children() - before - {second})


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_without_the_processor_blames_no_photo(sabotaged: None) -> None:
    """As on a machine with too much to do: stopped, it waits for nothing but to go on."""
    before = children()
    with HeavyDecoder(seconds=2, wait_seconds=2) as heavy:
        decode(GOOD, heavy=heavy)
        (child,) = children() - before
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(Busy, match="too much to do") as refusal:
            decode(GOOD, heavy=heavy)
        assert refusal.value.retry_after == 2
        assert heavy.replaced == 0
        decode(GOOD, heavy=heavy)


def test_who_comes_while_a_child_starts_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, may_start = module.Child, threading.Event()

    def start_slowly(*arguments: float) -> module.Child:
        may_start.wait(30)
        return start(*arguments)

    monkeypatch.setattr(module, "Child", start_slowly)
    pool = module.Children(1 << 30, seconds=5, patience=0.05)
    with pytest.raises(Busy, match="being started"):
        pool.take()
    with pytest.raises(Busy, match="being started"):  # one start is enough for both
        pool.take()
    may_start.set()
    until(lambda: pool._idle)
    child = pool.take()
    assert not pool._idle
    pool.give_back(child)
    pool.close()
    assert not child.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_child_is_fenced_in() -> None:
    before = children()
    with HeavyDecoder() as heavy:
        decode(GOOD, heavy=heavy)
        (child,) = children() - before
        told = Path(f"/proc/{child}")
        limits = {line[:26].strip(): line[26:47].split() for line in
                  (told / "limits").read_text().splitlines()}  # fmt: skip
        status = dict(line.split(":\t", 1) for line in (told / "status").read_text().splitlines())
        command = (told / "cmdline").read_bytes().split(b"\0")
        environment = (told / "environ").read_bytes()
        assert limits["Max address space"] == [str(1 << 30)]
        assert limits["Max open files"] == ["0"]
        assert limits["Max file size"] == ["0"]
        assert limits["Max core file size"] == ["0"]
        assert status["NoNewPrivs"] == "1"
        assert (told / "oom_score_adj").read_text() == "1000\n"
        assert os.getsid(child) == child
        assert os.getpriority(os.PRIO_PROCESS, child) >= 5
        assert b"vitrina.photos.child" in command
        # secrets of the server's environment are not for it
        assert {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry} <= {
            b"PYTHONPATH", b"LD_LIBRARY_PATH"
        }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_child_loads_little() -> None:
    before = children()
    with HeavyDecoder() as heavy:
        decode(GOOD, heavy=heavy)
        (child,) = children() - before
        maps = Path(f"/proc/{child}/maps").read_text()
        resident = Path(f"/proc/{child}/status").read_text().split("VmRSS:")[1].split()[0]
    assert "heif" in maps
    assert not any(name in maps for name in ("numpy", "onnxruntime", "_sqlite3"))
    assert int(resident) < 60 * 1024


def test_child_that_somebody_else_ended(sabotaged: None) -> None:
    before = children()
    with HeavyDecoder() as heavy:
        decode(GOOD, heavy=heavy)
        (child,) = children() - before
        os.kill(child, signal.SIGKILL)
        until(lambda: Path(f"/proc/{child}/stat").read_text().split()[2] == "Z")
        decode(GOOD, heavy=heavy)
        assert heavy.replaced == 0  # no photo is to blame


def test_real_picture_that_needs_too_much() -> None:
    photo = avif(Image.new("RGB", (4000, 4000)))
    with HeavyDecoder(max_memory=150_000_000) as heavy:
        with pytest.raises(PhotoDamaged):
            decode(photo, heavy=heavy)
        assert decode(avif(drawn_picture()), heavy=heavy).shape == (224, 224, 3)


def test_second_photo_waits_so_long(sabotaged: None) -> None:
    with HeavyDecoder(seconds=20, wait_seconds=0.05) as heavy:
        decode(GOOD, heavy=heavy)
        told: list[BaseException] = []

        def spin() -> None:
            try:
                decode(photo_that("spin"), heavy=heavy)
            except PhotoDamaged as error:
                told.append(error)

        before = children()
        spinning = threading.Thread(target=spin)
        spinning.start()
        until(lambda: heavy.photos == 2)
        with pytest.raises(Busy) as refusal:
            decode(GOOD, heavy=heavy)
        assert refusal.value.retry_after == 20
        for child in before:
            os.kill(child, signal.SIGKILL)  # instead of waiting for its time to pass
        spinning.join(timeout=30)
        assert "crashed" in str(told[0])
        decode(GOOD, heavy=heavy)


def test_several_at_the_same_time() -> None:
    photos = [heic(drawn_picture(seed=seed)) for seed in range(8)]
    expected = [decode(encoded(drawn_picture(seed=seed))) for seed in range(8)]
    before = children()
    with HeavyDecoder(slots=2) as heavy:
        found: dict[int, object] = {}
        threads = [
            threading.Thread(target=lambda n=n: found.update({n: decode(photos[n], heavy=heavy)}))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert 1 <= len(children() - before) <= 2
    for number in range(8):
        difference = np.abs(np.subtract(found[number], expected[number], dtype=np.int16))
        assert difference.mean() < 2


def test_nobody_closes_it() -> None:
    before = children()
    heavy = HeavyDecoder()
    decode(GOOD, heavy=heavy)
    assert children() != before
    del heavy
    assert children() == before


@pytest.mark.parametrize("fault", ["", "spin", "sleep"])
def test_child_does_not_outlive_its_parent(sabotaged: None, fault: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.heic"
    photo.write_bytes(GOOD)
    other = tmp_path / "other.heic"
    other.write_bytes(photo_that(fault) if fault else GOOD)
    program = """
import os, sys, threading
from contextlib import suppress
from pathlib import Path
from vitrina.photos import HeavyDecoder, decode
first, second = (Path(name).read_bytes() for name in sys.argv[1:])
heavy = HeavyDecoder(seconds=1, wait_seconds=5)
decode(first, heavy=heavy)
children = [file.read_text() for file in Path("/proc/self/task").glob("*/children")]
threading.Thread(target=decode, args=(second,), kwargs={"heavy": heavy}).start()
while heavy.photos < 2:
    pass
print(*children, flush=True)
os.kill(os.getpid(), 9)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(photo), str(other)],
        check=False, capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert ended.returncode == -9, ended.stderr
    (child,) = ended.stdout.split()
    until(lambda: not is_running(int(child)))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_child_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    before = children()
    with HeavyDecoder() as heavy, pytest.raises(Busy, match="does not start"):
        heavy.decode(GOOD, "heic", DEFAULT_LIMITS)
    assert children() == before
