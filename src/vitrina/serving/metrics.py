"""What a running server counts and times, in plain numbers.

Nothing here knows Prometheus: its library takes some 35 ms to import, which would be part of every
start, and its objects would lie on the way of every answer. `exposition` brings these numbers into
its form when somebody asks for them.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

MOST_SERIES = 200
"""Label combinations of one family; what would be one more is counted as "other"."""

OTHER = "other"

_PART_BOUNDS = (
    0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.035, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0,
)  # fmt: skip
"""Seconds. 15 and 35 ms are what answers to small and to 12-megapixel photos must keep to."""
_REQUEST_BOUNDS = (*_PART_BOUNDS, 5.0, 10.0, 30.0)
"""A whole request has the upload in it, which a telephone on a bad line draws out."""


class Family:
    """One metric, with all its label combinations; each is only itself, so it is a quick key.

    Written out here and below: every dataclass would add most of a millisecond to the start.

    Attributes:
        name: As Prometheus shows it, without the suffix that the kind adds.
        kind: What may be done with it. An "info" is a gauge that is 1, its labels are what it says.
        help: One sentence, with the unit.
        labels: Names of the labels; their values come from small fixed sets.
        bounds: Upper bounds of a histogram's buckets.
    """

    __slots__ = ("bounds", "help", "kind", "labels", "name")

    def __init__(
        self,
        name: str,
        kind: Literal["counter", "gauge", "histogram", "info"],
        text: str,
        labels: tuple[str, ...] = (),
        bounds: tuple[float, ...] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.help = text
        self.labels = labels
        self.bounds = bounds


def _part(name: str, text: str) -> Family:
    return Family(f"vitrina_photo_{name}_seconds", "histogram", text, bounds=_PART_BOUNDS)


QUEUE_WAIT = _part("queue_wait", "Time that an answered photo waited for a slot.")
DECODE = _part("decode", "Time to decode an answered photo.")
INFERENCE = _part("inference", "Time of the network, the study's inference_time_ms.")
SEARCH = _part("search", "Time to decide, rank goods and read them.")
ANSWER = _part("answer", "Time from the photo's last byte to its answer.")
DECISIONS = Family(
    "vitrina_photo_decisions", "counter", "Answered photos by decision.", ("decision",)
)
QUEUE_LENGTH = Family("vitrina_photo_queue_length", "gauge", "Photos that wait for a slot.")
SLOTS_BUSY = Family("vitrina_photo_slots_busy", "gauge", "Photos that are worked on.")
SLOTS = Family("vitrina_photo_slots", "gauge", "Photos that may be worked on at the same time.")
TEXT_SEARCHES = Family(
    "vitrina_text_searches",
    "counter",
    "Searches by words: found, corrected (found after mending a slip) or nothing.",
    ("outcome",),
)
REQUESTS = Family(
    "vitrina_http_requests",
    "counter",
    'Requests by route and status; "gone" where the client left before its answer.',
    ("route", "method", "status"),
)
REQUEST_DURATION = Family(
    "vitrina_http_request_duration_seconds",
    "histogram",
    "Time of a whole request, upload included.",
    ("route",),
    _REQUEST_BOUNDS,
)
IN_FLIGHT = Family("vitrina_http_requests_in_flight", "gauge", "Requests without an answer yet.")
RECEIVED = Family("vitrina_http_received_bytes", "counter", "Bytes of request bodies.")
PROBLEMS = Family(
    "vitrina_problems", "counter", "Answers that were problem documents, by code.", ("code",)
)
READY = Family("vitrina_ready", "gauge", "1 where /readyz says ready, else 0.")
BUILD = Family("vitrina_build", "info", "What runs.", ("version", "python", "sqlite"))
BUNDLE = Family("vitrina_bundle", "info", "The bundle that is served.", ("version", "backbone"))
BUNDLE_SIZE = Family(
    "vitrina_bundle_size_bytes", "gauge", "All files of that bundle, the study's model_size_mb."
)
BUNDLE_IS_ACTIVE = Family(
    "vitrina_bundle_is_active",
    "gauge",
    "1 where that bundle is the one that was published last, else 0.",
)
BUNDLE_SWITCHES = Family(
    "vitrina_bundle_switches",
    "counter",
    "Bundles that a running server was to take: switched, or refused.",
    ("outcome",),
)
DECODER_REPLACEMENTS = Family(
    "vitrina_decoder_replacements",
    "counter",
    "Decoder processes that a photo made crash, hang or run out of memory.",
)
START = Family("vitrina_start_seconds", "gauge", "From the start of the process until it listened.")
COLD_START = Family(
    "vitrina_cold_start_seconds",
    "gauge",
    "That and the time of the first answered photo, the study's cold_start_ms.",
)
EVENTS = Family("vitrina_events", "counter", "Events that pages sent, by kind.", ("kind",))
RECORDS_DROPPED = Family(
    "vitrina_records_dropped",
    "counter",
    "Queries and events that were not kept because the disk did not take them fast enough.",
)
LOG_DROPPED = Family(
    "vitrina_log_lines_dropped",
    "counter",
    "Lines that were not written because nobody took them fast enough.",
)

FAMILIES = (
    BUILD, READY, START, COLD_START, BUNDLE, BUNDLE_SIZE, BUNDLE_IS_ACTIVE,
    BUNDLE_SWITCHES,
    REQUESTS, REQUEST_DURATION, IN_FLIGHT, RECEIVED, PROBLEMS,
    QUEUE_WAIT, DECODE, INFERENCE, SEARCH, ANSWER, DECISIONS, QUEUE_LENGTH, SLOTS_BUSY, SLOTS,
    DECODER_REPLACEMENTS, TEXT_SEARCHES, EVENTS, RECORDS_DROPPED, LOG_DROPPED,
)  # fmt: skip
"""All that /metrics shows of the server; the library adds what it knows of any process."""

Reading = Callable[[], "float | Mapping[tuple[str, ...], float]"]
"""Tells a gauge's value, or its values by labels."""

_NO_LABELS: tuple[str, ...] = ()

_KNOWN_FROM_THE_START: Mapping[Family, Sequence[tuple[str, ...]]] = {
    DECISIONS: [("category",), ("unsure",), ("unknown",)],
    TEXT_SEARCHES: [("found",), ("corrected",), ("nothing",)],
    BUNDLE_SWITCHES: [("switched",), ("refused",)],
    RECEIVED: [()],
    EVENTS: [("chip",), ("click",), ("cart",), ("order",), ("wrong",)],
    RECORDS_DROPPED: [()],
    LOG_DROPPED: [()],
}
"""Shown as 0 before anything happened: a rate over a counter that is not there is no alert."""


class Distribution:
    """A histogram's content for one combination of labels.

    Attributes:
        counts: How many fell into each bucket, not added up; one more than there are bounds.
        total: Sum of all values.
    """

    __slots__ = ("counts", "total")

    def __init__(self, counts: list[int], total: float = 0.0) -> None:
        self.counts = counts
        self.total = total


class ServerMetrics:
    """The numbers of one server; may be used from several threads.

    Attributes:
        started: Age of the process when it began to listen, seconds; None before, and where the
            system does not say.
        cold_start: That and the time of the first photo's answer.
    """

    def __init__(self) -> None:
        self.started: float | None = None
        self.cold_start: float | None = None
        self._lock = threading.Lock()
        self._counts = {
            family: dict.fromkeys(known, 0.0) for family, known in _KNOWN_FROM_THE_START.items()
        }
        self._spread = {
            family: {_NO_LABELS: Distribution([0] * (len(family.bounds) + 1))}
            for family in FAMILIES
            if family.kind == "histogram" and not family.labels
        }
        self._readings: dict[Family, Reading] = {}

    def count(self, family: Family, *labels: str, by: float = 1) -> None:
        """Adds to a counter, or to a gauge that is kept by adding."""
        with self._lock:
            values = self._counts.setdefault(family, {})
            key = _within_bounds(family, labels, values)
            values[key] = values.get(key, 0) + by

    def observe(self, family: Family, seconds: float, *labels: str) -> None:
        """Puts one duration into a histogram."""
        bucket = bisect_left(family.bounds, seconds)
        with self._lock:
            spread = self._spread.setdefault(family, {})
            key = _within_bounds(family, labels, spread)
            found = spread.get(key)
            if found is None:
                found = spread[key] = Distribution([0] * (len(family.bounds) + 1))
            found.counts[bucket] += 1
            found.total += seconds

    def read(self, family: Family, reading: Reading) -> None:
        """Names who knows a gauge's value, or its values by labels, when metrics are asked for."""
        self._readings[family] = reading

    def set_started(self) -> None:
        """Notes that the server listens from now on."""
        self.started = process_age()

    def photo_answered(
        self,
        decision: str,
        *,
        queue_ms: float,
        decode_ms: float,
        infer_ms: float,
        search_ms: float,
        total_ms: float,
    ) -> None:
        """One answered photo, its parts in milliseconds as the answer shows them."""
        parts = {
            QUEUE_WAIT: queue_ms, DECODE: decode_ms, INFERENCE: infer_ms,
            SEARCH: search_ms, ANSWER: total_ms,
        }  # fmt: skip
        for family, milliseconds in parts.items():
            self.observe(family, milliseconds / 1e3)
        self.count(DECISIONS, decision)
        if self.cold_start is None and self.started is not None:
            self.cold_start = self.started + total_ms / 1e3

    def text_answered(self, total: int, *, corrected: bool) -> None:
        """One search by words and how many goods it found."""
        outcome = "nothing" if not total else "corrected" if corrected else "found"
        self.count(TEXT_SEARCHES, outcome)

    def values(self, family: Family) -> dict[tuple[str, ...], float]:
        """A counter's or gauge's values by labels, as they are now."""
        if family in (START, COLD_START):
            seconds = self.started if family is START else self.cold_start
            return {} if seconds is None else {(): seconds}
        if (reading := self._readings.get(family)) is not None:
            found = reading()
            return dict(found) if isinstance(found, Mapping) else {(): float(found)}
        with self._lock:
            return dict(self._counts.get(family, {}))

    def distributions(self, family: Family) -> dict[tuple[str, ...], Distribution]:
        """A histogram's content by labels, as it is now."""
        with self._lock:
            return {
                labels: Distribution(list(found.counts), found.total)
                for labels, found in self._spread.get(family, {}).items()
            }


def process_age() -> float | None:
    """Seconds since this process was started; None where the system does not say.

    Linux keeps both clocks in hundredths of a second.
    """
    try:
        # the second field is a name in brackets, which may hold anything
        after_name = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, AttributeError, ValueError, IndexError):
        return None


def _within_bounds(
    family: Family, labels: tuple[str, ...], known: Mapping[tuple[str, ...], object]
) -> tuple[str, ...]:
    """The labels, or "other" for all of them where there are too many combinations already."""
    if labels in known or len(known) < MOST_SERIES:
        return labels
    return (OTHER,) * len(family.labels)
