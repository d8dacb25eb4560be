"""The goods that are nearest to a photo, as the shop is now.

A snapshot of the goods answers. Each question looks, at most every few seconds, whether the shop
has changed; a newer snapshot is then made beside and takes the place of the old one.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vitrina.bundle import Bundle
from vitrina.search.answers import FoundProduct, Language, describe_product
from vitrina.search.snapshot import GoodsSnapshot
from vitrina.search.vector_index import open_index
from vitrina.search.vectors import open_vectors, segment_files
from vitrina.store.connection import PlainConnection
from vitrina.store.reading import DatabaseReader, FileReader
from vitrina.store.shown import shown_products

_LOOK_EVERY_S = 2.0
_OLD_S = 30.0
"""Seconds without a look after which a question waits for the new snapshot, for a while."""
_PATIENCE_S = 2.0

_NEWEST = (
    "SELECT (SELECT max(id) FROM imports), (SELECT max(id) FROM photos), "
    "(SELECT max(id) FROM products)"
)

_log = logging.getLogger(__name__)


class Nearest(Protocol):
    """Ranks the shop's goods by their likeness to a photo; may be used from several threads."""

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

    def categories(self) -> frozenset[str]:
        """Slugs of the categories that have goods."""

    def refresh(self) -> None:
        """Has the next question answered from the shop as it is now."""


def open_nearest(
    bundle: Bundle, database: DatabaseReader, fixed: GoodsSnapshot | None = None
) -> Nearest:
    """By the embeddings that PostgreSQL has, where it has them; else by those on the disk.

    Args:
        bundle: Whose network made the embeddings.
        database: The shop's.
        fixed: What is ranked for ever instead of the shop as it is.
    """
    if fixed is None and not isinstance(database, FileReader):
        from vitrina.search.stored_nearest import NearestInDatabase

        return NearestInDatabase(bundle, database, lambda: NearestGoods(bundle, database))
    return NearestGoods(bundle, database, fixed=fixed)


class NearestGoods:
    """Ranks the shop's goods by their likeness to a photo; may be used from several threads.

    Args:
        bundle: Whose network made the embeddings.
        database: The shop's.
        look_every_s: Seconds between two looks at whether the shop has changed.
        fixed: What is ranked for ever instead of the shop as it is.
    """

    def __init__(
        self,
        bundle: Bundle,
        database: DatabaseReader,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        fixed: GoodsSnapshot | None = None,
    ) -> None:
        self._bundle = bundle
        self._database = database
        self._look_every_s = look_every_s if fixed is None else math.inf
        self._lock = threading.Lock()
        self._snapshot = fixed
        self._seen: tuple[object, ...] = ()
        self._looked = time.monotonic()
        self._making: threading.Thread | None = None
        self._failed: BaseException | None = None
        if fixed is None:
            self._start()  # beside the rest of a server's start

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

        Args:
            connection: The shop's database.
            embedding: (D,) float32, unit length.
            categories: Slugs; None for the whole shop.
            limit: How many at most.
            language: Of names.
            within: Ids of the only products that are wanted; None for all.
            favour: As `GoodsSnapshot.rank` takes it.

        Returns:
            Products as they are in the database now; without a similarity where no picture has an
            embedding yet.
        """
        ranked = self.snapshot().rank(embedding, categories, limit, within=within, favour=favour)
        shown = shown_products(connection, [one.product for one in ranked])
        found = [
            describe_product(shown[one.product], language, one.cosine)
            for one in ranked
            if one.product in shown
        ]
        # what was sold out since the snapshot was made
        return sorted(found, key=lambda product: not product.in_stock)

    def categories(self) -> frozenset[str]:
        """Slugs of the categories that have goods."""
        return self.snapshot().categories

    def snapshot(self) -> GoodsSnapshot:
        """The goods as they were at most a minute ago."""
        now = time.monotonic()
        last, made = self._looked, self._snapshot
        if made is not None and now - last < self._look_every_s:
            return made
        with self._lock:
            self._looked = now
            changed = self._making is None and self._seen != self._look()
        if changed:
            self._start()
        making = self._making
        if making is not None and (self._snapshot is None or now - last > _OLD_S):
            making.join(None if self._snapshot is None else _PATIENCE_S)
        if self._snapshot is None:
            raise self._failed or RuntimeError("no snapshot was made")
        return self._snapshot

    def refresh(self) -> None:
        """Has the next question answered from the shop as it is now."""
        while (making := self._making) is not None:
            making.join()
        if self._seen != self._look():
            self._make()

    def _start(self) -> None:
        with self._lock:
            if self._making is None:
                self._making = threading.Thread(target=self._make, name="snapshot", daemon=True)
                self._making.start()

    def _make(self) -> None:
        try:
            seen = self._look()
            store = open_vectors(self._bundle)
            with self._database.asking() as connection:
                snapshot = GoodsSnapshot(connection, store, open_index(self._bundle, store))
            self._snapshot, self._seen = snapshot, seen
        except Exception as error:
            # the old one goes on answering, and the next look tries again
            self._failed = error
            _log.warning("The goods could not be read anew: %s", error)
        finally:
            self._making = None

    def _look(self) -> tuple[object, ...]:
        """What changes whenever goods, pictures or embeddings do; cheap."""
        with self._database.asking() as connection:
            newest = connection.execute(_NEWEST).fetchone()
        files = tuple(file.name for file in segment_files(self._bundle))
        return (*newest, files)
