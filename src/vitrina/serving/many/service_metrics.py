"""What a server of several shops counts beside what each of them does."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from vitrina.serving import metrics as single
from vitrina.serving.many.hosted_shop import Common, HostedShop
from vitrina.serving.many.shop_states import STATES, counted, state_of
from vitrina.serving.many.warm_models import ShopModel
from vitrina.serving.metrics import Family, ServerMetrics
from vitrina.version import __version__

SHOPS = Family("vitrina_shops", "gauge", "Shops by state.", ("state",))
SHOP_WARM = Family(
    "vitrina_shop_warm", "gauge", "1 where the shop's model is in memory, else 0.", ("shop",)
)
SHOP_FAILED = Family(
    "vitrina_shop_failed",
    "gauge",
    "1 where the shop's photos cannot be searched, else 0.",
    ("shop",),
)
WORK = Family(
    "vitrina_shop_photo_work_seconds",
    "counter",
    "Time in which the shop's photos had a slot.",
    ("shop",),
)
LOADS = Family("vitrina_model_loads", "counter", "Times that a shop's model was loaded.", ("shop",))
EVICTIONS = Family(
    "vitrina_model_evictions", "counter", "Times that it was let go to make room.", ("shop",)
)
LOAD_SECONDS = Family(
    "vitrina_model_load_seconds", "gauge", "What loading it took the last time.", ("shop",)
)
HELD = Family("vitrina_models_bytes", "gauge", "Memory reckoned for the models that are warm.")
LIMIT = Family("vitrina_models_limit_bytes", "gauge", "Memory that they may have together.")
SLOTS = Family("vitrina_slots", "gauge", "Photos of all shops worked on at the same time, at most.")
SLOTS_BUSY = Family("vitrina_slots_busy", "gauge", "Photos of all shops that are worked on.")
UNFOUND = Family(
    "vitrina_unknown_shop_requests", "counter", "Requests that named no shop that is there."
)

FAMILIES = (
    single.BUILD, single.START, single.LOG_DROPPED,
    SHOPS, SHOP_WARM, SHOP_FAILED, WORK, LOADS, EVICTIONS, LOAD_SECONDS, HELD, LIMIT, SLOTS,
    SLOTS_BUSY, UNFOUND,
)  # fmt: skip
"""Shown without a shop's label, or with one of their own; all others are shown for each shop."""


def of_shops(shops: Sequence[HostedShop]) -> dict[str, ServerMetrics]:
    """What is counted for each shop that could be opened."""
    found = {shop.plan.name: shop.app.metrics for shop in shops if shop.app is not None}
    for shop in shops:
        if (counts := found.get(shop.plan.name)) is not None:
            ready = float(state_of(shop) != "failed")
            counts.read(single.READY, partial(float, ready))
    return found


def read_from(metrics: ServerMetrics, shops: Sequence[HostedShop], common: Common) -> None:
    """Names where the numbers are, so that nothing is kept twice."""

    def models(
        value: Callable[[ShopModel], float],
    ) -> Callable[[], Mapping[tuple[str, ...], float]]:
        return lambda: {
            (shop.plan.name,): value(shop.model) for shop in shops if shop.model is not None
        }

    def having(state: str) -> Callable[[], Mapping[tuple[str, ...], float]]:
        return lambda: {(shop.plan.name,): float(state_of(shop) == state) for shop in shops}

    def states() -> Mapping[tuple[str, ...], float]:
        found = counted(shops)
        return {(state,): found[state] for state in STATES}

    build = (__version__, platform.python_version(), sqlite3.sqlite_version)
    metrics.read(single.BUILD, lambda: {build: 1})
    metrics.read(SHOPS, states)
    metrics.read(SHOP_WARM, having("warm"))
    metrics.read(SHOP_FAILED, having("failed"))
    metrics.read(
        WORK, lambda: {(one.plan.name,): one.share.worked_ms / 1e3 for one in shops if one.share}
    )
    metrics.read(LOADS, models(lambda model: model.loads))
    metrics.read(EVICTIONS, models(lambda model: model.evictions))
    metrics.read(LOAD_SECONDS, models(lambda model: model.load_seconds))
    metrics.read(HELD, lambda: common.models.held)
    metrics.read(LIMIT, lambda: common.models.limit)
    metrics.read(SLOTS, lambda: common.slots.slots)
    metrics.read(SLOTS_BUSY, lambda: common.slots.busy)
    metrics.count(UNFOUND, by=0)
