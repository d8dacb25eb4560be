"""Signing in and out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import accounts, audit, sessions
from vitrina.admin.forms import read_form
from vitrina.admin.screens import HOME, Screens, own_place, to
from vitrina.admin.sessions import Session
from vitrina.errors import AdminRefused, VitrinaError

_LONGEST_NAME = 40


def routes(screens: Screens) -> list[Route]:
    """The page that asks for a password, and what hears it."""
    database = screens.shop.database

    def ask(request: Request) -> Response:
        try:
            if not accounts.names(database):
                return screens.say(request, "off", status=404, link="/")
            if screens.session(request) is not None:
                return to(HOME)
            place = own_place(request.query_params.get("next", HOME))
            return _page(screens, request, place)
        except VitrinaError as error:
            return screens.refuse(request, error)

    async def hear(request: Request) -> Response:
        try:
            form = await read_form(request)
            screens.shop.count_try(request.scope)
        except VitrinaError as error:
            return screens.refuse(request, error)
        return await to_thread.run_sync(check, request, form)

    def check(request: Request, form: Mapping[str, str]) -> Response:
        name = form.get("name", "").strip().lower()[:_LONGEST_NAME]
        place = own_place(form.get("next", HOME))
        try:
            if not accounts.names(database):
                return screens.say(request, "off", status=404, link="/")
            screens.require_form(request, form)
            accounts.require_password(database, name, form.get("password", ""))
            # never the token that the browser came with: somebody may have put it there
            token = sessions.begin(database, name)
            audit.note(database, name, "login")
            screens.shop.forget_tries(request.scope)
        except AdminRefused:
            audit.note(database, name, "login_failed")
            return _page(screens, request, place, name=name, wrong=True)
        except VitrinaError as error:
            return screens.refuse(request, error)
        answer = to(place)
        screens.keep(request, answer, token)
        return answer

    def leave(request: Request, session: Session, _form: Mapping[str, str]) -> Response:
        sessions.end(database, screens.cookie(request))
        audit.note(database, session.name, "logout")
        answer = to(f"{HOME}login")
        screens.keep(request, answer, "")
        return answer

    async def login(request: Request) -> Response:
        if request.method == "POST":
            return await hear(request)
        return await to_thread.run_sync(ask, request)

    return [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", screens.post(leave), methods=["POST"]),
    ]


def _page(
    screens: Screens, request: Request, place: str, *, name: str = "", wrong: bool = False
) -> Response:
    # Before anybody is signed in the form's token goes with a cookie that lets nobody in.
    token = screens.cookie(request) or secrets.token_urlsafe(32)
    answer = screens.render(
        request,
        "login.html",
        status=403 if wrong else 200,
        form_token=sessions.form_token(token),
        name=name or accounts.USUAL_NAME,
        place=place,
        wrong=wrong,
    )
    screens.keep(request, answer, token)
    return answer
