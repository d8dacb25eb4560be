"""The one place where errors become HTTP: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from vitrina import errors
from vitrina.errors import VitrinaError

STATUS: dict[type[VitrinaError], HTTPStatus] = {
    errors.EmptyPhoto: HTTPStatus.BAD_REQUEST,
    errors.NotAPhoto: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.PhotoTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.PhotoDimensions: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PhotoDamaged: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.QueryError: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.BundleError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ShopError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Status of each error class; a subclass that is not listed takes its parent's."""

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method", 413: "photo_too_large"}

logger = logging.getLogger("vitrina.serving")


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
    # said here too: the answer to a mistake of the server passes by every middleware
    headers = {"X-Content-Type-Options": "nosniff"}
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Has every error of `app` answered as a problem document."""

    @app.exception_handler(VitrinaError)
    def own(_request: Request, error: VitrinaError) -> Response:
        status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
        if status >= 500:
            logger.error("%s: %s", error.code, error.message)
        return problem(status, error.code, error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}"
            for fault in error.errors()
        )
        return problem(422, "query", faults, "See /openapi.json for what each parameter accepts.")

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "request")
        answer = problem(
            error.status_code, code, str(error.detail), "See /openapi.json for what can be asked."
        )
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientDisconnect)
    def gone(_request: Request, _error: ClientDisconnect) -> Response:
        # nobody reads this; without it every broken upload would leave a trace in the log
        return Response(status_code=400)

    @app.exception_handler(Exception)
    def unexpected(_request: Request, error: Exception) -> Response:
        # the server's own handler logs the trace; nothing of it goes out
        del error
        return problem(500, "internal", "The server made a mistake.", "Try again in a minute.")
