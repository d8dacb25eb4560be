"""The catalogue over HTTP: search by words, categories, products and their pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel

from vitrina.errors import NotFound, RateExceeded
from vitrina.events.recorder import Recorder
from vitrina.photos import MEDIA_TYPES, SUFFIXES
from vitrina.search.answers import CategoryEntry, FoundProduct
from vitrina.serving import problems
from vitrina.serving.language import request_language
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.prices import Price
from vitrina.serving.rate_limit import Networks, RateLimit
from vitrina.serving.shop_state import ShopState
from vitrina.serving.shown_pictures import SIDES, ShownPictures
from vitrina.store.product_search import Filters
from vitrina.store.shown import picture_suffix

_TYPE_OF_SUFFIX = {suffix: MEDIA_TYPES[kind] for kind, suffix in SUFFIXES.items()}


class SearchResponse(BaseModel):
    """Goods that match words, and what events name this search by; null where it is not noted."""

    query_id: str | None
    products: list[FoundProduct]
    total: int
    next_cursor: str | None
    corrected: str | None


class CategoriesResponse(BaseModel):
    """All categories of the shop."""

    categories: list[CategoryEntry]


def create_router(state: ShopState, metrics: ServerMetrics, recorder: Recorder) -> APIRouter:
    """The routes, bound to one shop.

    Args:
        state: The shop.
        metrics: Where searches are counted.
        recorder: Where it is noted that shoppers search by words.
    """
    router = APIRouter(tags=["catalogue"], responses=problems.described(422, 429, 503))
    settings = state.settings
    noting = RateLimit(
        settings.events_per_minute,
        keys=settings.api_keys,
        key_times=settings.api_key_times,
        unlimited=Networks(settings.trusted_proxies),
    )

    # async, for clients are counted in the event loop alone
    async def is_noted(
        request: Request, q: str = "", cursor: str = "", counted: bool = True
    ) -> bool:
        # a list of all goods and its further pages are no search by words
        if not counted or not q.strip() or cursor:
            return False
        try:
            noting.check(request.scope)
        except RateExceeded:
            return False
        return True

    is_noted_there = Depends(is_noted)

    @router.get("/v1/search", responses=problems.described(400))
    def search(
        request: Request,
        q: str = "",
        category: str = "",
        price_min: Price = None,
        price_max: Price = None,
        in_stock: bool = False,
        limit: Annotated[int, Query(ge=1, le=100)] = settings.results,
        cursor: str = "",
        lang: str = "",
        noted: bool = is_noted_there,
    ) -> SearchResponse:
        """Goods that match all words of `q`; where none does, those that match most of them.

        The first page for words has a `query_id` that events may name. `counted=false`: this is no
        search of its own, such as another filter for the same words, or a monitor's question.
        """
        started = time.perf_counter()
        found = state.text.search(
            q,
            language=request_language(request, lang, settings.language),
            limit=limit,
            filters=Filters(category or None, price_min, price_max, in_stock),
            cursor=cursor or None,
        )
        metrics.text_answered(found.total, corrected=found.corrected is not None)
        query_id = None
        if noted:
            spent = round((time.perf_counter() - started) * 1e3, 2)
            query_id = recorder.words_answered(found=found.total > 0, milliseconds=spent)
        return SearchResponse(
            query_id=query_id,
            products=list(found.products),
            total=found.total,
            next_cursor=found.next_cursor,
            corrected=found.corrected,
        )

    @router.get("/v1/categories")
    def categories(request: Request, lang: str = "") -> CategoriesResponse:
        """All categories that have goods."""
        language = request_language(request, lang, state.settings.language)
        return CategoriesResponse(categories=state.text.categories(language))

    @router.get("/v1/products/{sku:path}", responses=problems.described(404))
    def product(request: Request, sku: str, article: str = "", lang: str = "") -> FoundProduct:
        """One product by its article; `.` and `..`, which are no part of a path, as `?article=`."""
        language = request_language(request, lang, state.settings.language)
        return state.text.product(sku or article, language)

    @router.api_route("/photos/{sha256}", methods=["GET", "HEAD"], include_in_schema=False)
    def picture(sha256: str) -> FileResponse:
        """A picture of the catalogue; its name is its content, so it may be kept for ever."""
        return _sent(_original(state, sha256))

    shown = ShownPictures(state.folder)

    @router.api_route("/photos/{sha256}/{side}", methods=["GET", "HEAD"], include_in_schema=False)
    def smaller(sha256: str, side: str) -> FileResponse:
        """The same picture as pages show it: WebP, its longer side as the address says."""
        if side not in map(str, SIDES):
            raise NotFound("There is no such size.", hint="Reload the page.")
        path, stays = shown.find(_original(state, sha256), sha256, int(side))
        return _sent(path, stays=stays)

    return router


def _original(state: ShopState, sha256: str) -> Path:
    with state.database.asking() as connection:
        suffix = picture_suffix(connection, sha256)
    path = state.folder.photo(sha256, suffix) if suffix else None
    if path is None or not path.is_file():
        raise NotFound("There is no such picture.", hint="Reload the page.")
    return path


def _sent(path: Path, *, stays: bool = True) -> FileResponse:
    kept = "public, max-age=31536000, immutable" if stays else "no-store"
    return FileResponse(
        path, media_type=_TYPE_OF_SUFFIX[path.suffix], headers={"Cache-Control": kept}
    )
