"""How the merchant's screens hang on the server: where they are, and what they see of it."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from vitrina.admin.shop import AdminShop, LiveFigures
from vitrina.bundle import active_version
from vitrina.events.recorder import Recorder
from vitrina.machine import resident_bytes
from vitrina.serving import metrics as families
from vitrina.serving.deferred import Deferred
from vitrina.serving.gate import ADMIN
from vitrina.serving.metrics import Distribution, Family, ServerMetrics, process_age
from vitrina.serving.shop_state import ShopState


def admin_routes(
    state: ShopState, metrics: ServerMetrics, recorder: Recorder
) -> list[Route | Mount]:
    """The screens, which are loaded when somebody asks for one of them.

    Args:
        state: The shop.
        metrics: What the server counted.
        recorder: What it keeps.
    """

    def build() -> ASGIApp:
        from vitrina.admin.app import create_admin
        from vitrina.serving.login_tries import LoginTries

        tries = LoginTries()
        return create_admin(
            AdminShop(
                folder=state.folder,
                catalogue=state.database,
                database=recorder.database,
                settle=recorder.settle,
                live=lambda: live_figures(metrics),
                served=lambda: _served(state),
                experiment_refused=lambda: state.served.experiment_refused,
                count_try=tries.count,
                forget_tries=tries.forget,
            )
        )

    async def without_slash(_request: Request) -> Response:
        return RedirectResponse(ADMIN, 307)

    return [
        Route(ADMIN.rstrip("/"), without_slash, methods=["GET", "HEAD"]),
        Mount(ADMIN.rstrip("/"), Deferred(build)),
    ]


def _served(state: ShopState) -> str | None:
    """Version that answers photos, or will once it is loaded."""
    status = state.served.status()
    return active_version(state.folder.bundles) if status.is_cold else status.version


def live_figures(metrics: ServerMetrics) -> LiveFigures:
    """What the server measured of itself."""
    age = process_age()
    cpu = None if not age else 100 * time.process_time() / age
    size = metrics.values(families.BUNDLE_SIZE).get(())
    cold = metrics.cold_start
    return LiveFigures(
        photos=int(sum(metrics.values(families.DECISIONS).values())),
        answer_ms=_spread(metrics, families.ANSWER),
        inference_ms=_spread(metrics, families.INFERENCE),
        cold_start_ms=None if cold is None else 1e3 * cold,
        ram_mb=resident_mb(),
        cpu_percent=cpu,
        model_mb=None if size is None else size / 1e6,
        hours=None if age is None else age / 3600,
    )


def quantile(found: Distribution, bounds: tuple[float, ...], share: float) -> float | None:
    """The value that a share of all lie below, as Prometheus reckons it; None without any.

    Within a bucket values are taken as spread evenly; above the last bound nobody knows more than
    that bound.
    """
    total = sum(found.counts)
    if not total:
        return None
    wanted, below = share * total, 0
    for place, count in enumerate(found.counts):
        if below + count >= wanted:
            if place == len(bounds):
                break
            low = bounds[place - 1] if place else 0.0
            return low + (bounds[place] - low) * (wanted - below) / count
        below += count
    return bounds[-1]


def resident_mb() -> float | None:
    """Memory that this process has, megabytes (10^6 bytes); None where the system does not say."""
    held = resident_bytes()
    return held / 1e6 if held else None


def _spread(metrics: ServerMetrics, family: Family) -> tuple[float, float] | None:
    found = metrics.distributions(family).get(())
    if found is None:
        return None
    half, most = (quantile(found, family.bounds, share) for share in (0.5, 0.95))
    return None if half is None or most is None else (1e3 * half, 1e3 * most)
