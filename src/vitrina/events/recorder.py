"""Collects queries and events, and writes them behind the answers.

An answer costs one entry in a list. A thread of its own writes what has come, once a second
at most. Where the disk does not keep up, or cannot be written, the list is bounded: what would be
too much is dropped and counted, and searches are answered as before.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from vitrina.errors import Busy, QueryForeign, QueryUnknown, ShopError, TooManyEvents
from vitrina.events.doubts import Doubts
from vitrina.folder import ShopFolder

if TYPE_CHECKING:
    from vitrina.events.kept import KeptQuery
    from vitrina.events.sent import SentEvent
    from vitrina.photos import Pixels
    from vitrina.store.server_database import ServerDatabase

MOST_WAITING = 10_000
"""Queries and events that wait to be written, some 5 MB."""

EVENTS_OF_A_QUERY = 200
"""More than that no shopper does with one answer."""

_EVERY_S = 1.0
_LATEST_RETRY_S = 60.0
_FORGET_EVERY_S = 3600.0
_DAY_MS = 86_400_000

_log = logging.getLogger(__name__)


class Recorder:
    """What came since the last batch, and who writes it; may be used from several threads.

    Args:
        folder: The shop.
        dropped: Told how many queries and events were lost.
        most: That may wait.
        every_s: Seconds between two batches.
    """

    def __init__(
        self,
        folder: ShopFolder,
        dropped: Callable[[int], None],
        *,
        most: int = MOST_WAITING,
        every_s: float = _EVERY_S,
    ) -> None:
        self._folder = folder
        self._dropped = dropped
        self._most = most
        self._every_s = every_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._queries: dict[str, dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._visitors: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._database: ServerDatabase | None = None
        self._secret: bytes | None = None
        self._forget_at = 0.0
        self.doubts = Doubts(folder)

    @property
    def database(self) -> ServerDatabase:
        """Where all of it is kept."""
        if self._database is None:
            from vitrina.store.server_database import ServerDatabase

            self._database = ServerDatabase(self._folder.server_database)
        return self._database

    def query_answered(
        self,
        query_id: str,
        *,
        bundle: str,
        decision: str,
        category: str | None,
        confidence: float | None,
        milliseconds: float,
        visitor: str | None = None,
        experiment: str | None = None,
        assigned: str | None = None,
        infer_ms: float | None = None,
    ) -> None:
        """Notes one answered photo; columns as in `queries`, the visitor as the page names it."""
        if not self._folder.settings.events:
            return
        word = None
        if visitor is not None:
            try:
                word = self._hashed(visitor)
            except ShopError as error:
                _log.warning("Visitors cannot be told apart: %s", error)
        row = {
            "id": query_id, "asked": _now_ms(), "search": "photo", "bundle": bundle,
            "decision": decision, "category": category, "confidence": confidence,
            "milliseconds": milliseconds, "visitor": word,
            "experiment": None if word is None else experiment,
            "assigned": None if word is None else assigned, "infer_ms": infer_ms,
        }  # fmt: skip
        self._note(row)

    def words_answered(self, *, found: bool, milliseconds: float) -> str | None:
        """Notes that somebody searched by words, not which words.

        Args:
            found: Whether there were any goods.
            milliseconds: That the answer took.

        Returns:
            An id that the answer may have, so that events can be bound to it; None where the shop
            keeps none, or has no room for one more.
        """
        if not self._folder.settings.events:
            return None
        query_id = uuid4().hex
        row = {
            "id": query_id, "asked": _now_ms(), "search": "text",
            "decision": "found" if found else "nothing", "milliseconds": milliseconds,
        }  # fmt: skip
        return query_id if self._note(row) else None

    def photo_answered(
        self, query_id: str, pixels: Pixels, decision: str, guesses: Sequence[tuple[str, float]]
    ) -> None:
        """Notes what an answered photo showed, where the shop keeps doubtful ones.

        Arguments as of `Doubts.answered`.
        """
        if self.doubts.wanted:
            self.doubts.answered(query_id, pixels, decision, guesses)
            self._start()

    def take(self, query_id: str, visitor: str | None, events: Sequence[SentEvent]) -> None:
        """Takes events that a page sent.

        Args:
            query_id: Of the answer that they concern.
            visitor: What the page calls its browser; None where it does not say.
            events: What happened.

        Raises:
            QueryUnknown: no search of this shop was answered under that id, or too long ago.
            QueryForeign: another visitor's events came with it before.
            TooManyEvents: the query has more than anybody does with one answer.
            Busy: more waits to be written than there is room for.
            ShopError: nothing can be kept.
        """
        word = None if visitor is None else self._hashed(visitor)
        self._require_own(query_id, word, len(events))
        received = _now_ms()
        rows = [
            {
                "query_id": query_id, "id": one.id, "received": received, "kind": one.kind,
                "category": one.category, "sku": one.sku, "position": one.position,
                "value_minor": one.value_minor, "currency": one.currency,
            }
            for one in events
        ]  # fmt: skip
        with self._lock:
            full = self._waiting() + len(rows) > self._most
            if not full:
                self._events.extend(rows)
                if word is not None:
                    self._visitors.setdefault(query_id, word)
        if full:
            self._dropped(len(rows))
            raise Busy(
                "More events wait to be written than there is room for.",
                hint="Send them again after the seconds that Retry-After says.",
                retry_after=5,
            )
        if self.doubts.wanted:
            self.doubts.heard(query_id, events)
        self._start()

    def flush(self) -> bool:
        """Writes what waits now; whether that went well, also where nothing waited."""
        with self._writing:
            with self._lock:
                queries, events, visitors = self._queries, self._events, self._visitors
                if not queries and not events:
                    return True
                batch = list(queries.values()), list(events), list(visitors.items())
            return self._write(*batch)

    def close(self, seconds: float = 5.0) -> None:
        """Writes what waits and ends; what cannot be written in that time is counted as dropped."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(seconds)
        with self._lock:
            lost = self._waiting()
        if lost:
            self._dropped(lost)

    def _note(self, row: dict[str, Any]) -> bool:
        """Has a query written, and its visitor; whether there was room for it."""
        with self._lock:
            full = self._waiting() >= self._most
            if not full:
                self._queries[row["id"]] = row
                if (word := row.get("visitor")) is not None:
                    self._visitors[row["id"]] = word
        if full:
            self._dropped(1)
        else:
            self._start()
        return not full

    def _require_own(self, query_id: str, word: str | None, more: int) -> None:
        with self._lock:
            is_waiting = query_id in self._queries
            owner = self._visitors.get(query_id)
            has = sum(one["query_id"] == query_id for one in self._events)
        kept = None if is_waiting else self._find(query_id)
        if not is_waiting and kept is None:
            raise QueryUnknown(
                "No search was answered under this query_id, or it was too long ago.",
                hint="Send events with the query_id of an answer of this shop.",
            )
        if kept is not None:
            owner, has = owner or kept.visitor, has + kept.events
        if word is not None and owner is not None and owner != word:
            raise QueryForeign(
                "This query_id belongs to another visitor.",
                hint="Send the query_id of the answer that this very browser was given.",
            )
        if has + more > EVENTS_OF_A_QUERY:
            raise TooManyEvents(
                f"This query has {EVENTS_OF_A_QUERY} events at most.",
                hint="Send what shoppers do, each thing once.",
            )

    def _find(self, query_id: str) -> KeptQuery | None:
        from vitrina.events.kept import find_query

        if not self.database.exists:
            return None
        with self.database.reading() as connection:
            return find_query(connection, query_id)

    def _hashed(self, visitor: str) -> str:
        from vitrina.events.visitors import hashed_visitor, shop_secret

        if self._secret is None:
            self._secret = shop_secret(self._folder.secret)
        return hashed_visitor(self._secret, visitor)

    def _waiting(self) -> int:
        return len(self._queries) + len(self._events)

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    # it does not keep a recorder alive that nobody uses any more
                    given = weakref.ref(self), self._closing, self._every_s
                    thread = threading.Thread(
                        target=_work, args=given, name="write-events", daemon=True
                    )
                    self._thread = thread
                    thread.start()

    def settle(self) -> bool:
        """Writes what waits, and forgets what is too old; whether the writing went well."""
        written = self.flush()
        self.doubts.write(self.database)
        self._forget()
        return written

    def _write(
        self,
        queries: list[dict[str, Any]],
        events: list[dict[str, Any]],
        visitors: list[tuple[str, str]],
    ) -> bool:
        from vitrina.events.kept import keep

        try:
            with self.database.writing() as connection:
                keep(connection, queries, events, visitors)
        except ShopError as error:
            # what waits stays, so that a disk that is full for a minute loses nothing
            _log.warning("Events cannot be written: %s", error)
            return False
        except Exception as error:
            # no row may keep all that come after it from being written
            _log.error("A batch of events was lost: %s", type(error).__name__)
            self._dropped(len(queries) + len(events))
        with self._lock:
            for row in queries:
                self._queries.pop(row["id"], None)
            for query_id, _ in visitors:
                self._visitors.pop(query_id, None)
            # more may have come meanwhile, always behind these
            del self._events[: len(events)]
        return True

    def _forget(self) -> None:
        """Deletes what is older than the shop wants to keep, a bounded piece at a time."""
        now = time.monotonic()
        if now < self._forget_at:
            return
        from vitrina.events.kept import forget_before

        oldest = _now_ms() - self._folder.settings.events_days * _DAY_MS
        try:
            with self.database.writing() as connection:
                gone = forget_before(connection, oldest)
        except ShopError:
            gone = 0
        self.doubts.forget(self.database)
        self._forget_at = now + (self._every_s if gone else _FORGET_EVERY_S)


def _work(found: weakref.ReferenceType[Recorder], closing: threading.Event, every_s: float) -> None:
    wait = every_s
    while not (closed := closing.wait(wait)) and (recorder := found()) is not None:
        wait = every_s if recorder.settle() else min(2 * wait, _LATEST_RETRY_S)
        del recorder
    if closed and (recorder := found()) is not None:
        recorder.flush()
        recorder.doubts.write(recorder.database)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
