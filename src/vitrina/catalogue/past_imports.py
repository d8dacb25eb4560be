"""What the shop knows of earlier imports: whether one of the same source would bring anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from vitrina.store.schema import IMPORTS, PHOTOS, PRODUCTS, REMOTE_PHOTOS


@dataclass(frozen=True)
class ShopHas:
    """What the shop has of a source.

    Attributes:
        photos: Pictures of its goods.
        addresses: Pictures that it names by their addresses.
        categories: Categories that its goods belong to.
    """

    photos: int
    addresses: int
    categories: int


def refused_name(finished: datetime) -> str:
    """Name of the file that lists what an import refused which ended at that moment."""
    return f"refused-{finished:%Y%m%d-%H%M%S-%f}.csv"


def last_import(
    connection: Connection, source: str, fingerprint: str, reports: Path
) -> Row[Any] | None:
    """The last import of a source, where the same files would bring nothing new.

    Args:
        connection: Where to look.
        source: Its name.
        fingerprint: Of its files as they are now.
        reports: Folder with the lists of what was refused; without the last one the files are
            read again, to write it.
    """
    last = connection.execute(
        select(IMPORTS).where(IMPORTS.c.source == source).order_by(IMPORTS.c.id.desc()).limit(1)
    ).first()
    if last is None or last.fingerprint != fingerprint:
        return None
    later = connection.scalar(
        select(IMPORTS.c.id)
        .where(IMPORTS.c.id > last.id, IMPORTS.c.added + IMPORTS.c.changed + IMPORTS.c.gone > 0)
        .limit(1)
    )
    if later is not None:  # another source may have changed this one's goods
        return None
    if last.refused and not (reports / refused_name(last.finished)).is_file():
        return None
    return last


def shop_has(connection: Connection, source: str) -> ShopHas:
    """Counts, without the goods that are gone."""
    its = (PRODUCTS.c.source == source, PRODUCTS.c.gone_since.is_(None))
    pictures = select(func.count(PHOTOS.c.id)).select_from(PHOTOS.join(PRODUCTS))
    remote = select(func.count(REMOTE_PHOTOS.c.id)).select_from(REMOTE_PHOTOS.join(PRODUCTS))
    categories = select(func.count(PRODUCTS.c.category_id.distinct()))
    return ShopHas(
        *(connection.scalar(counted.where(*its)) or 0 for counted in (pictures, remote, categories))
    )
