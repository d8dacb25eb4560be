"""What a server of several shops answers for itself: health, numbers, and "no such shop"."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from vitrina.errors import ShopError, ShopUnknown
from vitrina.serving import problems
from vitrina.serving.many import service_metrics
from vitrina.serving.many.directory import unknown_host
from vitrina.serving.many.hosted_shop import Common, HostedShop
from vitrina.serving.many.shop_states import counted, told
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.monitoring import may_read
from vitrina.serving.observation import Observation
from vitrina.serving.rate_limit import Networks
from vitrina.serving.security_headers import SecurityHeaders
from vitrina.settings import Settings

REFUSAL = "vitrina.refusal"
"""Where a request's scope holds why no shop takes it; nothing where it names none."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_own(
    settings: Settings, shops: Sequence[HostedShop], common: Common, metrics: ServerMetrics
) -> ASGIApp:
    """The application for what is no shop's.

    Args:
        settings: Of the server.
        shops: All of them.
        common: What they share.
        metrics: What the server counts.
    """
    readers, proxies = Networks(settings.metrics_from), Networks(settings.trusted_proxies)
    # a thread of its own: those of the routes may all be busy
    thread = CapacityLimiter(1)

    async def healthz(request: Request) -> Response:
        _refuse(request)
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        _refuse(request)
        if common.draining.since is not None:
            raise common.draining.problem()
        states = counted(shops)
        if states["failed"] == len(shops):
            raise ShopError("No shop can be searched.", hint="The server's log says why.")
        said: dict[str, object] = {
            "status": "degraded" if states["failed"] else "ready",
            "shops": states,
            "models_mb": {
                "held": round(common.models.held / 1e6),
                "limit": round(common.models.limit / 1e6),
            },
        }
        # whose shops these are is not everybody's business
        if may_read(request.scope, readers, proxies):
            said["each"] = {shop.plan.name: told(shop) for shop in shops}
        return JSONResponse(said)

    async def show(request: Request) -> Response:
        _refuse(request)
        if not may_read(request.scope, readers, proxies):
            request.scope[problems.CODE] = "forbidden"
            return problems.problem(
                403,
                "forbidden",
                "Metrics are not for everybody.",
                "The setting metrics_from names the networks that may read them.",
            )
        from vitrina.serving.exposition import exposition

        each = service_metrics.of_shops(shops)
        text, media_type = await to_thread.run_sync(
            lambda: exposition(
                metrics,
                request.headers.get("accept", ""),
                families=service_metrics.FAMILIES,
                shops=each,
            ),
            limiter=thread,
        )
        return Response(text, media_type=media_type)

    async def unfound(request: Request) -> Response:
        _refuse(request)
        metrics.count(service_metrics.UNFOUND)
        raise unknown_host(request.scope)

    def _refuse(request: Request) -> None:
        if (error := request.scope.get(REFUSAL)) is not None:
            if isinstance(error, ShopUnknown):
                metrics.count(service_metrics.UNFOUND)
            raise error

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show),
            Route("/{path:path}", unfound, methods=_METHODS),
        ],
        middleware=[Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies.named())],
        exception_handlers=problems.HANDLERS,
    )
    return Observation(
        SecurityHeaders(app),
        metrics,
        client=lambda scope: scope["client"][0] if scope.get("client") else None,
        clients=settings.log_clients,
    )
