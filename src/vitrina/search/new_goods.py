"""Embeds the goods that came after the bundle was published, so that photos find them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from vitrina.bundle import Bundle, active_bundle, active_version, named_bundle
from vitrina.database_url import DatabaseUrl
from vitrina.encoder import Encoder
from vitrina.errors import BundleError
from vitrina.experiment.definition import read_experiment
from vitrina.folder import ShopFolder
from vitrina.goods_encoder import EmbeddedBatch, embed_batch
from vitrina.journal import writing
from vitrina.machine import usable_cores
from vitrina.pixels import PhotoFile, PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.search.vector_index import EXACT_UP_TO, IndexInfo, build_index, open_index
from vitrina.search.vectors import (
    VectorStore,
    append_segment,
    merge_segments,
    open_vectors,
    segment_files,
)
from vitrina.store.database import open_database
from vitrina.store.schema import PHOTOS, PRODUCTS

Embedding = Callable[[ShopFolder, Bundle, Sequence[PhotoFile], Progress], Iterator[EmbeddedBatch]]
"""Embeds photos with a bundle's network, in any order, some at a time, on one machine or many."""

_AT_ONCE = 50
_KEPT_TOGETHER = 1000
"""Photos whose embeddings are kept together; what is cut off loses fewer."""
_MOST_SEGMENTS = 32
_OUTSIDE_INDEX = 20_000
"""New photos of a large shop that are compared one by one before the index is built anew."""


def embed_here(
    folder: ShopFolder, bundle: Bundle, photos: Sequence[PhotoFile], progress: Progress
) -> Iterator[EmbeddedBatch]:
    """Embeds photos in this process, on all of its cores; what is decoded is kept for training."""
    pixels = PixelCache(folder.cache)
    refused = pixels.add(photos, limits=folder.settings.photo_limits, progress=progress)
    readable = [photo for photo in photos if photo.sha256 not in refused]
    if not readable:
        return
    encoder = Encoder(bundle.model, threads=usable_cores())
    for start in range(0, len(readable), _AT_ONCE):
        some = readable[start : start + _AT_ONCE]
        yield embed_batch(encoder, some, lambda photo: pixels[photo.sha256])


def embed_new_goods(folder: ShopFolder, *, progress: Progress = SILENT) -> int:
    """Embeds here every photo of the catalogue that the active bundle has no embedding of.

    No training is needed, and no training framework. A server that runs finds the goods by itself.

    Args:
        folder: The shop.
        progress: Where the work reports to.

    Returns:
        How many photos were embedded; 0 where nothing is published, or the bundle cannot be used.

    Raises:
        ShopBusy: another process is changing the shop.
    """
    if active_version(folder.bundles) is None:
        return 0
    try:
        return embed_missing(folder, embed_here, progress)
    except BundleError as error:
        progress.say(f"New goods are not embedded: {error.message} {error.hint}")
        return 0


def embed_missing(
    folder: ShopFolder,
    embed: Embedding,
    progress: Progress = SILENT,
    *,
    version: str | None = None,
) -> int:
    """Embeds every photo of the catalogue that a bundle has no embedding of.

    While two bundles are compared in the shop, the other one gets them too. Work that is cut off
    goes on where it stopped.

    Args:
        folder: The shop.
        embed: Does the work.
        progress: Where the work reports to.
        version: Of the bundle; the active one where None.

    Returns:
        How many photos were embedded.

    Raises:
        BundleError: there is no bundle, or it cannot be used.
        ShopBusy: another process is changing the shop.
    """
    with writing(folder, "embed", progress):
        if version is not None:
            return embed_goods_of(folder, named_bundle(folder.bundles, version), progress, embed)
        # asked here, where no other process can switch to another one
        bundle = active_bundle(folder.bundles)
        embedded = embed_goods_of(folder, bundle, progress, embed)
        experiment = read_experiment(folder.bundles)
        if experiment is not None and experiment.is_running:
            # whoever is answered by the other bundle shall find them too
            second = named_bundle(folder.bundles, experiment.second)
            embed_goods_of(folder, second, progress, embed)
        return embedded


def embed_goods_of(
    folder: ShopFolder, bundle: Bundle, progress: Progress, embed: Embedding = embed_here
) -> int:
    """Embeds every photo of the catalogue that a bundle has no embedding of.

    Args:
        folder: The shop, whose lock the caller holds.
        bundle: Any of its bundles, active or not.
        progress: Where the work reports to.
        embed: Does the work; what it gives is kept here, each photo once.

    Returns:
        How many photos were embedded.

    Raises:
        BundleError: its network cannot be used.
    """
    with open_database(folder.database).reading() as connection:
        missing = _without_embedding(connection, folder, open_vectors(bundle))
    embedded = _keep(bundle, missing, embed(folder, bundle, missing, progress), progress)
    if len(segment_files(bundle)) > _MOST_SEGMENTS:
        merge_segments(bundle)
    store = open_vectors(bundle)
    if isinstance(folder.database, DatabaseUrl):
        from vitrina.search.stored_vectors import store_vectors

        store_vectors(folder.database, bundle, store, progress)
    else:
        refresh_index(bundle, store, progress)
    return embedded


def _keep(
    bundle: Bundle,
    missing: Sequence[PhotoFile],
    batches: Iterator[EmbeddedBatch],
    progress: Progress,
) -> int:
    """Puts batches into the vector store as they come; also those before something went wrong."""
    if not missing:
        return 0
    left = {photo.sha256 for photo in missing}
    names: list[str] = []
    vectors: list[npt.NDArray[np.float32]] = []
    embedded = 0

    def keep() -> None:
        if names:
            append_segment(bundle, names, np.concatenate(vectors))
            names.clear()
            vectors.clear()

    try:
        with progress.step("Embedding new goods", len(missing)) as step:
            for batch in batches:
                new = [row for row, name in enumerate(batch.names) if name in left]
                left.difference_update(batch.names, batch.refused)
                step.advance(len(new) + len(batch.refused))
                if new:
                    names += [batch.names[row] for row in new]
                    vectors.append(batch.embeddings[new])
                    embedded += len(new)
                if len(names) >= _KEPT_TOGETHER:
                    keep()
    finally:
        keep()
    return embedded


def refresh_index(
    bundle: Bundle, store: VectorStore, progress: Progress = SILENT
) -> IndexInfo | None:
    """Builds the index of a large shop where it has none, or where much came since.

    Args:
        bundle: Whose embeddings they are.
        store: All of them.
        progress: Where the work reports to.

    Returns:
        What is known of the index; None where the shop needs none.
    """
    if len(store) <= EXACT_UP_TO:
        return None
    index = open_index(bundle, store)
    if index is not None and len(store) - index.info.rows <= _OUTSIDE_INDEX:
        return index.info
    info = build_index(bundle, store, progress)
    progress.say(
        f"The index of nearest goods holds {info.rows} photos; of the ten nearest it finds "
        f"{info.recall:.1%} (compared exactly, {info.queries} queries)."
    )
    return info


def _without_embedding(
    connection: Connection, folder: ShopFolder, store: VectorStore
) -> list[PhotoFile]:
    """Photos of goods that are there and have no embedding yet, the oldest first."""
    known = set(store.names().tolist())
    rows = connection.execute(
        select(PHOTOS.c.sha256, PHOTOS.c.suffix)
        .select_from(PHOTOS.join(PRODUCTS))
        .where(PRODUCTS.c.gone_since.is_(None))
        .order_by(PHOTOS.c.id)
    )
    places: dict[str, Path] = {
        sha: folder.photo(sha, suffix) for sha, suffix in rows if sha.encode() not in known
    }
    return [PhotoFile(sha, path) for sha, path in places.items()]
