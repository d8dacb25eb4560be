"""What the shop knows of earlier imports: whether one of the same source would bring anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vitrina.store.schema import Import, Photo, Product, RemotePhoto


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


def last_import(session: Session, source: str, fingerprint: str, reports: Path) -> Import | None:
    """The last import of a source, where the same files would bring nothing new.

    Args:
        session: Where to look.
        source: Its name.
        fingerprint: Of its files as they are now.
        reports: Folder with the lists of what was refused; without the last one the files are
            read again, to write it.
    """
    last = session.scalar(
        select(Import).where(Import.source == source).order_by(Import.id.desc()).limit(1)
    )
    if last is None or last.fingerprint != fingerprint:
        return None
    later = session.scalar(
        select(Import.id)
        .where(Import.id > last.id, Import.added + Import.changed + Import.gone > 0)
        .limit(1)
    )
    if later is not None:  # another source may have changed this one's goods
        return None
    if last.refused and not (reports / refused_name(last.finished)).is_file():
        return None
    return last


def shop_has(session: Session, source: str) -> ShopHas:
    """Counts, without the goods that are gone."""
    its = (Product.source == source, Product.gone_since.is_(None))
    pictures = select(func.count(Photo.id)).join(Product, Product.id == Photo.product_id)
    remote = select(func.count(RemotePhoto.id)).join(Product, Product.id == RemotePhoto.product_id)
    categories = select(func.count(Product.category_id.distinct()))
    return ShopHas(
        *(session.scalar(counted.where(*its)) or 0 for counted in (pictures, remote, categories))
    )
