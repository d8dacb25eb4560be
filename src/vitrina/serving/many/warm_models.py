"""Models of several shops in one memory: loaded with a photo, least recently used out.

One is loaded at a time, in a thread; photos of a shop whose model is cold wait for that, for some
seconds, while those of other shops are answered. What is let go is freed when the last request that
uses it has ended. Everything else here happens in the server's one event loop, where nothing comes
between a model's being found warm and a request's taking hold of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from vitrina.errors import BundleError, Busy, ModelCold, NoBundle, TooLittleMemory
from vitrina.serving.logs import event
from vitrina.serving.many.reckoned import Reckoned
from vitrina.serving.served_bundle import LOOK_EVERY_S, ServedBundle

PATIENCE_S = 3.0
"""That a photo waits for its shop's model: longer than any takes that is let in alone."""

MOST_WAITING = 32
"""Photos of one shop that may wait for that."""

_RETRY_S = 30.0

_Result = TypeVar("_Result")


class ShopModel:
    """The model of one shop.

    Args:
        name: What the shop is called.
        served: Its bundle.
        reckoned: How much memory that takes.

    Attributes:
        loads: How often it was loaded.
        evictions: How often it was let go.
        load_seconds: What loading it took the last time.
        trouble: Why it cannot be loaded; None where it can.
    """

    def __init__(self, name: str, served: ServedBundle, reckoned: Reckoned) -> None:
        self.name = name
        self.served = served
        self.reckoned = reckoned
        self.loads = self.evictions = 0
        self.load_seconds = 0.0
        self.trouble: BundleError | None = None
        self.retry_at = 0.0
        self.waiting = 0

    @property
    def is_cold(self) -> bool:
        """Whether the next photo has it loaded."""
        return self.served.is_cold


class WarmModels:
    """Those that are in memory.

    Args:
        limit: Bytes that all of them together may take, as they are reckoned.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # least recently used first
        self._held: OrderedDict[ShopModel, int] = OrderedDict()
        self._loading: dict[ShopModel, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()
        # a thread of its own: those of the requests may all be busy
        self._thread = CapacityLimiter(1)

    @property
    def held(self) -> int:
        """Bytes reckoned for those that are in memory."""
        return sum(self._held.values())

    async def require(self, model: ShopModel) -> None:
        """Makes sure that a shop's model is in memory.

        Raises:
            ModelCold: it takes longer than a photo can wait.
            Busy: too many photos of the shop wait for it.
            BundleError: it cannot be loaded.
        """
        if not model.is_cold:
            if model in self._held:
                self._held.move_to_end(model)
            return
        if model.trouble is not None and time.monotonic() < model.retry_at:
            raise model.trouble
        if model.waiting >= MOST_WAITING:
            raise Busy(
                "As many photos as may wait for the shop's model do.",
                hint="Send the photo again after the seconds that Retry-After says.",
            )
        if model not in self._loading:
            self._loading[model] = asyncio.create_task(self._load(model))
        model.waiting += 1
        try:
            done, _ = await asyncio.wait((self._loading[model],), timeout=PATIENCE_S)
        finally:
            model.waiting -= 1
        if not done or (model.is_cold and model.trouble is None):
            raise ModelCold(
                "The shop's model is being loaded.",
                hint="Send the photo again after the seconds that Retry-After says.",
            )
        if model.trouble is not None:
            raise model.trouble

    async def watch(self) -> None:
        """Looks, for ever, whether other bundles were made active, and keeps to the limit."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for model in list(self._held):
                try:
                    reckoned = await self._in_thread(partial(_look, model))
                except Exception as error:
                    # whatever it is, it must not end the looking
                    say = f"The bundles of {model.name} could not be looked at."
                    event(logging.ERROR, "model_unread", say=say, failure=error, shop=model.name)
                    continue
                if model in self._held:
                    self._held[model] = reckoned
            self._make_room(0, keep=1)

    async def _load(self, model: ShopModel) -> None:
        try:
            async with self._one_at_a_time:
                await self._load_now(model)
        except Exception as error:
            # whatever it is, it is this shop's alone
            say = f"The model of {model.name} could not be loaded."
            event(logging.ERROR, "model_refused", say=say, failure=error, shop=model.name)
            self._refuse(
                model,
                BundleError(
                    f"The shop's model could not be loaded: {type(error).__name__}.",
                    hint="The server's log says more.",
                ),
            )
        finally:
            del self._loading[model]

    async def _load_now(self, model: ShopModel) -> None:
        try:
            needed = await self._in_thread(model.reckoned.active)
        except NoBundle:
            needed = 0  # which is said when it is looked for
        if needed > self.limit:
            say = (
                f"The model of {model.name} needs about {needed / 1e6:.0f} MB, and all models "
                f"together may have {self.limit / 1e6:.0f} MB."
            )
            event(logging.ERROR, "model_refused", say=say, shop=model.name)
            hint = "Raise models_memory_mb, or publish a smaller network."
            self._refuse(model, TooLittleMemory("The shop's model is too large here.", hint=hint))
            return
        self._make_room(needed)
        began = time.perf_counter()
        await self._in_thread(model.served.warm)
        model.load_seconds = time.perf_counter() - began
        model.trouble = None
        model.loads += 1
        self._held[model] = await self._in_thread(partial(model.reckoned.loaded, model.served))
        event(
            logging.INFO,
            "model_loaded",
            say=f"The model of {model.name} is warm.",
            shop=model.name,
            bundle=model.served.status().version,
            ms=round(model.load_seconds * 1e3),
            held_mb=round(self.held / 1e6),
        )

    def _refuse(self, model: ShopModel, trouble: BundleError) -> None:
        model.trouble = trouble
        model.retry_at = time.monotonic() + _RETRY_S

    def _make_room(self, needed: int, keep: int = 0) -> None:
        """Lets go of those that were used longest ago until there is room."""
        for model in list(self._held)[: len(self._held) - keep]:
            if self.held + needed <= self.limit:
                return
            if model.served.let_go():
                del self._held[model]
                model.evictions += 1
                say = f"The model of {model.name} is let go."
                event(logging.INFO, "model_let_go", say=say, shop=model.name)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await to_thread.run_sync(work, limiter=self._thread)


def _look(model: ShopModel) -> int:
    """Has a shop's other bundle loaded, where there is one; bytes reckoned for all it has."""
    served = model.served
    served.look()
    served.look_at_experiment()
    if served.is_cold:  # meanwhile
        served.let_go()
    return model.reckoned.loaded(served)
