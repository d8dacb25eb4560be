"""Which photos are doubtful: held in memory for a moment, kept on the disk behind the answers."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitrina.errors import ShopError
from vitrina.folder import ShopFolder

if TYPE_CHECKING:
    from vitrina.events.review import Reason, ReviewedPhotos
    from vitrina.events.sent import SentEvent
    from vitrina.photos import Pixels
    from vitrina.store.server_database import ServerDatabase

_MOST_HELD = 100
"""Sure answers whose shoppers may yet say that they are wrong; 15 MB."""

_MOST_WAITING = 100
"""Doubtful photos that wait to be written; what would be more is left out."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Photo:
    query_id: str
    pixels: Pixels
    asked: int
    guesses: tuple[tuple[str, float], ...]
    reason: Reason | None


class Doubts:
    """May be used from several threads.

    Args:
        folder: The shop.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Photo] = OrderedDict()
        self._waiting: dict[str, _Photo] = {}
        self._choices: dict[str, str | None] = {}
        self._photos: ReviewedPhotos | None = None

    @property
    def wanted(self) -> bool:
        """Whether the shop keeps any photos."""
        return self._folder.settings.review_photos

    def answered(
        self,
        query_id: str,
        pixels: Pixels,
        decision: str,
        guesses: Sequence[tuple[str, float]],
    ) -> None:
        """Takes a photo that was answered.

        Args:
            query_id: Of the answer.
            pixels: (224, 224, 3) uint8.
            decision: Of the answer; "unsure" and "unknown" are doubtful by themselves.
            guesses: Categories and their confidence, the likeliest first.
        """
        reason: Reason | None = (
            "unsure" if decision == "unsure" else "unknown" if decision == "unknown" else None
        )
        photo = _Photo(query_id, pixels, time.time_ns() // 1_000_000, tuple(guesses), reason)
        with self._lock:
            if reason is None:
                self._held[query_id] = photo
                if len(self._held) > _MOST_HELD:
                    self._held.popitem(last=False)
            elif len(self._waiting) < _MOST_WAITING:
                self._waiting[query_id] = photo

    def heard(self, query_id: str, events: Sequence[SentEvent]) -> None:
        """Takes what a shopper did: another chip, or a word that the answer is wrong."""
        for one in events:
            if one.kind not in ("chip", "wrong"):
                continue
            with self._lock:
                held = self._held.pop(query_id, None)
                if held is not None and len(self._waiting) < _MOST_WAITING:
                    reason: Reason = "chip" if one.kind == "chip" else "wrong"
                    self._waiting[query_id] = _Photo(
                        query_id, held.pixels, held.asked, held.guesses, reason
                    )
                if len(self._choices) < 10 * _MOST_WAITING:
                    self._choices[query_id] = one.category or self._choices.get(query_id)

    def write(self, database: ServerDatabase) -> None:
        """Writes what waits; what cannot be written is left out, for photos are not to pile up."""
        with self._lock:
            waiting, choices = self._waiting, self._choices
            self._waiting, self._choices = {}, {}
        if not waiting and not choices:
            return
        photos = self._reviewed()
        try:
            with database.writing() as connection:
                for photo in waiting.values():
                    if photo.reason is not None:
                        photos.keep(
                            connection,
                            photo.query_id,
                            photo.pixels,
                            asked=photo.asked,
                            reason=photo.reason,
                            guesses=photo.guesses,
                        )
                for query_id, category in choices.items():
                    photos.chosen(connection, query_id, category)
        except (ShopError, OSError) as error:
            _log.warning("Doubtful photos cannot be kept: %s", error)

    def forget(self, database: ServerDatabase) -> None:
        """Deletes what is older, or more, than the shop wants to keep."""
        if not database.exists or not (self.wanted or self._folder.review.exists()):
            return
        try:
            with database.writing() as connection:
                self._reviewed().forget(connection)
        except (ShopError, OSError) as error:
            _log.warning("Old photos cannot be deleted: %s", error)

    def _reviewed(self) -> ReviewedPhotos:
        if self._photos is None:
            from vitrina.events.review import ReviewedPhotos

            self._photos = ReviewedPhotos(self._folder)
        return self._photos
