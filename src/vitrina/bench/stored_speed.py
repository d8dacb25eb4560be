"""`vitrina bench search --database`: nearest goods by pgvector, among many made-up ones.

A schema of its own is made in the database, and goes with the measurement.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.bench.search_speed import CATEGORY_COUNT, NEAREST, AnswerTimes, MadeUpGoods
from vitrina.database_url import DatabaseUrl
from vitrina.machine import Machine, this_machine
from vitrina.progress import SILENT, Progress
from vitrina.search.vector_index import main_directions
from vitrina.store.postgres.connection import Below, PostgresConnection, prepare
from vitrina.store.postgres.database import migrate_postgres
from vitrina.store.postgres.nearest import nearest
from vitrina.store.postgres.vectors import (
    VectorTable,
    add_vectors,
    build_graph,
    make_table,
    pgvector_version,
)

SHOWN = 24
_WARM_UP = 20
_COMPARED_AT_ONCE = 50_000


@dataclass(frozen=True)
class StoredBenchmark:
    """How fast pgvector answers, and how well.

    Attributes:
        vectors: How many were made up.
        dimensions: Of each.
        type: How the graph keeps their numbers: "halfvec" or "vector".
        server: Versions of PostgreSQL and pgvector.
        questions: How many were asked of each kind.
        load_seconds: That filling the table took.
        index_seconds: That building the graph took.
        index_mb: Megabytes of the graph.
        table_mb: Megabytes of all, the graph included.
        category: 24 goods of one category that are in stock.
        whole_shop: 24 goods of the whole shop that are in stock.
        recall_10: Share of the ten nearest in stock within the category that are found.
        recall_10_whole: The same within the whole shop.
        machine: Where the question was asked.
    """

    vectors: int
    dimensions: int
    type: str
    server: str
    questions: int
    load_seconds: float
    index_seconds: float
    index_mb: float
    table_mb: float
    category: AnswerTimes
    whole_shop: AnswerTimes
    recall_10: float
    recall_10_whole: float
    machine: Machine


def benchmark_stored(
    url: str, vectors: int, dimensions: int, questions: int = 200, progress: Progress = SILENT
) -> StoredBenchmark:
    """Makes up goods in a database and searches them.

    Args:
        url: Of a PostgreSQL database with pgvector, where a schema may be made.
        vectors: How many goods, each with one picture.
        dimensions: Of the embeddings.
        questions: How many photos of each kind.
        progress: Where the work reports to.

    Raises:
        ShopError: the database cannot be used.
    """
    place = DatabaseUrl(url, f"vitrina_bench_{secrets.token_hex(4)}")
    with _made_schema(place) as below:
        connection = PostgresConnection(below)
        made_up = MadeUpGoods(vectors, dimensions)
        table, held, load_seconds = _fill(below, made_up, progress)
        began = time.perf_counter()
        with progress.step("Building the graph in the database", None), below.transaction():
            build_graph(connection, table)
        index_seconds = time.perf_counter() - began
        (graph, whole) = connection.execute(
            "SELECT coalesce(pg_relation_size(to_regclass(?)), 0), pg_total_relation_size(?)",
            (f"{table.name}_graph", table.name),
        ).fetchone() or (0, 0)
        asked = np.random.default_rng(1).integers(0, vectors, questions + _WARM_UP)
        queries = made_up.near(held[asked].astype(np.float32), 0.5 / float(np.sqrt(dimensions)))
        in_stock = _in_stock(np.arange(vectors), made_up)
        categories = made_up.category(np.arange(vectors))
        figures = {}
        for kind in ("category", "whole_shop"):
            with progress.step(f"Asking: {kind}", len(asked)) as step:
                took, right = [], []
                for good, query in zip(asked.tolist(), queries, strict=True):
                    wanted = int(categories[good]) if kind == "category" else None
                    start = time.perf_counter()
                    found = _ask(below, table, query, wanted, vectors)
                    took.append((time.perf_counter() - start) * 1e3)
                    among = in_stock if wanted is None else in_stock & (categories == wanted)
                    best = _best(held, np.flatnonzero(among), query)
                    right.append(len(best & set(found[:NEAREST])) / len(best))
                    step.advance()
            took = took[_WARM_UP:]
            times = (round(float(np.quantile(took, share)), 2) for share in (0.5, 0.95))
            figures[kind] = AnswerTimes(*times), round(float(np.mean(right[_WARM_UP:])), 4)
        version = ".".join(map(str, pgvector_version(connection)))
        return StoredBenchmark(
            vectors=vectors,
            dimensions=dimensions,
            type=table.type,
            server=f"PostgreSQL {below.info.server_version // 10000}, pgvector {version}",
            questions=questions,
            load_seconds=round(load_seconds, 1),
            index_seconds=round(index_seconds, 1),
            index_mb=round(graph / 1e6, 1),
            table_mb=round(whole / 1e6, 1),
            category=figures["category"][0],
            whole_shop=figures["whole_shop"][0],
            recall_10=figures["category"][1],
            recall_10_whole=figures["whole_shop"][1],
            machine=this_machine(),
        )


@contextmanager
def _made_schema(place: DatabaseUrl) -> Iterator[Below]:
    try:
        migrate_postgres(place)
        with place.connect() as below:
            prepare(below)
            yield below
    finally:
        with place.connect() as below:
            below.execute(f'DROP SCHEMA IF EXISTS "{place.schema}" CASCADE'.encode())


def _fill(
    below: Below, made_up: MadeUpGoods, progress: Progress
) -> tuple[VectorTable, npt.NDArray[np.float16], float]:
    """The table, all embeddings as it keeps them, and the seconds that filling it took."""
    connection = PostgresConnection(below)
    values = {"goods": made_up.goods, "kinds": made_up.kinds, "categories": CATEGORY_COUNT}
    with below.transaction():
        connection.execute(
            "INSERT INTO categories (id, slug, path, name, search_text, search_text_edited) "
            "SELECT n, 'c-' || n, 'c-' || n, 'c-' || n, 'c', false "
            "FROM generate_series(1, :categories) AS n",
            values,
        )
        connection.execute(
            "INSERT INTO products (id, sku, name, category_id, currency, in_stock) "
            "SELECT n + 1, 'A-' || n, 'Product ' || n, n % :kinds % :categories + 1, 'RUB', "
            "n / :kinds % 10 <> 0 FROM generate_series(0, :goods - 1) AS n",
            values,
        )
    connection.execute("ANALYZE products")
    held = np.empty((made_up.goods, made_up.dimensions), dtype=np.float16)
    table: VectorTable | None = None
    began = time.perf_counter()
    with progress.step("Making up goods", made_up.goods) as step, below.transaction():
        start = 0
        for embeddings in made_up.embeddings():
            if table is None:
                table = make_table(
                    connection, "bench", "bench", made_up.dimensions, main_directions(embeddings)
                )
            goods = np.arange(start, start + len(embeddings))
            held[goods] = embeddings
            shas = [hashlib.sha256(str(good).encode()).digest() for good in goods.tolist()]
            add_vectors(below, table, goods + 1, made_up.category(goods) + 1, shas, embeddings)
            start += len(embeddings)
            step.advance(len(embeddings))
    assert table is not None
    return table, held, time.perf_counter() - began


def _in_stock(goods: npt.NDArray[np.int64], made_up: MadeUpGoods) -> npt.NDArray[np.bool_]:
    there: npt.NDArray[np.bool_] = goods // made_up.kinds % 10 != 0
    return there


def _ask(
    below: Below,
    table: VectorTable,
    query: npt.NDArray[np.float32],
    category: int | None,
    vectors: int,
) -> list[int]:
    """Products in the order in which they are found; one transaction, as a server asks."""
    connection = PostgresConnection(below)
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    found = nearest(
        connection, table, query, SHOWN,
        in_stock=True,
        categories=None if category is None else [category + 1],
        among=vectors if category is None else vectors // CATEGORY_COUNT,
    )  # fmt: skip
    connection.execute("ROLLBACK")
    return [one.product for one in found]


def _best(
    held: npt.NDArray[np.float16], among: npt.NDArray[np.int64], query: npt.NDArray[np.float32]
) -> set[int]:
    """Products of the ten nearest, all compared."""
    cosines = np.concatenate(
        [
            held[among[start : start + _COMPARED_AT_ONCE]].astype(np.float32) @ query
            for start in range(0, len(among), _COMPARED_AT_ONCE)
        ]
    )
    return set((among[np.argsort(-cosines, kind="stable")[:NEAREST]] + 1).tolist())
