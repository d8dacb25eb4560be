"""Pictures on their way into the shop: checked by their bytes, stored under their SHA-256."""

from __future__ import annotations

import hashlib

from vitrina import atomic
from vitrina.folder import ShopFolder
from vitrina.photos import SUFFIXES, Limits, read_header
from vitrina.store.products import PhotoRecord


def store_photo(
    folder: ShopFolder, content: bytes, limits: Limits, *, split: str | None = None
) -> PhotoRecord:
    """Puts a picture in its place under photos/, unless it lies there already.

    The file appears in one step but is not flushed to the disk: whoever commits a row that names
    it does that before, for many at once.

    Args:
        folder: The shop.
        content: The picture's bytes.
        limits: How large it may be.
        split: As in `schema.Photo`.

    Raises:
        PhotoError: it is no picture that can be used.
        OSError: it cannot be written.
    """
    header = read_header(content, limits)
    sha256 = hashlib.sha256(content).hexdigest()
    suffix = SUFFIXES[header.kind]
    place = folder.photo(sha256, suffix)
    if not place.exists() or place.stat().st_size != len(content):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f"{atomic.PARTIAL}{place.name}")
        partial.write_bytes(content)
        partial.replace(place)
    return PhotoRecord(sha256, suffix, header.width, header.height, split)
