"""Nearest goods by pgvector: the same answers as exact search, and seen at once."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import databases
import numpy as np
import pytest
from sqlalchemy import update
from stored import add_product, photo
from tiny_network import tiny_info

from vitrina.bundle import Bundle, goods_array, write_bundle
from vitrina.database_url import DatabaseUrl
from vitrina.search.nearest import NearestGoods, open_nearest
from vitrina.search.stored_nearest import NearestInDatabase, StoredNearest
from vitrina.search.stored_vectors import store_vectors
from vitrina.search.vectors import open_vectors
from vitrina.store.bulk import mark_gone
from vitrina.store.categories import add_category
from vitrina.store.database import migrate, open_database
from vitrina.store.postgres import nearest as nearest_module
from vitrina.store.postgres import vectors as vectors_module
from vitrina.store.reading import open_for_reading
from vitrina.store.schema import PRODUCTS

SIZE = 8


def towards(angle: float) -> np.ndarray:
    vector = np.zeros(SIZE, dtype=np.float32)
    vector[0], vector[1] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return vector


def stocked(place: Path, url: DatabaseUrl, goods: int = 60) -> Bundle:
    """Goods at random angles, some sold out, gone, or without an embedding; a bundle of them."""
    random = np.random.default_rng(3)
    vectors: dict[str, np.ndarray] = {}
    with migrate(url).writing() as connection:
        categories = [
            add_category(connection, slug=slug, path=slug, name=slug).id
            for slug in ("lamps", "sockets", "cables")
        ]
        gone = []
        for number in range(goods):
            pictures = [f"{number:02}{place}".ljust(64, "0") for place in range(number % 3)]
            for picture in pictures:
                if number % 7:
                    vectors[picture] = towards(random.uniform(-90, 90))
            product = add_product(
                connection, categories[number % 3], f"s{number}", [photo(one) for one in pictures],
                in_stock=number % 4 > 0,
            )  # fmt: skip
            gone += [product] * (number % 11 == 0)
        mark_gone(connection, gone, datetime(2026, 1, 1))
    names = sorted(vectors)
    return write_bundle(
        place / "bundles",
        tiny_info("tiny-1", embedding_size=SIZE),
        b"no network",
        goods_array(names, np.stack([vectors[name] for name in names])),
    )


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("shortened", [False, True])
def test_pgvector_answers_as_exact_search_does(
    url: DatabaseUrl, tmp_path: Path, graph: bool, shortened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if graph:
        monkeypatch.setattr(vectors_module, "GRAPH_FROM", 1)
        monkeypatch.setattr(nearest_module, "EXACT_UP_TO", 1)
    if shortened:
        monkeypatch.setattr("vitrina.search.vector_index.INDEX_DIMENSIONS", 3)
    bundle = stocked(tmp_path, url)
    database = open_for_reading(url)
    stored = open_nearest(bundle, database)
    assert isinstance(stored, NearestInDatabase)
    with database.asking() as connection:
        assert isinstance(stored.chosen(connection), NearestGoods)  # nothing is stored yet
    added = store_vectors(url, bundle, open_vectors(bundle))
    assert added > 30
    assert store_vectors(url, bundle, open_vectors(bundle)) == 0
    stored.refresh()
    with database.asking() as connection:
        assert isinstance(stored.chosen(connection), StoredNearest)
    exact = NearestGoods(bundle, database)
    assert stored.categories() == exact.categories() == {"lamps", "sockets", "cables"}
    some = np.arange(1, 40, dtype=np.int64)
    with database.asking() as connection:
        for angle in (-70, 0, 45):
            for asked in (
                {"categories": ["lamps"], "limit": 5},
                {"categories": ["lamps", "cables"], "limit": 100},
                {"categories": None, "limit": 10},
                {"categories": None, "limit": 100, "within": some},
                {"categories": None, "limit": 8, "favour": {"lamps": 0.0, "cables": -0.4}},
                {"categories": ["none"], "limit": 5},
            ):
                given: dict[str, Any] = {"language": "ru", **asked}
                one = stored.rank(connection, towards(angle), **given)
                other = exact.rank(connection, towards(angle), **given)
                assert [found.sku for found in one] == [found.sku for found in other], asked
                for found, same in zip(one, other, strict=True):
                    if same.similarity is None:
                        assert found.similarity is None
                    else:
                        assert found.similarity == pytest.approx(same.similarity, abs=2e-3)


def test_stock_moves_and_departures_are_seen_at_once(url: DatabaseUrl, tmp_path: Path) -> None:
    bundle = stocked(tmp_path, url)
    store_vectors(url, bundle, open_vectors(bundle))
    database = open_for_reading(url)
    stored = open_nearest(bundle, database)

    def found() -> list[str]:
        with database.asking() as connection:
            answer = stored.rank(connection, towards(0), ["lamps"], 3, language="ru")
        return [one.sku for one in answer]

    first, second, third = found()
    with open_database(url).writing() as connection:
        goods = update(PRODUCTS)
        connection.execute(goods.where(PRODUCTS.c.sku == first).values(in_stock=False))
        connection.execute(goods.where(PRODUCTS.c.sku == third).values(gone_since=datetime.now()))
    now = found()
    assert now[0] == second
    assert {first, third}.isdisjoint(now)
    with open_database(url).writing() as connection:
        sockets = update(PRODUCTS).where(PRODUCTS.c.sku == second).values(category_id=2)
        connection.execute(sockets)
    assert second not in found()
    store_vectors(url, bundle, open_vectors(bundle))
    with database.asking() as connection:
        answer = stored.rank(connection, towards(0), ["sockets"], 100, language="ru")
    assert second in [one.sku for one in answer]


def test_a_bundle_that_is_deleted_takes_its_table_along(url: DatabaseUrl, tmp_path: Path) -> None:
    bundle = stocked(tmp_path, url)
    store_vectors(url, bundle, open_vectors(bundle))
    made = {name for name in databases.open_tables(url) if name.startswith("vectors_")}
    shutil.move(bundle.folder, bundle.folder.parent / "tiny-2")
    other = write_bundle(
        tmp_path / "bundles", tiny_info("tiny-3", embedding_size=SIZE), b"another", bundle_goods()
    )
    shutil.rmtree(bundle.folder.parent / "tiny-2")
    store_vectors(url, other, open_vectors(other))
    left = {name for name in databases.open_tables(url) if name.startswith("vectors_")}
    assert len(made) == len(left) == 1
    assert made != left


def bundle_goods() -> Any:
    return goods_array(["0" * 64], towards(0)[None])
