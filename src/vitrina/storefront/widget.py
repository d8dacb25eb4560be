"""`/widget.js`: search by photo in a shop's own page, which is of another origin.

One plain file, sent as it lies in `static/`. The pages that use it are not ours, so its address
never changes and browsers ask again after minutes: an upgrade reaches every shop by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request
from starlette.responses import Response

MAX_AGE = 600
"""Seconds that a browser uses the script without asking whether it has changed."""

_HEADERS = {
    "Cache-Control": f"public, max-age={MAX_AGE}, stale-while-revalidate=86400",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    # Any page may load it, also one that asks for `crossorigin`: there is nothing secret in it.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


@dataclass(frozen=True)
class _Encoded:
    """The script as one kind of client gets it."""

    content: bytes
    headers: dict[str, str]


def create_router() -> APIRouter:
    """The route of the script that shops embed."""
    router = APIRouter(include_in_schema=False)

    # async, although it waits for nothing: what every page of a shop asks for needs no thread
    @router.api_route("/widget.js", methods=["GET", "HEAD"])
    async def widget(request: Request) -> Response:
        """The script, or word that the browser has it already."""
        accepted = request.headers.get("accept-encoding", "")
        script = _script(compressed=_accepts_gzip(accepted))
        known = request.headers.get("if-none-match", "")
        if script.headers["ETag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=script.headers)
        return Response(
            script.content, media_type="text/javascript; charset=utf-8", headers=script.headers
        )

    return router


@cache
def _script(*, compressed: bool) -> _Encoded:
    """The script and its headers, made ready with the first page that asks."""
    import hashlib

    content = resources.files("vitrina.storefront").joinpath("static", "widget.js").read_bytes()
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    if not compressed:
        return _Encoded(content, {**_HEADERS, "ETag": f'"{fingerprint}"'})
    # Imported only here: what the first answer to a photo waits for does not need it.
    import gzip

    return _Encoded(
        gzip.compress(content, mtime=0),
        {**_HEADERS, "ETag": f'"{fingerprint}-gzip"', "Content-Encoding": "gzip"},
    )


def _accepts_gzip(accepted: str) -> bool:
    for part in accepted.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
