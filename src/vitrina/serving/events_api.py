"""`POST /v1/events`: what a shopper did with the answer to a photo."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import JSONResponse, Response

from vitrina.errors import RateExceeded
from vitrina.events.recorder import Recorder
from vitrina.events.sent import Kind, SentEvent
from vitrina.serving import metrics as families
from vitrina.serving import problems
from vitrina.serving.gate import EVENTS_ROUTE
from vitrina.serving.metrics import ServerMetrics
from vitrina.serving.rate_limit import Networks, RateLimit
from vitrina.settings import Settings
from vitrina.small_body import read_small

MOST_BYTES = 16_384
MOST_EVENTS = 20

_EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
_Visitor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Event(BaseModel):
    """One thing that a shopper did."""

    model_config = ConfigDict(extra="forbid")

    id: _EventId
    kind: Kind
    category: _Name | None = None
    sku: _Name | None = None
    position: Annotated[int, Field(ge=1, le=10_000)] | None = None
    value: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)] | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None


class EventBatch(BaseModel):
    """What happened with one answer; sent again it counts once, and the order does not matter."""

    model_config = ConfigDict(extra="forbid")

    query_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    visitor: _Visitor | None = None
    events: Annotated[list[Event], Field(min_length=1, max_length=MOST_EVENTS)]


class EventsTaken(BaseModel):
    """How many events were taken, those that had come before included."""

    status: Literal["taken"] = "taken"
    events: int


class EventsApi:
    """The route, bound to one shop.

    Args:
        settings: Of the shop.
        recorder: Keeps the events.
        metrics: Where they are counted.
    """

    def __init__(self, settings: Settings, recorder: Recorder, metrics: ServerMetrics) -> None:
        self._settings = settings
        self._recorder = recorder
        self._metrics = metrics
        self._limit = RateLimit(
            settings.events_per_minute,
            keys=settings.api_keys,
            key_times=settings.api_key_times,
            unlimited=Networks(settings.trusted_proxies),
        )

    async def take(self, request: Request) -> Response:
        """Takes what a shopper did with the answer to a photo: a small batch of events.

        An event whose id came before within the same query changes nothing. The body is JSON
        whatever its Content-Type says, so that `navigator.sendBeacon` can send it.
        """
        self._require_rate(request)
        body = await read_small(request, MOST_BYTES)
        try:
            batch = EventBatch.model_validate_json(body)
        except ValidationError as error:
            faults = error.errors(include_input=False)
            named = [{**fault, "loc": fault["loc"] or ("body",)} for fault in faults]
            return problems.invalid_query(named, request.scope)
        events = [_sent(one, self._settings.currency) for one in batch.events]
        await to_thread.run_sync(
            partial(self._recorder.take, batch.query_id, batch.visitor, events)
        )
        for one in events:
            self._metrics.count(families.EVENTS, one.kind)
        return JSONResponse(EventsTaken(events=len(events)).model_dump(), status_code=202)

    def _require_rate(self, request: Request) -> None:
        try:
            self._limit.check(request.scope)
        except RateExceeded as error:
            raise RateExceeded(
                "You have sent too many batches of events.",
                hint="Send several events in one batch, after the seconds that Retry-After says.",
                retry_after=error.retry_after,
            ) from None


def describe(api: FastAPI, events: EventsApi) -> None:
    """Adds the route to an application and to its description."""
    schema = EventBatch.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    # one piece: nothing else refers to an event
    schema["properties"]["events"]["items"] = parts["Event"]

    @api.post(
        EVENTS_ROUTE,
        tags=["events"],
        status_code=202,
        description=events.take.__doc__,
        response_model=EventsTaken,
        responses=problems.described(403, 404, 408, 413, 422, 429, 503),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
        },
    )
    async def send_events(request: Request) -> Response:
        return await events.take(request)


def _sent(event: Event, currency: str) -> SentEvent:
    value = None if event.value is None else int(event.value * 100)
    return SentEvent(
        id=event.id,
        kind=event.kind,
        category=event.category,
        sku=event.sku,
        position=event.position,
        value_minor=value,
        currency=None if value is None else event.currency or currency,
    )
