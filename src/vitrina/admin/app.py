"""`/admin/`: the merchant's screens as one application, built when somebody asks for it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import catalogue, models, overview, review, signing_in, told
from vitrina.admin.screen_work import ScreenWork
from vitrina.admin.screens import Screens, static_files, static_version
from vitrina.admin.shop import AdminShop

_MEDIA_TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def create_admin(shop: AdminShop) -> Starlette:
    """The application, whose routes begin behind `/admin`."""
    screens = Screens(shop)
    work = ScreenWork(screens)

    async def not_there(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        key = "not_found" if error.status_code == 404 else "form"
        answer = screens.say(request, key, status=error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    return Starlette(
        routes=[
            *overview.routes(screens),
            *signing_in.routes(screens),
            *catalogue.routes(screens, work),
            *review.routes(screens),
            *models.routes(screens, work),
            *told.routes(screens),
            Route("/static/{version}/{name}", _static),
        ],
        exception_handlers={HTTPException: not_there},
    )


async def _static(request: Request) -> Response:
    """A style sheet; nobody needs to be signed in for it."""
    name = request.path_params["name"]
    content = static_files().get(name)
    if content is None:
        return Response(status_code=404)
    current = request.path_params["version"] == static_version()
    kept = "public, max-age=31536000, immutable" if current else "no-store"
    return Response(
        content,
        media_type=_MEDIA_TYPES[name.rpartition(".")[2]],
        headers={"Cache-Control": kept, "X-Content-Type-Options": "nosniff"},
    )
