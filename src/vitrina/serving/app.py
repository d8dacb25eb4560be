"""The one place where photos, all else and errors meet."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from vitrina.events.recorder import Recorder
from vitrina.folder import ShopFolder
from vitrina.search.exact import load_ahead
from vitrina.search.loaded import LoadedBundle
from vitrina.serving import metrics as families
from vitrina.serving import monitoring, problems
from vitrina.serving.admission import Admission
from vitrina.serving.deferred import Deferred
from vitrina.serving.gate import EVENTS_ROUTE, PHOTO_ROUTE, Draining, Gate
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.observation import Observation
from vitrina.serving.photo_api import Answered, PhotoApi, PhotoResponse
from vitrina.serving.rate_limit import Networks, RateLimit
from vitrina.serving.readiness import Readiness
from vitrina.serving.security_headers import SecurityHeaders
from vitrina.serving.shop_state import ShopState, load_shop
from vitrina.serving.upload import Uploads
from vitrina.settings import Settings

if TYPE_CHECKING:
    from vitrina.serving.many.hosted import Hosted


class ShopApp(Starlette):
    """A server for one shop: photos are searched at once, all else is loaded behind them.

    Its answers are noted and have the security headers also where the server made a mistake.

    Args:
        state: The shop.
        hosted: What it shares with other shops of the same server; None where it is alone.

    Attributes:
        shop: The same.
        metrics: What it counts.
        recorder: Keeps what was answered, and what became of it.
        draining: Whether it is being stopped.
        rest: All routes but the photo's.
    """

    def __init__(self, state: ShopState, hosted: Hosted | None = None) -> None:
        settings = state.settings
        self.shop = state
        self.metrics = ServerMetrics()
        self.draining = hosted.draining if hosted else Draining()
        self._hosted_as = hosted.name if hosted else None
        admission = Admission(
            settings.slots,
            settings.queue,
            settings.deadline_seconds,
            turns=hosted.turns if hosted else None,
        )
        uploads = Uploads(
            state.limits.max_bytes,
            int(settings.upload_memory_mb * 1e6),
            settings.upload_seconds,
            settings.upload_idle_seconds,
            hosted.uploads if hosted else None,
        )
        self.recorder = Recorder(
            state.folder, lambda lost: self.metrics.count(families.RECORDS_DROPPED, by=lost)
        )
        photos = PhotoApi(state, admission, uploads, self._note)
        readiness = Readiness(state, admission, self.draining)
        monitoring.read_from(self.metrics, state, admission, state.heavy)

        def create_rest() -> ASGIApp:
            from vitrina.serving.api import create_api

            load_ahead()
            state.text  # noqa: B018  nor does the first search by words wait for its modules
            return create_api(state, photos, self.metrics, readiness, self.recorder)

        self.rest = Deferred(create_rest)
        super().__init__(
            routes=[
                Route(PHOTO_ROUTE, photos.search, methods=["POST"]),
                Mount("", self.rest),
            ],
            middleware=[
                *_before_routes(settings, self.draining),
                *(hosted.middleware if hosted else ()),
            ],
            exception_handlers=problems.HANDLERS,
        )

    def build_middleware_stack(self) -> ASGIApp:
        """Around all other middleware: what answers to mistakes would be around it."""
        return Observation(
            SecurityHeaders(_shared(super().build_middleware_stack(), self.shop.settings)),
            self.metrics,
            # the one that a trusted proxy named, once the request has passed
            client=lambda scope: scope["client"][0] if scope.get("client") else None,
            clients=self.shop.settings.log_clients,
            paths=(PHOTO_ROUTE, EVENTS_ROUTE, "/v1/search", "/v1/categories", "/"),
            shop=self._hosted_as,
        )

    def _note(self, answer: PhotoResponse, beside: Answered) -> None:
        guess = answer.category or next(iter(answer.alternatives), None)
        self.recorder.query_answered(
            answer.query_id,
            bundle=answer.model.version,
            decision=answer.decision,
            category=guess.id if guess else None,
            confidence=guess.confidence if guess else None,
            milliseconds=answer.timings_ms.total,
            visitor=beside.visitor,
            experiment=beside.experiment,
            assigned=beside.assigned,
            infer_ms=answer.timings_ms.infer,
        )
        guesses = [one for one in (answer.category, *answer.alternatives) if one is not None]
        self.recorder.photo_answered(
            answer.query_id,
            beside.pixels,
            answer.decision,
            [(one.id, one.confidence) for one in guesses],
        )


def create_app(
    folder: ShopFolder,
    bundle: str | None = None,
    loading: Future[LoadedBundle] | None = None,
) -> ShopApp:
    """A server for one shop.

    Args:
        folder: The shop.
        bundle: Version to serve instead of the active one.
        loading: That bundle, where somebody has begun to load it.

    Raises:
        ShopVersion: its database is missing or of another version.
        BundleError: the bundle that was named cannot be served.
    """
    return ShopApp(load_shop(folder, bundle, loading))


def _before_routes(settings: Settings, draining: Draining) -> list[Middleware]:
    """What requests pass before they reach a route, in that order."""
    proxies = Networks(settings.trusted_proxies)
    photos, others = (
        RateLimit(
            per_minute,
            keys=settings.api_keys,
            key_times=settings.api_key_times,
            unlimited=proxies,
        )
        for per_minute in (settings.photos_per_minute, settings.requests_per_minute)
    )
    return [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies.named()),
        Middleware(Gate, draining=draining, photos=photos, requests=others),
    ]


def _shared(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application for pages of the origins that the settings name, refusals included."""
    if not settings.cors_origins:
        return app
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST"),
        expose_headers=("Retry-After",),
    )
