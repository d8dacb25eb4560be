"""Photos of doubtful answers, kept for the merchant to say what they show.

Only where the shop switched that on. What is kept is what the network saw, 224 x 224 pixels without
anything that came with the file, and not for long: a clock and a number bound it.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from vitrina import atomic
from vitrina.errors import NotFound
from vitrina.folder import ShopFolder
from vitrina.photos import Pixels
from vitrina.store.connection import PlainConnection

Reason = Literal["unsure", "unknown", "chip", "wrong"]
Decided = Literal["category", "not_sold", "unclear"]
VERDICTS: tuple[Decided, ...] = ("category", "not_sold", "unclear")

_QUALITY = 92
_DAY_MS = 86_400_000
_ID = re.compile(r"[0-9a-f]{32}")
_COLUMNS = "query_id, asked, reason, guesses, chosen, verdict, category, decided, who"
_OPEN_FIRST = "ORDER BY chosen IS NULL, asked DESC"
"""What a shopper has contradicted teaches most."""


@dataclass(frozen=True)
class Doubtful:
    """One photo, and what is known of it; fields as in `reviews`."""

    query_id: str
    asked: int
    reason: str
    guesses: tuple[tuple[str, float], ...]
    chosen: str | None
    verdict: str | None
    category: str | None
    decided: int | None
    who: str | None

    @classmethod
    def of(cls, row: Sequence[object]) -> Doubtful:
        """As the database has it."""
        query_id, asked, reason, guesses, *rest = row
        found = tuple((str(slug), float(sure)) for slug, sure in json.loads(str(guesses)))
        return cls(str(query_id), int(str(asked)), str(reason), found, *rest)  # type: ignore[arg-type]


class ReviewedPhotos:
    """The shop's kept photos, their files and rows.

    Args:
        folder: The shop.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._place = folder.review
        self._settings = folder.settings

    def keep(
        self,
        connection: PlainConnection,
        query_id: str,
        pixels: Pixels,
        *,
        asked: int,
        reason: Reason,
        guesses: Sequence[tuple[str, float]],
        chosen: str | None = None,
    ) -> None:
        """Keeps a photo; one that is kept already stays as it is.

        Args:
            connection: A transaction of `server.db`.
            query_id: Of the answer.
            pixels: (224, 224, 3) uint8, what the network saw.
            asked: When; milliseconds since 1970, UTC.
            reason: Why there is doubt.
            guesses: Categories and their confidence, the likeliest first.
            chosen: What the shopper chose.

        Raises:
            OSError: the file cannot be written.
        """
        self._place.mkdir(mode=0o700, exist_ok=True)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
        atomic.write_bytes(self.file(query_id), file.getvalue())
        connection.execute(
            "INSERT INTO reviews (query_id, asked, reason, guesses, chosen) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (query_id, asked, reason, json.dumps(list(guesses)), chosen),
        )

    def chosen(self, connection: PlainConnection, query_id: str, category: str | None) -> bool:
        """Notes what a shopper chose for a kept photo; whether there is one."""
        found = connection.execute(
            "UPDATE reviews SET chosen = coalesce(?, chosen) WHERE query_id = ?",
            (category, query_id),
        )
        return found.rowcount > 0

    def decide(
        self,
        connection: PlainConnection,
        query_id: str,
        verdict: Decided,
        category: str | None,
        who: str,
    ) -> None:
        """Takes the merchant's verdict, which may be changed later.

        Raises:
            NotFound: there is no such photo any more.
        """
        found = connection.execute(
            "UPDATE reviews SET verdict = ?, category = ?, decided = ?, who = ? WHERE query_id = ?",
            (verdict, category if verdict == "category" else None, _now_ms(), who, query_id),
        )
        if not found.rowcount:
            raise _gone()

    def delete(self, connection: PlainConnection, query_id: str) -> None:
        """Deletes one photo at once, and what was said of it."""
        connection.execute("DELETE FROM reviews WHERE query_id = ?", (query_id,))
        self._unlink(query_id)

    def delete_all(self, connection: PlainConnection) -> int:
        """Deletes all of them at once; how many there were."""
        ids = [row[0] for row in connection.execute("SELECT query_id FROM reviews")]
        connection.execute("DELETE FROM reviews")
        for query_id in ids:
            self._unlink(query_id)
        self._sweep(set())
        return len(ids)

    def forget(self, connection: PlainConnection) -> int:
        """Deletes what is too old or too much, and files that nobody knows of; how many."""
        oldest = _now_ms() - self._settings.review_days * _DAY_MS
        gone = [
            row[0]
            for row in connection.execute(
                "SELECT query_id FROM reviews WHERE asked < ? UNION "
                "SELECT query_id FROM (SELECT query_id FROM reviews ORDER BY asked DESC "
                "LIMIT 1000000000 OFFSET ?) AS more",
                (oldest, self._settings.review_most),
            )
        ]
        for query_id in gone:
            self.delete(connection, query_id)
        self._sweep({row[0] for row in connection.execute("SELECT query_id FROM reviews")})
        return len(gone)

    def waiting(self, connection: PlainConnection, most: int) -> list[Doubtful]:
        """Photos without a verdict, the most telling first."""
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM reviews WHERE verdict IS NULL {_OPEN_FIRST} LIMIT ?",  # noqa: S608
            (most,),
        )
        return [Doubtful.of(row) for row in rows]

    def decided(self, connection: PlainConnection) -> list[Doubtful]:
        """Photos with a verdict, in the order in which they were asked."""
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM reviews WHERE verdict IS NOT NULL ORDER BY asked"  # noqa: S608
        )
        return [Doubtful.of(row) for row in rows]

    def followed(self, connection: PlainConnection) -> list[Doubtful]:
        """Photos without a verdict whose shopper chose a category and went on to a product.

        A chip alone may be pressed to see what is behind it.
        """
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM reviews WHERE verdict IS NULL AND chosen IS NOT NULL "  # noqa: S608
            "AND EXISTS (SELECT 1 FROM events WHERE events.query_id = reviews.query_id "
            "AND kind IN ('click', 'cart', 'order')) ORDER BY asked"
        )
        return [Doubtful.of(row) for row in rows]

    def counts(self, connection: PlainConnection) -> dict[str | None, int]:
        """How many photos have each verdict; None: none yet."""
        return dict(
            connection.execute("SELECT verdict, count(*) FROM reviews GROUP BY verdict").fetchall()
        )

    def file(self, query_id: str) -> Path:
        """Where a photo lies.

        Raises:
            NotFound: that is no id.
        """
        if not _ID.fullmatch(query_id):
            raise _gone()
        return self._place / f"{query_id}.jpg"

    def _unlink(self, query_id: str) -> None:
        with suppress(FileNotFoundError, NotFound):
            self.file(query_id).unlink()

    def _sweep(self, known: set[str]) -> None:
        """A crash between a file and its row leaves the file."""
        for file in self._place.glob("*.jpg"):
            # one that was written a moment ago may get its row in a moment
            with suppress(OSError):
                if file.stem not in known and time.time() - file.stat().st_mtime > 60:
                    file.unlink()


def _gone() -> NotFound:
    return NotFound("There is no such photo any more.", hint="Go back to the photos.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
