"""`POST /v1/search/photo`: a shopper's photo in, the category and its goods out."""

from __future__ import annotations

import time
from typing import Annotated
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from vitrina.photos import decode
from vitrina.search.answers import CategoryGuess, Decision, FoundProduct, Language
from vitrina.search.engine import PhotoSearch
from vitrina.serving import problems
from vitrina.serving.catalogue_api import Price
from vitrina.serving.language import request_language
from vitrina.serving.shop_state import ShopState
from vitrina.serving.upload import read_photo
from vitrina.store.product_search import Filters


class Timings(BaseModel):
    """Milliseconds of each part of the work, from the moment the whole photo had arrived."""

    queue: float
    decode: float
    infer: float
    search: float
    total: float


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str


class PhotoResponse(BaseModel):
    """The answer to a photo."""

    query_id: str
    decision: Decision
    category: CategoryGuess | None
    alternatives: list[CategoryGuess]
    products: list[FoundProduct]
    timings_ms: Timings
    model: ModelName


def create_router(state: ShopState) -> APIRouter:
    """The route, bound to one shop."""
    router = APIRouter(prefix="/v1", tags=["search"])
    slots = CapacityLimiter(state.settings.slots)

    @router.post(
        "/search/photo",
        responses=problems.described(400, 413, 415, 422, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    kind: {"schema": {"type": "string", "format": "binary"}}
                    for kind in ("image/jpeg", "image/png", "image/webp")
                }
                | {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["photo"],
                            "properties": {"photo": {"type": "string", "format": "binary"}},
                        }
                    }
                },
            }
        },
    )
    async def search_photo(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=100)] = state.settings.results,
        lang: str = "",
        q: str = "",
        category: str = "",
        price_min: Price = None,
        price_max: Price = None,
        in_stock: bool = False,
    ) -> PhotoResponse:
        """Finds the category that a photo shows, and its goods.

        Words and filters leave out goods that do not match them, before the nearest are chosen.
        The photo is kept in memory while it is looked at, and nowhere afterwards.
        """
        search = state.photo_search()
        photo = await read_photo(request, state.limits.max_bytes)
        language = request_language(request, lang, state.settings.language)
        filters = Filters(category or None, price_min, price_max, in_stock)
        arrived = time.perf_counter()
        return await to_thread.run_sync(
            _answer, state, search, photo, language, limit, q, filters, arrived, limiter=slots
        )

    return router


def _answer(
    state: ShopState,
    search: PhotoSearch,
    photo: bytes,
    language: Language,
    limit: int,
    words: str,
    filters: Filters,
    arrived: float,
) -> PhotoResponse:
    started = time.perf_counter()
    pixels = decode(photo, state.limits)
    decoded = time.perf_counter()
    within = state.text.matching(words, filters)
    matched = time.perf_counter()
    found = search.search(pixels, language=language, limit=limit, within=within)
    answer, info = found.answer, search.bundle.info
    return PhotoResponse(
        query_id=uuid4().hex,
        decision=answer.decision,
        category=answer.category,
        alternatives=list(answer.alternatives),
        products=list(answer.products),
        timings_ms=Timings(
            queue=_ms(started - arrived),
            decode=_ms(decoded - started),
            infer=round(found.infer_ms, 2),
            search=round(found.search_ms + (matched - decoded) * 1e3, 2),
            total=_ms(time.perf_counter() - arrived),
        ),
        model=ModelName(name=info.backbone, version=info.version),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
