"""The one place where errors become HTTP: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from vitrina import errors
from vitrina.errors import TurnedAway, VitrinaError

STATUS: dict[type[VitrinaError], HTTPStatus] = {
    errors.EmptyPhoto: HTTPStatus.BAD_REQUEST,
    errors.NotAPhoto: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.PhotoTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.PhotoDimensions: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PhotoDamaged: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.QueryError: HTTPStatus.BAD_REQUEST,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooManyEvents: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.QueryForeign: HTTPStatus.FORBIDDEN,
    errors.TurnedAway: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RateExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UploadTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    errors.BundleError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AnswerInvalid: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ShopError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Status of each error class; a subclass that is not listed takes its parent's."""

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method"}

CODE = "vitrina.problem"
"""Where a request's scope holds the code of the problem that it was answered with."""

DETAIL = "vitrina.problem.detail"
"""Where it holds, for the log, what a problem of the server's own was."""


class Problem(BaseModel):
    """What every refusal says; `code` does not change, the sentences may."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's description says of the refusals that it may answer with."""
    # as content, not as FastAPI's model: that would describe them as application/json
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def problem(status: int, code: str, detail: str, hint: str = "") -> JSONResponse:
    """One problem document."""
    title = HTTPStatus(status).phrase
    content = {
        "type": "about:blank",
        "title": title,
        "status": int(status),
        "code": code,
        "detail": detail,
        "hint": hint,
    }
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE)


def answer_to(error: VitrinaError, scope: Scope) -> Response:
    """The problem document of one of our errors; also notes its code in `scope`."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    scope[CODE] = error.code
    if status >= 500 and not isinstance(error, TurnedAway):
        scope[DETAIL] = error.message
    answer = problem(status, error.code, error.message, error.hint)
    if isinstance(error, TurnedAway | errors.DatabaseAway):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def invalid_query(faults: Iterable[Mapping[str, Any]], scope: Scope) -> Response:
    """The problem document of parameters that are not what they must be.

    Args:
        faults: As pydantic lists them; `loc` ends with the parameter's name.
        scope: Of the request.
    """
    scope[CODE] = "query"
    said = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in faults)
    return problem(422, "query", said, "See /openapi.json for what each parameter accepts.")


# async, although they wait for nothing: others would be sent to a thread, which may be busy


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, VitrinaError)
    return answer_to(error, request.scope)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, sqlite3.Error)
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
        raise error  # a statement of ours is wrong
    fault = errors.ShopError(
        f"The shop's database cannot be read: {error}.",
        hint="Try again in a minute. Look whether vitrina.db is there, whole and readable.",
    )
    return answer_to(fault, request.scope)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "request")
    request.scope[CODE] = code
    answer = problem(
        error.status_code, code, str(error.detail), "See /openapi.json for what can be asked."
    )
    answer.headers.update(error.headers or {})
    return answer


async def _gone(request: Request, _error: Exception) -> Response:
    request.scope[CODE] = "gone"
    # nobody reads this; without it every broken upload would leave a trace in the log
    return Response(status_code=400)


async def _unexpected(request: Request, _error: Exception) -> Response:
    request.scope[CODE] = "internal"
    # the server's own handler logs the trace; nothing of it goes out
    return problem(500, "internal", "The server made a mistake.", "Try again in a minute.")


Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]

HANDLERS: Mapping[int | type[Exception], Handler] = {
    VitrinaError: _own,
    sqlite3.Error: _unreadable,
    HTTPException: _http,
    ClientDisconnect: _gone,
    Exception: _unexpected,
}
"""What answers to each kind of error, for any application of Starlette's kind."""
