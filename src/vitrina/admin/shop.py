"""All that the merchant's screens know of the server that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from vitrina.folder import ShopFolder
from vitrina.store.reading import DatabaseReader
from vitrina.store.server_database import ServerDatabase


@dataclass(frozen=True, kw_only=True)
class LiveFigures:
    """What the running server measured of itself; None where there is nothing to tell yet.

    Attributes:
        photos: Answered since it was started.
        answer_ms: Median and 95th percentile from a photo's last byte to its answer.
        inference_ms: The same of the network alone.
        cold_start_ms: From the start of the process to its first answer.
        ram_mb: Memory that it has now, megabytes (10^6 bytes).
        cpu_percent: Of one core, on average since it was started.
        model_mb: All files of the bundle that it serves, megabytes.
        hours: Since it was started.
    """

    photos: int
    answer_ms: tuple[float, float] | None
    inference_ms: tuple[float, float] | None
    cold_start_ms: float | None
    ram_mb: float | None
    cpu_percent: float | None
    model_mb: float | None
    hours: float | None


@dataclass(frozen=True, kw_only=True)
class AdminShop:
    """The shop as its screens see it.

    Attributes:
        folder: The shop.
        catalogue: Goods and categories, to read.
        database: What the server writes.
        settle: Writes what waits to be written, so that figures are of now.
        live: What the server measured of itself.
        served: Version of the bundle that answers; None where none does.
        experiment_refused: Whether the other bundle of an experiment cannot be loaded here.
        count_try: Counts one try to sign in; raises RateExceeded where there were too many.
        forget_tries: Forgets those of a client that signed in.
    """

    folder: ShopFolder
    catalogue: DatabaseReader
    database: ServerDatabase
    settle: Callable[[], object]
    live: Callable[[], LiveFigures]
    served: Callable[[], str | None]
    experiment_refused: Callable[[], bool]
    count_try: Callable[[Scope], None]
    forget_tries: Callable[[Scope], None]
