"""Every question and every change that concerns pictures which feeds name by their addresses.

An address may belong to several goods: what is said of it here is said of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from vitrina.store.products import PhotoRecord
from vitrina.store.schema import Photo, Product, RemotePhoto


@dataclass(frozen=True, slots=True)
class WantedPhoto:
    """An address that shall be asked.

    Attributes:
        address: http or https.
        sha256: Of the content that the shop has; None where it has none.
        etag: What the server said of that content; None where it said nothing.
        last_modified: Likewise.
    """

    address: str
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None


def wanted_photos(session: Session, tries: int, *, refresh: bool) -> list[WantedPhoto]:
    """Addresses to ask: the main pictures of all goods first, in the order of the feed.

    Args:
        session: Only read.
        tries: An address that failed this often in a row is not asked.
        refresh: Ask all addresses, those that failed and those whose pictures are there, too.
    """
    rows = session.execute(
        select(
            RemotePhoto.address,
            func.count() == func.count(RemotePhoto.sha256),
            func.max(RemotePhoto.sha256),
            func.max(RemotePhoto.etag),
            func.max(RemotePhoto.last_modified),
        )
        .join(Product, Product.id == RemotePhoto.product_id)
        .where(Product.gone_since.is_(None), true() if refresh else _missing(tries))
        .group_by(RemotePhoto.address)
        .order_by(func.min(RemotePhoto.position), func.min(RemotePhoto.id))
    )
    return [
        WantedPhoto(address, *known) if complete else WantedPhoto(address)
        for address, complete, *known in rows
    ]


def has_wanted_photos(session: Session, tries: int, *, refresh: bool) -> bool:
    """Whether `wanted_photos` would name any."""
    found = session.scalar(
        select(RemotePhoto.id)
        .join(Product, Product.id == RemotePhoto.product_id)
        .where(Product.gone_since.is_(None), true() if refresh else _missing(tries))
        .limit(1)
    )
    return found is not None


def count_abandoned(session: Session, tries: int) -> int:
    """Addresses that failed at least `tries` times in a row and have no picture."""
    statement = (
        select(func.count(RemotePhoto.address.distinct()))
        .join(Product, Product.id == RemotePhoto.product_id)
        .where(
            Product.gone_since.is_(None), RemotePhoto.sha256.is_(None), RemotePhoto.tries >= tries
        )
    )
    return session.scalar(statement) or 0


def share_photos(session: Session) -> int:
    """Gives goods the pictures that other goods have from the same addresses.

    Args:
        session: The caller commits.

    Returns:
        How many addresses that were.
    """
    have = select(RemotePhoto.address).where(RemotePhoto.sha256.is_not(None))
    lack = select(RemotePhoto.address).where(RemotePhoto.sha256.is_(None))
    shared = 0
    for address in session.scalars(lack.intersect(have)).all():
        found = session.execute(
            select(RemotePhoto, Photo)
            .join(Photo, Photo.sha256 == RemotePhoto.sha256)
            .where(RemotePhoto.address == address)
            .limit(1)
        ).first()
        if found:  # else no product shows it any more, and it is fetched anew
            remote, photo = found
            record = PhotoRecord(photo.sha256, photo.suffix, photo.width, photo.height)
            save_fetched(session, address, record, remote.etag, remote.last_modified)
            shared += 1
    return shared


def save_fetched(
    session: Session,
    address: str,
    photo: PhotoRecord,
    etag: str | None = None,
    last_modified: str | None = None,
) -> None:
    """Makes `photo` the picture of all goods that name `address`, in the place of what was there.

    Args:
        session: The caller commits.
        address: Where it came from.
        photo: As it is stored.
        etag: What the server said of it.
        last_modified: Likewise.
    """
    for remote in _of(session, address):
        remote.sha256, remote.fault, remote.tries = photo.sha256, None, 0
        remote.etag, remote.last_modified = etag, last_modified
        place = and_(Photo.product_id == remote.product_id, Photo.position == remote.position)
        row = session.scalar(select(Photo).where(place))
        if row is None:
            row = Photo(product_id=remote.product_id, position=remote.position)
            session.add(row)
        elif row.sha256 == photo.sha256:
            continue
        row.sha256, row.suffix = photo.sha256, photo.suffix
        row.width, row.height, row.split = photo.width, photo.height, photo.split
    session.flush()


def save_unchanged(session: Session, address: str) -> None:
    """Notes that the server still has what the shop has; the caller commits."""
    for remote in _of(session, address):
        remote.fault, remote.tries = None, 0


def save_fault(session: Session, address: str, fault: str, *, counted: bool) -> list[str]:
    """Notes why `address` could not be fetched; pictures that are there stay.

    Args:
        session: The caller commits.
        address: That was asked.
        fault: In plain words.
        counted: Whether it counts as one of the address's tries.

    Returns:
        Articles of the goods that name it.
    """
    for remote in _of(session, address):
        remote.fault = fault[:500]
        remote.tries += counted
    return list(
        session.scalars(
            select(Product.sku)
            .join(RemotePhoto, RemotePhoto.product_id == Product.id)
            .where(RemotePhoto.address == address, Product.gone_since.is_(None))
            .distinct()
            .order_by(Product.id)
        )
    )


def _of(session: Session, address: str) -> Sequence[RemotePhoto]:
    return session.scalars(select(RemotePhoto).where(RemotePhoto.address == address)).all()


def _missing(tries: int) -> ColumnElement[bool]:
    return and_(RemotePhoto.sha256.is_(None), RemotePhoto.tries < tries)
