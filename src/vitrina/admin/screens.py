"""What all screens share: who is let in, in which language, and how a page is written.

Pages work without JavaScript: there is none, and their policy forbids it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vitrina.admin import accounts, sessions
from vitrina.admin.forms import TOKEN_FIELD, read_form
from vitrina.admin.sessions import Session
from vitrina.admin.shop import AdminShop
from vitrina.admin.texts import clock, day, lasting, money, number, percent, share, texts
from vitrina.errors import AdminRefused, RateExceeded, ShopError, VitrinaError
from vitrina.store.shown import CategoryRecord
from vitrina.storefront.texts import LANGUAGES, choose_language

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # what the shop's owner sees shall not lie about on a shared computer
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

HOME = "/admin/"
_SESSION = "vitrina_admin"
_LANGUAGE = "vitrina_admin_language"
_YEAR_S = 365 * 86400
_OWN_PLACE = re.compile(r"/admin/[a-z0-9/_-]*(\?[a-z0-9=&_-]*)?")

Shown = Callable[[Request, Session], Response]
Posted = Callable[[Request, Session, Mapping[str, str]], Response]


@dataclass(frozen=True)
class Screens:
    """The screens of one shop.

    Attributes:
        shop: Whose.
    """

    shop: AdminShop

    def show(self, handler: Shown) -> Callable[[Request], Any]:
        """A page for those who are signed in; others are asked to sign in first."""

        def answer(request: Request) -> Response:
            try:
                session = self.session(request)
                if session is None:
                    return self._ask_in(request)
                return handler(request, session)
            except VitrinaError as error:
                return self.refuse(request, error)

        async def endpoint(request: Request) -> Response:
            return await to_thread.run_sync(answer, request)

        return endpoint

    def post(self, handler: Posted) -> Callable[[Request], Any]:
        """A form of those who are signed in; one that another site made is refused."""

        def answer(request: Request, form: Mapping[str, str]) -> Response:
            try:
                session = self.session(request)
                if session is None:
                    return self.say(request, "session_ended", status=401, link=f"{HOME}login")
                self.require_form(request, form)
                return handler(request, session, form)
            except VitrinaError as error:
                return self.refuse(request, error)

        async def endpoint(request: Request) -> Response:
            try:
                form = await read_form(request)
            except VitrinaError as error:
                return self.refuse(request, error)
            return await to_thread.run_sync(answer, request, form)

        return endpoint

    def session(self, request: Request) -> Session | None:
        """Who asks; None where nobody is signed in."""
        return sessions.find(self.shop.database, self.cookie(request))

    def cookie(self, request: Request) -> str:
        """What the browser holds, whether or not anybody is signed in with it."""
        return request.cookies.get(_SESSION, "")[:100]

    def require_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Makes sure that a form was made for this very browser.

        Raises:
            AdminRefused: it was not.
        """
        if not sessions.is_form_token(form.get(TOKEN_FIELD, ""), self.cookie(request)):
            raise AdminRefused(
                "This form was made for another session.", hint="Open its page again."
            )

    def keep(self, request: Request, answer: Response, token: str) -> None:
        """Has the browser hold a token; an empty one takes it away."""
        answer.set_cookie(
            _SESSION,
            token,
            max_age=sessions.LONGEST_S if token else 0,
            path=HOME,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def render(
        self,
        request: Request,
        template: str,
        session: Session | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """A page.

        Args:
            request: In whose language.
            template: Its file.
            session: Who sees it; without one there is no menu.
            status: Of HTTP.
            values: What the template shows.
        """
        language = self.language(request)
        static = f"{HOME}static/{static_version()}"
        html = (
            _environment()
            .get_template(template)
            .render(
                t=texts(language),
                language=language,
                languages=[one for one in LANGUAGES if one != language],
                here=request.url.path,
                query=dict(request.query_params),
                shop=self.shop.folder.settings.name,
                session=session,
                static=static,
                home=HOME,
                token_field=TOKEN_FIELD,
                form_token=session.form_token if session else values.pop("form_token", ""),
                **_words(language),
                **values,
            )
        )
        answer = HTMLResponse(html, status, headers={**HEADERS, "Content-Language": language})
        if request.query_params.get("lang") in LANGUAGES:
            answer.set_cookie(
                _LANGUAGE, language, max_age=_YEAR_S, path=HOME, httponly=True, samesite="strict",
                secure=request.url.scheme == "https",
            )  # fmt: skip
        return answer

    def language(self, request: Request) -> str:
        """That was asked for, now or before; else the browser's, else the shop's."""
        asked = request.query_params.get("lang", "") or request.cookies.get(_LANGUAGE, "")
        accept = request.headers.get("accept-language", "")
        return choose_language(asked, accept, self.shop.folder.settings.language)

    def say(
        self,
        request: Request,
        key: str,
        *,
        session: Session | None = None,
        status: int,
        link: str = HOME,
        detail: str = "",
        **values: str,
    ) -> Response:
        """A page of one sentence, `say_<key>`, and where to go from there."""
        sentence = texts(self.language(request))[f"say_{key}"].format(**values)
        return self.render(
            request, "say.html", session, status=status, sentence=sentence, link=link, detail=detail
        )

    def refuse(self, request: Request, error: VitrinaError) -> Response:
        """A page for what cannot be done."""
        if isinstance(error, RateExceeded):
            minutes = str(max(1, round(error.retry_after / 60)))
            answer = self.say(request, "rate", status=429, link=f"{HOME}login", minutes=minutes)
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        if isinstance(error, AdminRefused):
            return self.say(request, "refused", status=403)
        if isinstance(error, ShopError):
            return self.say(request, "trouble", status=503, detail=f"{error.message} {error.hint}")
        key = {"not_found": "not_found", "body_too_large": "too_large"}.get(error.code, "form")
        status = {"not_found": 404, "too_large": 413}.get(key, 400)
        return self.say(request, key, status=status)

    def _ask_in(self, request: Request) -> Response:
        if not accounts.names(self.shop.database):
            return self.say(request, "off", status=404, link="/")
        place = request.url.path
        if request.url.query:
            place += f"?{request.url.query}"
        return RedirectResponse(
            f"{HOME}login?{urlencode({'next': own_place(place)})}", 303, headers=HEADERS
        )


def own_place(asked: str) -> str:
    """Where to go after signing in: a screen, whatever an address asks for."""
    return asked if _OWN_PLACE.fullmatch(asked) else HOME


def to(place: str) -> RedirectResponse:
    """Answers a form that was heard: the browser goes on to a page, which may be loaded again."""
    return RedirectResponse(place, 303, headers=HEADERS)


@cache
def static_files() -> Mapping[str, bytes]:
    """Style sheets: the shop page's own, and what the screens need beside it."""
    return {
        "storefront.css": _file("vitrina.storefront", "storefront.css"),
        "admin.css": _file("vitrina.admin", "admin.css"),
        "icon.svg": _file("vitrina.storefront", "icon.svg"),
    }


@cache
def static_version() -> str:
    """A short name for exactly these files."""
    return hashlib.sha256(b"".join(static_files().values())).hexdigest()[:12]


def _file(package: str, name: str) -> bytes:
    return resources.files(package).joinpath("static", name).read_bytes()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("vitrina.admin"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _named(category: CategoryRecord, language: str, *, path: bool) -> str:
    """A category in the language of the page, where the catalogue has it in that.

    Args:
        category: Which.
        language: "ru" or "en".
        path: With those above it, of which only the shop's own names are known.
    """
    own = category.name
    name = (category.name_en if language == "en" else None) or own
    above = category.path.removesuffix(own)
    return f"{above}{name}" if path and category.path.endswith(own) else name


def _words(language: str) -> dict[str, Callable[..., str]]:
    """How numbers and moments are written in a language."""
    return {
        "number": lambda value, digits=0: number(value, language, digits),
        "money": lambda minor, currency: money(minor, currency, language),
        "share": lambda part, whole: share(part, whole, language),
        "percent": lambda value, digits=1: percent(value, language, digits),
        "day": lambda moment: day(moment, language),
        "lasting": lambda hours: lasting(hours, language),
        "clock": lambda moment: clock(moment, language),
        "named": lambda category, path=False: _named(category, language, path=path),
    }
