"""Pages that only tell: what was done, and what is set."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import audit
from vitrina.admin.figures import as_local
from vitrina.admin.screens import Screens
from vitrina.admin.sessions import Session
from vitrina.admin.texts import texts
from vitrina.settings import Settings

_SECRET = ("api_keys",)


def routes(screens: Screens) -> list[Route]:
    """The audit log and the settings."""
    shop = screens.shop

    def log(request: Request, session: Session) -> Response:
        asked = request.query_params.get("before", "")
        before = int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 18 else None
        entries = audit.latest(shop.database, before)
        return screens.render(
            request,
            "audit.html",
            session,
            entries=entries,
            local=as_local,
            older=entries[-1].id if len(entries) == audit.SHOWN else None,
        )

    def settings(request: Request, session: Session) -> Response:
        language = screens.language(request)
        return screens.render(
            request,
            "settings.html",
            session,
            settings=shown_settings(shop.folder.settings, language),
        )

    return [Route("/log", screens.show(log)), Route("/settings", screens.show(settings))]


def shown_settings(settings: Settings, language: str) -> list[tuple[str, str, str, bool]]:
    """Name, value, what it is for, and whether it is the default's, of every setting."""
    t = texts(language)
    shown = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        written = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, bool):
            written = t["yes" if value else "no"]
        elif name in _SECRET:
            written = t["secret_count"].format(count=len(value))
        elif "://" in written:
            # who signs in to a database, and how, is nothing to show
            written = re.sub(r"//[^@/]*@", "//…@", written)
        shown.append(
            (
                name,
                written or "—",
                t.get(f"setting_{name}", field.description or ""),
                value == field.default,
            )
        )
    return shown
