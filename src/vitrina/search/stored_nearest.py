"""Nearest goods by pgvector: the embeddings lie in PostgreSQL, and no server holds any of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vitrina.bundle import Bundle
from vitrina.search.answers import FoundProduct, Language, describe_product
from vitrina.store.connection import DatabaseReader, PlainConnection
from vitrina.store.postgres.nearest import Near, nearest
from vitrina.store.postgres.vectors import VectorTable, find_table
from vitrina.store.shown import shown_products

if TYPE_CHECKING:
    from vitrina.search.nearest import Nearest

_LOOK_EVERY_S = 2.0
_FAVOURED_AMONG = 64
"""Nearest pictures among which those of favoured categories are looked for, at least."""
_MORE_PICTURES = 8
"""Pictures beyond the wanted products that are looked at first: some products have several."""

_NEWEST = (
    "SELECT (SELECT max(id) FROM imports), (SELECT max(id) FROM products), "
    "(SELECT max(generation) FROM text_index)"
)
_CATEGORIES = (
    "SELECT c.id, c.slug, n.goods FROM categories AS c JOIN (SELECT category_id, count(*) AS goods "
    "FROM products WHERE gone_since IS NULL GROUP BY category_id) AS n ON n.category_id = c.id"
)


class NearestInDatabase:
    """By the embeddings that the database has, once it has them; else by those on the disk.

    Nothing is asked before the first question: a bundle is loaded also while the database is away.

    Args:
        bundle: Whose network made the embeddings.
        database: The shop's.
        otherwise: Makes what ranks by the files.
    """

    def __init__(
        self, bundle: Bundle, database: DatabaseReader, otherwise: Callable[[], Nearest]
    ) -> None:
        self._bundle = bundle
        self._database = database
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._found: StoredNearest | None = None
        self._by_files: Nearest | None = None
        self._looked = 0.0

    def rank(
        self,
        connection: PlainConnection,
        embedding: npt.NDArray[np.float32],
        categories: Sequence[str] | None,
        limit: int,
        *,
        language: Language,
        within: npt.NDArray[np.int64] | None = None,
        favour: Mapping[str, float] | None = None,
    ) -> list[FoundProduct]:
        """The nearest products: those in stock first, then by their likest picture."""
        return self.chosen(connection).rank(
            connection, embedding, categories, limit,
            language=language, within=within, favour=favour,
        )  # fmt: skip

    def categories(self) -> frozenset[str]:
        """Slugs of the categories that have goods."""
        with self._database.asking() as connection:
            chosen = self.chosen(connection)
        return chosen.categories()

    def refresh(self) -> None:
        """Has the next question answered from the shop as it is now."""
        self._looked = 0.0
        with self._database.asking() as connection:
            chosen = self.chosen(connection)
        chosen.refresh()

    def chosen(self, connection: PlainConnection) -> Nearest:
        """What answers now."""
        if self._found is not None:
            return self._found
        with self._lock:
            now = time.monotonic()
            if not self._looked or now - self._looked >= _LOOK_EVERY_S:
                version, made_by = self._bundle.info.version, self._bundle.made_by
                table = find_table(connection, version, made_by)
                self._looked = now
                if table is not None:
                    self._found = StoredNearest(table, self._database)
                    self._by_files = None
                    return self._found
            if self._by_files is None:
                self._by_files = self._otherwise()
            return self._by_files


class StoredNearest:
    """Ranks the shop's goods by their likeness to a photo; may be used from several threads.

    Args:
        table: Of the network whose embeddings are asked with.
        database: The shop's.
    """

    def __init__(self, table: VectorTable, database: DatabaseReader) -> None:
        self._table = table
        self._database = database
        self._lock = threading.Lock()
        self._looked = 0.0
        self._seen: object = None
        self._ids: Mapping[str, int] = {}
        self._slugs: Mapping[int, str] = {}
        self._goods: Mapping[str, int] = {}

    def rank(
        self,
        connection: PlainConnection,
        embedding: npt.NDArray[np.float32],
        categories: Sequence[str] | None,
        limit: int,
        *,
        language: Language,
        within: npt.NDArray[np.int64] | None = None,
        favour: Mapping[str, float] | None = None,
    ) -> list[FoundProduct]:
        """The nearest products: those in stock first, then by their likest picture.

        Arguments and what is returned as of `NearestGoods.rank`.
        """
        self._look(connection)
        chosen = categories if categories is not None else list(self._goods)
        among = sum(self._goods.get(slug, 0) for slug in chosen)
        ids = None if categories is None else [self._ids[s] for s in categories if s in self._ids]
        only = None if within is None else [int(product) for product in within]
        found: list[tuple[int, float | None]] = []
        for in_stock in (True, False):
            missing = limit - len(found)
            if missing <= 0:
                break
            found += self._nearest(
                connection, embedding, missing, ids, only, favour or {}, among, in_stock=in_stock
            )
            found += [
                (product, None)
                for product in self._bare(
                    connection, ids, only, limit - len(found), in_stock=in_stock
                )
            ]
        shown = shown_products(connection, [product for product, _ in found])
        return [
            describe_product(shown[product], language, cosine)
            for product, cosine in found
            if product in shown
        ]

    def categories(self) -> frozenset[str]:
        """Slugs of the categories that have goods."""
        if time.monotonic() - self._looked >= _LOOK_EVERY_S:
            with self._database.asking() as connection:
                self._look(connection)
        return frozenset(self._goods)

    def refresh(self) -> None:
        """Has the next question answered from the shop as it is now."""
        self._looked = 0.0
        self.categories()

    def _nearest(
        self,
        connection: PlainConnection,
        embedding: npt.NDArray[np.float32],
        limit: int,
        categories: Sequence[int] | None,
        within: Sequence[int] | None,
        favour: Mapping[str, float],
        among: int,
        *,
        in_stock: bool,
    ) -> list[tuple[int, float | None]]:
        """The best picture of each of the nearest products, at most `limit` of them."""
        count = max(_FAVOURED_AMONG, 4 * limit) if favour else limit + _MORE_PICTURES
        least = min(favour.values(), default=0.0)
        while True:
            pictures = nearest(
                connection, self._table, embedding, count,
                in_stock=in_stock, categories=categories, within=within, among=among,
            )  # fmt: skip

            def score(one: Near) -> float:
                slug = self._slugs.get(one.category, "")
                return one.cosine + (favour.get(slug, least) if favour else 0.0)

            best: dict[int, float | None] = {}
            for one in sorted(pictures, key=lambda one: (-score(one), one.product)):
                best.setdefault(one.product, one.cosine)
            if len(best) >= limit or len(pictures) < count:
                return list(best.items())[:limit]
            count *= 4

    def _bare(
        self,
        connection: PlainConnection,
        categories: Sequence[int] | None,
        within: Sequence[int] | None,
        limit: int,
        *,
        in_stock: bool,
    ) -> list[int]:
        """Goods none of whose pictures has an embedding, at most `limit`."""
        if limit <= 0:
            return []
        conditions = ["p.gone_since IS NULL", "p.in_stock" if in_stock else "NOT p.in_stock"]
        values: dict[str, object] = {"limit": limit}
        for column, some in (("p.category_id", categories), ("p.id", within)):
            if some is not None:
                name = column.removeprefix("p.")
                conditions.append(f"{column} = ANY(:{name})")
                values[name] = list(some)
        rows = connection.execute(
            f"SELECT p.id FROM products AS p WHERE {' AND '.join(conditions)} AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {self._table.name} AS v WHERE v.product_id = p.id) "
            "ORDER BY p.id LIMIT :limit",
            values,
        )
        return [product for (product,) in rows]

    def _look(self, connection: PlainConnection) -> None:
        """Sees which categories there are, where anything has changed."""
        now = time.monotonic()
        if self._looked and now - self._looked < _LOOK_EVERY_S:
            return
        with self._lock:
            self._looked = now
            newest = connection.execute(_NEWEST).fetchone()
            if newest == self._seen:
                return
            rows = connection.execute(_CATEGORIES).fetchall()
            self._ids = {slug: number for number, slug, _ in rows}
            self._slugs = {number: slug for number, slug, _ in rows}
            self._goods = {slug: goods for _, slug, goods in rows}
            self._seen = newest
