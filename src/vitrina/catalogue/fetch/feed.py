"""A feed that is named by its address, fetched into a file."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

from vitrina import atomic
from vitrina.catalogue.fetch.http import Fault, FetchLimits, fetch, open_pool
from vitrina.catalogue.fetch.public_address import CheckedBackend, Resolve
from vitrina.errors import FeedError, ShopError

FEED_LIMITS = FetchLimits(
    max_bytes=500_000_000, seconds=1800.0, connect_seconds=15.0, silent_seconds=120.0
)
"""Shops often write a feed while it is asked for, and say nothing until it is done."""

ACCEPT = "application/xml, text/xml, text/csv, */*;q=0.5"

_SUFFIXES = {".xml", ".yml", ".csv", ".tsv", ".txt", ".xlsx", ".zip"}


def feed_file(imports: Path, address: str) -> Path:
    """Where the feed of `address` is kept in a shop's imports/: always the same file."""
    try:
        suffix = PurePosixPath(urlsplit(address).path).suffix.lower()
    except ValueError:
        suffix = ""
    name = f"feed-{sha256(address.encode(errors='replace')).hexdigest()[:12]}"
    return imports / f"{name}{suffix if suffix in _SUFFIXES else ''}"


def fetch_feed(
    address: str,
    target: Path,
    *,
    allow_private: bool = False,
    limits: FetchLimits = FEED_LIMITS,
    resolve: Resolve | None = None,
) -> Path:
    """Fetches the feed at `address` into `target`, which is replaced in one step.

    Args:
        address: http or https.
        target: File; its folder is made where it is missing.
        allow_private: Fetch from addresses in one's own network, too.
        limits: What it may take.
        resolve: What turns names into addresses; the system's resolver unless given.

    Returns:
        `target`.

    Raises:
        FeedError: it could not be fetched, or not within the limits; `target` is as it was.
        ShopError: the file could not be written; likewise.
    """

    async def fetch_into_file() -> None:
        async with open_pool(
            CheckedBackend(allow_private=allow_private, resolve=resolve), 1
        ) as pool:
            await fetch(pool, address, limits, file.write, accept=ACCEPT)

    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=atomic.PARTIAL, dir=target.parent)
        partial = Path(name)
        with os.fdopen(handle, "wb") as file, start_blocking_portal() as portal:
            portal.call(fetch_into_file)
        atomic.flush_file(partial)
        partial.chmod(0o644)
        partial.replace(target)
        atomic.flush_folder(target.parent)
    except Fault as fault:
        raise FeedError(
            f"The feed {address} could not be fetched: {fault.reason}.",
            hint="Open the address in a browser. A feed in your own network needs "
            'fetch_from = "anywhere" in shop.toml.',
        ) from fault
    except OSError as error:
        raise ShopError(
            f"The feed could not be written to {target}: {error}.",
            hint="Make room on the disk, or let this user write there.",
        ) from error
    finally:
        if partial:
            partial.unlink(missing_ok=True)
    return target
