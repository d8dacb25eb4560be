"""The goods as nearest-goods search sees them: who has which embedding, in which category.

Made from the database and the embeddings at one moment, and never changed: a newer one takes its
place. Prices and names are not in it; they are read when an answer is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.search.exact import exact_nearest
from vitrina.search.vector_index import EXACT_UP_TO, VectorIndex
from vitrina.search.vectors import Half, Rows, VectorStore
from vitrina.store.connection import PlainConnection

Embedding = npt.NDArray[np.float32]

_READ_AT_ONCE = 50_000
_COMPARED_AT_ONCE = 20_000
_EXACT_SCOPE = 20_000
"""Photos up to which a part of a large shop is compared one by one."""
_COMPARED_PROPOSALS = 160
"""Proposals of the index that are compared at full length, at least."""
_FAVOURED_AMONG = 64
"""Nearest pictures among which those of favoured categories are looked for, at least."""
_MORE_PICTURES = 8
"""Pictures beyond the wanted products that are looked at first: some products have several."""


@dataclass(frozen=True)
class Likeness:
    """A product and how near its nearest picture is.

    Attributes:
        product: Its id.
        cosine: -1 to 1; None where none of its pictures has an embedding yet.
    """

    product: int
    cosine: float | None


@dataclass(frozen=True)
class _Shelf:
    """Rows of goods that are alike in stock and sorted by category.

    Attributes:
        products: (N,) int64, ids.
        rows: (N,) int64, rows of the store; empty for goods without an embedding.
        categories: Where each category lies, by slug, in the order of their places.
        start: Place of its first row in the snapshot's order.
    """

    products: Rows
    rows: Rows
    categories: Mapping[str, slice]
    start: int

    def category_of(self, places: Rows) -> Rows:
        """Which category each of those places lies in, as an index into `categories`."""
        starts = [span.start for span in self.categories.values()]
        owners: Rows = np.searchsorted(starts, places, side="right") - 1
        return owners

    def places(self, wanted: Sequence[str] | None, within: Rows | None) -> slice | Rows:
        """Places in this shelf of the goods of those categories that are among `within`."""
        found: slice | Rows
        if wanted is None:
            found = slice(0, len(self.products))
        else:
            spans = [self.categories[slug] for slug in wanted if slug in self.categories]
            if len(spans) == 1:
                found = spans[0]
            else:
                found = np.concatenate(
                    [np.arange(span.start, span.stop) for span in spans]
                    or [np.empty(0, dtype=np.int64)]
                )
        if within is not None:
            listed = np.arange(found.start, found.stop) if isinstance(found, slice) else found
            found = listed[np.isin(self.products[listed], within)]
        return found


class _Question:
    """An embedding to compare with, and what was found out about it while an answer is made.

    Args:
        embedding: (D,) float32, unit length.

    Attributes:
        half: The same in half precision.
        proposed: Places in the snapshot's order that the index proposes; None before it is asked.
    """

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding
        self.half = embedding.astype(np.float16)
        self.proposed: Rows | None = None


class GoodsSnapshot:
    """What there is to find, and the way to find the nearest of it; used from several threads.

    Args:
        connection: The shop's database, read once.
        store: The embeddings.
        index: Proposes where the shop is large; without one all are compared, however many.
    """

    def __init__(
        self, connection: PlainConnection, store: VectorStore, index: VectorIndex | None = None
    ) -> None:
        self.store = store
        self.index = index
        slugs = dict(connection.execute("SELECT id, slug FROM categories").fetchall())
        goods = _read_goods(connection, store)
        seen = goods["row"] >= 0
        with_embedding = np.unique(goods["product"][seen])
        bare = goods[~seen & ~np.isin(goods["product"], with_embedding)]
        _, first = np.unique(bare["product"], return_index=True)
        self._shelves, self._bare = [], []
        start = 0
        for in_stock in (True, False):
            part = goods[seen & (goods["in_stock"] == in_stock)]
            self._shelves.append(_shelve(part, slugs, start))
            start += len(part)
            self._bare.append(_shelve(bare[first][bare[first]["in_stock"] == in_stock], slugs, 0))
        self._rows = np.concatenate([shelf.rows for shelf in self._shelves])
        self.categories = frozenset(
            slug for shelf in (*self._shelves, *self._bare) for slug in shelf.categories
        )
        self._matrix: Half | None = None
        self._by_row = self._ordered = np.empty(0, dtype=np.int64)
        self._newest: Half | None = None
        if len(self._rows) <= EXACT_UP_TO:
            self._matrix = store.take(self._rows)
            self.index = None
        elif index is not None:
            self._by_row = np.argsort(self._rows, kind="stable")
            self._ordered = self._rows[self._by_row]
            if index.info.rows < len(store):
                self._newest = store.part(index.info.rows, len(store))

    def __len__(self) -> int:
        """How many pictures of goods have an embedding."""
        return len(self._rows)

    def rows_in_stock(self) -> Rows:
        """Rows of the store that belong to goods that can be bought."""
        return self._shelves[0].rows

    def rank(
        self,
        embedding: Embedding,
        categories: Sequence[str] | None,
        limit: int,
        *,
        within: Rows | None = None,
        favour: Mapping[str, float] | None = None,
    ) -> list[Likeness]:
        """The nearest products: those in stock first, then by their likest picture.

        Args:
            embedding: (D,) float32, unit length.
            categories: Slugs; None for the whole shop.
            limit: How many at most.
            within: Ids of the only products that are wanted; None for all.
            favour: What a category adds to the cosines of its goods, by slug, for the order
                alone; 0 or less. Categories without an entry have the least of them.
        """
        found: list[Likeness] = []
        question = _Question(embedding)
        for shelf, bare in zip(self._shelves, self._bare, strict=True):
            missing = limit - len(found)
            if missing <= 0:
                break
            found += self._nearest(shelf, question, categories, missing, within, favour or {})
            places = bare.places(categories, within)
            behind = np.sort(bare.products[places])[: limit - len(found)]
            found += [Likeness(int(product), None) for product in behind]
        return found

    def _nearest(
        self,
        shelf: _Shelf,
        question: _Question,
        categories: Sequence[str] | None,
        limit: int,
        within: Rows | None,
        favour: Mapping[str, float],
    ) -> list[Likeness]:
        """The nearest products of a shelf, at most `limit`."""
        places = shelf.places(categories, within)
        size = _size(places)
        count = limit + _MORE_PICTURES
        if favour:
            # what a likely category lifts is looked for among more than is shown
            count = max(_FAVOURED_AMONG, 4 * limit)
            least = min(favour.values())
            lifts = np.array([favour.get(slug, least) for slug in shelf.categories])
        while True:
            found, cosines = self._likest_pictures(shelf, places, question, min(count, size))
            scores = cosines + lifts[shelf.category_of(found)] if favour else cosines
            best = _by_product(shelf.products[found], cosines, scores, limit)
            if len(best) == limit or len(found) < count:
                return best
            count *= 4

    def _likest_pictures(
        self, shelf: _Shelf, places: slice | Rows, question: _Question, count: int
    ) -> tuple[Rows, Embedding]:
        """The nearest pictures among `places` of a shelf, and their cosines.

        Returns:
            Places, `count` of them or all there are. Where an index proposes and the whole shelf
            is wanted, those that lie too far away for that are left out.
        """
        size = _size(places)
        if self.index is not None and size > _EXACT_SCOPE:
            proposed = self._proposed(shelf, places, question, count)
            if len(proposed) >= count or size == len(shelf.products):
                keys, cosines = exact_nearest(
                    self.store.take(shelf.rows[proposed]), question.half, count
                )
                return proposed[keys], cosines
        if self._matrix is not None:
            start = shelf.start
            if isinstance(places, slice):
                vectors = self._matrix[start + places.start : start + places.stop]
                keys, cosines = exact_nearest(vectors, question.half, count)
                return keys + places.start, cosines
            keys, cosines = exact_nearest(self._matrix[start + places], question.half, count)
            return places[keys], cosines
        listed = np.arange(places.start, places.stop) if isinstance(places, slice) else places
        found = [np.empty(0, dtype=np.int64)]
        likeness: list[Embedding] = [np.empty(0, dtype=np.float32)]
        for begin in range(0, len(listed), _COMPARED_AT_ONCE):
            part = listed[begin : begin + _COMPARED_AT_ONCE]
            keys, cosines = exact_nearest(self.store.take(shelf.rows[part]), question.half, count)
            found.append(part[keys])
            likeness.append(cosines)
        order = np.argsort(-np.concatenate(likeness), kind="stable")[:count]
        return np.concatenate(found)[order], np.concatenate(likeness)[order]

    def _proposed(
        self, shelf: _Shelf, places: slice | Rows, question: _Question, count: int
    ) -> Rows:
        """Those of `places` that the index proposes: the likeliest of them, in their own order."""
        assert self.index is not None
        if question.proposed is None:
            rows = self.index.propose(question.embedding)
            if self._newest is not None:  # what came after the index was built
                keys, _ = exact_nearest(self._newest, question.half, count)
                rows = np.concatenate([keys + self.index.info.rows, rows])
            question.proposed = self._places_of(rows)
        found = question.proposed - shelf.start
        if isinstance(places, slice):
            found = found[(found >= places.start) & (found < places.stop)]
        else:
            found = found[np.isin(found, places)]
        # in their own order, so that what ties comes as if all had been compared
        return np.sort(found[: max(_COMPARED_PROPOSALS, 4 * count)])

    def _places_of(self, rows: Rows) -> Rows:
        """Places in the snapshot's order of the pictures with those embeddings."""
        first = np.searchsorted(self._ordered, rows, side="left")
        last = np.searchsorted(self._ordered, rows, side="right")
        return self._by_row[_ranges(first, last)]


def _size(places: slice | Rows) -> int:
    return int(places.stop - places.start) if isinstance(places, slice) else len(places)


def _by_product(
    products: Rows, cosines: Embedding, scores: npt.NDArray[np.floating], limit: int
) -> list[Likeness]:
    """The best picture of each product, the best product first; ties by id."""
    order = np.lexsort((products, -scores))
    _, first = np.unique(products[order], return_index=True)
    best = order[np.sort(first)][:limit]
    return [
        Likeness(product, cosine)
        for product, cosine in zip(products[best].tolist(), cosines[best].tolist(), strict=True)
    ]


def _ranges(first: Rows, last: Rows) -> Rows:
    """All numbers of the half-open ranges, one range after another."""
    lengths = last - first
    starts = np.repeat(first - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    places: Rows = starts + np.arange(lengths.sum())
    return places


_GOODS = np.dtype(
    [("product", np.int64), ("category", np.int64), ("row", np.int64), ("in_stock", np.bool_)]
)


_Picture = tuple[str | None, int, int, bool]
"""SHA-256 (None for a product without pictures), product, category, whether it is in stock."""


def _read_goods(connection: PlainConnection, store: VectorStore) -> npt.NDArray[np.void]:
    """Every picture of every product that is there; a product without pictures once, row -1."""
    names = store.names()
    order = np.argsort(names, kind="stable")
    names = names[order]
    batches = [_with_rows(batch, names, order) for batch in _pictures(connection)]
    return np.concatenate(batches) if batches else np.empty(0, dtype=_GOODS)


def _pictures(connection: PlainConnection) -> Iterator[Sequence[_Picture]]:
    rows = connection.execute(
        "SELECT photos.sha256, products.id, products.category_id, products.in_stock "
        "FROM products LEFT JOIN photos ON photos.product_id = products.id "
        "WHERE products.gone_since IS NULL"
    )
    while batch := rows.fetchmany(_READ_AT_ONCE):
        yield batch


def _with_rows(
    batch: Sequence[_Picture],
    names: npt.NDArray[np.bytes_],
    order: Rows,
) -> npt.NDArray[np.void]:
    goods = np.empty(len(batch), dtype=_GOODS)
    shas, goods["product"], goods["category"], goods["in_stock"] = zip(*batch, strict=True)
    goods["row"] = -1
    if len(names):
        asked = np.array([sha or "" for sha in shas], dtype="S64")
        places = np.minimum(np.searchsorted(names, asked), len(names) - 1)
        hits = (names[places] == asked) & (asked != b"")
        goods["row"][hits] = order[places[hits]]
    return goods


def _shelve(goods: npt.NDArray[np.void], slugs: Mapping[int, str], start: int) -> _Shelf:
    goods = goods[np.lexsort((goods["row"], goods["product"], goods["category"]))]
    numbers, first = np.unique(goods["category"], return_index=True)
    ends = np.append(first[1:], len(goods))[: len(first)]
    return _Shelf(
        np.ascontiguousarray(goods["product"]),
        np.ascontiguousarray(goods["row"]),
        {
            slugs[int(number)]: slice(int(begin), int(end))
            for number, begin, end in zip(numbers, first, ends, strict=True)
            if int(number) in slugs
        },
        start,
    )
