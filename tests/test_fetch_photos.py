"""Fetching pictures: real servers on this machine, most of them bad ones."""

from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from drawing import drawn_photo
from picture_server import (
    Behaviour,
    PictureServer,
    Request,
    breaks_off,
    drops,
    in_turn,
    redirects,
    says_nothing,
    sends,
    streams,
)
from sqlalchemy import Connection, Row, select
from stored import add_product

from vitrina.catalogue.fetch import photos as fetching
from vitrina.catalogue.fetch.hosts import Politeness
from vitrina.catalogue.fetch.photos import MAX_TRIES, FetchReport, fetch_photos
from vitrina.errors import ShopBusy, ShopError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress, Step
from vitrina.store.bulk import AddressRecord, mark_gone, replace_addresses
from vitrina.store.categories import add_category
from vitrina.store.database import migrate, open_database
from vitrina.store.products import PhotoRecord
from vitrina.store.schema import PHOTOS, PRODUCTS, REMOTE_PHOTOS

PICTURE = drawn_photo(seed=1)
OTHER = drawn_photo(seed=2, kind="JPEG")
AT_ONCE = Politeness(pause=0.0, busy_wait=0.05)


def make_shop(tmp_path: Path, *goods: Sequence[str], **settings: Any) -> ShopFolder:
    """A shop whose goods a1, a2... have pictures at the addresses that are given."""
    chosen = {"fetch_from": "anywhere", "fetch_seconds": 5.0, **settings}
    folder = ShopFolder.create(tmp_path / "shop", **chosen)
    if isinstance(folder.database, Path):
        folder.database.write_bytes(empty_database())
    else:
        migrate(folder.database)
    with open_database(folder.database).writing() as connection:
        category = add_category(connection, slug="lamps", path="Лампы", name="Лампы")
        for number, addresses in enumerate(goods, 1):
            product = add_product(connection, category.id, f"a{number}")
            add_addresses(connection, product, addresses)
    return folder


@cache
def empty_database() -> bytes:
    """A database without goods: migrations take longer than most of these tests."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(Path(folder) / "empty.db")
        return (Path(folder) / "empty.db").read_bytes()


def add_addresses(connection: Connection, product: int, addresses: Sequence[str]) -> None:
    records = dict(enumerate(map(AddressRecord, addresses)))
    replace_addresses(connection, {product: records})


def fetch(folder: ShopFolder, **options: Any) -> FetchReport:
    return fetch_photos(folder, **{"politeness": AT_ONCE, **options})


def photos(folder: ShopFolder) -> dict[tuple[str, int], bytes]:
    """The pictures that goods have, by article and position."""
    with open_database(folder.database).reading() as connection:
        photos = select(PRODUCTS.c.sku, PHOTOS).select_from(PRODUCTS.join(PHOTOS))
        rows = connection.execute(photos).all()
    return {
        (row.sku, row.position): folder.photo(row.sha256, row.suffix).read_bytes() for row in rows
    }


def remote(folder: ShopFolder, address: str) -> Row[Any]:
    with open_database(folder.database).reading() as connection:
        named = select(REMOTE_PHOTOS).where(REMOTE_PHOTOS.c.address == address)
        return connection.execute(named).one()


def fault_of(tmp_path: Path, behaviour: Behaviour, **settings: Any) -> str:
    """Why a picture that is answered for in this way is not taken."""
    with PictureServer(bad=behaviour, good=sends(PICTURE)) as server:
        bad, good = server.address("bad"), server.address("good")
        folder = make_shop(tmp_path, [bad], [good], **settings)
        report = fetch(folder)
        assert (report.fetched, report.failed) == (1, 1)
        assert photos(folder) == {("a2", 0): PICTURE}
        row = remote(folder, bad)
        assert (row.sha256, row.tries) == (None, 1)
        assert row.fault
        return row.fault


def test_pictures_come_into_the_shop(tmp_path: Path) -> None:
    with PictureServer(one=sends(PICTURE), two=sends(OTHER)) as server:
        one, two = server.address("one"), server.address("two")
        folder = make_shop(tmp_path, [one, two], [two])
        report = fetch(folder)
    assert report == FetchReport(fetched=2)
    assert photos(folder) == {("a1", 0): PICTURE, ("a1", 1): OTHER, ("a2", 0): OTHER}
    with open_database(folder.database).reading() as connection:
        photo = connection.execute(select(PHOTOS).where(PHOTOS.c.position == 1)).one()
    assert (photo.suffix, photo.width, photo.height) == (".jpg", 96, 72)
    assert photo.sha256 == hashlib.sha256(OTHER).hexdigest()


def test_it_says_who_asks_and_nothing_else(tmp_path: Path) -> None:
    sets_cookie = sends(PICTURE, Set_Cookie="visitor=7; Path=/")
    with PictureServer(one=sets_cookie, two=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one"), server.address("two")])
        fetch(folder)
        assert fetch(folder) == FetchReport()
        assert len(server.headers) == 2
        for headers in server.headers:
            assert headers["user-agent"].startswith("Vitrina/")
            assert headers["host"] == f"127.0.0.1:{server.port}"
            assert not headers.keys() & {"cookie", "authorization", "referer"}


def test_one_address_of_many_goods_is_fetched_once(tmp_path: Path) -> None:
    with PictureServer(one=sends(PICTURE, ETag='"7"')) as server:
        folder = make_shop(tmp_path, *[[server.address("one")]] * 5)
        assert fetch(folder).fetched == 1
        with open_database(folder.database).writing() as connection:
            late = add_product(connection, 1, "late")
            add_addresses(connection, late, [server.address("one")])
        assert fetch(folder) == FetchReport(shared=1)
        assert server.asked == ["/one"]
    assert len(photos(folder)) == 6
    assert set(photos(folder).values()) == {PICTURE}
    with open_database(folder.database).reading() as connection:
        assert set(connection.scalars(select(REMOTE_PHOTOS.c.etag))) == {'"7"'}


def test_main_pictures_come_first(tmp_path: Path) -> None:
    names = [f"{sku}-{position}" for sku in ("a1", "a2") for position in range(3)]
    with PictureServer(**{name: sends(PICTURE) for name in names}) as server:
        goods = [[server.address(f"{sku}-{n}") for n in range(3)] for sku in ("a1", "a2")]
        fetch(make_shop(tmp_path, *goods, fetch_parallel=1))
        assert server.asked[:2] == ["/a1-0", "/a2-0"]


def test_goods_that_are_gone_are_not_asked_for(tmp_path: Path) -> None:
    with PictureServer(one=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one")])
        with open_database(folder.database).writing() as connection:
            mark_gone(connection, [1], datetime(2026, 1, 1))
        assert fetch(folder) == FetchReport()
        assert server.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(tmp_path: Path, status: int) -> None:
    with PictureServer(one=redirects("two", status), two=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one")])
        assert fetch(folder).fetched == 1
    assert photos(folder) == {("a1", 0): PICTURE}


def test_three_redirects_are_followed_and_no_fourth(tmp_path: Path) -> None:
    chain = {f"r{n}": redirects(f"/r{n - 1}") for n in range(1, 5)}
    with PictureServer(r0=sends(PICTURE), **chain) as server:
        folder = make_shop(tmp_path, [server.address("r3")], [server.address("r4")])
        assert (fetch(folder).fetched, list(photos(folder))) == (1, [("a1", 0)])
        assert "more than 3 times" in str(remote(folder, server.address("r4")).fault)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (redirects("bad"), "redirected more than 3 times"),
        (redirects("ftp://127.0.0.1/a.jpg"), "only http and https"),
        (redirects("file:///etc/passwd"), "only http and https"),
        (redirects("http://user:word@127.0.0.1/"), "user's name"),
        (redirects("http://169.254.169.254/latest/meta-data"), "no public address"),
        (redirects("http://[::ffff:169.254.169.254]/"), "no public address"),
        (redirects("http://\x01/"), "where nothing is fetched"),
        (sends(b"<html>no picture</html>", Content_Type="image/jpeg"), "not a photo"),
        (sends(b"GIF89a" + bytes(50), Content_Type="image/jpeg"), "a GIF picture"),
        (sends(b"", Content_Type="image/jpeg"), "empty"),
        (sends(drawn_photo(size=(8, 8))), "at least 16"),
        (sends(PICTURE[:20]), "damaged"),
        (sends(PICTURE, 404), "404 Not Found"),
        (sends(PICTURE, 403), "403 Forbidden"),
        (sends(PICTURE, 206), "206 Partial Content"),
        (sends(b"", 204), "204 No Content"),
        (sends(PICTURE, 304), "304 Not Modified"),
        (sends(PICTURE, 299), "299"),
        (sends(PICTURE, 302), "302 Found"),
        (sends(PICTURE, 500), "500 Internal Server Error"),
        (sends(PICTURE, Content_Encoding="br"), "packed in a way"),
        (sends(PICTURE, Content_Encoding="gzip, gzip"), "packed in a way"),
        (sends(PICTURE, Content_Encoding="gzip"), "cannot be unpacked"),
        (sends(gzip.compress(PICTURE)[:-9], Content_Encoding="gzip"), "broke off within"),
        (breaks_off(PICTURE), "broke off"),
        (drops, "broke off"),
        (lambda request: request.wfile.write(b"SSH-2.0-x\r\n\r\n"), "broke off"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, behaviour: Behaviour, reason: str) -> None:
    assert reason in fault_of(tmp_path, behaviour)


@pytest.mark.parametrize(
    "behaviour",
    [
        sends(bytes(30_001)),
        streams(Content_Type="image/png"),
        streams(Transfer_Encoding="chunked", pieces=[b"9000\r\n" + bytes(0x9000)]),
        sends(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"),
        streams([gzip.compress(bytes(50_000_000))], Content_Encoding="gzip"),
    ],
    ids=["announced", "endless", "chunked", "packed", "packed-endless"],
)
def test_more_bytes_than_allowed_are_not_taken(tmp_path: Path, behaviour: Behaviour) -> None:
    fault = fault_of(tmp_path, behaviour, max_photo_mb=0.03)
    assert fault == "has more than 0.03 MB"


def test_packed_content_is_unpacked(tmp_path: Path) -> None:
    packed = sends(gzip.compress(PICTURE), Content_Encoding="gzip")
    with PictureServer(one=packed) as server:
        folder = make_shop(tmp_path, [server.address("one")])
        assert fetch(folder).fetched == 1
    assert photos(folder) == {("a1", 0): PICTURE}


@pytest.mark.parametrize(
    "behaviour", [says_nothing, streams([bytes([n]) for n in range(100)], seconds=0.1)]
)
def test_slow_servers_hold_up_nothing(tmp_path: Path, behaviour: Behaviour) -> None:
    start = time.monotonic()
    assert "took longer than 0.5 seconds" in fault_of(tmp_path, behaviour, fetch_seconds=0.5)
    assert time.monotonic() - start < 5


def test_private_addresses_are_refused_unless_allowed(tmp_path: Path) -> None:
    with PictureServer(one=sends(PICTURE)) as server:
        addresses = [
            server.address("one", host)
            for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1")
        ]
        folder = make_shop(tmp_path, addresses, fetch_from="internet")
        report = fetch(folder)
        assert (report.failed, report.hosts, server.asked) == (5, {}, [])
        for address in addresses:
            assert "which is no public address" in str(remote(folder, address).fault)


def test_name_that_changes_its_answer_gains_nothing(tmp_path: Path) -> None:
    """The checked answer is the one that is connected to: there is no second question."""
    answers = [["203.0.113.7"], ["127.0.0.1"]]
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers.pop(0)

    with PictureServer(one=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one", "shop.test")], fetch_from="internet")
        assert fetch(folder, resolve=rebinding).failed == 1
        assert fetch(folder, resolve=rebinding).failed == 1
        assert (server.asked, asked) == ([], ["shop.test", "shop.test"])


def test_redirect_to_a_name_of_a_private_network_is_refused(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return {"shop.test": ["127.0.0.1"], "inner.test": ["169.254.169.254"]}[host]

    with PictureServer() as server:
        server.behaviours["/one"] = redirects(server.address("secret", "inner.test"))
        server.behaviours["/secret"] = sends(PICTURE)
        folder = make_shop(tmp_path, [server.address("one", "shop.test")])
        assert fetch(folder, resolve=resolve).failed == 1
        assert server.asked == ["/one"]
        fault = remote(folder, server.address("one", "shop.test")).fault
        assert fault == "it leads to 169.254.169.254, which is no public address"


def test_second_address_of_a_name_is_tried(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.3", "127.0.0.1"]  # the server listens on the last one only

    with PictureServer(one=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one", "shop.test")])
        assert fetch(folder, resolve=resolve).fetched == 1
        assert server.headers[0]["host"] == f"shop.test:{server.port}"


def test_certificate_must_be_for_the_name_although_the_address_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with openssl")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=shop.test", "-addext", "subjectAltName=DNS:shop.test", "-keyout", "key.pem",
            "-out", "certificate.pem",
        ],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with PictureServer(tls, one=sends(PICTURE)) as server:
        right, wrong = (f"https://{name}.test:{server.port}/one" for name in ("shop", "other"))
        folder = make_shop(tmp_path, [right], [wrong])
        assert fetch(folder, resolve=resolve).failed == 2
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        assert fetch(folder, resolve=resolve).fetched == 1
        assert photos(folder) == {("a1", 0): PICTURE}
        assert "certificate is not valid: Hostname mismatch" in str(remote(folder, wrong).fault)


def test_busy_server_is_left_alone_for_as_long_as_it_asks(tmp_path: Path) -> None:
    times: list[float] = []

    def note(request: Request) -> None:
        times.append(time.monotonic())
        busy = len(times) == 1
        request.send(PICTURE, 429 if busy else 200, **({"Retry-After": "1"} if busy else {}))

    with PictureServer(one=note, two=note) as server:
        folder = make_shop(tmp_path, [server.address("one")], [server.address("two")])
        assert fetch(folder, politeness=replace(AT_ONCE, at_once=1)) == FetchReport(fetched=2)
    assert times[1] - times[0] >= 1
    assert len(times) == 3


def test_server_that_asks_for_too_long_a_wait_is_left(tmp_path: Path) -> None:
    tomorrow = format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True)
    busy = sends(b"", 503, Retry_After=tomorrow)
    with PictureServer(one=busy, two=busy) as server:
        addresses = [server.address("one"), server.address("two")]
        folder = make_shop(tmp_path, addresses, fetch_parallel=1)
        report = fetch(folder)
        assert (report.failed, report.postponed, len(server.asked)) == (1, 1, 1)
        assert report.hosts == {
            f"127.0.0.1:{server.port}": "the server answered 503 Service Unavailable"
        }
        # being busy says nothing of the picture
        assert [remote(folder, address).tries for address in addresses] == [0, 0]


def test_server_that_keeps_failing_is_left(tmp_path: Path) -> None:
    with PictureServer(**{f"p{n}": sends(b"", 500) for n in range(30)}) as server:
        addresses = [server.address(f"p{n}") for n in range(30)]
        folder = make_shop(tmp_path, addresses, fetch_parallel=1)
        report = fetch(folder)
        assert len(server.asked) == AT_ONCE.strikes
        assert report.failed + report.postponed == 30
        assert report.postponed > 0


def test_server_that_is_not_there_costs_no_tries(tmp_path: Path) -> None:
    with PictureServer() as server:
        address = server.address("one")
    folder = make_shop(tmp_path, [address])
    assert fetch(folder).failed == 1
    row = remote(folder, address)
    assert row.tries == 0
    assert "cannot be reached" in str(row.fault)


def test_failure_of_a_moment_is_asked_again(tmp_path: Path) -> None:
    with PictureServer(
        one=in_turn(drops, sends(PICTURE)), two=in_turn(sends(b"", 502), sends(OTHER))
    ) as server:
        folder = make_shop(tmp_path, [server.address("one")], [server.address("two")])
        assert fetch(folder) == FetchReport(fetched=2)


def test_no_server_gets_more_requests_at_once_than_allowed(tmp_path: Path) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.02)
        request.send(PICTURE)

    with PictureServer(**{f"p{n}": slow for n in range(30)}) as server:
        folder = make_shop(tmp_path, [server.address(f"p{n}") for n in range(30)])
        fetch(folder, politeness=replace(AT_ONCE, at_once=3))
        assert server.most == 3


def test_what_failed_is_told_and_tried_again_until_it_is_given_up(tmp_path: Path) -> None:
    with PictureServer() as server:
        gone = server.address("gone")
        folder = make_shop(tmp_path, [gone], [gone])
        for tries in range(1, MAX_TRIES + 1):
            report = fetch(folder)
            assert (report.failed, remote_tries(folder)) == (1, {tries})
        assert report.refused_file is not None
        assert report.refused_file.name.startswith("refused-pictures-")
        with report.refused_file.open(encoding="utf-8-sig", newline="") as file:
            assert list(csv.reader(file)) == [
                ["address", "article", "reason"],
                [gone, "a1", "the server answered 404 Not Found"],
                [gone, "a2", "the server answered 404 Not Found"],
            ]
        assert fetch(folder) == FetchReport(abandoned=1)
        assert len(server.asked) == MAX_TRIES
        server.behaviours["/gone"] = sends(PICTURE)
        assert fetch(folder, refresh=True).fetched == 1
        assert remote_tries(folder) == {0}


def remote_tries(folder: ShopFolder) -> set[int]:
    with open_database(folder.database).reading() as connection:
        return set(connection.scalars(select(REMOTE_PHOTOS.c.tries)))


def test_refresh_asks_only_for_what_changed(tmp_path: Path) -> None:
    def marked(request: Request) -> None:
        if request.headers["If-None-Match"] == '"1"':
            request.send(status=304)
        else:
            request.send(PICTURE, ETag='"1"', Last_Modified="Mon, 05 Jan 2026 10:00:00 GMT")

    with PictureServer(
        same=marked, new=in_turn(sends(PICTURE), sends(OTHER)), unmarked=sends(OTHER)
    ) as server:
        folder = make_shop(tmp_path, [server.address(p) for p in ("same", "new", "unmarked")])
        assert fetch(folder).fetched == 3
        report = fetch(folder, refresh=True)
        assert (report.fetched, report.unchanged) == (1, 2)
        asked = dict(zip(server.asked[3:], server.headers[3:], strict=True))
        assert asked["/same"]["if-modified-since"] == "Mon, 05 Jan 2026 10:00:00 GMT"
        assert "if-none-match" not in asked["/new"]
    assert photos(folder) == {("a1", 0): PICTURE, ("a1", 1): OTHER, ("a1", 2): OTHER}


def test_picture_stays_when_a_refresh_fails(tmp_path: Path) -> None:
    with PictureServer(one=in_turn(sends(PICTURE), sends(b"", 404))) as server:
        folder = make_shop(tmp_path, [server.address("one")])
        fetch(folder)
        assert fetch(folder, refresh=True).failed == 1
    assert photos(folder) == {("a1", 0): PICTURE}


def test_picture_of_a_new_address_takes_the_old_ones_place(tmp_path: Path) -> None:
    with PictureServer(old=sends(PICTURE), new=sends(OTHER)) as server:
        folder = make_shop(tmp_path, [server.address("old")])
        fetch(folder)
        with open_database(folder.database).writing() as connection:
            replace_addresses(connection, {1: {0: AddressRecord(server.address("new"))}})
        fetch(folder)
    assert photos(folder) == {("a1", 0): OTHER}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://shop.test/a.jpg", "only http and https"),
        ("shop.test/a.jpg", "only http and https"),
        ("http://", "names no host"),
        ("http://u:p@shop.test/a.jpg", "user's name"),
        ("http://a\x00b/", "no address"),
        ("http://shop.test:99999/", "no port 99999"),
        ("http://[::1/", "no address"),
        ("http://shop.test/" + "a" * 1990, "more than 2000 characters"),
        ("http://nowhere.invalid/", "cannot be reached"),
    ],
)
def test_address_that_is_none(tmp_path: Path, address: str, reason: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    folder = make_shop(tmp_path, [address])
    assert fetch(folder, resolve=resolve).failed == 1
    assert reason in str(remote(folder, address).fault)


class StopsAtTheFifth(Progress):
    """Stops the work, as a person would by Ctrl-C, when five pictures were dealt with."""

    @contextmanager
    def step(self, label: str, total: int) -> Iterator[Step]:
        del label

        class Stopping(Step):
            left = 5

            def advance(self, count: int = 1, *, note: str = "") -> None:
                del note
                self.left -= count
                if self.left == 0:
                    raise KeyboardInterrupt

        assert total == 12
        yield Stopping()


def test_fetch_that_is_interrupted_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    pictures = [drawn_photo(seed=seed) for seed in range(12)]
    with PictureServer(**{f"p{n}": sends(photo) for n, photo in enumerate(pictures)}) as server:
        folder = make_shop(tmp_path, [server.address(f"p{n}") for n in range(12)])
        with pytest.raises(KeyboardInterrupt):
            fetch(folder, progress=StopsAtTheFifth())
        assert len(photos(folder)) == 5
        assert fetch(folder).fetched == 7
    assert [photos(folder)["a1", n] for n in range(12)] == pictures


PROGRAM = """
import sys
from pathlib import Path
from vitrina.catalogue.fetch.photos import fetch_photos
from vitrina.folder import ShopFolder
fetch_photos(ShopFolder.find(Path(sys.argv[1])))
"""


def test_fetch_that_is_killed_keeps_its_finished_batches(tmp_path: Path) -> None:
    count = 60
    pictures = [drawn_photo(seed=seed, size=(32, 32)) for seed in range(count)]
    with PictureServer(**{f"p{n}": sends(photo) for n, photo in enumerate(pictures)}) as server:
        stuck = [server.address(f"s{n}") for n in range(8)]
        server.behaviours |= {f"/s{n}": says_nothing for n in range(8)}
        addresses = [*(server.address(f"p{n}") for n in range(count)), *stuck]
        folder = make_shop(tmp_path, addresses, fetch_seconds=60.0)
        killed = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder.root)])
        try:
            wait_for(lambda: len(photos(folder)) >= 50)
        finally:
            killed.kill()
            killed.wait()
        kept = photos(folder)
        assert all(kept["a1", n] == pictures[n] for (_, n) in kept)
        asked = len(server.asked)
        server.behaviours |= {f"/s{n}": sends(OTHER) for n in range(8)}
        assert fetch(folder).fetched == len(addresses) - len(kept)
        assert len(server.asked) == asked + len(addresses) - len(kept)
    assert len(photos(folder)) == len(addresses)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_full_disk_is_told_and_keeps_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fetching.store_photo
    left = iter([True, True, False])

    def store_two(*args: Any) -> PhotoRecord:
        if next(left):
            return store(*args)
        raise OSError(errno.ENOSPC, "No space left on device")

    with PictureServer(**{f"p{n}": sends(drawn_photo(seed=n)) for n in range(5)}) as server:
        folder = make_shop(tmp_path, [server.address(f"p{n}") for n in range(5)])
        monkeypatch.setattr(fetching, "store_photo", store_two)
        with pytest.raises(ShopError, match="No space left") as refusal:
            fetch(folder)
        assert refusal.value.hint
        assert len(photos(folder)) == 2
        monkeypatch.setattr(fetching, "store_photo", store)
        assert fetch(folder).fetched == 3


def test_two_do_not_fetch_for_one_shop(tmp_path: Path) -> None:
    folder = make_shop(tmp_path, ["http://shop.test/a.jpg"])
    with writing(folder, "train", SILENT), pytest.raises(ShopBusy):
        fetch(folder)


def test_nothing_to_fetch_disturbs_nobody(tmp_path: Path) -> None:
    folder = make_shop(tmp_path, [])
    with writing(folder, "train", SILENT):
        assert fetch(folder) == FetchReport()


def test_fetching_works_within_a_running_event_loop(tmp_path: Path) -> None:
    async def in_a_notebook() -> FetchReport:
        return fetch(folder)

    with PictureServer(one=sends(PICTURE)) as server:
        folder = make_shop(tmp_path, [server.address("one")])
        assert anyio.run(in_a_notebook).fetched == 1
