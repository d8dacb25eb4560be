"""The bundle that a running server answers with, and the change to another without a gap.

`bundles/active` is looked at every second. When it names another bundle, that one is loaded beside
the old one in a thread of its own, verified and asked once; then one reference changes. A request
keeps what it began with, so network, embeddings and decisions of an answer are always of one
version, and the old bundle is freed when the last request that uses it has ended. A bundle that
cannot be served changes nothing but what `/readyz` says.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from vitrina.bundle import Bundle, active_stamp, active_version, earlier_versions, named_bundle
from vitrina.encoder import require_memory
from vitrina.errors import BundleError, DatabaseAway, ModelCold, NoBundle
from vitrina.folder import ShopFolder
from vitrina.golden import golden_photo
from vitrina.machine import give_back_memory
from vitrina.search.decision import AcceptedRisk
from vitrina.search.engine import PhotoSearch
from vitrina.search.loaded import LoadedBundle, load_bundle
from vitrina.serving.bundle_status import BundleStatus
from vitrina.serving.logs import event
from vitrina.serving.served_experiment import ServedExperiment, Turn
from vitrina.store.reading import DatabaseReader

LOOK_EVERY_S = 1.0
_FIRST_RETRY_S, _LAST_RETRY_S = 30.0, 900.0
"""A bundle that could not be served is tried again: whoever copies one in may not have ended."""
_TIDY_AFTER_S = 0.5
"""The object itself goes first, what it held after that."""


class ServedBundle:
    """Search by photo with the bundle that is active now; may be used from several threads.

    Args:
        folder: The shop.
        database: The shop's.
        version: Another bundle than the active one, which then never changes.
        loading: That bundle, where somebody has begun to load it.
        look_every_s: Seconds between two looks at which bundle is active.
        hosted_as: What the shop is called among several in one server; its bundle is loaded by
            `warm` alone then, and somebody else calls `look` and `look_at_experiment`. None where
            the shop has the server to itself.

    Raises:
        BundleError: the bundle that was named cannot be served.
    """

    def __init__(
        self,
        folder: ShopFolder,
        database: DatabaseReader,
        *,
        version: str | None = None,
        loading: Future[LoadedBundle] | None = None,
        look_every_s: float = LOOK_EVERY_S,
        hosted_as: str | None = None,
    ) -> None:
        self._folder = folder
        self._bundles = folder.bundles
        self._database = database
        self._named = version
        self._look_every_s = look_every_s
        self._lock = threading.Lock()
        self._photo: PhotoSearch | None = None
        self._trouble: BundleError | None = None
        self._switches = self._failures = 0
        # never equal to a file's, so the first look compares what was loaded with what is active
        self._seen: object = self
        found = active_stamp(self._bundles)
        self._next_look = time.monotonic() + look_every_s
        self._retry_at = self._retry_after = 0.0
        self._thread: threading.Thread | None = None
        self._hosted_as = hosted_as
        self._is_cold = self._is_watched = hosted_as is not None
        # a bundle that was named is served to everybody
        self.experiment = None if version else ServedExperiment(folder, self._second)
        if not self._is_cold:
            self._take_first(found, version, loading)

    def _take_first(
        self,
        found: object,
        version: str | None = None,
        loading: Future[LoadedBundle] | None = None,
    ) -> None:
        try:
            loaded = loading.result() if loading else self._load(version)
            self._photo = self._search(loaded)
        except BundleError as error:
            if version is not None:
                raise
            self._seen = found  # the same bundle would fail again at the first look
            self._fail(error)
            self._fall_back()

    def warm(self) -> None:
        """Loads what is to be served, as the start of a server does; only for a cold one."""
        found = active_stamp(self._bundles)
        self._take_first(found)
        self._seen, self._next_look = found, time.monotonic() + self._look_every_s
        self._is_cold = False

    def let_go(self) -> bool:
        """Gives the memory back, at the end of the last request that uses it, and is cold.

        Returns:
            Whether it is; not while another bundle is being loaded.
        """
        if self.experiment is not None and not self.experiment.let_go():
            return False
        with self._lock:
            if self._thread is not None:
                return False
            self._is_cold = True
            if self._photo is not None:
                weakref.finalize(self._photo, _tidy_soon).atexit = False
            self._photo, self._trouble, self._seen = None, None, self
        return True

    @property
    def is_cold(self) -> bool:
        """Whether nothing is loaded, and `warm` would."""
        return self._is_cold

    def loaded(self) -> list[Bundle]:
        """What is in memory: the bundle that is served, and the other one of an experiment."""
        second = None if self.experiment is None else self.experiment.search
        return [one.bundle for one in (self._photo, second) if one is not None]

    def search(self) -> PhotoSearch:
        """What a request asks, from its beginning to its end.

        Raises:
            BundleError: there is nothing to serve, and why.
        """
        if not self._is_watched:  # a slow disk must not hold up who answers
            self.look()
        photo = self._photo
        if photo is None:
            if self._is_cold:
                raise ModelCold("The shop's model is being loaded.", hint="Send the photo again.")
            raise self._trouble or NoBundle("Nothing is published yet.")
        return photo

    def search_for(self, visitor: str | None) -> Turn:
        """What a visitor's photo asks.

        Args:
            visitor: What the page calls its browser; None where it does not say.

        Raises:
            BundleError: there is nothing to serve, and why.
        """
        active = self.search()
        if self.experiment is None:
            return Turn(active)
        return self.experiment.choose(active, visitor)

    def status(self) -> BundleStatus:
        """What is known of the bundle that is served."""
        photo = self._photo
        return BundleStatus(
            version=None if photo is None else photo.bundle.info.version,
            trouble=self._trouble,
            switches=self._switches,
            failures=self._failures,
            is_cold=self._is_cold,
        )

    @property
    def experiment_refused(self) -> bool:
        """Whether the other bundle of a running experiment cannot be served here."""
        return self.experiment is not None and self.experiment.trouble is not None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks in the block whether another bundle was made active, also when nobody asks."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(self._look_every_s):
                self.look()
                self.look_at_experiment()

        thread = threading.Thread(target=watch, name="watch-bundle", daemon=True)
        self._is_watched = True
        thread.start()
        try:
            yield
        finally:
            self._is_watched = False
            ended.set()
            thread.join()

    def look(self) -> None:
        """Begins to load another bundle where one was made active; costs a look at one file."""
        now = time.monotonic()
        if self._named is not None or self._is_cold or now < self._next_look:
            return
        with self._lock:
            if self._thread is not None or self._is_cold or now < self._next_look:
                return
            self._next_look = now + self._look_every_s
            stamp = active_stamp(self._bundles)
            if stamp == self._seen and not (self._trouble and now >= self._retry_at):
                return
            if stamp != self._seen:
                self._retry_after = 0.0
            self._seen = stamp
            self._thread = threading.Thread(target=self._switch, name="load-bundle", daemon=True)
            self._thread.start()

    def look_at_experiment(self) -> None:
        """Takes up an experiment that was begun, leaves one that has ended; may load a bundle."""
        if self.experiment is not None and not self._is_cold:
            try:
                self.experiment.look(self.status().version)
            except Exception as error:
                # whatever it is, it must not end what is served
                say = "The experiment could not be looked at."
                self._tell(logging.ERROR, "experiment_unread", say=say, failure=error)

    def wait(self) -> None:
        """Waits until what was begun to be loaded is served or given up."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _switch(self) -> None:
        version: str | None = None
        try:
            version = active_version(self._bundles)
            before = self.status().version
            if version is None or version != before:
                photo = self._searchable(None)
                if self._photo is not None:
                    # freed with its last request, which may still be on its way
                    weakref.finalize(self._photo, _tidy_soon).atexit = False
                self._photo = photo
                self._switches += 1
                taken = photo.bundle.info.version
                say = f"The bundle {taken} is served now."
                self._tell(logging.INFO, "bundle_switched", say=say, bundle=taken, before=before)
            self._trouble = None
        except BundleError as error:
            self._fail(error)
        except Exception as error:
            # whatever it is, it must not end what is served
            say = f"The bundle {version} could not be loaded."
            self._tell(logging.ERROR, "bundle_refused", say=say, failure=error, bundle=version)
            self._fail(
                BundleError(
                    f"The bundle {version} could not be loaded: {type(error).__name__}.",
                    hint="The server's log says more.",
                )
            )
        finally:
            self._thread = None

    def _fail(self, error: BundleError) -> None:
        self._trouble = error
        self._retry_after = min(max(2 * self._retry_after, _FIRST_RETRY_S), _LAST_RETRY_S)
        self._retry_at = time.monotonic() + self._retry_after
        if isinstance(error, NoBundle) and self._photo is None:
            return  # a new shop, which is told to whoever asks
        self._failures += 1
        before = self.status().version
        going_on = f"{before} goes on answering" if before else "photos cannot be searched"
        say = f"Another bundle cannot be served, {going_on}: {error.message}"
        self._tell(logging.ERROR, "bundle_refused", say=say, code=error.code, bundle=before)

    def _fall_back(self) -> None:
        """Serves the last bundle that can be, where the active one cannot."""
        for version in earlier_versions(self._bundles):
            try:
                self._photo = self._search(self._load(version))
            except BundleError as error:
                say = f"Nor can {version}: {error.message}"
                self._tell(logging.ERROR, "bundle_refused", say=say, code=error.code)
            else:
                say = f"The bundle {version}, which was served before, is served instead."
                self._tell(logging.ERROR, "bundle_fallback", say=say, bundle=version)
                return

    def _tell(self, level: int, name: str, **fields: Any) -> None:
        event(level, name, shop=self._hosted_as, **fields)

    def _load(self, version: str | None) -> LoadedBundle:
        settings = self._folder.settings
        return load_bundle(
            self._bundles, version, threads=settings.inference_threads, engine=settings.engine
        )

    def _searchable(self, version: str | None) -> PhotoSearch:
        photo = self._search(self._load(version))
        # the first shopper shall not wait for goods to be read and statements to be made
        with suppress(DatabaseAway):  # which is no fault of the bundle
            photo.search(golden_photo(), language="ru", limit=1)
        return photo

    def _second(self, version: str) -> PhotoSearch:
        """Search with the other bundle of an experiment, whose memory is given back at its end.

        Raises:
            BundleError: it cannot be served, or not beside the active one.
        """
        require_memory(named_bundle(self._bundles, version).model, beside=True)
        photo = self._searchable(version)
        weakref.finalize(photo, _tidy_soon).atexit = False
        return photo

    def _search(self, loaded: LoadedBundle) -> PhotoSearch:
        if not loaded.is_proven:
            version = loaded.bundle.info.version
            say = (
                f"The bundle {version} was published by an older version, without a photo whose "
                "answer is known: it is served unproven. Publishing again mends that."
            )
            self._tell(logging.WARNING, "bundle_unproven", say=say, bundle=version)
        risk = AcceptedRisk.of(self._folder.settings)
        return PhotoSearch(loaded, self._database, risk=risk)


def _tidy_soon() -> None:
    """Gives back what a bundle held: sixteen switches left 190 MB with the process otherwise."""
    timer = threading.Timer(_TIDY_AFTER_S, give_back_memory)
    timer.daemon = True
    timer.start()
