"""Embeds the goods that came after the bundle was published, so that photos find them at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import Connection, select

from vitrina.bundle import Bundle, active_bundle, active_version, named_bundle
from vitrina.encoder import Encoder
from vitrina.errors import BundleError
from vitrina.experiment.definition import read_experiment
from vitrina.folder import ShopFolder
from vitrina.goods_encoder import encode_goods
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

_KEPT_TOGETHER = 1000
"""Photos whose embeddings are kept together; what is cut off loses fewer."""
_MOST_SEGMENTS = 32
_OUTSIDE_INDEX = 20_000
"""New photos of a large shop that are compared one by one before the index is built anew."""


def embed_new_goods(folder: ShopFolder, *, progress: Progress = SILENT) -> int:
    """Embeds every photo of the catalogue that the active bundle has no embedding of.

    While two bundles are compared in the shop, the other one gets them too. No training is needed,
    and no training framework. Work that is cut off goes on where it stopped. A server that runs
    finds the goods by itself.

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
    with writing(folder, "embed", progress):
        try:
            # asked here, where no other process can switch to another one
            bundle = active_bundle(folder.bundles)
            embedded = embed_goods_of(folder, bundle, progress)
            experiment = read_experiment(folder.bundles)
            if experiment is not None and experiment.is_running:
                # whoever is answered by the other bundle shall find them too
                embed_goods_of(folder, named_bundle(folder.bundles, experiment.second), progress)
            return embedded
        except BundleError as error:
            progress.say(f"New goods are not embedded: {error.message} {error.hint}")
            return 0


def embed_goods_of(folder: ShopFolder, bundle: Bundle, progress: Progress) -> int:
    """Embeds every photo of the catalogue that a bundle has no embedding of.

    Args:
        folder: The shop, whose lock the caller holds.
        bundle: Any of its bundles, active or not.
        progress: Where the work reports to.

    Returns:
        How many photos were embedded.

    Raises:
        BundleError: its network cannot be used.
    """
    with open_database(folder.database).reading() as connection:
        missing = _without_embedding(connection, folder, open_vectors(bundle))
    pixels = PixelCache(folder.cache)
    limits = folder.settings.photo_limits
    refused = pixels.add(missing, limits=limits, progress=progress) if missing else {}
    readable = [photo.sha256 for photo in missing if photo.sha256 not in refused]
    if readable:
        encoder = Encoder(bundle.model, threads=usable_cores())
        with progress.step("Embedding new goods", len(readable)) as step:
            for names in _batches(readable):
                vectors = []
                for name in names:
                    vectors.append(encode_goods(encoder, pixels[name]))
                    step.advance()
                append_segment(bundle, names, np.stack(vectors))
    if len(segment_files(bundle)) > _MOST_SEGMENTS:
        merge_segments(bundle)
    refresh_index(bundle, open_vectors(bundle), progress)
    return len(readable)


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


def _batches(names: list[str]) -> list[list[str]]:
    return [names[start : start + _KEPT_TOGETHER] for start in range(0, len(names), _KEPT_TOGETHER)]
