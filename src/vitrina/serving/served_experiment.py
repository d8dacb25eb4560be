"""The second bundle of an experiment, beside the active one: who is answered by which.

What can go wrong with the second bundle never reaches a shopper. Where it cannot be loaded, or is
not loaded yet, the active one answers everybody, and nothing counts for either. Where one of the
two fails at a photo, the other answers it, and that counts as a failure of the one whose turn it
was.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vitrina.errors import ShopError, VitrinaError
from vitrina.experiment.definition import Experiment, end, experiment_stamp, read_experiment
from vitrina.folder import ShopFolder
from vitrina.photos import Pixels
from vitrina.search.answers import Language
from vitrina.search.engine import PhotoSearch, Timed
from vitrina.serving.logs import Governor, event
from vitrina.store.server_database import ServerDatabase

_DECIDE_EVERY_S = 600.0
_RETRY_S = 60.0

_failures = Governor()


@dataclass(frozen=True)
class Turn:
    """Who answers one photo.

    Attributes:
        search: Whose turn it is.
        other: What answers where that one fails; None outside of any experiment.
        experiment: Id of the experiment that the answer counts for; None for none.
    """

    search: PhotoSearch
    other: PhotoSearch | None = None
    experiment: str | None = None

    @property
    def assigned(self) -> str | None:
        """Version of the bundle whose turn it is in an experiment; None outside of any."""
        return self.search.bundle.info.version if self.experiment else None

    def answer(
        self, pixels: Pixels, *, language: Language, limit: int, within: Sequence[int] | None
    ) -> tuple[Timed, PhotoSearch]:
        """What a photo shows, and which of the two says so.

        Arguments as of `PhotoSearch.search`, and its errors where the other one fails as well:
        then it is not the bundle's fault.
        """
        try:
            found = self.search.search(pixels, language=language, limit=limit, within=within)
        except Exception as error:
            if self.other is None:
                raise
            try:
                found = self.other.search(pixels, language=language, limit=limit, within=within)
            except Exception:
                raise error from None
            _tell_failure(self.search.bundle.info.version, error, self.other.bundle.info.version)
            return found, self.other
        return found, self.search


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
        self.trouble: str | None = None

    def choose(self, active: PhotoSearch, visitor: str | None) -> Turn:
        """Whose turn a visitor's photo is.

        Args:
            active: What answers everybody else.
            visitor: What the page calls its browser; None where it does not say.
        """
        running = self._running
        if running is None or visitor is None:
            return Turn(active)
        experiment = running.experiment
        if active.bundle.info.version != experiment.first:
            return Turn(active)  # another bundle was activated a moment ago
        if experiment.arm_of(visitor) == "second":
            return Turn(running.search, active, experiment.id)
        return Turn(active, running.search, experiment.id)

    @property
    def running(self) -> Experiment | None:
        """What visitors are dealt out by now."""
        return None if self._running is None else self._running.experiment

    def let_go(self) -> bool:
        """Drops the other bundle, which the next look loads again; not while that looks."""
        if not self._lock.acquire(blocking=False):
            return False
        self._running, self.trouble, self._seen = None, None, self
        self._lock.release()
        return True

    @property
    def search(self) -> PhotoSearch | None:
        """Search with the other bundle; None while no two are compared."""
        return None if self._running is None else self._running.search

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
        except Exception as error:
            # whatever it is, it must not end what is served
            known = isinstance(error, VitrinaError)
            why = error.message if isinstance(error, VitrinaError) else type(error).__name__
            self._running, self.trouble, self._retry_at = None, why, now + _RETRY_S
            say = f"{found.second} cannot be compared, {active} answers all: {why}"
            event(
                logging.ERROR, "experiment_refused", say=say, bundle=active,
                failure=None if known else error,
            )  # fmt: skip
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
        first, second = running.experiment.first, running.experiment.second
        why = {
            "second_better": f"visitors of {second} do better",
            "first_better": f"visitors of {first} do better",
            "second_fails": f"{second} fails more often than {first}",
            "second_slower": f"{second} keeps more visitors waiting than {first}",
        }[decided]
        say = f"The experiment has ended, {first} answers everybody: {why}, for certain."
        event(logging.INFO, "experiment_decided", say=say, ending=decided, bundle=first)


def _tell_failure(version: str, error: Exception, answered_by: str) -> None:
    allowed, omitted = _failures.allows()
    if allowed:
        say = f"{version} could not answer a photo, {answered_by} did instead."
        event(
            logging.ERROR, "experiment_failed", say=say, failure=error, bundle=version,
            omitted_before=omitted or None,
        )  # fmt: skip
