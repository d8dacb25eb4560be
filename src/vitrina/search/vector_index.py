"""An HNSW graph over the embeddings of a large shop, for shops too large to compare one by one.

The graph (Malkov and Yashunin, 2016, as USearch builds it) holds each embedding in one byte a
number, of at most `INDEX_DIMENSIONS` numbers; longer ones are projected onto the directions in
which the goods differ most. So it only proposes: whoever asks compares its proposals with the
embeddings themselves. How often the nearest are among the proposals is measured at each build.

vectors/<version>/index.json              which rows it holds, how well it finds them, checksums
vectors/<version>/index-<rows>.usearch    the graph, mapped and not loaded
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vitrina import atomic
from vitrina.bundle import Bundle
from vitrina.progress import SILENT, Progress
from vitrina.search.vectors import Rows, VectorStore, vectors_folder

if TYPE_CHECKING:
    from usearch.index import Index

EXACT_UP_TO = 100_000
"""Photos up to which all are compared one by one."""

INDEX_DIMENSIONS = 256
PROPOSALS = 1536
"""Nodes that a search of the graph keeps in view, all of which it proposes: with 384 one photo in
sixty strays into a wrong cluster of a million goods."""
MEASURED_AT = 10
"""Recall is that of the ten nearest."""

_CONNECTIVITY = 16
_EXPANSION_ADD = 128
_BATCH = 20_000
_QUERIES = 400
_NOISE = 0.5
"""Length of the noise that is added to an embedding of length 1 to have something to ask for."""

_INFO = "index.json"


@dataclass(frozen=True)
class IndexInfo:
    """What index.json says.

    Attributes:
        file: Name of the graph's file.
        fingerprint: Of the embeddings that it holds.
        segments: How many segments those are, goods.npy included; they come first in the order.
        rows: How many embeddings those are.
        dimensions: Numbers of each in the graph.
        recall: Share of the ten nearest that it finds, measured when it was built.
        queries: On how many queries.
        build_seconds: How long that took, without the measurement.
        sha256: Of the graph's file and of the projection's, empty where there is none.
    """

    file: str
    fingerprint: str
    segments: int
    rows: int
    dimensions: int
    recall: float
    queries: int
    build_seconds: float
    sha256: tuple[str, str]


class VectorIndex:
    """A graph, ready to propose.

    Args:
        info: What is known of it.
        graph: Keys are rows of the store that it was built from.
        projection: (D, d) float32; None where the graph holds embeddings of full length.
    """

    def __init__(
        self, info: IndexInfo, graph: Index, projection: npt.NDArray[np.float32] | None
    ) -> None:
        self.info = info
        self._graph = graph
        self._projection = projection
        self._asking = threading.Lock()

    def propose(self, embedding: npt.NDArray[np.float32]) -> Rows:
        """Rows that are probably the nearest, the nearest first: `PROPOSALS` where there are.

        Args:
            embedding: (D,) float32.
        """
        asked = embedding if self._projection is None else embedding @ self._projection
        with self._asking:  # it keeps notes of its own while it searches
            # half precision is what is compared fastest, and finer than the graph's own
            keys = self._graph.search(asked.astype(np.float16), PROPOSALS, threads=1).keys
        rows: Rows = np.asarray(keys).astype(np.int64)
        return rows


def build_index(bundle: Bundle, store: VectorStore, progress: Progress = SILENT) -> IndexInfo:
    """Builds the graph over all of `store`, measures it and puts it beside the segments.

    Args:
        bundle: Whose embeddings they are.
        store: All of them.
        progress: Where the work reports to.
    """
    from usearch.index import Index

    began = time.perf_counter()
    projection = projection_of(store)
    dimensions = store.dimensions if projection is None else projection.shape[1]
    graph = Index(
        ndim=dimensions,
        metric="cos",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=PROPOSALS,
        enable_key_lookups=False,
    )
    whole = np.flatnonzero(store.names() != b"").astype(np.int64)
    with progress.step("Building the index of nearest goods", len(whole)) as step:
        for start in range(0, len(whole), _BATCH):
            rows = whole[start : start + _BATCH]
            vectors = store.take(rows)
            if projection is not None:
                vectors = (vectors.astype(np.float32) @ projection).astype(np.float16)
            graph.add(rows, vectors)
            step.advance(len(rows))
    seconds = time.perf_counter() - began
    folder = vectors_folder(bundle)
    file = f"index-{store.fingerprint}.usearch"
    info = IndexInfo(
        file=file,
        fingerprint=store.fingerprint,
        segments=len(store.segments),
        rows=len(store),
        dimensions=dimensions,
        recall=0.0,
        queries=min(_QUERIES, len(whole)),
        build_seconds=round(seconds, 1),
        sha256=("", ""),
    )
    recall = measure_recall(VectorIndex(info, graph, projection), store, progress)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{atomic.PARTIAL}{file}"
    graph.save(str(partial))
    atomic.flush_file(partial)
    partial.replace(folder / file)
    if projection is not None:
        np.save(partial.with_suffix(".npy"), projection)
        partial.with_suffix(".npy").replace((folder / file).with_suffix(".projection"))
    info = IndexInfo(
        **{
            **asdict(info),
            "recall": recall,
            "sha256": (
                _checksum(folder / file),
                "" if projection is None else _checksum((folder / file).with_suffix(".projection")),
            ),
        }
    )
    atomic.write_json(folder / _INFO, asdict(info))
    for old in folder.glob("index-*"):
        if not old.name.startswith(Path(file).stem):
            old.unlink()
    return info


def open_index(bundle: Bundle, store: VectorStore) -> VectorIndex | None:
    """Maps the graph of a bundle's embeddings.

    Returns:
        None where there is none, where it is damaged, or where it holds what `store` does not
        begin with.
    """
    folder = vectors_folder(bundle)
    try:
        content = json.loads((folder / _INFO).read_text(encoding="utf-8"))
        info = IndexInfo(**{**content, "sha256": tuple(content["sha256"])})
        held = store.fingerprint_of(info.segments)
        graph_file = folder / Path(info.file).name
        if held != info.fingerprint or _checksum(graph_file) != info.sha256[0]:
            return None
        projection = None
        if info.sha256[1]:
            file = graph_file.with_suffix(".projection")
            if _checksum(file) != info.sha256[1]:
                return None
            projection = np.load(file)
        # here: a small shop has no index, and its start should not load what it does not use
        from usearch.index import Index

        graph = Index.restore(str(graph_file), view=True, enable_key_lookups=False)
        if graph is not None:
            graph.expansion_search = PROPOSALS
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return None if graph is None else VectorIndex(info, graph, projection)


def measure_recall(index: VectorIndex, store: VectorStore, progress: Progress = SILENT) -> float:
    """Share of the ten nearest that are among the proposals, on made-up queries.

    A query is the embedding of a photo with noise: a photo of the same thing is near it, not on it.

    Args:
        index: Of the first `index.info.rows` of `store`.
        store: What is compared exactly.
        progress: Where the work reports to.
    """
    random = np.random.default_rng(0)
    whole = np.flatnonzero(store.names()[: index.info.rows] != b"")
    chosen = np.sort(random.choice(whole, min(_QUERIES, len(whole)), replace=False))
    noise = random.standard_normal((len(chosen), store.dimensions))
    noise *= _NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    queries = store.take(chosen).astype(np.float32) + noise.astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    nearest = exact_nearest(store, whole, queries, MEASURED_AT, progress)
    found = [
        len(np.intersect1d(index.propose(query), rows)) / len(rows)
        for query, rows in zip(queries, nearest, strict=True)
    ]
    return round(float(np.mean(found)), 4)


def exact_nearest(
    store: VectorStore,
    rows: Rows,
    queries: npt.NDArray[np.float32],
    count: int,
    progress: Progress = SILENT,
) -> Rows:
    """The `count` nearest rows to each query by comparing all, (Q, count), in no order."""
    best_rows = np.empty((len(queries), 0), dtype=np.int64)
    best: npt.NDArray[np.float32] = np.empty((len(queries), 0), dtype=np.float32)
    with progress.step("Comparing with exact search", len(rows)) as step:
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            cosines = queries @ store.take(part).astype(np.float32).T
            best = np.hstack([best, cosines])
            best_rows = np.hstack([best_rows, np.broadcast_to(part, cosines.shape)])
            if best.shape[1] > count:
                kept = np.argpartition(-best, count - 1, axis=1)[:, :count]
                best = np.take_along_axis(best, kept, axis=1)
                best_rows = np.take_along_axis(best_rows, kept, axis=1)
            step.advance(len(part))
    return best_rows


def projection_of(store: VectorStore) -> npt.NDArray[np.float32] | None:
    """The directions in which the goods differ most, (D, d) float32, orthonormal columns.

    The mean is left in: taking it off would change the angles that are compared.
    """
    if store.dimensions <= INDEX_DIMENSIONS:
        return None
    step = max(1, len(store) // _BATCH)
    sample = store.take(np.arange(0, len(store), step, dtype=np.int64)).astype(np.float32)
    return main_directions(sample)


def main_directions(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """The same of some embeddings, (N, D); None where they are no longer than what is kept."""
    if sample.shape[1] <= INDEX_DIMENSIONS:
        return None
    _, vectors = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(vectors[:, ::-1][:, :INDEX_DIMENSIONS], dtype=np.float32)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
