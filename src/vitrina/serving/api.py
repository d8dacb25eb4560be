"""All routes but the photo's, and the description of all of them.

It is built by FastAPI, which takes a fifth of a server's start to load: `vitrina.serving.app` does
so once photos can be searched.
"""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from vitrina.events.recorder import Recorder
from vitrina.photos import MEDIA_TYPES
from vitrina.serving import catalogue_api, events_api, problems
from vitrina.serving.admin_wiring import admin_routes
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.monitoring import metrics_route
from vitrina.serving.photo_api import PhotoApi, PhotoQuery, PhotoResponse
from vitrina.serving.readiness import Readiness
from vitrina.serving.shop_front import shop_front
from vitrina.serving.shop_state import ShopState
from vitrina.storefront.pages import Pages
from vitrina.storefront.pages import create_router as create_pages
from vitrina.storefront.widget import create_router as create_widget
from vitrina.version import __version__


def create_api(
    state: ShopState,
    photos: PhotoApi,
    metrics: ServerMetrics,
    readiness: Readiness,
    recorder: Recorder,
) -> FastAPI:
    """The application behind the photo's route.

    Args:
        state: The shop.
        photos: What answers to photos.
        metrics: Where searches are counted.
        readiness: Says whether photos can be searched.
        recorder: Takes what pages tell of their shoppers.
    """
    pages = Pages(shop_front(state, metrics))

    async def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and _wants_page(request):
            request.scope[problems.CODE] = "not_found"
            return await to_thread.run_sync(pages.missing, request)
        return await problems.HANDLERS[HTTPException](request, error)

    api = FastAPI(
        title=f"{state.settings.name}: search by photo",
        version=__version__,
        # both pages would have the browser load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        # it would send the client to whatever host the request names
        redirect_slashes=False,
        exception_handlers={
            **problems.HANDLERS,
            HTTPException: missing,
            RequestValidationError: _invalid,
        },
    )
    _describe_photos(api, photos)
    api.include_router(catalogue_api.create_router(state, metrics, recorder))
    events_api.describe(api, events_api.EventsApi(state.settings, recorder, metrics))
    api.include_router(create_pages(pages))
    api.include_router(create_widget())
    api.router.routes.append(metrics_route(metrics, state, readiness))
    api.router.routes.extend(admin_routes(state, metrics, recorder))

    # async, although they wait for nothing: they must answer also where all threads are busy
    @api.get("/healthz", tags=["operation"])
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @api.get("/readyz", tags=["operation"], responses=problems.described(503))
    async def readyz(request: Request) -> Response:
        """Photos can be searched; if not, or not with the bundle that is active, why."""
        if (problem := await readiness.problem()) is not None:
            return problems.answer_to(problem, request.scope)
        return JSONResponse(state.served.status().told())

    return api


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problems.invalid_query(error.errors(), request.scope)


def _describe_photos(api: FastAPI, photos: PhotoApi) -> None:
    kinds = {
        kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()
    }
    form = {
        "schema": {
            "type": "object",
            "required": ["photo"],
            "properties": {"photo": {"type": "string", "format": "binary"}},
        }
    }

    @api.post(
        "/v1/search/photo",
        tags=["search"],
        description=photos.search.__doc__,
        response_model=PhotoResponse,
        responses=problems.described(400, 408, 413, 415, 422, 429, 503),
        openapi_extra={
            "requestBody": {"required": True, "content": kinds | {"multipart/form-data": form}}
        },
    )
    async def search_photo(request: Request, query: Annotated[PhotoQuery, Query()]) -> Response:
        del query  # described here, read there
        return await photos.search(request)


def _wants_page(request: Request) -> bool:
    """Whether a person's browser asks, and not a program."""
    readable = "text/html" in request.headers.get("accept", "")
    return readable and request.method in ("GET", "HEAD") and request.url.path[:4] != "/v1/"
