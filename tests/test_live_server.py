"""A real server process: sockets, large bodies, memory, the disk, and how it ends."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from asking import LiveServer
from drawing import COLOURS, drawn_photo

from vitrina import Shop

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")
LARGE = 50_000_000
PIECE = bytes(1_000_000)


def photo_works(server: LiveServer) -> bool:
    answer = httpx.post(
        f"{server.address}/v1/search/photo", content=LAMP, headers={"content-type": "image/jpeg"}
    )
    return bool(answer.json()["category"]["id"] == "lamps")


def connect(server: LiveServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def head(*lines: str, address: str = "/v1/search/photo") -> bytes:
    first = (f"POST {address} HTTP/1.1", "Host: shop.test", *lines)
    return "\r\n".join((*first, "", "")).encode()


def status_of(connection: socket.socket) -> int:
    """Status of the answer that comes on a connection."""
    with connection.makefile("rb") as answer:
        return int(answer.readline().split()[1])


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=B"])
def test_declared_50_mb_are_refused_before_they_are_sent(
    live_server: LiveServer, kind: str
) -> None:
    with connect(live_server) as connection:
        connection.sendall(head(f"Content-Type: {kind}", f"Content-Length: {LARGE}"))
        assert status_of(connection) == 413
    assert photo_works(live_server)


def test_50_mb_body(live_server: LiveServer) -> None:
    answer = httpx.post(
        f"{live_server.address}/v1/search/photo",
        content=(PIECE for _ in range(LARGE // len(PIECE))),
        headers={"content-type": "image/jpeg", "content-length": str(LARGE)},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")
    assert photo_works(live_server)


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=B"])
def test_50_mb_in_chunks(live_server: LiveServer, kind: str) -> None:
    def pieces() -> Iterator[bytes]:
        if kind != "image/jpeg":
            disposition = b'form-data; name="photo"; filename="a.jpg"'
            yield b"--B\r\nContent-Disposition: " + disposition + b"\r\n\r\n"
        for _ in range(LARGE // len(PIECE)):
            yield PIECE

    answer = httpx.post(
        f"{live_server.address}/v1/search/photo",
        content=pieces(),
        headers={"content-type": kind},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")
    assert photo_works(live_server)


def test_client_that_goes_away(live_server: LiveServer) -> None:
    for start in (b"", LAMP[:100], bytes(3_000_000)):
        with connect(live_server) as connection:
            lines = ("Content-Type: image/jpeg", "Content-Length: 9000000")
            connection.sendall(head(*lines) + start)
        assert photo_works(live_server)
    with connect(live_server) as connection:
        connection.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        assert status_of(connection) == 400
    assert photo_works(live_server)


def test_very_long_address(live_server: LiveServer) -> None:
    with connect(live_server) as connection:
        request = b"GET /v1/search?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: s\r\n\r\n"
        try:
            connection.sendall(request)
            assert 400 <= status_of(connection) < 500
        except (ConnectionError, IndexError):
            pass  # closing the connection is an answer too
    assert photo_works(live_server)


def test_no_word_about_the_software(live_server: LiveServer) -> None:
    assert "server" not in httpx.get(f"{live_server.address}/healthz").headers


def test_photo_in_a_form(live_server: LiveServer) -> None:
    large = drawn_photo(COLOURS["lampy"], (3000, 2000), kind="PNG", compress_level=0)
    assert len(large) > 15_000_000
    answer = httpx.post(
        f"{live_server.address}/v1/search/photo", files={"photo": ("../x.png", large)}, timeout=60
    )
    assert answer.json()["category"]["id"] == "lamps"


def test_nothing_was_written_and_memory_is_bounded(live_server: LiveServer) -> None:
    """Comes last in this file: looks at what all the others left behind."""
    assert photo_works(live_server)
    assert list(live_server.scratch.iterdir()) == []
    names = {path.relative_to(live_server.shop).parts[0] for path in live_server.shop.rglob("*")}
    assert names <= {
        "shop.toml", "vitrina.db", "vitrina.db-wal", "vitrina.db-shm", "photos", "imports", "runs",
        "bundles", "cache", ".lock", "server.db", "server.db-journal",
    }  # fmt: skip
    # libraries, the tiny network, and less than two refused bodies
    assert live_server.peak_memory_mb() < 450
    assert "Traceback" not in "".join(live_server.said)
    assert "Exception" not in "".join(live_server.said)


@pytest.fixture
def own_server(published_shop: Shop, tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "tmp").mkdir()
    server = LiveServer(published_shop.folder.root, tmp_path / "tmp")
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()


def test_end(own_server: LiveServer, published_shop: Shop) -> None:
    assert photo_works(own_server)
    said = own_server.stop()
    events = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in events] == ["ready", "answer", "stopping", "stopped"]
    assert (events[0]["shop"], events[0]["address"]) == ("Лавка", own_server.address)
    assert "Traceback" not in said
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{own_server.address}/healthz")
    assert published_shop.folder.database.exists()


def test_address_in_use(live_server: LiveServer, published_shop: Shop) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-m", "vitrina", "serve", "--shop", str(published_shop.folder.root),
            "--port", str(live_server.port),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "cannot listen on 127.0.0.1" in ended.stderr
    assert "hint:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bundle_that_is_not_there_is_told_at_once(published_shop: Shop) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-m", "vitrina", "serve", "--shop", str(published_shop.folder.root),
            "--port", "0", "--bundle", "missing",
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "There is no bundle 'missing'" in ended.stderr
    assert "tiny-1" in ended.stderr.partition("hint:")[2]
    assert "Traceback" not in ended.stderr


def test_import_while_serving(live_server: LiveServer, goods_folder: Path, tmp_path: Path) -> None:
    shop = Shop.open(live_server.shop)
    before = httpx.get(f"{live_server.address}/v1/search").json()["total"]
    goods = shutil.copytree(goods_folder, tmp_path / "goods")
    assert shop.import_catalogue(goods).products == 9
    after = httpx.get(f"{live_server.address}/v1/search").json()["total"]
    assert after in (before + 9, before)
    assert after >= 9 + 12
