"""Many products at once: what an import asks and writes, in few statements instead of one a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from vitrina.store.products import PhotoRecord
from vitrina.store.schema import PHOTOS, PRODUCTS, REMOTE_PHOTOS

_AT_ONCE = 1000
"""Values in one `IN (...)`: SQLite takes 32,766 at most."""


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """One picture that a feed names by its address; fields as in `schema.REMOTE_PHOTOS`."""

    address: str
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    fault: str | None = None
    tries: int = 0


Photos = Mapping[int, PhotoRecord]
"""Of one product, by position."""

Addresses = Mapping[int, AddressRecord]
"""Of one product, by position."""


def stored_products(connection: Connection, skus: Collection[str]) -> dict[str, Row[Any]]:
    """What the shop has of these articles, gone ones too: all columns of `schema.PRODUCTS`."""
    return {
        row.sku: row
        for some in _batches(skus)
        for row in connection.execute(select(PRODUCTS).where(PRODUCTS.c.sku.in_(some)))
    }


def stored_photos(
    connection: Connection, products: Collection[int]
) -> dict[int, dict[int, PhotoRecord]]:
    """Pictures by product and position."""
    found: dict[int, dict[int, PhotoRecord]] = defaultdict(dict)
    for some in _batches(products):
        for row in connection.execute(select(PHOTOS).where(PHOTOS.c.product_id.in_(some))):
            found[row.product_id][row.position] = PhotoRecord(
                row.sha256, row.suffix, row.width, row.height, row.split
            )
    return found


def stored_addresses(
    connection: Connection, products: Collection[int]
) -> dict[int, dict[int, AddressRecord]]:
    """Addresses of pictures by product and position."""
    found: dict[int, dict[int, AddressRecord]] = defaultdict(dict)
    for some in _batches(products):
        for row in connection.execute(
            select(REMOTE_PHOTOS).where(REMOTE_PHOTOS.c.product_id.in_(some))
        ):
            found[row.product_id][row.position] = AddressRecord(
                row.address, row.sha256, row.etag, row.last_modified, row.fault, row.tries
            )
    return found


def insert_products(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Adds products; returns their ids by article.

    Args:
        connection: The caller commits.
        rows: All columns of `schema.PRODUCTS` but `id`.
    """
    if rows:
        connection.execute(insert(PRODUCTS), list(rows))
    return {
        sku: number
        for some in _batches([row["sku"] for row in rows])
        for sku, number in connection.execute(
            select(PRODUCTS.c.sku, PRODUCTS.c.id).where(PRODUCTS.c.sku.in_(some))
        )
    }


def update_products(connection: Connection, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Sets columns of products, by their ids; every row names the same columns."""
    if rows:
        columns = next(iter(rows.values()))
        statement = (
            update(PRODUCTS)
            .where(PRODUCTS.c.id == bindparam("row_id"))
            .values({name: bindparam(f"new_{name}") for name in columns})
        )
        connection.execute(
            statement,
            [
                {"row_id": number} | {f"new_{name}": value for name, value in row.items()}
                for number, row in rows.items()
            ],
        )


def replace_photos(connection: Connection, wanted: Mapping[int, Photos]) -> None:
    """Gives products exactly these pictures; the caller commits."""
    _clear(connection, PHOTOS, wanted)
    rows = [
        {"product_id": product, "position": position, **asdict(photo)}
        for product, photos in wanted.items()
        for position, photo in photos.items()
    ]
    if rows:
        connection.execute(insert(PHOTOS), rows)


def replace_addresses(connection: Connection, wanted: Mapping[int, Addresses]) -> None:
    """Gives products exactly these addresses of pictures; the caller commits."""
    _clear(connection, REMOTE_PHOTOS, wanted)
    rows = [
        {"product_id": product, "position": position, **asdict(address)}
        for product, addresses in wanted.items()
        for position, address in addresses.items()
    ]
    if rows:
        connection.execute(insert(REMOTE_PHOTOS), rows)


def present_products(connection: Connection, source: str) -> Iterator[tuple[int, str]]:
    """Id and article of every product that `source` brought and that is not gone."""
    rows = connection.execute(
        select(PRODUCTS.c.id, PRODUCTS.c.sku)
        .where(PRODUCTS.c.source == source, PRODUCTS.c.gone_since.is_(None))
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        yield row.id, row.sku


def mark_gone(connection: Connection, products: Collection[int], when: datetime) -> None:
    """Marks products as gone; the caller commits, and has them found by words no more."""
    for some in _batches(products):
        connection.execute(update(PRODUCTS).where(PRODUCTS.c.id.in_(some)).values(gone_since=when))


def _clear(connection: Connection, table: Table, products: Collection[int]) -> None:
    for some in _batches(products):
        connection.execute(delete(table).where(table.c.product_id.in_(some)))


def _batches(values: Collection[Any]) -> Iterator[list[Any]]:
    remaining = iter(values)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
