"""The catalogue over HTTP: search by words, categories, products and their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel

from vitrina.errors import NotFound
from vitrina.photos import MEDIA_TYPES, SUFFIXES
from vitrina.search.answers import CategoryEntry, FoundProduct, TextAnswer
from vitrina.serving import problems
from vitrina.serving.language import request_language
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.prices import Price
from vitrina.serving.shop_state import ShopState
from vitrina.serving.shown_pictures import SIDES, ShownPictures
from vitrina.store.product_search import Filters
from vitrina.store.shown import picture_suffix

_TYPE_OF_SUFFIX = {suffix: MEDIA_TYPES[kind] for kind, suffix in SUFFIXES.items()}


class CategoriesResponse(BaseModel):
    """All categories of the shop."""

    categories: list[CategoryEntry]


def create_router(state: ShopState, metrics: ServerMetrics) -> APIRouter:
    """The routes, bound to one shop; searches are counted in `metrics`."""
    router = APIRouter(tags=["catalogue"], responses=problems.described(422, 429, 503))

    @router.get("/v1/search", responses=problems.described(400))
    def search(
        request: Request,
        q: str = "",
        category: str = "",
        price_min: Price = None,
        price_max: Price = None,
        in_stock: bool = False,
        limit: Annotated[int, Query(ge=1, le=100)] = state.settings.results,
        cursor: str = "",
        lang: str = "",
    ) -> TextAnswer:
        """Goods that match all words of `q`; where none does, those that match most of them."""
        found = state.text.search(
            q,
            language=request_language(request, lang, state.settings.language),
            limit=limit,
            filters=Filters(category or None, price_min, price_max, in_stock),
            cursor=cursor or None,
        )
        metrics.text_answered(found.total, corrected=found.corrected is not None)
        return found

    @router.get("/v1/categories")
    def categories(request: Request, lang: str = "") -> CategoriesResponse:
        """All categories that have goods."""
        language = request_language(request, lang, state.settings.language)
        return CategoriesResponse(categories=state.text.categories(language))

    @router.get("/v1/products/{sku:path}", responses=problems.described(404))
    def product(request: Request, sku: str, lang: str = "") -> FoundProduct:
        """One product by its article."""
        language = request_language(request, lang, state.settings.language)
        return state.text.product(sku, language)

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
        return _sent(shown.find(_original(state, sha256), sha256, int(side)))

    return router


def _original(state: ShopState, sha256: str) -> Path:
    with state.database.asking() as connection:
        suffix = picture_suffix(connection, sha256)
    path = state.folder.photo(sha256, suffix) if suffix else None
    if path is None or not path.is_file():
        raise NotFound("There is no such picture.", hint="Reload the page.")
    return path


def _sent(path: Path) -> FileResponse:
    return FileResponse(
        path,
        media_type=_TYPE_OF_SUFFIX[path.suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
