"""What a shop's disk refuses, in words that say what became of the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from vitrina.errors import ShopError
from vitrina.folder import ShopFolder


@contextmanager
def telling_disk_faults(folder: ShopFolder, outcome: str) -> Iterator[None]:
    """Says of what fails in the block that the shop could not be written.

    Args:
        folder: The shop.
        outcome: What then became of the work, one sentence.

    Raises:
        ShopError: the disk is full, or does not let itself be written.
    """
    try:
        yield
    except (OSError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise ShopError(
            f"The shop {folder.root} could not be written: {reason}. {outcome}",
            hint="Make room on its disk, or let this user write there; then import again.",
        ) from error
