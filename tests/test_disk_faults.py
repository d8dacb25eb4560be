"""A disk that is full, cannot be written or loses a file: search answers, writes fail clearly."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from asking import AppClient, LiveServer, environment
from drawing import COLOURS, drawn_photo, write_table
from sqlalchemy import func, select, text
from test_kill import require_whole_database
from test_new_goods import late_goods

from vitrina import Shop
from vitrina.bundle import active_version
from vitrina.errors import ShopError, ShopVersion
from vitrina.serving.app import create_app
from vitrina.store import reading
from vitrina.store.database import open_database
from vitrina.store.reading import open_for_reading
from vitrina.store.schema import PRODUCTS

PHOTO = drawn_photo(COLOURS["lampy"], seed=1, kind="JPEG")
JPEG = {"content-type": "image/jpeg"}


@pytest.fixture
def server(published_shop: Shop, tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "tmp").mkdir()
    running = LiveServer(published_shop.folder.root, tmp_path / "tmp")
    yield running
    assert "Traceback" not in running.stop()


def require_answers(server: LiveServer, goods: int = 12) -> None:
    photo = httpx.post(f"{server.address}/v1/search/photo", content=PHOTO, headers=JPEG)
    assert photo.json()["category"]["id"] == "lamps"
    assert httpx.get(f"{server.address}/v1/search").json()["total"] == goods


def several_goods(place: Path) -> Path:
    rows = [("sku", "name", "category", "description", "image")]
    for number in range(20):
        picture = drawn_photo(seed=3000 + number, size=(400, 300))
        (place / f"{number}.png").write_bytes(picture)
        rows.append((f"n{number}", "Лампа", "Лампы", f"слово{number} " * 100, f"{number}.png"))
    return write_table(place / "several.csv", rows)


@pytest.mark.parametrize("room", [0, 100, 4_000, 40_000, 150_000])
def test_a_disk_without_room(
    published_shop: Shop, server: LiveServer, tmp_path: Path, room: int
) -> None:
    """The system refuses to let any file grow beyond `room`, as a full disk would."""
    goods = several_goods(tmp_path)

    def import_goods(limit: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vitrina", "import", str(goods), "--shop",
             str(published_shop.folder.root)],
            capture_output=True, text=True, check=False, timeout=120, env=environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip

    ended = import_goods(room)
    assert ended.returncode == 1, ended.stderr
    assert "error:" in ended.stderr
    assert "hint: Make room" in ended.stderr
    assert "Traceback" not in ended.stderr
    # with the most room only the embeddings find none, when the goods are in already
    require_answers(server, 12 + 20 if room == 150_000 else 12)
    require_whole_database(published_shop)
    assert import_goods(resource.RLIM_INFINITY).returncode == 0
    require_answers(server, 12 + 20)


WITHOUT_ROOM = """
import resource, sys
sys.path.insert(0, sys.argv[3])
from killed_work import publish
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
publish(sys.argv[1], "tiny-2", True)
"""


@pytest.mark.parametrize("room", [0, 1_000, 40_000])
def test_a_publication_without_room(published_shop: Shop, room: int) -> None:
    folder = published_shop.folder
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, str(folder.root), str(room),
         str(Path(__file__).parent)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    said = ended.stderr.splitlines()[-1]
    assert "File too large" in said or "disk I/O error" in said
    assert active_version(folder.bundles) == "tiny-1"
    assert [path.name for path in folder.bundles.iterdir() if path.is_dir()] == ["tiny-1"]
    assert published_shop.search_photo(PHOTO).category is not None


def settle(shop: Shop) -> None:
    """Has all lie in the database's file, with nothing beside it."""
    connection = sqlite3.connect(shop.folder.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert [path.name for path in shop.folder.root.glob("vitrina.db*")] == ["vitrina.db"]


def test_a_server_that_starts_without_room(published_shop: Shop, tmp_path: Path) -> None:
    """SQLite finds no place for its notes; the file is read as it lies."""
    settle(published_shop)
    (tmp_path / "tmp").mkdir()
    server = LiveServer(
        published_shop.folder.root,
        tmp_path / "tmp",
        limiting=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    try:
        require_answers(server)
    finally:
        assert "Traceback" not in server.stop()


WITHOUT_RIGHTS = """
import ctypes, sys
from pathlib import Path

class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

class Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]

# root may write everywhere until it gives that up; for others this changes nothing
assert ctypes.CDLL(None).capset(ctypes.byref(Header(0x20080522, 0)), (Data * 2)()) == 0
root = Path(sys.argv[1])
try:
    (root / "new").write_bytes(b"")
except PermissionError:
    pass
else:
    raise AssertionError("the folder can be written")

sys.path.insert(0, sys.argv[2])
from asking import AppClient
from vitrina import Shop
from vitrina.errors import ShopError
from vitrina.serving.app import create_app

photo = Path(sys.argv[3]).read_bytes()
with AppClient(create_app(Shop.open(root).folder)) as client:
    for _ in range(3):
        assert client.get("/v1/search").json()["total"] == 12
        answer = client.send_photo(photo)
        assert answer.json()["category"]["id"] == "lamps", answer.text
        assert answer.json()["products"][0]["similarity"] > 0.9
    assert client.get("/readyz").json()["status"] == "ready"
for work in (lambda shop: shop.import_catalogue(sys.argv[4]), Shop.rollback):
    try:
        work(Shop.open(root))
    except (ShopError, PermissionError) as error:
        print(type(error).__name__, error)
    else:
        raise AssertionError("it was written")
"""


@pytest.mark.parametrize("settled", [True, False])
def test_a_folder_that_cannot_be_written(
    published_shop: Shop, tmp_path: Path, settled: bool
) -> None:
    if settled:
        settle(published_shop)
    root = published_shop.folder.root
    (photo := tmp_path / "photo.jpg").write_bytes(PHOTO)
    goods = late_goods(tmp_path, "late")
    (root / ".lock").unlink(missing_ok=True)
    before = sorted(root.rglob("*"))
    for path in (root, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, str(root), str(Path(__file__).parent),
             str(photo), str(goods)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    finally:
        for path in (root, *before):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert ended.returncode == 0, ended.stderr
    assert "could not be written" in ended.stdout
    assert sorted(root.rglob("*")) == before
    require_whole_database(published_shop)


def count_goods(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM products").fetchone()[0])


def as_it_lies_where_possible(path: Path) -> reading.ReadingConnection:
    return reading._connect(path, as_it_lies=not reading._log_size(path))


def test_what_is_read_as_it_lies_is_read_anew_when_it_changes(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "open_connection", as_it_lies_where_possible)
    database = open_for_reading(published_shop.folder.database)

    def count() -> int:
        with database.asking() as connection:
            return count_goods(connection)

    assert count() == 12
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    assert count() == 13


def test_what_was_not_moved_into_the_file_yet_is_not_passed_over(published_shop: Shop) -> None:
    """A file is only taken as it lies where nothing belongs to it that lies elsewhere."""
    path = published_shop.folder.database
    log = path.with_name("vitrina.db-wal")
    log.write_bytes(b"x" * 100)

    def refused(_path: Path, *, as_it_lies: bool) -> reading.ReadingConnection:
        assert not as_it_lies
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(reading, "_connect", refused)
        with pytest.raises(ShopError, match="readonly") as refusal:
            open_for_reading(path)
    assert "Let this user read" in refusal.value.hint


def test_a_deleted_database_is_read_to_the_end(published_shop: Shop, tmp_path: Path) -> None:
    path = published_shop.folder.database
    kept = Path(shutil.copy(path, tmp_path / "kept.db"))
    with AppClient(create_app(published_shop.folder)) as client:
        assert client.get("/v1/search").json()["total"] == 12
        assert client.send_photo(PHOTO).status_code == 200
        for file in path.parent.glob("vitrina.db*"):
            file.unlink()
        # those that have it open go on
        assert client.get("/v1/search").json()["total"] == 12
        assert client.send_photo(PHOTO).json()["category"]["id"] == "lamps"
        assert not path.exists()
        # another one in its place is taken without a new server
        connection = sqlite3.connect(kept)
        connection.execute("DELETE FROM product_texts WHERE rowid = 1")
        connection.execute("UPDATE products SET gone_since = '2026-01-01' WHERE id = 1")
        connection.commit()
        connection.close()
        kept.rename(path)
        assert client.get("/v1/search").json()["total"] == 11
    with pytest.raises(ShopVersion):
        open_for_reading(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_is_no_longer_one(published_shop: Shop) -> None:
    path = published_shop.folder.database
    with AppClient(create_app(published_shop.folder)) as client:
        assert client.get("/v1/search").status_code == 200
        (other := path.with_name("other.db")).write_bytes(b"no database at all" * 1000)
        other.rename(path)
        answer = client.get("/v1/search")
        assert (answer.status_code, answer.json()["code"]) == (503, "shop")
        assert "SELECT" not in answer.text
        assert str(path.parent) not in answer.text
        assert client.get("/healthz").status_code == 200


def test_a_mistake_of_ours_is_none_of_the_disk(published_shop: Shop) -> None:
    with AppClient(create_app(published_shop.folder)) as client:
        connection = sqlite3.connect(published_shop.folder.database)
        connection.execute("ALTER TABLE products RENAME COLUMN price_minor TO price_other")
        connection.close()
        answer = client.get("/v1/search")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "price_minor" not in answer.text


def test_a_database_that_another_program_writes(published_shop: Shop, tmp_path: Path) -> None:
    other = sqlite3.connect(published_shop.folder.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(ShopError, match="locked"):
            published_shop.import_catalogue(late_goods(tmp_path, "late"))
        with AppClient(create_app(published_shop.folder)) as client:
            assert client.get("/v1/search").json()["total"] == 12
            assert client.send_photo(PHOTO).status_code == 200
    finally:
        other.close()
    assert published_shop.import_catalogue(late_goods(tmp_path, "late")).added == 1


def test_what_serves_cannot_write(published_shop: Shop) -> None:
    database = open_for_reading(published_shop.folder.database)
    for statement in ("DELETE FROM products", "CREATE TABLE x (y)", "PRAGMA user_version = 7"):
        refused = pytest.raises(sqlite3.OperationalError, match="readonly")
        with database.asking() as connection, refused:
            connection.execute(statement)


def test_what_serves_moves_nothing_from_the_log(published_shop: Shop, tmp_path: Path) -> None:
    """So that only who holds the shop's lock does: docs/publish.md."""
    path = published_shop.folder.database
    log = path.with_name("vitrina.db-wal")
    keeping = sqlite3.connect(path)  # an open connection has the log stay when the import ends
    keeping.execute("SELECT count(*) FROM products").fetchone()
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    before = log.read_bytes()
    assert before
    content = path.read_bytes()
    database = open_for_reading(path)
    with database.asking() as connection:
        assert count_goods(connection) == 13
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert (log.read_bytes(), path.read_bytes()) == (before, content)
    keeping.close()


def test_one_connection_reads_one_moment(published_shop: Shop, tmp_path: Path) -> None:
    database = open_for_reading(published_shop.folder.database)
    with database.asking() as connection:
        assert count_goods(connection) == 12
        Shop.open(published_shop.folder.root).import_catalogue(late_goods(tmp_path, "late"))
        assert count_goods(connection) == 12
    with database.asking() as connection:
        assert count_goods(connection) == 13
    database.close()


def test_a_power_cut_in_the_log(published_shop: Shop, tmp_path: Path) -> None:
    """The log ends anywhere, or with what was never written: an import is whole or none."""
    path = published_shop.folder.database
    keeping = sqlite3.connect(path)
    keeping.execute("SELECT count(*) FROM products").fetchone()
    published_shop.import_catalogue(several_goods(tmp_path))
    database, log = path.read_bytes(), path.with_name("vitrina.db-wal").read_bytes()
    keeping.close()
    assert len(log) > 40_000
    points = random.Random(43)
    seen = set()
    for number in range(60):
        place = tmp_path / "cut" / str(number)
        place.mkdir(parents=True)
        cut = points.randrange(len(log)) if number else len(log)
        rest = points.choice([b"", bytes(len(log) - cut), os.urandom(min(len(log) - cut, 8192))])
        (place / "vitrina.db").write_bytes(database)
        (place / "vitrina.db-wal").write_bytes(log[:cut] + rest)
        with open_database(place / "vitrina.db").reading() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            goods = connection.scalar(select(func.count(PRODUCTS.c.id)))
            indexed = connection.execute(text("SELECT count(*) FROM product_texts")).scalar()
        assert goods in (12, 32)
        assert indexed == goods
        assert number or goods == 32  # what was acknowledged and flushed is there
        seen.add(goods)
    assert seen == {12, 32}
