"""What an owner sees of a running server: /metrics, and who may read it."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from vitrina.errors import BundleError, ModelCold
from vitrina.photos import HeavyDecoder
from vitrina.serving import metrics as families
from vitrina.serving import problems
from vitrina.serving.admission import Admission
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.rate_limit import Networks
from vitrina.serving.readiness import Readiness
from vitrina.serving.shop_state import ShopState
from vitrina.version import __version__

_FORWARDED = "x-forwarded-for"
_OTHER_FORWARDED = ("forwarded", "x-real-ip", "via")


def read_from(
    metrics: ServerMetrics, state: ShopState, admission: Admission, heavy: HeavyDecoder
) -> None:
    """Names where the gauges are, so that nothing is kept twice."""

    def bundle() -> Mapping[tuple[str, ...], float]:
        try:
            info = state.photo_search().bundle.info
        except (BundleError, ModelCold):
            return {}
        return {(info.version, info.backbone): 1}

    def size() -> Mapping[tuple[str, ...], float]:
        try:
            return {(): state.photo_search().bundle.size_bytes}
        except (BundleError, ModelCold, OSError):
            return {}

    def switches() -> Mapping[tuple[str, ...], float]:
        status = state.served.status()
        return {("switched",): status.switches, ("refused",): status.failures}

    build = (__version__, platform.python_version(), sqlite3.sqlite_version)
    metrics.read(families.BUILD, lambda: {build: 1})
    metrics.read(families.BUNDLE, bundle)
    metrics.read(families.BUNDLE_SIZE, size)
    metrics.read(families.BUNDLE_SWITCHES, switches)
    metrics.read(families.BUNDLE_IS_ACTIVE, lambda: state.served.status().trouble is None)
    metrics.read(families.QUEUE_LENGTH, lambda: admission.waiting)
    metrics.read(families.SLOTS_BUSY, lambda: admission.busy)
    metrics.read(families.SLOTS, lambda: admission.slots)
    metrics.read(families.DECODER_REPLACEMENTS, lambda: heavy.replaced)


def metrics_route(metrics: ServerMetrics, state: ShopState, readiness: Readiness) -> Route:
    """/metrics, for those whom the shop's settings name."""
    readers = Networks(state.settings.metrics_from)
    proxies = Networks(state.settings.trusted_proxies)
    # a thread of its own: those of the routes may all be busy
    thread = CapacityLimiter(1)

    async def show(request: Request) -> Response:
        """What the server counted, as Prometheus reads it."""
        if not may_read(request.scope, readers, proxies):
            request.scope[problems.CODE] = "forbidden"
            return problems.problem(
                403,
                "forbidden",
                "Metrics are not for everybody.",
                "The setting metrics_from names the networks that may read them.",
            )
        from vitrina.serving.exposition import exposition

        ready = float(await readiness.problem() is None)
        metrics.read(families.READY, lambda: ready)
        accept = request.headers.get("accept", "")
        text, media_type = await to_thread.run_sync(exposition, metrics, accept, limiter=thread)
        return Response(text, media_type=media_type)

    return Route("/metrics", show, methods=["GET"], include_in_schema=False)


def may_read(scope: Scope, readers: Networks, proxies: Networks) -> bool:
    """Whether a request comes from a network that may read metrics.

    Behind a proxy that the settings do not name, everybody would come from the proxy's address,
    which is often one that may: such requests are refused.

    Args:
        scope: Of the request; its client is the one that a trusted proxy named, where one did.
        readers: Who may.
        proxies: Those that are trusted.
    """
    client = scope["client"][0] if scope.get("client") else ""
    headers = Headers(scope=scope)
    forwarded = [
        address.strip()
        for line in headers.getlist(_FORWARDED)
        for address in line.split(",")
        if address.strip()
    ]
    if not forwarded and any(name in headers for name in _OTHER_FORWARDED):
        return False
    if forwarded:
        named = next((one for one in reversed(forwarded) if one not in proxies), forwarded[0])
        if named != client:
            return False
    return client in readers
