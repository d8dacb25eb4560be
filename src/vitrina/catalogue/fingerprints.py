"""What tells whether a feed, or a row of it, has anything new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from vitrina.catalogue.rows import FeedRow
from vitrina.settings import Settings

_VERSION = 1
"""Grows with every change of how rows are understood, so that all of them are taken anew."""


class Fingerprints:
    """Fingerprints under which nothing but the feed itself can differ.

    Args:
        source: The feed's name: what another one wrote is not what this one says.
        settings: The shop's; those that decide what becomes of a row count.
        splits: The split of each picture that is given.
    """

    def __init__(self, source: str, settings: Settings, splits: Mapping[str, str]) -> None:
        ground = repr((_VERSION, source, settings.currency, settings.photo_limits))
        self._row_ground = ground.encode(errors="backslashreplace")
        self._ground = (ground + repr(sorted(splits.items()))).encode(errors="backslashreplace")

    def of_files(self, files: Iterable[Path]) -> str:
        """Of everything that these files hold.

        Raises:
            OSError: one cannot be read.
        """
        whole = hashlib.sha256(self._ground)
        for path in files:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()

    def of_row(self, row: FeedRow, stamps: Iterable[str]) -> str:
        """Of a row, wherever it stands, and of the local pictures that it names.

        Args:
            row: That was understood.
            stamps: One a picture; changes whenever the picture or its split does.
        """
        content = (
            row.sku, row.name, row.category, row.images, row.price_minor, row.currency, row.url,
            row.in_stock, row.search_text, row.name_en, row.category_en, row.vendor,
            row.vendor_code, row.description, sorted(row.absent), *stamps,
        )  # fmt: skip
        plain = hashlib.sha256(self._row_ground)
        plain.update(repr(content).encode(errors="backslashreplace"))
        return plain.hexdigest()
