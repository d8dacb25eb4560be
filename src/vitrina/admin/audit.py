"""Who did what, and when, on the merchant's screens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from vitrina.store.server_database import ServerDatabase

What = Literal[
    "login", "login_failed", "logout", "password", "account_removed",
    "search_text", "publish", "activate", "rollback", "ab", "ab_stop",
    "review", "review_delete", "work_failed",
]  # fmt: skip

SHOWN = 50
_MOST_FAILED = 1000
"""Failed tries that are kept: strangers make them, and shall not push out what the others did."""

_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; fields as in `store.server_schema`."""

    id: int
    at: int
    who: str
    what: str
    detail: str


def note(database: ServerDatabase, who: str, what: What, detail: str = "") -> None:
    """Writes down what somebody did.

    Raises:
        ShopError: nothing can be written.
    """
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO audit (at, who, what, detail) VALUES (?, ?, ?, ?)",
            (time.time_ns() // 1_000_000, who[:40], what, detail[:_LONGEST]),
        )
        if what == "login_failed":
            connection.execute(
                "DELETE FROM audit WHERE what = 'login_failed' AND id <= "
                "(SELECT id FROM audit WHERE what = 'login_failed' "
                "ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (_MOST_FAILED,),
            )


def latest(database: ServerDatabase, before: int | None = None) -> list[Entry]:
    """Some lines, the latest first.

    Args:
        database: What the server writes.
        before: Only older ones than that of this id.
    """
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT id, at, who, what, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
            (2**62 if before is None else before, SHOWN),
        ).fetchall()
    return [Entry(*row) for row in rows]
