"""Puts the embeddings of the goods into PostgreSQL, where pgvector ranks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vitrina.bundle import Bundle
from vitrina.database_url import DatabaseUrl
from vitrina.progress import SILENT, Progress
from vitrina.search.vector_index import projection_of
from vitrina.search.vectors import VectorStore
from vitrina.store.postgres.connection import PostgresConnection, prepare
from vitrina.store.postgres.vectors import (
    add_vectors,
    build_graph,
    find_table,
    make_table,
    missing_pictures,
    tidy,
)


def store_vectors(
    url: DatabaseUrl, bundle: Bundle, store: VectorStore, progress: Progress = SILENT
) -> int:
    """Has the database hold the embeddings of all pictures of the goods that there are.

    What is cut off leaves the table as it was.

    Args:
        url: Of the shop's database; the caller holds the shop's lock.
        bundle: Whose network made the embeddings.
        store: All of them.
        progress: Where the work reports to.

    Returns:
        How many were added.

    Raises:
        ShopError: the database cannot be written, or lacks pgvector.
    """
    import psycopg

    names = store.names()
    order = np.argsort(names, kind="stable")
    names = names[order]
    added = 0
    below = url.connect()
    try:
        prepare(below)
        with below.transaction():
            connection = PostgresConnection(below)
            version, made_by = bundle.info.version, bundle.made_by
            table = find_table(connection, version, made_by) or make_table(
                connection, version, made_by, store.dimensions, projection_of(store)
            )
            tidy(connection, table, _versions(bundle.folder.parent))
            # a bundle without embeddings has nothing to store
            lots = missing_pictures(below, table) if len(names) else iter(())
            with progress.step("Storing embeddings", len(store)) as step:
                for some in lots:
                    asked = np.array([sha for sha, _, _ in some], dtype="S64")
                    places = np.minimum(np.searchsorted(names, asked), len(names) - 1)
                    hits = np.flatnonzero(names[places] == asked)
                    rows = order[places[hits]]
                    add_vectors(
                        below,
                        table,
                        np.array([some[hit][1] for hit in hits], dtype=np.int64),
                        np.array([some[hit][2] for hit in hits], dtype=np.int64),
                        [bytes.fromhex(some[hit][0]) for hit in hits],
                        store.take(rows),
                    )
                    added += len(rows)
                    step.advance(len(rows))
            if build_graph(connection, table):
                progress.say("The graph of nearest goods was built in the database.")
    except psycopg.Error as error:
        raise url.told(error) from error
    finally:
        below.close()
    return added


def _versions(bundles: Path) -> set[str]:
    return {place.name for place in bundles.iterdir() if place.is_dir()}
