"""A feed and its pictures, both at addresses: from the command to the shop's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing import drawn_photo, write_table
from picture_server import PictureServer, redirects, sends
from sqlalchemy import select

from vitrina.catalogue.fetch.photos import FetchReport
from vitrina.catalogue.fetched_import import import_and_fetch
from vitrina.errors import FeedError
from vitrina.folder import ShopFolder
from vitrina.store.database import open_database
from vitrina.store.schema import IMPORTS, PHOTOS, PRODUCTS

HEADER = ("sku", "name", "category", "image")


def make_shop(tmp_path: Path) -> ShopFolder:
    return ShopFolder.create(tmp_path / "shop", fetch_from="anywhere")


def feed_of(tmp_path: Path, *rows: tuple[str, str]) -> bytes:
    table = [HEADER, *((sku, f"Лампа {sku}", "Лампы", image) for sku, image in rows)]
    return write_table(tmp_path / "goods.csv", table).read_bytes()


def shown(folder: ShopFolder) -> dict[str, bytes]:
    """Main pictures by article, of goods that are not gone."""
    with open_database(folder.database).reading() as connection:
        rows = connection.execute(
            select(PRODUCTS.c.sku, PHOTOS.c.sha256, PHOTOS.c.suffix)
            .select_from(PRODUCTS.join(PHOTOS))
            .where(PHOTOS.c.position == 0, PRODUCTS.c.gone_since.is_(None))
        ).all()
    return {row.sku: folder.photo(row.sha256, row.suffix).read_bytes() for row in rows}


def test_feed_and_pictures_come_from_their_addresses(tmp_path: Path) -> None:
    folder = make_shop(tmp_path)
    one, two = drawn_photo(seed=1), drawn_photo(seed=2)
    with PictureServer(one=sends(one), two=sends(two)) as server:
        address = server.address("export.csv")
        feed = feed_of(tmp_path, ("1", server.address("one")), ("2", server.address("two")))
        server.behaviours["/export.csv"] = redirects("/made.csv")
        server.behaviours["/made.csv"] = sends(feed)
        report = import_and_fetch(folder, address)
        assert (report.source, report.products, report.photos) == (address, 2, 2)
        assert report.fetched == FetchReport(fetched=2)
        assert shown(folder) == {"1": one, "2": two}
        # the next feed has one product less, and a picture that moved
        server.behaviours["/moved"] = sends(two)
        server.behaviours["/made.csv"] = sends(feed_of(tmp_path, ("2", server.address("moved"))))
        again = import_and_fetch(folder, address)
        assert (again.gone, again.changed, again.fetched) == (1, 1, FetchReport(fetched=1))
    assert shown(folder) == {"2": two}
    with open_database(folder.database).reading() as connection:
        assert set(connection.scalars(select(IMPORTS.c.source))) == {address}


def test_unchanged_feed_still_fetches_what_is_missing(tmp_path: Path) -> None:
    folder = make_shop(tmp_path)
    picture = drawn_photo(seed=1)
    with PictureServer() as server:
        table = tmp_path / "goods.csv"
        feed_of(tmp_path, ("1", server.address("one")))
        first = import_and_fetch(folder, table)
        assert (first.products, first.photos) == (1, 0)
        assert first.fetched is not None
        assert first.fetched.failed == 1
        server.behaviours["/one"] = sends(picture)
        second = import_and_fetch(folder, table)
        assert (second.is_unchanged, second.photos) == (True, 1)
        assert import_and_fetch(folder, table).fetched == FetchReport()
        assert import_and_fetch(folder, table, refresh=True).fetched == FetchReport(unchanged=1)
    assert shown(folder) == {"1": picture}


def test_old_picture_is_shown_until_the_new_one_comes(tmp_path: Path) -> None:
    folder = make_shop(tmp_path)
    old, new = drawn_photo(seed=1), drawn_photo(seed=2)
    table = tmp_path / "goods.csv"
    with PictureServer(old=sends(old)) as server:
        feed_of(tmp_path, ("1", server.address("old")))
        import_and_fetch(folder, table)
        feed_of(tmp_path, ("1", server.address("new")))
        import_and_fetch(folder, table)
        assert shown(folder) == {"1": old}
        server.behaviours["/new"] = sends(new)
        import_and_fetch(folder, table)
    assert shown(folder) == {"1": new}


def test_shop_without_addresses_asks_nobody(tmp_path: Path) -> None:
    folder = make_shop(tmp_path)
    (tmp_path / "a.png").write_bytes(drawn_photo())
    feed_of(tmp_path, ("1", "a.png"))
    report = import_and_fetch(folder, tmp_path / "goods.csv")
    assert (report.photos, report.fetched) == (1, None)


def test_feed_that_does_not_come_changes_nothing(tmp_path: Path) -> None:
    folder = make_shop(tmp_path)
    with PictureServer() as server, pytest.raises(FeedError, match="404") as refusal:
        import_and_fetch(folder, server.address("feed.xml"))
    assert refusal.value.hint
    assert not folder.database.exists()
