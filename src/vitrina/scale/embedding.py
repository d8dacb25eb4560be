"""Embeds a catalogue as a Ray Data job: an actor a core, each with a session of ONNX Runtime.

Ray Data brings what a long job on many machines needs: it hands out batches only as fast as answers
are taken (back-pressure), and gives what a lost machine had to others. What it does not know is
which photos are done: answers go straight into the vector store as they come, so a job that was
killed is simply begun again with those that are missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitrina.bundle import Bundle
from vitrina.encoder import Encoder
from vitrina.errors import AnswerInvalid, ClusterError
from vitrina.folder import ShopFolder
from vitrina.goods_encoder import EmbeddedBatch, embed_batch
from vitrina.photos import Limits
from vitrina.pixels import PhotoFile, decode_file, heavy_decoder
from vitrina.progress import Progress
from vitrina.scale.cluster import connected, told_plainly

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 64
"""Photos of one task: a second or two of work, which a lost machine costs again."""


def embed_on(
    cluster: str | None,
) -> Callable[[ShopFolder, Bundle, Sequence[PhotoFile], Progress], Iterator[EmbeddedBatch]]:
    """What `vitrina.search.new_goods` takes to have goods embedded on a cluster.

    Args:
        cluster: As `vitrina.scale.cluster.connected` takes it.
    """

    def embed(
        folder: ShopFolder, bundle: Bundle, photos: Sequence[PhotoFile], progress: Progress
    ) -> Iterator[EmbeddedBatch]:
        if not photos:
            return
        needed = [folder.root, bundle.model]
        with connected(cluster, needed, progress, loads="ray.data") as found, told_plainly():
            for answer in _answers(folder, bundle, photos, found.cores):
                yield _batch(answer)

    return embed


class Embedder:
    """One actor: a network of its own on one core.

    Args:
        model: The bundle's network, at the same path on every node.
        limits: What is refused before decoding.
    """

    def __init__(self, model: Path, limits: Limits) -> None:
        self._encoder = Encoder(model, threads=1)
        self._limits = limits
        self._heavy = heavy_decoder(1)

    def __call__(self, asked: pa.Table) -> pa.Table:
        """Embeds a batch.

        Args:
            asked: Columns sha256 and path.

        Returns:
            Columns sha256, embedding (float32 in bytes; null where the photo is refused), refused
            (why), failed (why the network cannot be used at all).
        """
        photos = [
            PhotoFile(sha256, Path(path))
            for sha256, path in zip(
                asked["sha256"].to_pylist(), asked["path"].to_pylist(), strict=True
            )
        ]
        try:
            batch = embed_batch(
                self._encoder, photos, lambda photo: decode_file(photo, self._limits, self._heavy)
            )
        except AnswerInvalid as error:
            return _table([""], [None], [""], [error.message])
        names = [*batch.names, *batch.refused]
        embeddings = [vector.tobytes() for vector in batch.embeddings]
        why = [""] * len(batch.names) + list(batch.refused.values())
        return _table(names, [*embeddings, *[None] * len(batch.refused)], why, [""] * len(names))


def _answers(
    folder: ShopFolder, bundle: Bundle, photos: Sequence[PhotoFile], cores: int
) -> Iterator[pa.Table]:
    """Every batch's table, in the order in which they come."""
    import pyarrow as pa
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells each step on stderr
    tables = [
        pa.table(
            {
                "sha256": [photo.sha256 for photo in photos[start : start + AT_ONCE]],
                "path": [str(photo.path) for photo in photos[start : start + AT_ONCE]],
            }
        )
        for start in range(0, len(photos), AT_ONCE)
    ]
    most = min(cores, len(tables))
    pool = ray.data.ActorPoolStrategy(
        # the least is one, so that what lost its machine may take the core of one that is idle
        min_size=1,
        max_size=most,
        initial_size=most,
        # what is with an actor no other takes: at the end some would wait for it
        max_tasks_in_flight_per_actor=2,
    )
    job = ray.data.from_arrow(tables).map_batches(
        Embedder,
        fn_constructor_args=(bundle.model, folder.settings.photo_limits),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
        compute=pool,
    )
    yield from job.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


def _batch(answer: pa.Table) -> EmbeddedBatch:
    """What `Embedder` sent.

    Raises:
        ClusterError: the network of that actor cannot be used.
    """
    rows = answer.to_pylist()
    for row in rows:
        if row["failed"]:
            raise ClusterError(
                f"A worker's network cannot be used: {row['failed']}",
                hint="Go back to the bundle before (vitrina rollback), or publish another run.",
            )
    names = tuple(row["sha256"] for row in rows if row["embedding"] is not None)
    vectors = [
        np.frombuffer(row["embedding"], dtype=np.float32)
        for row in rows
        if row["embedding"] is not None
    ]
    return EmbeddedBatch(
        names,
        np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32),
        {row["sha256"]: row["refused"] for row in rows if row["embedding"] is None},
    )


def _table(
    names: list[str], embeddings: list[bytes | None], refused: list[str], failed: list[str]
) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "sha256": pa.array(names, pa.string()),
            "embedding": pa.array(embeddings, pa.binary()),
            "refused": pa.array(refused, pa.string()),
            "failed": pa.array(failed, pa.string()),
        }
    )
