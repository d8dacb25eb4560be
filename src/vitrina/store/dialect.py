"""The statements that SQLite and PostgreSQL do not both understand, in one place.

Everything else is written once. PostgreSQL's half (`store.postgres.statements`) is loaded by the
first question to a PostgreSQL database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from vitrina.store.connection import PlainConnection

COLUMNS = ("name", "article", "category", "vendor", "description")
"""Of the full-text index, the weightiest first."""

WEIGHTS = (10.0, 8.0, 4.0, 3.0, 1.0)
"""Of the index's columns in BM25: name, article, category, vendor, description."""


class Dialect(Protocol):
    """What each of the two says in its own way.

    Attributes:
        add_event: Adds one event, by its columns but those of its query; one that is there
            already stays.
        vocabulary: All words of the goods' names, articles, categories, makers: in how many goods.
        matches: Whether any good matches the expression `?`.
        matching: Ids of the goods that match the expression `?`, as `good`.
        texts: The index alone, with the condition that the expression `:match` matches.
        goods: The index joined with the products `p`, likewise; more conditions may follow AND.
        score: Of what matches, the better the smaller.
        save_text: Writes down what a good is found by, by `rowid` and the index's columns.
        remove_text: Has the good `rowid` found no more.
        clear_texts: Has no good found.
    """

    add_event: str
    vocabulary: str
    matches: str
    matching: str
    texts: str
    goods: str
    score: str
    save_text: str
    remove_text: str
    clear_texts: str

    def expression(self, fts5: str) -> str:
        """What words ask for, as this one takes it.

        Args:
            fts5: As `store.index_terms` and `store.product_search` put it together.
        """

    def text_values(self, rowid: int, columns: dict[str, str]) -> dict[str, object]:
        """Values of `save_text`.

        Args:
            rowid: Id of the product.
            columns: Terms of each column, with blanks between them.
        """

    def make_room(self, connection: PlainConnection, moments: Sequence[int]) -> None:
        """Makes sure that queries of these moments, milliseconds, have a place to be kept in."""

    def drop_before(self, connection: PlainConnection, moment: int) -> int:
        """Drops at once what is known to be older; how many queries, 0 where one by one it is."""

    def decisions(
        self, connection: PlainConnection, form: str, since: int
    ) -> list[tuple[str, int, int, int]]:
        """Photos with each decision, by hour, day or month.

        Args:
            connection: A question to what the server keeps.
            form: Of the hour, day or month, for strftime.
            since: Milliseconds.

        Returns:
            The piece of time in this machine's own time; how many "category", "unsure", "unknown".
        """


class SqliteDialect:
    """SQLite's: FTS5, one table for all months."""

    add_event = (
        "INSERT INTO events "
        "(query_id, id, asked, received, search, kind, category, sku, position, value_minor, "
        "currency) SELECT :query_id, :id, asked, :received, search, :kind, :category, :sku, "
        ":position, :value_minor, :currency FROM queries WHERE id = :query_id "
        "ON CONFLICT DO NOTHING"
    )
    # marks stand before the digits, words after them
    vocabulary = "SELECT term, doc FROM product_terms WHERE term >= 'a'"
    matches = "SELECT 1 FROM product_texts WHERE product_texts MATCH ? LIMIT 1"
    matching = "SELECT rowid AS good FROM product_texts WHERE product_texts MATCH ?"
    texts = "product_texts WHERE product_texts MATCH :match"
    # Which index is said by us: without it SQLite reads the goods' wide rows for their one bit of
    # stock, which takes seven times as long.
    goods = (
        "product_texts AS f JOIN products AS p INDEXED BY ix_products_search ON p.id = f.rowid "
        "WHERE product_texts MATCH :match"
    )
    score = f"bm25(product_texts, {', '.join(map(str, WEIGHTS))})"
    save_text = (
        "INSERT OR REPLACE INTO product_texts (rowid, name, article, category, vendor, "
        "description) VALUES (:rowid, :name, :article, :category, :vendor, :description)"
    )
    remove_text = "DELETE FROM product_texts WHERE rowid = :rowid"
    clear_texts = "DELETE FROM product_texts"

    def expression(self, fts5: str) -> str:
        """As it is."""
        return fts5

    def text_values(self, rowid: int, columns: dict[str, str]) -> dict[str, object]:
        """The columns as they are."""
        return {"rowid": rowid, **columns}

    def make_room(self, connection: PlainConnection, moments: Sequence[int]) -> None:
        """There is."""

    def drop_before(self, connection: PlainConnection, moment: int) -> int:
        """One by one."""
        del connection, moment
        return 0

    def decisions(
        self, connection: PlainConnection, form: str, since: int
    ) -> list[tuple[str, int, int, int]]:
        """Counted by SQLite in the machine's own time."""
        return connection.execute(
            "SELECT strftime(?, asked / 1000, 'unixepoch', 'localtime') AS piece, "
            "sum(decision = 'category'), sum(decision = 'unsure'), sum(decision = 'unknown') "
            "FROM queries WHERE asked >= ? AND search = 'photo' GROUP BY piece",
            (form, since),
        ).fetchall()


SQLITE = SqliteDialect()


def dialect_of(connection: PlainConnection) -> Dialect:
    """Of the database that a connection asks."""
    if isinstance(connection, sqlite3.Connection):
        return SQLITE
    from vitrina.store.postgres.statements import POSTGRES

    return POSTGRES


def dialect_named(name: str) -> Dialect:
    """By SQLAlchemy's name of it, "sqlite" or "postgresql"."""
    if name == "sqlite":
        return SQLITE
    from vitrina.store.postgres.statements import POSTGRES

    return POSTGRES
