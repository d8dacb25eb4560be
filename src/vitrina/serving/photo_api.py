"""`POST /v1/search/photo`: a shopper's photo in, the category and its goods out.

The route is Starlette's own and knows nothing of FastAPI, which `vitrina.serving.api` describes it
with: a server answers its first photo before FastAPI has been loaded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vitrina.photos import Pixels, decode, sniff
from vitrina.search.answers import CategoryGuess, Decision, FoundProduct, Language
from vitrina.serving import problems
from vitrina.serving.admission import Admission
from vitrina.serving.language import request_language
from vitrina.serving.observation import observed
from vitrina.serving.photo_load import load_of, pixels_of
from vitrina.serving.prices import Price
from vitrina.serving.served_experiment import Turn
from vitrina.serving.shop_state import ShopState
from vitrina.serving.upload import Uploads
from vitrina.store.product_search import ALL_GOODS, Filters


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


@dataclass(frozen=True)
class Answered:
    """What stands beside an answer and is not told to the shopper.

    Attributes:
        visitor: Who asked, as the page calls its browser; None where it did not say.
        experiment: Id of the experiment that the answer counts for; None for none.
        assigned: Version whose turn it was there.
        pixels: (224, 224, 3) uint8, what the network saw.
    """

    visitor: str | None
    experiment: str | None
    assigned: str | None
    pixels: Pixels


class PhotoQuery(BaseModel):
    """What an address may ask for besides the photo."""

    limit: Annotated[int, Field(ge=1, le=100)] | None = None
    lang: str = ""
    q: str = ""
    category: str = ""
    price_min: Price = None
    price_max: Price = None
    in_stock: bool = False
    visitor: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{16,64})?$")] = ""


class PhotoApi:
    """The route, bound to one shop.

    Args:
        state: The shop.
        admission: Who may use the slots.
        uploads: Bodies on their way.
        answered: Told of each answer, and of what stands beside it; it must not take its time.
    """

    def __init__(
        self,
        state: ShopState,
        admission: Admission,
        uploads: Uploads,
        answered: Callable[[PhotoResponse, Answered], None],
    ) -> None:
        self._state = state
        self._answered = answered
        self._admission = admission
        self._uploads = uploads
        # as many threads as slots: what waits, waits in `admission`
        self._threads = CapacityLimiter(admission.slots)

    async def search(self, request: Request) -> Response:
        """Finds the category that a photo shows, and its goods.

        Words and filters leave out goods that do not match them, before the nearest are chosen.
        The photo is kept in memory while it is looked at, and nowhere afterwards.
        """
        try:
            query = PhotoQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            return problems.invalid_query(error.errors(), request.scope)
        settings = self._state.settings
        asked = _Asked(
            request_language(request, query.lang, settings.language),
            settings.results if query.limit is None else query.limit,
            query.q,
            Filters(query.category or None, query.price_min, query.price_max, query.in_stock),
        )
        visitor = query.visitor or None
        # what a request begins with it keeps
        turn = self._state.photo_search_for(visitor)
        answer, pixels = await self._answer(request, turn, asked)
        noted = observed(request.scope)
        noted.decision, noted.query_id = answer.decision, answer.query_id
        noted.parts = answer.timings_ms.model_dump()
        self._answered(answer, Answered(visitor, turn.experiment, turn.assigned, pixels))
        return Response(answer.model_dump_json(), media_type="application/json")

    async def _answer(
        self, request: Request, turn: Turn, asked: _Asked
    ) -> tuple[PhotoResponse, Pixels]:
        upload = self._uploads.expect(request)
        load = load_of(_declared_kind(request), upload.declared)
        with upload, self._admission.admit(load) as place:
            photo = await upload.read()
            arrived = time.perf_counter()
            kind = sniff(photo)
            place.arrived(load_of(kind, len(photo), pixels_of(kind, photo)))
            # nothing more of the body comes, so the next thing to be told is that nobody waits
            gone = asyncio.ensure_future(request.receive())
            try:
                await place.slot(gone)
                return await to_thread.run_sync(
                    _answer,
                    self._state,
                    turn,
                    photo,
                    asked,
                    arrived,
                    gone.done,
                    limiter=self._threads,
                )
            finally:
                gone.cancel()


@dataclass(frozen=True)
class _Asked:
    """What is wanted besides the photo."""

    language: Language
    limit: int
    words: str
    filters: Filters

    @property
    def chooses(self) -> bool:
        """Whether words or filters leave any goods out."""
        return bool(self.words.strip()) or self.filters != ALL_GOODS


_KINDS = {
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heic",
    "image/avif": "avif",
}


def _declared_kind(request: Request) -> str:
    """The format that the headers name; the commonest where they name none."""
    return _KINDS.get(request.headers.get("content-type", "").lower(), "jpeg")


def _answer(
    state: ShopState,
    turn: Turn,
    photo: bytes,
    asked: _Asked,
    arrived: float,
    is_gone: Callable[[], bool],
) -> tuple[PhotoResponse, Pixels]:
    started = time.perf_counter()
    pixels = decode(photo, state.limits, state.heavy)
    decoded = time.perf_counter()
    if is_gone():
        raise ClientDisconnect
    within = state.text.matching(asked.words, asked.filters) if asked.chooses else None
    matched = time.perf_counter()
    found, by = turn.answer(pixels, language=asked.language, limit=asked.limit, within=within)
    answer, info = found.answer, by.bundle.info
    response = PhotoResponse(
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
    return response, pixels


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
