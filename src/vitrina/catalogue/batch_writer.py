"""Rows of a feed -> the database, a batch at a time: what is new or different, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from vitrina.catalogue.categories import CategoryBook
from vitrina.catalogue.fingerprints import Fingerprints
from vitrina.catalogue.galleries import Galleries, Gallery
from vitrina.catalogue.pictures import FoundPicture, Pictures
from vitrina.catalogue.refusals import RefusalFile
from vitrina.catalogue.rows import FeedRow, is_address
from vitrina.catalogue.split_file import plain_path
from vitrina.folder import ShopFolder
from vitrina.store.bulk import (
    insert_products,
    replace_addresses,
    replace_photos,
    stored_addresses,
    stored_photos,
    stored_products,
    update_products,
)
from vitrina.store.corrections import moved_products
from vitrina.store.fulltext import reindex_products
from vitrina.store.products import PhotoRecord

_COLUMNS = {
    "name_en": "name_en", "price": "price_minor", "currency": "currency", "url": "url",
    "in_stock": "in_stock", "vendor": "vendor", "vendor_code": "vendor_code",
    "description": "description",
}  # fmt: skip
"""What a product keeps where the feed has no such column."""

_WORDS = ("name", "name_en", "vendor", "vendor_code", "description", "category_id")
"""What a product is found by; its article never changes."""


@dataclass
class Written:
    """What was done so far.

    Attributes:
        products: Goods that the feed has.
        added: Of those, new ones.
        changed: Of those, ones that differ from what the shop had.
        photos: Pictures that the shop has of them.
        addresses: Pictures that they name by their addresses.
        split_photos: Pictures whose split is given.
    """

    products: int = 0
    added: int = 0
    changed: int = 0
    photos: int = 0
    addresses: int = 0
    split_photos: int = 0


@dataclass(frozen=True, slots=True)
class _Change:
    """A row that brings something, and what the shop has of its product."""

    row: FeedRow
    known: Row[Any] | None
    found: Mapping[str, FoundPicture | str]
    fingerprint: str


class BatchWriter:
    """Writes rows; of each article there is one, and the caller commits.

    Args:
        connection: The import's.
        folder: The shop.
        source: Name of the feed, as `schema.PRODUCTS` keeps it.
        pictures: Where local ones lie.
        splits: Split by picture, as `plain_path` spells it.
        refusals: Where pictures go that cannot be taken.

    Attributes:
        written: What was done so far.
        categories: The categories of the goods.
        used: Ids of those that the feed's goods belong to.
        moves: How many products went from one category into another, by both ids.
        example: A local picture that the feed names; None where it names none.
    """

    def __init__(
        self,
        connection: Connection,
        folder: ShopFolder,
        source: str,
        pictures: Pictures,
        splits: Mapping[str, str],
        refusals: RefusalFile,
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._source = source
        self._pictures = pictures
        self._splits = splits
        self._galleries = Galleries(folder, splits, refusals)
        self._fingerprints = Fingerprints(source, folder.settings, splits)
        self.written = Written()
        self.categories = CategoryBook(connection)
        self._moved = moved_products(connection)
        self.used: set[int] = set()
        self.moves: Counter[tuple[int, int]] = Counter()
        self.example: str | None = None

    def write(self, rows: Sequence[FeedRow]) -> None:
        """Adds and changes what these rows say."""
        known = stored_products(self._connection, [row.sku for row in rows])
        ids = [product.id for product in known.values()]
        photos = stored_photos(self._connection, ids)
        changes = []
        for row in rows:
            product = known.get(row.sku)
            change = self._look(row, product)
            if product is None or not self._is_same(change, product, photos[product.id]):
                changes.append(change)
                continue
            self.categories.see(row)
            self._count(row, product.category_id, len(photos[product.id]))
        if changes:
            self._save(changes, photos)

    def _look(self, row: FeedRow, known: Row[Any] | None) -> _Change:
        found, stamps = {}, []
        for image in row.images:
            if is_address(image):
                continue
            self.example = self.example or image
            found[image] = picture = self._pictures.find(image)
            split = self._splits.get(plain_path(image)) if self._splits else None
            self.written.split_photos += split is not None
            stamp = picture if isinstance(picture, str) else f"{picture.size} {picture.stamp}"
            stamps.append(f"{stamp} {split}")
        return _Change(row, known, found, self._fingerprints.of_row(row, stamps))

    def _is_same(self, change: _Change, known: Row[Any], photos: Mapping[int, PhotoRecord]) -> bool:
        """Whether the shop has all of it already, its picture files too."""
        if known.fingerprint != change.fingerprint or known.gone_since is not None:
            return False
        for position, image in enumerate(change.row.images):
            picture = change.found.get(image)
            if picture is None:
                continue
            photo = photos.get(position)
            if photo is None or isinstance(picture, str):
                return False
            try:
                status = self._folder.photo(photo.sha256, photo.suffix).stat()
            except OSError:
                return False
            if status.st_size != picture.size:
                return False
        return True

    def _save(
        self, changes: Sequence[_Change], photos: Mapping[int, Mapping[int, PhotoRecord]]
    ) -> None:
        new: list[dict[str, Any]] = []
        changed: dict[int, dict[str, Any]] = {}
        gallery: dict[str, Gallery] = {}
        reworded = []
        addresses = stored_addresses(
            self._connection, [change.known.id for change in changes if change.known is not None]
        )
        for change in changes:
            row, known = change.row, change.known
            had = photos.get(known.id, {}) if known is not None else {}
            taken = self._galleries.take(
                row, change.found, had, addresses.get(known.id, {}) if known is not None else {}
            )
            gallery[row.sku] = taken
            values = self._values(change, taken)
            if known is None:
                new.append(values)
            else:
                changed[known.id] = values
                if known.gone_since is not None or any(
                    values[column] != getattr(known, column) for column in _WORDS
                ):
                    reworded.append(known.id)
                if values["category_id"] != known.category_id:
                    self.moves[known.category_id, values["category_id"]] += 1
            self._count(row, values["category_id"], len(taken.photos))
        ids = insert_products(self._connection, new)
        update_products(self._connection, changed)
        reindex_products(self._connection, [*ids.values(), *reworded])
        self.written.added += len(new)
        self.written.changed += len(changed)
        ids |= {change.row.sku: change.known.id for change in changes if change.known is not None}
        replace_photos(
            self._connection,
            {ids[sku]: one.photos for sku, one in gallery.items() if one.photos != one.had_photos},
        )
        replace_addresses(
            self._connection,
            {
                ids[sku]: one.addresses
                for sku, one in gallery.items()
                if one.addresses != one.had_addresses
            },
        )

    def _values(self, change: _Change, taken: Gallery) -> dict[str, Any]:
        """All columns of the product."""
        row, known = change.row, change.known
        values: dict[str, Any] = {
            "sku": row.sku,
            "name": row.name,
            "name_en": row.name_en,
            "category_id": self._category(row),
            "vendor": row.vendor,
            "vendor_code": row.vendor_code,
            "description": row.description,
            "price_minor": row.price_minor,
            "currency": row.currency or self._folder.settings.currency,
            "url": row.url,
            "in_stock": row.in_stock,
            "source": self._source,
            "fingerprint": None if taken.is_incomplete else change.fingerprint,
            "gone_since": None,
        }
        if known is not None:
            values |= {
                column: getattr(known, column)
                for name, column in _COLUMNS.items()
                if name in row.absent
            }
            # another feed's goods stay its own, unless it has given them up
            if known.source is not None and known.gone_since is None:
                values["source"] = known.source
        return values

    def _category(self, row: FeedRow) -> int:
        """Where the product belongs: what the merchant corrected outlives the feed's word."""
        given = self.categories.find(row)
        return self._moved.get((row.sku, given.slug), given.id)

    def _count(self, row: FeedRow, category: int, photos: int) -> None:
        self.written.products += 1
        self.written.photos += photos
        self.written.addresses += sum(map(is_address, row.images))
        self.used.add(category)
