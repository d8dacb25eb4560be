"""Nearest goods: in stock first, the likest picture counts, and what is new is seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from stored import add_product, photo
from tiny_network import tiny_info

from vitrina.bundle import Bundle, goods_array, write_bundle
from vitrina.search import snapshot as snapshots
from vitrina.search.nearest import NearestGoods
from vitrina.search.snapshot import GoodsSnapshot, Likeness
from vitrina.search.vector_index import build_index, open_index
from vitrina.search.vectors import append_segment, open_vectors
from vitrina.store.bulk import mark_gone
from vitrina.store.categories import add_category
from vitrina.store.database import migrate
from vitrina.store.schema import PHOTOS, PRODUCTS

SIZE = 8


def towards(angle: float) -> np.ndarray:
    """A unit vector at that angle, in degrees, from the one that is asked for."""
    vector = np.zeros(SIZE, dtype=np.float32)
    vector[0], vector[1] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return vector


QUERY = towards(0)


class Stock:
    """A database of goods and a bundle with their embeddings."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = migrate(root / "vitrina.db")
        self.vectors: dict[str, np.ndarray] = {}
        with self.database.writing() as connection:
            for slug in ("lamps", "sockets"):
                add_category(connection, slug=slug, path=slug, name=slug)

    def add(
        self,
        sku: str,
        category: str,
        *angles: float | None,
        in_stock: bool = True,
        gone: bool = False,
    ) -> int:
        """A product with one picture at each angle; None stands for one without embedding."""
        names = [f"{sku}-{position}".ljust(64, "0") for position in range(len(angles))]
        for name, angle in zip(names, angles, strict=True):
            if angle is not None:
                self.vectors[name] = towards(angle)
        with self.database.writing() as connection:
            return add_product(
                connection,
                {"lamps": 1, "sockets": 2}[category],
                sku,
                map(photo, names),
                in_stock=in_stock,
                gone_since=datetime.now(UTC) if gone else None,
            )

    def publish(self) -> Bundle:
        vectors = np.array(list(self.vectors.values()), dtype=np.float32).reshape(-1, SIZE)
        return write_bundle(
            self.root / "bundles",
            tiny_info("one", embedding_size=SIZE),
            b"network",
            goods_array(list(self.vectors), vectors),
        )

    def snapshot(self) -> GoodsSnapshot:
        with self.database.asking() as connection:
            return GoodsSnapshot(connection, open_vectors(self.publish()))


@pytest.fixture
def stock(tmp_path: Path) -> Stock:
    return Stock(tmp_path)


def products(ranked: list[Likeness]) -> list[int]:
    return [one.product for one in ranked]


def test_the_likest_picture_of_a_product_counts(stock: Stock) -> None:
    far_and_near = stock.add("a", "lamps", 80, 10)
    between = stock.add("b", "lamps", 30, 40)
    ranked = stock.snapshot().rank(QUERY, ["lamps"], 5)
    assert products(ranked) == [far_and_near, between]
    assert ranked[0].cosine == pytest.approx(np.cos(np.radians(10)), abs=1e-3)


def test_in_stock_first_then_without_embedding_then_sold_out(stock: Stock) -> None:
    sold_out = stock.add("a", "lamps", 0, in_stock=False)
    bare = stock.add("b", "lamps")
    not_embedded = stock.add("c", "lamps", None)
    far = stock.add("d", "lamps", 89)
    bare_sold_out = stock.add("e", "lamps", in_stock=False)
    ranked = stock.snapshot().rank(QUERY, ["lamps"], 9)
    assert products(ranked) == [far, bare, not_embedded, sold_out, bare_sold_out]
    assert [one.cosine is None for one in ranked] == [False, True, True, False, True]


def test_equally_near_goods_come_in_the_order_of_their_age(stock: Stock) -> None:
    ids = [stock.add(sku, "lamps", 20) for sku in "dbac"]
    made = stock.snapshot()
    assert products(made.rank(QUERY, ["lamps"], 9)) == ids
    assert products(made.rank(QUERY, None, 9)) == ids


def test_category_limits_and_none_does_not(stock: Stock) -> None:
    lamp = stock.add("a", "lamps", 40)
    socket = stock.add("b", "sockets", 10)
    made = stock.snapshot()
    assert products(made.rank(QUERY, ["lamps"], 9)) == [lamp]
    assert products(made.rank(QUERY, ["sockets"], 9)) == [socket]
    assert products(made.rank(QUERY, ["lamps", "sockets"], 9)) == [socket, lamp]
    assert products(made.rank(QUERY, None, 9)) == [socket, lamp]
    assert products(made.rank(QUERY, ["unheard-of"], 9)) == []


def test_a_favoured_category_comes_before_what_is_little_nearer(stock: Stock) -> None:
    lamp = stock.add("a", "lamps", 30)
    socket = stock.add("b", "sockets", 25)
    far_lamp = stock.add("c", "lamps", 80)
    made = stock.snapshot()
    favour = {"lamps": 0.0, "sockets": -0.1}
    ranked = made.rank(QUERY, None, 9, favour=favour)
    assert products(ranked) == [lamp, socket, far_lamp]
    # the order alone: likeness is told as it is
    assert ranked[1].cosine == pytest.approx(np.cos(np.radians(25)), abs=1e-3)


def test_only_wanted_products_are_ranked(stock: Stock) -> None:
    near = stock.add("a", "lamps", 5)
    wanted = stock.add("b", "lamps", 60)
    bare = stock.add("c", "lamps")
    made = stock.snapshot()
    for categories in (["lamps"], None):
        within = np.array([wanted, bare, 10_000])
        assert products(made.rank(QUERY, categories, 9, within=within)) == [wanted, bare]
        nothing = np.array([], dtype=np.int64)
        assert made.rank(QUERY, categories, 9, within=nothing) == []
    assert near in products(made.rank(QUERY, None, 9))


def test_many_pictures_of_one_product_do_not_crowd_out_others(stock: Stock) -> None:
    crowd = stock.add("a", "lamps", *range(60))
    others = [stock.add(f"b{number}", "lamps", 70 + number) for number in range(4)]
    assert products(stock.snapshot().rank(QUERY, ["lamps"], 3)) == [crowd, *others[:2]]


def test_gone_goods_are_nowhere(stock: Stock) -> None:
    stock.add("a", "sockets", 0, gone=True)
    lamp = stock.add("b", "lamps", 50)
    made = stock.snapshot()
    assert products(made.rank(QUERY, None, 9)) == [lamp]
    assert made.categories == {"lamps"}


def test_one_picture_of_two_products(stock: Stock) -> None:
    first = stock.add("a", "lamps", 10)
    second = stock.add("b", "sockets", None)
    with stock.database.writing() as connection:
        sha = next(iter(stock.vectors))
        connection.execute(update(PHOTOS).where(PHOTOS.c.product_id == second).values(sha256=sha))
    assert products(stock.snapshot().rank(QUERY, None, 9)) == [first, second]


def test_empty_shop(stock: Stock) -> None:
    made = stock.snapshot()
    assert made.rank(QUERY, None, 9) == []
    assert made.rank(QUERY, ["lamps"], 9, favour={"lamps": 0.0}) == []
    assert len(made) == 0


def test_index_and_exact_comparison_agree(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    angles = random.uniform(0, 180, 600)
    ids = [
        stock.add(f"p{number}", "lamps" if number % 3 else "sockets", angle,
                  in_stock=bool(number % 5))
        for number, angle in enumerate(angles)
    ]  # fmt: skip
    bundle = stock.publish()
    build_index(bundle, open_vectors(bundle))
    append_segment(bundle, ["new".ljust(64, "0")], towards(1)[None])
    late = stock.add("new", "lamps", None)
    with stock.database.writing() as connection:
        connection.execute(
            update(PHOTOS).where(PHOTOS.c.product_id == late).values(sha256="new".ljust(64, "0"))
        )
    store = open_vectors(bundle)
    with stock.database.asking() as connection:
        exact = GoodsSnapshot(connection, store)
        monkeypatch.setattr(snapshots, "EXACT_UP_TO", 100)
        monkeypatch.setattr(snapshots, "_EXACT_SCOPE", 20)
        index = open_index(bundle, store)
        assert index is not None
        large = GoodsSnapshot(connection, store, index)
        without_index = GoodsSnapshot(connection, store)
    assert late in products(large.rank(QUERY, None, 20))
    within = np.array(ids[:300])
    for made in (large, without_index):
        assert made.rank(QUERY, None, 20) == exact.rank(QUERY, None, 20)
        assert made.rank(QUERY, ["sockets"], 20) == exact.rank(QUERY, ["sockets"], 20)
        assert made.rank(QUERY, ["lamps"], 9, within=within) == exact.rank(
            QUERY, ["lamps"], 9, within=within
        )
        # more than there are in stock: those sold out follow
        assert len(made.rank(QUERY, ["sockets"], 700)) == 200


def ranked_skus(nearest: NearestGoods, stock: Stock) -> list[str]:
    with stock.database.asking() as connection:
        return [product.sku for product in nearest.rank(connection, QUERY, None, 9, language="ru")]


def test_changes_are_seen_without_a_new_start(stock: Stock) -> None:
    stock.add("a", "lamps", 10)
    second = stock.add("b", "lamps", 20)
    bundle = stock.publish()
    nearest = NearestGoods(bundle, stock.database, look_every_s=3600)
    assert ranked_skus(nearest, stock) == ["a", "b"]
    # what concerns goods that are known is read at each question
    with stock.database.writing() as connection:
        connection.execute(update(PRODUCTS).where(PRODUCTS.c.sku == "a").values(in_stock=False))
    assert ranked_skus(nearest, stock) == ["b", "a"]
    with stock.database.writing() as connection:
        mark_gone(connection, [second], datetime.now(UTC))
    assert ranked_skus(nearest, stock) == ["a"]
    # what is new comes with the next snapshot
    stock.add("late", "lamps", None)
    assert ranked_skus(nearest, stock) == ["a"]
    nearest.refresh()
    assert ranked_skus(nearest, stock) == ["late", "a"]
    append_segment(bundle, ["late-0".ljust(64, "0")], towards(5)[None])
    nearest.refresh()
    with stock.database.asking() as connection:
        first = nearest.rank(connection, QUERY, None, 9, language="ru")[0]
    assert first.similarity == pytest.approx(np.cos(np.radians(5)), abs=1e-3)


def test_a_look_finds_what_is_new_by_itself(stock: Stock) -> None:
    stock.add("a", "lamps", 10)
    nearest = NearestGoods(stock.publish(), stock.database, look_every_s=0)
    assert ranked_skus(nearest, stock) == ["a"]
    stock.add("late", "lamps", None)
    # the first question has the snapshot made beside, and may still be answered from the old one
    ranked_skus(nearest, stock)
    nearest.refresh()
    assert ranked_skus(nearest, stock) == ["a", "late"]


def test_the_old_snapshot_answers_when_a_new_one_cannot_be_made(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock.add("a", "lamps", 10)
    nearest = NearestGoods(stock.publish(), stock.database, look_every_s=0)
    assert ranked_skus(nearest, stock) == ["a"]

    def fails(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("vitrina.search.nearest.open_vectors", fails)
    stock.add("late", "lamps", None)
    assert ranked_skus(nearest, stock) == ["a"]
    nearest.refresh()
    assert ranked_skus(nearest, stock) == ["a"]
    monkeypatch.undo()
    nearest.refresh()
    assert ranked_skus(nearest, stock) == ["a", "late"]
