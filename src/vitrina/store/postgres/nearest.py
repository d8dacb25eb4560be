"""What is nearest to an embedding, of those that pgvector holds: one query filters and ranks.

Stock and what is gone are read from the products themselves, in that query: a change of stock moves
no vector. Up to `EXACT_UP_TO` goods of a category are compared one by one; more are proposed by the
graph, and compared one by one only where it finds too few of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vitrina.store.connection import PlainConnection
from vitrina.store.postgres.vectors import Vectors, VectorTable

EXACT_UP_TO = 2_000
"""Pictures up to which a part of the shop is compared one by one."""

_EXPANSION = 400
"""Nodes that a search of the graph keeps in view."""
_FILTERED_EXPANSION = 800
"""The same where only some of what it meets is wanted."""
_MOST_EXPANSION = 1000


@dataclass(frozen=True)
class Near:
    """A picture's product, and how near it is.

    Attributes:
        product: Its id.
        category: Id of its category.
        cosine: To the embedding that was asked with.
    """

    product: int
    category: int
    cosine: float


def nearest(
    connection: PlainConnection,
    table: VectorTable,
    embedding: Vectors,
    count: int,
    *,
    in_stock: bool,
    categories: Sequence[int] | None,
    within: Sequence[int] | None = None,
    among: int,
) -> list[Near]:
    """The nearest pictures of goods that are there, the nearest first.

    Args:
        connection: A transaction, which may be one that only reads.
        table: Of the network that made `embedding`.
        embedding: (dimensions,) float32, unit length.
        count: How many at most.
        in_stock: Whether of goods that can be bought, or of the others.
        categories: Ids; None for the whole shop.
        within: Ids of the only products that are wanted; None for all.
        among: About how many pictures the categories have: decides on the way.
    """
    here, there = (
        list[str](),
        ["p.gone_since IS NULL", "p.in_stock" if in_stock else "NOT p.in_stock"],
    )
    values: dict[str, object] = {}
    if categories is not None:
        # what is looked through is bounded by the one, what moved since is left out by the other
        here.append("v.category_id = ANY(:categories)")
        there.append("p.category_id = ANY(:categories)")
        values["categories"] = list(categories)
    if within is not None:
        here.append("v.product_id = ANY(:within)")
        values["within"] = list(within)
        among = min(among, len(within))
    (shortened,) = table.shortened(embedding[None])
    values["asked"] = f"[{','.join(f'{number:.6g}' for number in shortened.tolist())}]"
    # several pictures that are near in the shortened space are put in order by the whole
    wanted = count if table.projection is None else max(4 * count, 160)
    values["wanted"] = wanted
    distance = f"v.embedding <#> :asked::{table.type}"
    whole = (
        "NULL"
        if table.projection is None
        else f"(SELECT whole FROM {table.name} WHERE product_id = n.product_id AND sha = n.sha)"
    )
    outer = f"SELECT n.product_id, n.category_id, -n.distance, {whole} FROM ({{found}}) AS n"
    rows: list[tuple[int, int, float, bytes | None]] = []
    if among > EXACT_UP_TO:
        # what the graph gives in order needs no sorting, which the planner takes for cheaper
        connection.execute("SET LOCAL enable_sort = off")
        expansion = _FILTERED_EXPANSION if here else _EXPANSION
        expansion = min(max(expansion, 2 * wanted), _MOST_EXPANSION)
        connection.execute(f"SET LOCAL hnsw.ef_search = {expansion}")
        if table.goes_on:
            connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
        proposed = (
            f"SELECT v.product_id, v.sha, p.category_id, {distance} AS distance "
            f"FROM {table.name} AS v JOIN products AS p ON p.id = v.product_id "
            f"WHERE {' AND '.join(here + there)} ORDER BY {distance} LIMIT :wanted"
        )
        rows = connection.execute(outer.format(found=proposed), values).fetchall()
        connection.execute("SET LOCAL enable_sort = on")
    if len(rows) < count:
        # first the distances alone: rows are wide, and sorted without what they are made of
        compared = (
            f"WITH d AS MATERIALIZED (SELECT v.product_id, v.sha, {distance} AS distance "
            f"FROM {table.name} AS v WHERE {' AND '.join(here) or 'true'}) "
            "SELECT d.product_id, d.sha, p.category_id, d.distance "
            "FROM d JOIN products AS p ON p.id = d.product_id "
            f"WHERE {' AND '.join(there)} ORDER BY d.distance LIMIT :wanted"
        )
        rows = connection.execute(outer.format(found=compared), values).fetchall()
    return list(_ordered(table, embedding, rows))[:count]


def _ordered(
    table: VectorTable,
    embedding: Vectors,
    rows: Sequence[tuple[int, int, float, bytes | None]],
) -> Iterator[Near]:
    if table.projection is None or not rows:
        yield from (Near(product, category, cosine) for product, category, cosine, _ in rows)
        return
    whole = np.frombuffer(b"".join(row[3] or b"" for row in rows), dtype="<f2")
    cosines = whole.reshape(len(rows), -1).astype(np.float32) @ embedding
    for place in np.argsort(-cosines, kind="stable").tolist():
        yield Near(rows[place][0], rows[place][1], float(cosines[place]))
