"""One writer at a time, and an honest word about work that was cut off."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from vitrina import Shop
from vitrina.bundle import active_version, read_bundle
from vitrina.errors import FeedError, ShopBusy
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.database import driver, open_database
from vitrina.store.product_search import Match, search_products
from vitrina.store.products import list_photos


class Told(Progress):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


class Writer:
    """Another process that holds the shop's lock until it is told to end."""

    PROGRAM = """
import sys
from pathlib import Path
from vitrina import Shop
from vitrina.journal import writing
from vitrina.progress import SILENT
with writing(Shop.open(sys.argv[1]).folder, "train", SILENT):
    print("holding", flush=True)
    sys.stdin.read()
"""

    def __init__(self, shop: Shop) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, str(shop.folder.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "holding\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.communicate(timeout=60)


def note_of(shop: Shop) -> Path:
    return shop.folder.root / ".unfinished.json"


def test_second_writer_is_refused(shop: Shop, goods_folder: Path) -> None:
    with Writer(shop) as other:
        with pytest.raises(ShopBusy, match="train, started 20") as refusal:
            shop.import_catalogue(goods_folder)
        assert "Wait until it has ended" in refusal.value.hint
        # readers are not kept out
        assert shop.search_text("лампа").total == 4
    assert other.process.returncode == 0
    assert not note_of(shop).exists()
    assert shop.import_catalogue(goods_folder).products == 9


def test_second_writer_in_the_same_process(shop: Shop) -> None:
    with writing(shop.folder, "train", SILENT):
        with pytest.raises(ShopBusy), writing(shop.folder, "import", SILENT):
            pytest.fail("the block must not run")
        assert json.loads(note_of(shop).read_text())["work"] == "train"


def test_error_leaves_no_note_and_no_lock(shop: Shop) -> None:
    told = Told()

    def fail() -> None:
        with writing(shop.folder, "train", told):
            assert note_of(shop).exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not note_of(shop).exists()
    with writing(shop.folder, "train", told):
        pass
    assert told.messages == []


def test_failed_import_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("sku,name,category\n,,\n,x,\n")
    with pytest.raises(FeedError):
        shop.import_catalogue(tmp_path / "bad.csv")
    assert not note_of(shop).exists()
    assert shop.search_text("").total == 12


@pytest.mark.parametrize("work", ["import", "train", "publish"])
def test_killed_work_is_told_once(shop: Shop, work: str) -> None:
    with Writer(shop) as other:
        note = note_of(shop).read_text().replace('"train"', f'"{work}"')
        note_of(shop).write_text(note)
        other.process.kill()
    (shop.folder.runs / ".partial-run").mkdir()
    (shop.folder.bundles / ".partial-bundle").mkdir()
    told = Told()
    for _ in range(2):
        with writing(shop.folder, "publish", told):
            assert not list(shop.folder.root.glob("*/.partial-*"))
    assert len(told.messages) == 1
    assert told.messages[0].startswith(f"Note: an earlier {work}, started 20")
    assert "was cut off" in told.messages[0]


@pytest.mark.parametrize("note", ["", "[]", "{", "\x00"])
def test_damaged_note(shop: Shop, note: str) -> None:
    note_of(shop).write_text(note)
    told = Told()
    with writing(shop.folder, "import", told):
        pass
    assert len(told.messages) == 1


def test_killed_import(shop: Shop, goods_folder: Path) -> None:
    before = rows(shop)
    program = """
import os, signal, sys
from vitrina import Shop
from vitrina.catalogue import batch_writer
saved = batch_writer.insert_products
def insert_and_die(*arguments):
    saved(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
batch_writer.insert_products = insert_and_die
Shop.open(sys.argv[1]).import_catalogue(sys.argv[2])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(shop.folder.root), str(goods_folder)],
        check=False,
        timeout=60,
    )
    assert ended.returncode == -9
    assert rows(shop) == before
    assert note_of(shop).exists()
    # pictures without a product may lie there, torn ones may not
    (leftover := shop.folder.photos / "ab").mkdir(exist_ok=True)
    (leftover / ".partial-ab.png").write_bytes(b"half")

    told = Told()
    again = Shop.open(shop.folder.root, progress=told)
    assert again.import_catalogue(goods_folder).products == 9
    assert len(told.messages) == 1
    assert "import" in told.messages[0]
    assert "the catalogue is as it was before" in told.messages[0]
    assert again.search_text("").total == 12 + 9
    assert not list(shop.folder.photos.rglob(".partial-*"))


KILL = """
import os, pathlib, signal, sys
from vitrina import Shop
shop = Shop.open(sys.argv[1])

def kill(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def kill_after_the_commit():
    from sqlalchemy.engine.default import DefaultDialect
    commit = DefaultDialect.do_commit
    def commit_and_die(dialect, connection):
        commit(dialect, connection)
        kill()
    DefaultDialect.do_commit = commit_and_die

def kill_before_the_note_is_removed():
    unlink = pathlib.Path.unlink
    def guarded(path, missing_ok=False):
        if path.name == ".unfinished.json" and path.exists():
            kill()
        unlink(path, missing_ok)
    pathlib.Path.unlink = guarded
"""


def killed(shop: Shop, program: str, *arguments: object) -> None:
    """Runs a program that ends by SIGKILL and leaves a note."""
    ended = subprocess.run(
        [sys.executable, "-c", KILL + program, str(shop.folder.root), *map(str, arguments)],
        check=False, timeout=60, env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL
    assert note_of(shop).exists()


def told_next(shop: Shop) -> str:
    """What the next writer says of the work that was cut off; it says it once."""
    told = Told()
    for _ in range(2):
        with writing(shop.folder, "check", told):
            pass
    (message,) = told.messages
    return message


@pytest.mark.parametrize("place", ["kill_after_the_commit()", "kill_before_the_note_is_removed()"])
def test_import_killed_after_its_commit(shop: Shop, tmp_path: Path, place: str) -> None:
    (tmp_path / "new.csv").write_text("sku,name,category\nnew,x,y\n")
    program = f"""
{place}
shop.import_catalogue(sys.argv[2])
"""
    killed(shop, program, tmp_path / "new.csv")
    assert shop.search_text("").total == 13
    message = told_next(shop)
    assert "an earlier import" in message
    assert "it had finished, and its goods are in the catalogue" in message
    assert "as it was before" not in message


def test_import_killed_into_a_shop_without_goods(empty_shop: Shop, goods_folder: Path) -> None:
    program = """
from vitrina.catalogue import batch_writer
batch_writer.insert_products = kill
shop.import_catalogue(sys.argv[2])
"""
    killed(empty_shop, program, goods_folder)
    assert "the catalogue is as it was before" in told_next(empty_shop)


@pytest.mark.sqlite
def test_killed_import_of_a_database_that_cannot_be_read(shop: Shop) -> None:
    killed(shop, "from vitrina import journal\nwith journal.writing(shop.folder, 'import', "
           "shop._progress): kill()")  # fmt: skip
    with sqlite3.connect(shop.folder.database) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    shop.folder.database.write_bytes(b"no database" * 1000)
    assert "cannot be told, for the database cannot be read" in told_next(shop)


PUBLISH = """
import tiny_network
from vitrina.journal import writing
from vitrina.progress import SILENT
with writing(shop.folder, "publish", SILENT):
    {before}
    tiny_network.publish_tiny(shop.folder, version="tiny-2")
    kill()
"""


def test_publish_killed_between_bundle_and_activation(published_shop: Shop) -> None:
    shop = published_shop
    killed(shop, PUBLISH.format(before="tiny_network.activate = kill"))
    message = told_next(shop)
    assert "the bundle tiny-2 was complete" in message
    assert "the one that was active still is" in message
    assert "may be deleted" in message
    assert active_version(shop.folder.bundles) == "tiny-1"
    assert read_bundle(shop.folder.bundles / "tiny-2").info.version == "tiny-2"


def test_publish_killed_after_activation(published_shop: Shop) -> None:
    killed(published_shop, PUBLISH.format(before=""))
    message = told_next(published_shop)
    assert "it had finished; the bundle tiny-2 is served" in message
    assert "still is" not in message
    assert active_version(published_shop.folder.bundles) == "tiny-2"


def test_publish_killed_before_its_bundle(published_shop: Shop) -> None:
    killed(published_shop, PUBLISH.format(before="tiny_network.write_bundle = kill"))
    assert "nothing of it was kept; the bundle that was active still is" in told_next(
        published_shop
    )


@pytest.mark.parametrize("finished", [True, False])
def test_train_killed_around_its_end(shop: Shop, finished: bool) -> None:
    program = """
from vitrina import atomic
from vitrina.journal import writing
from vitrina.progress import SILENT
with writing(shop.folder, "train", SILENT):
    with atomic.new_folder(shop.folder.runs / "run-1") as place:
        (place / "run.json").write_text("{}")
        if sys.argv[2] == "False":
            kill()
    kill()
"""
    killed(shop, program, finished)
    message = told_next(shop)
    assert ("it had finished; its result is kept as the run run-1" in message) == finished
    assert ("the run itself was removed" in message) != finished
    assert (shop.folder.runs / "run-1").exists() == finished


def test_readers_see_the_old_catalogue_while_an_import_runs(
    shop: Shop, goods_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.catalogue import importer

    seen = []
    flush = importer._flush_photos

    def look() -> None:
        seen.append(rows(shop))
        flush()

    before = rows(shop)
    monkeypatch.setattr(importer, "_flush_photos", look)
    shop.import_catalogue(goods_folder)
    assert seen == [before]
    assert len(rows(shop)[0]) == 12 + 9


def rows(shop: Shop) -> tuple[list[str], list[str]]:
    with open_database(shop.folder.database).reading() as connection:
        goods = [
            product.sku
            for product in search_products(driver(connection), Match(), limit=100).products
        ]
        return goods, [photo.sha256 for photo in list_photos(connection)]
