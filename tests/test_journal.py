"""One writer at a time, and an honest word about work that was cut off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from vitrina import Shop
from vitrina.errors import FeedError, ShopBusy
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.database import open_database
from vitrina.store.products import list_photos, search_products


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
from vitrina.catalogue import importer
saved = importer.save_product
calls = []
def slow(*arguments):
    calls.append(arguments)
    if len(calls) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return saved(*arguments)
importer.save_product = slow
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
    with open_database(shop.folder.database)() as session:
        goods = [product.sku for product in search_products(session, limit=100).products]
        return goods, [photo.sha256 for photo, _, _ in list_photos(session)]
