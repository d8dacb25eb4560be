"""The application of a server that has several shops: each request goes to that of its own shop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from starlette.types import Receive, Scope, Send

from vitrina.errors import BundleError, SettingError, VitrinaError
from vitrina.serving.logs import event
from vitrina.serving.many import service_metrics
from vitrina.serving.many.directory import Directory
from vitrina.serving.many.hosted_shop import Common, HostedShop
from vitrina.serving.many.service_routes import REFUSAL, create_own
from vitrina.serving.many.shop_states import counted, state_of
from vitrina.serving.many.shops_file import ServicePlan
from vitrina.serving.metrics import ServerMetrics

_SHOWN = 20


class Service:
    """All shops of one server.

    Args:
        plan: Which those are.

    Attributes:
        shops: Each with its application, those included that cannot be opened.
        common: What they share.
        metrics: What the server counts beside its shops.
        draining: Whether it is being stopped.

    Raises:
        SettingError: the memory for models is less than one of them needs.
    """

    def __init__(self, plan: ServicePlan) -> None:
        settings = plan.settings
        self._settings = settings
        self.common = Common(
            slots=settings.slots,
            models_bytes=plan.models_bytes,
            upload_bytes=int(settings.upload_memory_mb * 1e6),
            heic_seconds=settings.heic_seconds,
        )
        self.draining = self.common.draining
        self.metrics = ServerMetrics()
        self.shops = [HostedShop(shop, self.common) for shop in plan.shops]
        for shop in self.shops:
            shop.open()
        _require_memory(self.shops, plan.models_bytes)
        self._directory = Directory([(shop.plan, shop) for shop in self.shops])
        service_metrics.read_from(self.metrics, self.shops, self.common)
        self._own = create_own(settings, self.shops, self.common, self.metrics)
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._watch is None:
            self._watch = asyncio.create_task(self.common.models.watch())
        if scope["type"] != "http":
            return
        try:
            shop, inner = self._directory.find(scope)
            app = None if shop is None else shop.app or await shop.application()
        except VitrinaError as error:
            app, scope[REFUSAL] = None, error
        if app is None:
            await self._own(scope, receive, send)
        else:
            await app(inner, receive, send)

    def listening(self, address: str) -> None:
        """Says what is served and what is not."""
        states = counted(self.shops)
        event(
            logging.INFO,
            "ready",
            always=True,
            address=address,
            shops=len(self.shops),
            warm=states["warm"],
            cold=states["cold"],
            failed=states["failed"],
            models_mb=round(self.common.models.limit / 1e6),
            slots=self.common.slots.slots,
            start_ms=None if self.metrics.started is None else round(self.metrics.started * 1e3),
        )
        if states["cold"]:
            names = [shop.plan.name for shop in self.shops if state_of(shop) == "cold"]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            say = f"Cold, loaded with their first photo: {', '.join(names[:_SHOWN])}{more}."
            event(logging.INFO, "shops_cold", say=say)
        if (first := next((shop.app for shop in self.shops if shop.app), None)) is not None:
            from vitrina.serving.process import REST_SECONDS

            first.rest.build_in(REST_SECONDS)  # which loads what all others need as well

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Nothing: bundles are looked at in the event loop's own time."""
        yield

    def close(self) -> None:
        """Writes what was answered and is not kept yet."""
        with ThreadPoolExecutor(8) as pool:
            for shop in self.shops:
                if shop.app is not None:
                    pool.submit(shop.app.recorder.close)
        self.common.heavy.close()


def _require_memory(shops: list[HostedShop], limit: int) -> None:
    """Makes sure that each model could be loaded where it is alone.

    Raises:
        SettingError: one could not.
    """
    too_large = []
    for shop in shops:
        try:
            needed = shop.model.reckoned.active() if shop.model else 0
        except BundleError:
            continue  # nothing is published yet
        if needed > limit:
            too_large.append(f"{shop.plan.name} needs about {needed / 1e6:.0f} MB")
    if too_large:
        raise SettingError(
            f"The models of all shops may have {limit / 1e6:.0f} MB together, and "
            f"{', '.join(too_large)}.",
            hint="Raise models_memory_mb in the part [service], or publish smaller networks.",
        )
