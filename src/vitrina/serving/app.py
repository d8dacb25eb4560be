"""The one place where API, page and errors meet."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import asdict
from typing import cast

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vitrina.errors import VitrinaError
from vitrina.folder import ShopFolder
from vitrina.search.answers import FoundProduct, Language
from vitrina.search.loaded import LoadedBundle
from vitrina.serving import catalogue_api, photo_api, problems
from vitrina.serving.shop_state import ShopState, load_shop
from vitrina.store.product_search import Filters
from vitrina.storefront.pages import Findings, Goods, Shelf, ShopFront
from vitrina.storefront.pages import create_router as create_pages
from vitrina.version import __version__


def create_app(
    folder: ShopFolder,
    bundle: str | None = None,
    loading: Future[LoadedBundle] | None = None,
) -> FastAPI:
    """A server for one shop, with everything loaded.

    Args:
        folder: The shop.
        bundle: Version to serve instead of the active one.
        loading: That bundle, where somebody has begun to load it.

    Raises:
        ShopVersion: its database is missing or of another version.
        BundleError: the bundle that was named cannot be served.
    """
    state = load_shop(folder, bundle, loading)
    app = FastAPI(
        title=f"{state.settings.name}: search by photo",
        version=__version__,
        # both pages would have the browser load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    app.include_router(photo_api.create_router(state))
    app.include_router(catalogue_api.create_router(state))
    app.include_router(create_pages(_shop_front(state)))

    app.add_middleware(_NoSniff)

    @app.get("/healthz", tags=["operation"])
    def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"], responses=problems.described(503))
    def readyz() -> Response:
        """Photos can be searched; if not, why."""
        if state.not_ready is not None:
            return problems.problem(
                503, state.not_ready.code, state.not_ready.message, state.not_ready.hint
            )
        return JSONResponse(
            {"status": "ready", "version": state.photo_search().bundle.info.version}
        )

    return app


class _NoSniff:
    """Every answer says that its content type is meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        await self._app(scope, receive, send_marked)


def _shop_front(state: ShopState) -> ShopFront:
    """What the page sees of the shop: the answers of the API, without HTTP between them."""

    def find(words: str, category: str | None, language: str, cursor: str | None) -> Findings:
        try:
            found = state.text.search(
                words,
                language=cast(Language, language),
                limit=state.settings.results,
                filters=Filters(category=category),
                cursor=cursor,
            )
        except VitrinaError as error:
            return Findings(problem=error.code)
        return Findings(
            [_goods(one) for one in found.products],
            found.total,
            found.next_cursor,
            corrected=found.corrected or "",
        )

    def categories(language: str) -> list[Shelf]:
        entries = state.text.categories(cast(Language, language))
        return [Shelf(**asdict(entry)) for entry in entries]

    return ShopFront(state.settings.name, state.settings.language, find, categories)


def _goods(product: FoundProduct) -> Goods:
    shown = asdict(product)
    del shown["similarity"]
    return Goods(**shown)
