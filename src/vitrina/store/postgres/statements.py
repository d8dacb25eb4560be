"""PostgreSQL's half of `store.dialect`: full text as tsvector, queries and events by the month.

The full-text index holds the terms that SQLite's holds (`store.product_terms`), each with the
weight of its column: A name, B article, C category and maker, D description. Its stems are those of
PostgreSQL's own dictionaries `russian` and `english`, for both are Snowball's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from vitrina.store.connection import PlainConnection
from vitrina.store.dialect import COLUMNS, WEIGHTS

_WEIGHT_OF = dict(zip(COLUMNS, "ABCCD", strict=True))
_MOST_PLACES = 255
_LAST_PLACE = 16_383
_PIECE = re.compile(r'"([^"]*)"( \*)?|\{[^}]*\} : \(|AND|OR|NOT|[()]')
_SIGNS = {"AND": "&", "OR": "|", "NOT": "& !", "(": "(", ")": ")"}
_QUARTER_MS = 900_000


class PostgresDialect:
    """PostgreSQL's."""

    add_event = (
        "INSERT INTO events "
        "(query_id, id, asked, received, search, kind, category, sku, position, value_minor, "
        "currency) SELECT :query_id::varchar, :id::varchar, asked, :received::bigint, search, "
        ":kind::varchar, :category::varchar, :sku::varchar, :position::integer, "
        ":value_minor::bigint, :currency::varchar FROM queries WHERE id = :query_id "
        "ON CONFLICT DO NOTHING"
    )
    vocabulary = (
        "SELECT word, ndoc FROM ts_stat('SELECT ts_filter(terms, ''{a,b,c}'') FROM product_texts') "
        "WHERE word COLLATE \"C\" >= 'a'"
    )
    matches = "SELECT 1 FROM product_texts WHERE terms @@ ?::tsquery LIMIT 1"
    matching = "SELECT product_id AS good FROM product_texts WHERE terms @@ ?::tsquery"
    texts = "product_texts WHERE terms @@ :match::tsquery"
    goods = (
        "product_texts AS f JOIN products AS p ON p.id = f.product_id "
        "WHERE f.terms @@ :match::tsquery"
    )
    # by how often and where the words stand, a long text's less than a short one's
    score = (
        f"-ts_rank('{{{WEIGHTS[4] / 10}, {WEIGHTS[2] / 10}, {WEIGHTS[1] / 10}, "
        f"{WEIGHTS[0] / 10}}}', terms, :match::tsquery, 1)::float8"
    )
    save_text = (
        "INSERT INTO product_texts (product_id, terms) VALUES (:rowid, CAST(:terms AS tsvector)) "
        "ON CONFLICT (product_id) DO UPDATE SET terms = excluded.terms"
    )
    remove_text = "DELETE FROM product_texts WHERE product_id = :rowid"
    clear_texts = "DELETE FROM product_texts"

    def expression(self, fts5: str) -> str:
        """As a tsquery."""
        return tsquery(fts5)

    def text_values(self, rowid: int, columns: dict[str, str]) -> dict[str, object]:
        """The columns as one tsvector."""
        return {"rowid": rowid, "terms": tsvector(columns)}

    def make_room(self, connection: PlainConnection, moments: Sequence[int]) -> None:
        """Makes the months' partitions where there are none yet; the caller holds the lock."""
        for month in sorted({_month_of(moment) for moment in moments}):
            _make_month(connection, month)

    def drop_before(self, connection: PlainConnection, moment: int) -> int:
        """Drops one month that is over and older; the rest is deleted one by one."""
        rows = connection.execute(
            "SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
            "WHERE inhparent = 'queries'::regclass ORDER BY c.relname"
        ).fetchall()
        for (name,) in rows:
            year, month = map(int, re.findall(r"\d+", name))
            if _begin_ms(_next_month((year, month))) <= moment:
                (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
                for table in (name.replace("queries", "events"), name):
                    connection.execute(
                        f"ALTER TABLE {table.split('_')[0]} DETACH PARTITION {table}"
                    )
                    connection.execute(f"DROP TABLE {table}")
                return int(count)
        return 0

    def decisions(
        self, connection: PlainConnection, form: str, since: int
    ) -> list[tuple[str, int, int, int]]:
        """Counted by the quarter of an hour, and put together in this machine's own time."""
        rows = connection.execute(
            "SELECT asked / :quarter AS piece, count(*) FILTER (WHERE decision = 'category'), "
            "count(*) FILTER (WHERE decision = 'unsure'), "
            "count(*) FILTER (WHERE decision = 'unknown') "
            "FROM queries WHERE asked >= :since AND search = 'photo' GROUP BY piece",
            {"quarter": _QUARTER_MS, "since": since},
        )
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for quarter, *counts in rows:
            moment = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000).astimezone()
            total = sums[moment.strftime(form)]
            for place, count in enumerate(counts):
                total[place] += count
        return [(piece, *counts) for piece, counts in sums.items()]  # type: ignore[misc]


POSTGRES = PostgresDialect()


def tsvector(columns: dict[str, str]) -> str:
    """The terms of all columns in their order, each with the weight of its column."""
    places: dict[str, list[str]] = defaultdict(list)
    place = 0
    for column, weight in _WEIGHT_OF.items():
        for term in columns[column].split():
            place = min(place + 1, _LAST_PLACE)
            if len(places[term]) < _MOST_PLACES:
                places[term].append(f"{place}{weight}")
    return " ".join(f"{_quoted(term)}:{','.join(found)}" for term, found in places.items())


def tsquery(fts5: str) -> str:
    """An expression of FTS5, as `store.index_terms` writes them, in PostgreSQL's words.

    What stands in `{columns} : ( )` is looked for outside of descriptions.
    """
    written: list[str] = []
    depth, strong_until = 0, list[int]()
    for found in _PIECE.finditer(fts5):
        word = found[0]
        if found[1] is not None:
            labels = ("*" if found[2] else "") + ("ABC" if strong_until else "")
            written.append(_quoted(found[1]) + (f":{labels}" if labels else ""))
        elif word.startswith("{"):
            depth += 1
            strong_until.append(depth)
            written.append("(")
        else:
            depth += (word == "(") - (word == ")")
            if word == ")" and strong_until and depth < strong_until[-1]:
                strong_until.pop()
            written.append(_SIGNS[word])
    return " ".join(written)


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


_Month = tuple[int, int]


def _month_of(moment: int) -> _Month:
    found = datetime.fromtimestamp(moment / 1000, UTC)
    return found.year, found.month


def _next_month(month: _Month) -> _Month:
    return (month[0] + month[1] // 12, month[1] % 12 + 1)


def _begin_ms(month: _Month) -> int:
    return int(datetime(*month, 1, tzinfo=UTC).timestamp() * 1000)


def _make_month(connection: PlainConnection, month: _Month) -> None:
    year, number = month
    suffix = f"{year:04}_{number:02}"
    (there,) = connection.execute(
        "SELECT to_regclass(current_schema() || ?)", (f".events_{suffix}",)
    ).fetchone()
    if there is not None:
        return
    span = f"FROM ({_begin_ms(month)}) TO ({_begin_ms(_next_month(month))})"
    for table in ("queries", "events"):
        connection.execute(f"CREATE TABLE {table}_{suffix} PARTITION OF {table} FOR VALUES {span}")
