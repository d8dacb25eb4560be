"""Every question and every change that concerns pictures which feeds name by their addresses.

An address may belong to several goods: what is said of it here is said of all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    func,
    insert,
    select,
    true,
    update,
)

from vitrina.store.products import PhotoRecord
from vitrina.store.schema import PHOTOS, PRODUCTS, REMOTE_PHOTOS

_PHOTO, _REMOTE = PHOTOS.c, REMOTE_PHOTOS.c


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


def wanted_photos(connection: Connection, tries: int, *, refresh: bool) -> list[WantedPhoto]:
    """Addresses to ask: the main pictures of all goods first, in the order of the feed.

    Args:
        connection: Only read.
        tries: An address that failed this often in a row is not asked.
        refresh: Ask all addresses, those that failed and those whose pictures are there, too.
    """
    rows = connection.execute(
        select(
            _REMOTE.address,
            func.count() == func.count(_REMOTE.sha256),
            func.max(_REMOTE.sha256),
            func.max(_REMOTE.etag),
            func.max(_REMOTE.last_modified),
        )
        .join(PRODUCTS, PRODUCTS.c.id == _REMOTE.product_id)
        .where(PRODUCTS.c.gone_since.is_(None), true() if refresh else _missing(tries))
        .group_by(_REMOTE.address)
        .order_by(func.min(_REMOTE.position), func.min(_REMOTE.id))
    )
    return [
        WantedPhoto(address, *known) if complete else WantedPhoto(address)
        for address, complete, *known in rows
    ]


def has_wanted_photos(connection: Connection, tries: int, *, refresh: bool) -> bool:
    """Whether `wanted_photos` would name any."""
    found = connection.scalar(
        select(_REMOTE.id)
        .join(PRODUCTS, PRODUCTS.c.id == _REMOTE.product_id)
        .where(PRODUCTS.c.gone_since.is_(None), true() if refresh else _missing(tries))
        .limit(1)
    )
    return found is not None


def count_abandoned(connection: Connection, tries: int) -> int:
    """Addresses that failed at least `tries` times in a row and have no picture."""
    statement = (
        select(func.count(_REMOTE.address.distinct()))
        .join(PRODUCTS, PRODUCTS.c.id == _REMOTE.product_id)
        .where(PRODUCTS.c.gone_since.is_(None), _REMOTE.sha256.is_(None), _REMOTE.tries >= tries)
    )
    return connection.scalar(statement) or 0


def share_photos(connection: Connection) -> int:
    """Gives goods the pictures that other goods have from the same addresses.

    Args:
        connection: The caller commits.

    Returns:
        How many addresses that were.
    """
    have = select(_REMOTE.address).where(_REMOTE.sha256.is_not(None))
    lack = select(_REMOTE.address).where(_REMOTE.sha256.is_(None))
    shared = 0
    for address in connection.scalars(lack.intersect(have)).all():
        found = connection.execute(
            select(
                _PHOTO.sha256, _PHOTO.suffix, _PHOTO.width, _PHOTO.height,
                _REMOTE.etag, _REMOTE.last_modified,
            )
            .select_from(REMOTE_PHOTOS.join(PHOTOS, _PHOTO.sha256 == _REMOTE.sha256))
            .where(_REMOTE.address == address)
            .limit(1)
        ).first()  # fmt: skip
        if found:  # else no product shows it any more, and it is fetched anew
            *photo, etag, last_modified = found
            save_fetched(connection, address, PhotoRecord(*photo), etag, last_modified)
            shared += 1
    return shared


def save_fetched(
    connection: Connection,
    address: str,
    photo: PhotoRecord,
    etag: str | None = None,
    last_modified: str | None = None,
) -> None:
    """Makes `photo` the picture of all goods that name `address`, in the place of what was there.

    Args:
        connection: The caller commits.
        address: Where it came from.
        photo: As it is stored.
        etag: What the server said of it.
        last_modified: Likewise.
    """
    came = {"sha256": photo.sha256, "etag": etag, "last_modified": last_modified}
    connection.execute(_named(address).values(**came, fault=None, tries=0))
    same_place = and_(_PHOTO.product_id == _REMOTE.product_id, _PHOTO.position == _REMOTE.position)
    places = connection.execute(
        select(_REMOTE.product_id, _REMOTE.position, _PHOTO.id, _PHOTO.sha256)
        .select_from(REMOTE_PHOTOS.outerjoin(PHOTOS, same_place))
        .where(_REMOTE.address == address)
    ).all()
    new = [
        {"product_id": place.product_id, "position": place.position, **asdict(photo)}
        for place in places
        if place.id is None
    ]
    if new:
        connection.execute(insert(PHOTOS), new)
    other = [place.id for place in places if place.id is not None and place.sha256 != photo.sha256]
    if other:
        connection.execute(
            update(PHOTOS).where(_PHOTO.id == bindparam("row_id")).values(asdict(photo)),
            [{"row_id": number} for number in other],
        )


def save_unchanged(connection: Connection, address: str) -> None:
    """Notes that the server still has what the shop has; the caller commits."""
    connection.execute(_named(address).values(fault=None, tries=0))


def save_fault(connection: Connection, address: str, fault: str, *, counted: bool) -> list[str]:
    """Notes why `address` could not be fetched; pictures that are there stay.

    Args:
        connection: The caller commits.
        address: That was asked.
        fault: In plain words.
        counted: Whether it counts as one of the address's tries.

    Returns:
        Articles of the goods that name it.
    """
    connection.execute(
        _named(address).values(fault=fault[:500], tries=_REMOTE.tries + int(counted))
    )
    return list(
        connection.scalars(
            select(PRODUCTS.c.sku)
            .join(REMOTE_PHOTOS, _REMOTE.product_id == PRODUCTS.c.id)
            .where(_REMOTE.address == address, PRODUCTS.c.gone_since.is_(None))
            .group_by(PRODUCTS.c.id)
            .order_by(PRODUCTS.c.id)
        )
    )


def _named(address: str) -> Update:
    return update(REMOTE_PHOTOS).where(_REMOTE.address == address)


def _missing(tries: int) -> ColumnElement[bool]:
    return and_(_REMOTE.sha256.is_(None), _REMOTE.tries < tries)
