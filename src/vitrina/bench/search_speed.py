"""`vitrina bench search --goods N`: how long a photo answer takes without the network.

A shop is made up in a temporary folder: products in a database and embeddings on the disk, no
pictures. Embeddings lie in clusters, as those of real goods do: categories, in them kinds, in them
single products. It is then searched from a fresh process, one question at a time.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import insert

from vitrina.bundle import Bundle, BundleInfo, goods_array, read_bundle, write_bundle
from vitrina.encoder import Encoded, Encoder
from vitrina.machine import Machine, this_machine
from vitrina.photos import SIZE
from vitrina.progress import SILENT, Progress
from vitrina.search.engine import PhotoSearch
from vitrina.search.loaded import LoadedBundle
from vitrina.search.new_goods import refresh_index
from vitrina.search.snapshot import GoodsSnapshot
from vitrina.search.vector_index import exact_nearest, open_index
from vitrina.search.vectors import open_vectors
from vitrina.store.database import migrate
from vitrina.store.reading import open_for_reading
from vitrina.store.schema import CATEGORIES, PHOTOS, PRODUCTS

CATEGORY_COUNT = 100
LIMIT = 24
NEAREST = 10
_KIND = 100
"""Products of one kind, which look much alike."""
_BATCH = 10_000
_VERSION = "made-up"
_WARM_UP = 20
_RECALL_QUERIES = 400


@dataclass(frozen=True)
class AnswerTimes:
    """Milliseconds of an answer without the network, the reading of its goods included.

    Attributes:
        p50: Half of the answers took no longer.
        p95: All but one in twenty took no longer.
    """

    p50: float
    p95: float


@dataclass(frozen=True, kw_only=True)
class SpeedBenchmark:
    """What was measured on made-up goods.

    Attributes:
        goods: Products, each with one embedding.
        dimensions: Numbers of each embedding.
        questions: Of each kind.
        category: Answers of one category.
        whole_shop: Answers of the whole shop, for photos of which no category is sure.
        recall_10: Share of the ten nearest of the whole shop, compared exactly, that are found.
        index_seconds: Building the HNSW index; None where so few goods need none.
        snapshot_seconds: Reading the goods at a start, or after a change.
        memory_mb: Resident memory of the process that searched, the mapped files included.
        private_mb: That part of it which is not mapped from files; None where the system does not
            tell it.
        peak_mb: The most that it was.
        machine: Where it was measured.
    """

    goods: int
    dimensions: int
    questions: int
    category: AnswerTimes
    whole_shop: AnswerTimes
    recall_10: float
    index_seconds: float | None
    snapshot_seconds: float
    memory_mb: float
    private_mb: float | None
    peak_mb: float
    machine: Machine


def benchmark_speed(
    goods: int, dimensions: int, questions: int = 500, progress: Progress = SILENT
) -> SpeedBenchmark:
    """Makes up a shop and searches it.

    Args:
        goods: How many products.
        dimensions: Of the embeddings.
        questions: How many photos of each kind.
        progress: Where the work reports to.
    """
    with tempfile.TemporaryDirectory(prefix="vitrina-bench-") as place:
        root = Path(place)
        bundle = _make_shop(root, goods, dimensions, progress)
        info = refresh_index(bundle, open_vectors(bundle), progress)
        # a process of its own: what making the goods took is none of the search's memory
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            measured = pool.submit(_measure, root, questions).result()
    return SpeedBenchmark(
        goods=goods,
        dimensions=dimensions,
        questions=questions,
        index_seconds=None if info is None else info.build_seconds,
        machine=this_machine(),
        **measured,
    )


class MadeUpGoods:
    """Embeddings in clusters, the same for the same numbers.

    Args:
        goods: How many.
        dimensions: Of each.
    """

    def __init__(self, goods: int, dimensions: int) -> None:
        self.goods, self.dimensions = goods, dimensions
        self._random = np.random.default_rng(0)
        self.kinds = max(CATEGORY_COUNT, goods // _KIND)
        centres = self._random.standard_normal((CATEGORY_COUNT, dimensions), dtype=np.float32)
        spread = self._random.standard_normal((self.kinds, dimensions), dtype=np.float32)
        self._kinds = centres[np.arange(self.kinds) % CATEGORY_COUNT] + 0.7 * spread

    def category(self, good: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Index of the category of each good."""
        return good % self.kinds % CATEGORY_COUNT

    def embeddings(self) -> Iterator[npt.NDArray[np.float32]]:
        """All of them in batches, (n, D) float32 of unit length."""
        for start in range(0, self.goods, _BATCH):
            goods = np.arange(start, min(start + _BATCH, self.goods))
            yield self.near(self._kinds[goods % self.kinds], 0.5)

    def near(self, centres: npt.NDArray[np.float32], noise: float) -> npt.NDArray[np.float32]:
        """Vectors of unit length around `centres`, (n, D)."""
        moved = centres + noise * self._random.standard_normal(centres.shape, dtype=np.float32)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        return moved


def _make_shop(root: Path, goods: int, dimensions: int, progress: Progress) -> Bundle:
    made_up = MadeUpGoods(goods, dimensions)
    database = migrate(root / "vitrina.db")
    dtype = goods_array([], np.empty((0, dimensions), dtype=np.float32)).dtype
    records = np.lib.format.open_memmap(
        str(root / "embeddings.npy"), mode="w+", dtype=dtype, shape=(goods,)
    )
    with database.writing() as connection, progress.step("Making up goods", goods) as step:
        slugs = [f"category-{number:03}" for number in range(CATEGORY_COUNT)]
        connection.execute(
            insert(CATEGORIES),
            [{"slug": s, "path": s, "name": s, "search_text": s} for s in slugs],
        )
        for start, vectors in zip(range(0, goods, _BATCH), made_up.embeddings(), strict=True):
            numbers = np.arange(start, start + len(vectors))
            categories = made_up.category(numbers)
            names = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
            records[start : start + len(vectors)] = goods_array(names, vectors)
            connection.execute(
                insert(PRODUCTS),
                [
                    {
                        "id": number + 1, "sku": f"A-{number}", "currency": "RUB",
                        "name": f"Product {number}", "category_id": category + 1,
                        "price_minor": 100 * number, "in_stock": number // made_up.kinds % 10 != 0,
                    }
                    for number, category in zip(numbers.tolist(), categories.tolist(), strict=True)
                ],
            )  # fmt: skip
            connection.execute(
                insert(PHOTOS),
                [
                    {
                        "product_id": number + 1, "position": 0, "sha256": name,
                        "suffix": ".jpg", "width": 224, "height": 224,
                    }
                    for number, name in zip(numbers.tolist(), names, strict=True)
                ],
            )  # fmt: skip
            step.advance(len(vectors))
    info = BundleInfo(
        version=_VERSION, backbone="none", run="none",
        created=datetime.now(UTC).isoformat(timespec="seconds"), categories=tuple(slugs),
        embedding_size=dimensions, fill_threshold=0.5, metrics={}, provenance={},
    )  # fmt: skip
    bundle = write_bundle(root / "bundles", info, b"no network", records)
    (root / "embeddings.npy").unlink()
    return bundle


class _Asking:
    """Stands where the network would: gives the answers that were prepared, one after another."""

    def __init__(self, answers: Iterator[Encoded]) -> None:
        self._answers = answers

    def encode(self, _pixels: object) -> Encoded:
        return next(self._answers)


def _measure(root: Path, questions: int) -> dict[str, Any]:
    bundle = read_bundle(root / "bundles" / _VERSION, verify=False)
    database = open_for_reading(root / "vitrina.db")
    began = time.perf_counter()
    store = open_vectors(bundle)
    with database.asking() as connection:
        snapshot = GoodsSnapshot(connection, store, open_index(bundle, store))
    seconds = time.perf_counter() - began
    made_up = MadeUpGoods(len(store), store.dimensions)
    asked = np.random.default_rng(1).integers(0, len(store), questions + _WARM_UP)
    queries = made_up.near(store.take(asked).astype(np.float32), 0.5 / np.sqrt(store.dimensions))
    times = {}
    for kind, sure in (("category", True), ("whole_shop", False)):
        answers = (
            Encoded(_probabilities(category, sure=sure), query)
            for category, query in zip(made_up.category(asked).tolist(), queries, strict=True)
        )
        encoder = cast("Encoder", _Asking(answers))
        search = PhotoSearch(LoadedBundle(bundle, encoder), database, snapshot)
        pixels = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
        took = [
            search.search(pixels, language="ru", limit=LIMIT).search_ms
            for _ in range(questions + _WARM_UP)
        ][_WARM_UP:]
        times[kind] = AnswerTimes(
            round(float(np.quantile(took, 0.5)), 2), round(float(np.quantile(took, 0.95)), 2)
        )
    memory, private = _memory_mb()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        **times,
        "recall_10": _recall(snapshot, queries[:_RECALL_QUERIES]),
        "snapshot_seconds": round(seconds, 2),
        "memory_mb": memory,
        "private_mb": private,
        "peak_mb": peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6,
    }


def _probabilities(category: int, *, sure: bool) -> npt.NDArray[np.float32]:
    probabilities = np.full(CATEGORY_COUNT, 0.1 / CATEGORY_COUNT, dtype=np.float32)
    probabilities[category] += 0.9
    return (
        probabilities if sure else (0.2 * probabilities + 0.8 / CATEGORY_COUNT).astype(np.float32)
    )


def _recall(snapshot: GoodsSnapshot, queries: npt.NDArray[np.float32]) -> float:
    """Share of the ten nearest goods in stock that an answer over the whole shop holds."""
    rows = np.sort(snapshot.rows_in_stock())
    nearest = exact_nearest(snapshot.store, rows, queries, NEAREST)
    found = 0
    for query, best in zip(queries, nearest, strict=True):
        answer = {one.product for one in snapshot.rank(query, None, NEAREST)}
        # product ids are row numbers and one
        found += len(answer & set((best + 1).tolist()))
    return round(found / nearest.size, 4)


def _memory_mb() -> tuple[float, float | None]:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, None
    sizes = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "RssAnon")))
    whole, private = (int(sizes[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon"))
    return whole, private
