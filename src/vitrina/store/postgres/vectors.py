"""Embeddings of goods in pgvector: one table a bundle, and an HNSW graph over it.

A table holds each picture of each product: the embedding in at most `INDEX_DIMENSIONS` numbers,
which the graph is made of, and, where the network's are longer, the whole of it in half precision,
by which the nearest are put in order. The graph keeps half precision where the server's pgvector
knows it (0.7), single precision else.

What is asked of a table is in `nearest`.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.errors import ShopError
from vitrina.store.connection import PlainConnection
from vitrina.store.postgres.connection import Below

INDEX_DIMENSIONS = 256
GRAPH_FROM = 20_000
"""Pictures from which on a table has a graph."""

_CONNECTIVITY = 16
_EXPANSION_ADD = 100
_MOST_MEMORY_MB = 3000
_AT_ONCE = 20_000
_HALF_SINCE = (0, 7)
_ITERATIVE_SINCE = (0, 8)
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_END = struct.pack("!h", -1)

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VectorTable:
    """A bundle's embeddings.

    Attributes:
        name: Of the table.
        dimensions: Of what the network gives.
        kept: Of what the graph is made of.
        type: "halfvec" or "vector".
        projection: (dimensions, kept) float32; None where all numbers are kept.
        goes_on: Whether the server's pgvector (0.8) looks on in the graph until enough is found.
    """

    name: str
    dimensions: int
    kept: int
    type: str
    projection: Vectors | None
    goes_on: bool

    def shortened(self, embeddings: npt.NDArray[np.floating]) -> Vectors:
        """What the graph is asked with: (N, kept)."""
        whole = np.asarray(embeddings, dtype=np.float32)
        return whole if self.projection is None else whole @ self.projection


def pgvector_version(connection: PlainConnection) -> tuple[int, ...]:
    """Version of the extension; makes sure that there is one.

    Raises:
        ShopError: the server has no pgvector, or the user may not load it.
    """
    row = connection.execute(
        "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    ).fetchone()
    if row is None:
        raise missing_extension()
    return tuple(int(part) for part in re.findall(r"\d+", row[0])[:2])


def missing_extension() -> ShopError:
    """What is told where the server has no pgvector."""
    return ShopError(
        "The PostgreSQL database has no extension pgvector, which nearest goods need.",
        hint="Install pgvector for that server (Debian: postgresql-16-pgvector), then run "
        "`CREATE EXTENSION vector` in the database as a superuser.",
    )


def find_table(connection: PlainConnection, version: str, made_by: str) -> VectorTable | None:
    """The table of a bundle's network; None where there is none yet."""
    row = connection.execute(
        "SELECT name, dimensions, kept, type, projection FROM vector_tables "
        "WHERE bundle = ? AND made_by = ?",
        (version, made_by),
    ).fetchone()
    if row is None:
        return None
    name, dimensions, kept, kind, projection = row
    matrix = (
        None
        if projection is None
        else np.frombuffer(projection, dtype="<f4").reshape(dimensions, kept).astype(np.float32)
    )
    goes_on = pgvector_version(connection) >= _ITERATIVE_SINCE
    return VectorTable(name, dimensions, kept, kind, matrix, goes_on)


def make_table(
    connection: PlainConnection,
    version: str,
    made_by: str,
    dimensions: int,
    projection: Vectors | None,
) -> VectorTable:
    """Makes the table of a bundle's network, in the place of what was made by another one.

    Args:
        connection: A transaction.
        version: Of the bundle.
        made_by: Which network that is.
        dimensions: Of its embeddings.
        projection: (dimensions, d) float32 onto fewer numbers; None to keep all of them.
    """
    kept = dimensions if projection is None else projection.shape[1]
    version_there = pgvector_version(connection)
    kind = "halfvec" if version_there >= _HALF_SINCE else "vector"
    drop_table(connection, version)
    name = f"vectors_{hashlib.sha256(f'{version} {made_by}'.encode()).hexdigest()[:16]}"
    connection.execute(
        f"CREATE TABLE {name} (product_id integer NOT NULL REFERENCES products ON DELETE CASCADE, "
        "sha bytea NOT NULL, category_id integer NOT NULL, "
        f"embedding {kind}({kept}) NOT NULL, whole bytea, PRIMARY KEY (product_id, sha))"
    )
    # what is compared lies in the row itself, what only the last few are compared with does not
    connection.execute(f"ALTER TABLE {name} ALTER COLUMN embedding SET STORAGE PLAIN")
    connection.execute(f"ALTER TABLE {name} ALTER COLUMN whole SET STORAGE EXTERNAL")
    connection.execute(f"CREATE INDEX {name}_category ON {name} (category_id)")
    connection.execute(
        "INSERT INTO vector_tables (bundle, made_by, name, dimensions, kept, type, projection) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            version, made_by, name, dimensions, kept, kind,
            None if projection is None else projection.astype("<f4").tobytes(),
        ),
    )  # fmt: skip
    return VectorTable(name, dimensions, kept, kind, projection, version_there >= _ITERATIVE_SINCE)


def tidy(connection: PlainConnection, table: VectorTable, bundles: Collection[str]) -> None:
    """Leaves out pictures that goods no longer have, and has goods lie where they belong now.

    Args:
        connection: A transaction.
        table: Which.
        bundles: Versions that there are; what is kept of others is dropped.
    """
    connection.execute(
        f"DELETE FROM {table.name} AS v WHERE NOT EXISTS (SELECT 1 FROM photos JOIN products AS p "
        "ON p.id = photos.product_id WHERE p.id = v.product_id AND p.gone_since IS NULL "
        "AND photos.sha256 = encode(v.sha, 'hex'))"
    )
    connection.execute(
        f"UPDATE {table.name} AS v SET category_id = p.category_id FROM products AS p "
        "WHERE p.id = v.product_id AND p.category_id <> v.category_id"
    )
    known = connection.execute("SELECT bundle FROM vector_tables").fetchall()
    for (version,) in known:
        if version not in bundles:
            drop_table(connection, version)


def missing_pictures(below: Below, table: VectorTable) -> Iterator[list[tuple[str, int, int]]]:
    """Pictures of goods that the table has not, some at a time, in no order.

    Args:
        below: A transaction, in which they may be added between one lot and the next.
        table: Which.

    Yields:
        SHA-256 of pictures, the products that they show, the categories of those.
    """
    with below.cursor(name="missing_pictures") as cursor:
        # a graph that grows category by category finds less (docs/experiments.md)
        cursor.execute(
            "SELECT DISTINCT photos.sha256, p.id, p.category_id FROM products AS p "
            "JOIN photos ON photos.product_id = p.id "
            f"LEFT JOIN {table.name} AS v ON v.product_id = p.id "
            "AND v.sha = decode(photos.sha256, 'hex') "
            "WHERE p.gone_since IS NULL AND v.product_id IS NULL "
            "ORDER BY photos.sha256".encode()
        )
        while some := cursor.fetchmany(_AT_ONCE):
            yield some


def drop_table(connection: PlainConnection, version: str) -> None:
    """Drops what is kept of a bundle's embeddings."""
    for (name,) in connection.execute(
        "SELECT name FROM vector_tables WHERE bundle = ?", (version,)
    ).fetchall():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute("DELETE FROM vector_tables WHERE bundle = ?", (version,))


def add_vectors(
    below: Below,
    table: VectorTable,
    products: Numbers,
    categories: Numbers,
    shas: Sequence[bytes],
    embeddings: npt.NDArray[np.floating],
) -> None:
    """Adds pictures of goods, none of which the table has yet.

    Args:
        below: A transaction.
        table: Where to.
        products: (N,) ids.
        categories: (N,) ids of their categories.
        shas: SHA-256 of each picture, 32 bytes.
        embeddings: (N, dimensions) of unit length.
    """
    if not len(products):
        return
    number = np.dtype(">f2") if table.type == "halfvec" else np.dtype(">f4")
    fields: list[tuple[str, object] | tuple[str, object, tuple[int, ...]]] = [
        ("fields", ">i2"),
        ("product_size", ">i4"), ("product", ">i4"),
        ("sha_size", ">i4"), ("sha", "V32"),
        ("category_size", ">i4"), ("category", ">i4"),
        ("embedding_size", ">i4"), ("kept", ">i2"), ("unused", ">i2"),
        ("embedding", number, (table.kept,)),
        ("whole_size", ">i4"),
    ]  # fmt: skip
    if table.projection is not None:
        fields.append(("whole", "<f2", (table.dimensions,)))
    rows = np.zeros(len(products), dtype=np.dtype(fields))
    rows["fields"] = 5
    rows["product_size"] = rows["category_size"] = 4
    rows["sha_size"] = 32
    rows["product"], rows["category"] = products, categories
    rows["sha"] = np.frombuffer(b"".join(shas), dtype="V32")
    rows["embedding_size"] = 4 + table.kept * number.itemsize
    rows["kept"] = table.kept
    rows["embedding"] = table.shortened(embeddings)
    rows["whole_size"] = -1
    if table.projection is not None:
        rows["whole_size"] = 2 * table.dimensions
        rows["whole"] = embeddings
    with below.cursor().copy(
        f"COPY {table.name} (product_id, sha, category_id, embedding, whole) "
        "FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.write(_SIGNATURE)
        copy.write(rows.tobytes())
        copy.write(_END)


def build_graph(connection: PlainConnection, table: VectorTable) -> bool:
    """Builds the graph over all that the table has, where that is much and there is none yet.

    Args:
        connection: A transaction.
        table: Which.

    Returns:
        Whether it was built.
    """
    (there,) = connection.execute(
        "SELECT count(*) FROM pg_class WHERE oid = to_regclass(?)", (f"{table.name}_graph",)
    ).fetchone()
    (rows,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
    if there or rows < GRAPH_FROM:
        return False
    # a graph that does not fit into what it may use is built far slower
    needed = rows * (table.kept * (2 if table.type == "halfvec" else 4) + 400) // 1_000_000
    memory_mb = min(max(64, needed), _MOST_MEMORY_MB)
    connection.execute(f"SET LOCAL maintenance_work_mem = '{memory_mb}MB'")
    connection.execute(
        f"CREATE INDEX IF NOT EXISTS {table.name}_graph ON {table.name} USING hnsw "
        f"(embedding {table.type}_ip_ops) "
        f"WITH (m = {_CONNECTIVITY}, ef_construction = {_EXPANSION_ADD})"
    )
    connection.execute(f"ANALYZE {table.name}")
    return True
