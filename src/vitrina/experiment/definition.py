"""`bundles/experiment.json`: which two bundles share the visitors, and what ended that.

Written by commands and by a server that finds one bundle clearly worse, read by every server of the
shop. It lies beside `bundles/active`, whose bundle is the first of the two: when another one is
activated, what was compared is no more, and the experiment is over.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import uuid4

from vitrina import atomic
from vitrina.bundle import active_bundle, active_version, kept_versions, named_bundle
from vitrina.errors import ExperimentError, NoExperiment

Criterion = Literal["click", "cart", "order"]
CRITERIA: tuple[Criterion, ...] = ("click", "cart", "order")
Arm = Literal["first", "second"]

Ending = Literal[
    "stopped", "first_better", "second_better", "second_fails", "second_slower", "another_bundle"
]

SLOW_MS = 1000.0
"""Longer than that shoppers notice that they wait."""

_FILE = "experiment.json"
_LONGEST_MS = 60_000.0


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Two bundles that share the visitors.

    Attributes:
        id: 32 hexadecimal digits; every other experiment deals the visitors out anew.
        first: Version that was active when it began.
        second: The other version.
        share: Of the visitors that get the second, above 0 and below 1.
        criterion: What a visitor must have done to count as won: "click" (a product, or more),
            "cart" (put one into the cart, or more) or "order".
        began: Milliseconds since 1970, UTC.
        ended: Likewise; None while it runs, and where another bundle was activated.
        ending: Why it ended; None while it runs.
        slow_ms: Milliseconds above which an answer is slow.
    """

    id: str
    first: str
    second: str
    share: float
    criterion: Criterion
    began: int
    ended: int | None = None
    ending: Ending | None = None
    slow_ms: float = SLOW_MS

    @property
    def is_running(self) -> bool:
        """Whether visitors are still shared."""
        return self.ending is None

    def arm_of(self, visitor: str) -> Arm:
        """Which of the two answers a visitor: always the same, on every server of the shop.

        Args:
            visitor: What the page calls its browser.
        """
        digest = hashlib.blake2b(visitor.encode(), key=bytes.fromhex(self.id), digest_size=8)
        place = int.from_bytes(digest.digest(), "big") / 2**64
        return "second" if place < self.share else "first"


def begin(
    bundles: Path,
    second: str,
    *,
    share: float = 0.5,
    criterion: Criterion = "click",
    slow_ms: float = SLOW_MS,
) -> Experiment:
    """Lets another bundle answer a share of the visitors beside the active one.

    Args:
        bundles: The shop's.
        second: Version of the other bundle.
        share: Of the visitors that it gets.
        criterion: What decides.
        slow_ms: Milliseconds above which an answer is slow.

    Raises:
        ExperimentError: one is running, or the two cannot be compared.
        BundleError: nothing is active, or one of the two is not there or damaged.
    """
    first, other = require_comparable(bundles, second, share, criterion, slow_ms)
    began = Experiment(
        id=uuid4().hex,
        first=first,
        second=other,
        share=share,
        criterion=criterion,
        began=_now_ms(),
        slow_ms=slow_ms,
    )
    _write(bundles, began)
    return began


def require_comparable(
    bundles: Path, second: str, share: float, criterion: Criterion, slow_ms: float = SLOW_MS
) -> tuple[str, str]:
    """Versions of the active bundle and of the other one, which can be compared.

    Arguments and errors are those of `begin`.
    """
    if not 0 < share < 1:
        raise ExperimentError(
            f"The share is {share:g}; it must lie between 0 and 1, such as 0.5.",
            hint="0.5 finds a difference soonest; a smaller share risks less.",
        )
    if criterion not in CRITERIA:
        raise ExperimentError(
            f"There is no criterion {criterion!r}; there are {', '.join(CRITERIA)}.",
            hint="click needs the fewest visitors, order says most.",
        )
    if not 1 <= slow_ms <= _LONGEST_MS:
        raise ExperimentError(
            f"An answer that takes more than {slow_ms:g} ms cannot be what is slow; it must be "
            f"1 to {_LONGEST_MS:g}.",
            hint=f"{SLOW_MS:g} is when shoppers notice that they wait.",
        )
    running = read_experiment(bundles)
    if running is not None and running.is_running and active_version(bundles) == running.first:
        raise ExperimentError(
            f"{running.first} and {running.second} are being compared already.",
            hint="End that first: vitrina ab stop.",
        )
    first = active_bundle(bundles).info.version
    other = named_bundle(bundles, second)
    if second == first:
        others = [version for version in kept_versions(bundles) if version != first]
        raise ExperimentError(
            f"{second} is the active bundle: it cannot be compared with itself.",
            hint=f"Name another one: {', '.join(others)}." if others else "Publish another one.",
        )
    return first, other.info.version


def end(bundles: Path, ending: Ending = "stopped", *, only: str | None = None) -> Experiment:
    """Lets the active bundle answer everybody again.

    Args:
        bundles: The shop's.
        ending: Why.
        only: Id of the experiment that is meant; None for whichever there is.

    Raises:
        NoExperiment: none is running, or not that one.
    """
    running = read_experiment(bundles)
    if running is None or not running.is_running or only not in (None, running.id):
        raise NoExperiment(
            "No two bundles are being compared in the shop.", hint="vitrina ab start BUNDLE"
        )
    ended = replace(running, ended=_now_ms(), ending=ending)
    _write(bundles, ended)
    return ended


def read_experiment(bundles: Path) -> Experiment | None:
    """The last experiment; None where there never was one, or the file says nothing."""
    try:
        content = json.loads((bundles / _FILE).read_text("utf-8"))
        found = Experiment(**content)
        bytes.fromhex(found.id)
    except (OSError, ValueError, TypeError):
        return None
    if found.is_running and active_version(bundles) != found.first:
        return replace(found, ending="another_bundle")
    return found


def experiment_stamp(bundles: Path) -> tuple[int, int, int] | None:
    """What differs whenever an experiment began or ended; None where there never was one. Cheap."""
    try:
        found = (bundles / _FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _write(bundles: Path, experiment: Experiment) -> None:
    atomic.write_json(bundles / _FILE, asdict(experiment))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
