"""The second bundle of an experiment, beside the active one: who is answered by which.

What can go wrong with the second bundle never reaches a shopper: where it cannot be loaded, or is
not loaded yet, the active one answers, and such an answer counts for neither.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from vitrina.errors import ShopError, VitrinaError
from vitrina.experiment.definition import Experiment, end, experiment_stamp, read_experiment
from vitrina.folder import ShopFolder
from vitrina.search.engine import PhotoSearch
from vitrina.serving.logs import event
from vitrina.store.server_database import ServerDatabase

_DECIDE_EVERY_S = 600.0
_RETRY_S = 60.0


@dataclass(frozen=True)
class _Running:
    experiment: Experiment
    search: PhotoSearch


class ServedExperiment:
    """May be used from several threads; `look` is called again and again.

    Args:
        folder: The shop.
        load: Gives search by photo with the bundle of that version.
        decide_every_s: Seconds between two looks at whether one bundle is clearly worse.
    """

    def __init__(
        self,
        folder: ShopFolder,
        load: Callable[[str], PhotoSearch],
        *,
        decide_every_s: float = _DECIDE_EVERY_S,
    ) -> None:
        self._bundles = folder.bundles
        self._database = ServerDatabase(folder.server_database)
        self._load = load
        self._decide_every_s = decide_every_s
        self._running: _Running | None = None
        self._seen: object = self
        self._active: str | None = None
        self._decide_at = self._retry_at = 0.0
        self._lock = threading.Lock()
        self.trouble: VitrinaError | None = None

    def choose(self, active: PhotoSearch, visitor: str | None) -> tuple[PhotoSearch, str | None]:
        """What answers a visitor's photo, and the id of the experiment that the answer counts for.

        Args:
            active: What answers everybody else.
            visitor: What the page calls its browser; None where it does not say.
        """
        running = self._running
        if running is None or visitor is None:
            return active, None
        experiment = running.experiment
        if active.bundle.info.version != experiment.first:
            return active, None  # another bundle was activated a moment ago
        second = experiment.arm_of(visitor) == "second"
        return (running.search if second else active), experiment.id

    @property
    def running(self) -> Experiment | None:
        """What visitors are dealt out by now."""
        return None if self._running is None else self._running.experiment

    def look(self, active: str | None) -> None:
        """Takes up what was begun or ended, and ends what is decided.

        Args:
            active: Version of the bundle that is served.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._follow(active)
            self._decide()
        finally:
            self._lock.release()

    def _follow(self, active: str | None) -> None:
        stamp = experiment_stamp(self._bundles)
        now = time.monotonic()
        again = self.trouble is not None and now >= self._retry_at
        if stamp == self._seen and active == self._active and not again:
            return
        self._seen, self._active = stamp, active
        found = read_experiment(self._bundles) if stamp else None
        if found is None or not found.is_running or found.first != active:
            self.trouble = None
            if self._running is not None:
                say = f"{self._running.experiment.second} answers nobody any more."
                event(logging.INFO, "experiment_left", say=say, bundle=active)
            self._running = None
            return
        if self._running is not None and self._running.experiment == found:
            return
        try:
            search = self._load(found.second)
        except VitrinaError as error:
            self._running, self.trouble = None, error
            self._retry_at = now + _RETRY_S
            say = f"{found.second} cannot be compared, {active} answers all: {error.message}"
            event(logging.ERROR, "experiment_refused", say=say, code=error.code, bundle=active)
            return
        self._running, self.trouble = _Running(found, search), None
        self._decide_at = now + self._decide_every_s
        say = f"{found.second} answers {found.share:.0%} of the visitors now."
        event(logging.INFO, "experiment_taken", say=say, bundle=found.second, before=active)

    def _decide(self) -> None:
        running, now = self._running, time.monotonic()
        if running is None or now < self._decide_at:
            return
        from vitrina.experiment.outcome import outcome_of

        self._decide_at = now + self._decide_every_s
        if not self._database.exists:
            return
        try:
            with self._database.reading() as connection:
                outcome = outcome_of(connection, running.experiment)
            decided = outcome.decided
            if decided is None:
                return
            end(self._bundles, decided, only=running.experiment.id)
        except (ShopError, VitrinaError, OSError) as error:
            event(logging.WARNING, "experiment_unread", say=str(error))
            return
        self._running = None
        better = running.experiment.second
        if decided == "first_better":
            better = running.experiment.first
        say = f"The experiment has ended: visitors of {better} do better for certain."
        event(logging.INFO, "experiment_decided", say=say, bundle=better)
