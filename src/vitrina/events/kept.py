"""What is kept of queries and events, written in batches and looked up by query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vitrina.store.connection import PlainConnection
from vitrina.store.dialect import dialect_of

Row = dict[str, Any]

_ADD_QUERY = """
INSERT INTO queries
    (id, asked, search, bundle, decision, category, confidence, milliseconds, visitor, experiment,
     assigned, infer_ms)
VALUES
    (:id, :asked, :search, :bundle, :decision, :category, :confidence, :milliseconds, :visitor,
     :experiment, :assigned, :infer_ms)
ON CONFLICT DO NOTHING
"""
_MAY_LACK: Row = {
    "search": "photo",
    **dict.fromkeys(
        ("bundle", "category", "confidence", "visitor", "experiment", "assigned", "infer_ms")
    ),
}
_NAME_VISITOR = "UPDATE queries SET visitor = ? WHERE id = ? AND visitor IS NULL"
_FIND = """
SELECT visitor, (SELECT count(*) FROM events WHERE query_id = queries.id)
FROM queries WHERE id = ?
"""
_PART = 500
"""Values of one IN (…): older SQLite takes 999 at most."""


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """What an event's query is known by.

    Attributes:
        visitor: Hashed, of the first event that named one; None while none did.
        events: How many it has.
    """

    visitor: str | None
    events: int


def keep(
    connection: PlainConnection,
    queries: Sequence[Row],
    events: Sequence[Row],
    visitors: Sequence[tuple[str, str]],
) -> None:
    """Writes a batch; what is there already stays as it is.

    Args:
        connection: A transaction of `server.db`.
        queries: Rows of the table, by its columns; those that may be null may be left out, and
            `search` of a photo.
        events: Likewise; those whose query was forgotten are left out.
        visitors: Query ids and who sent their first event, hashed.
    """
    differing = dialect_of(connection)
    differing.make_room(connection, [one["asked"] for one in queries])
    connection.executemany(_ADD_QUERY, [_MAY_LACK | one for one in queries])
    connection.executemany(_NAME_VISITOR, [(word, query) for query, word in visitors])
    there = _those_there(connection, {one["query_id"] for one in events})
    connection.executemany(differing.add_event, [one for one in events if one["query_id"] in there])


def find_query(connection: PlainConnection, query_id: str) -> KeptQuery | None:
    """The query of that id; None where there is none."""
    row = connection.execute(_FIND, (query_id,)).fetchone()
    return None if row is None else KeptQuery(*row)


def forget_before(connection: PlainConnection, moment: int, *, at_most: int = 5000) -> int:
    """Deletes queries that were asked before a moment, and their events.

    Args:
        connection: A transaction of `server.db`.
        moment: Milliseconds since 1970, UTC.
        at_most: Queries of one call, so that none holds the others up for long.

    Returns:
        How many were deleted.
    """
    dropped = dialect_of(connection).drop_before(connection, moment)
    if dropped:
        return dropped
    old = connection.execute("SELECT id FROM queries WHERE asked < ? LIMIT ?", (moment, at_most))
    gone = [query_id for (query_id,) in old]
    for ids, marks in _parts(gone):
        connection.execute(f"DELETE FROM events WHERE query_id IN ({marks})", ids)  # noqa: S608
        connection.execute(f"DELETE FROM queries WHERE id IN ({marks})", ids)  # noqa: S608
    return len(gone)


def _those_there(connection: PlainConnection, ids: set[str]) -> set[str]:
    return {
        query_id
        for part, marks in _parts(ids)
        for (query_id,) in connection.execute(
            f"SELECT id FROM queries WHERE id IN ({marks})",  # noqa: S608 - marks alone
            part,
        )
    }


def _parts(ids: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Some ids at a time, and as many question marks."""
    wanted = list(ids)
    for start in range(0, len(wanted), _PART):
        part = wanted[start : start + _PART]
        yield part, ",".join("?" * len(part))
