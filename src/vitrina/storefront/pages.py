"""The shop's pages, rendered on the server, and the plain files that they need.

They know the shop only through the `ShopFront` that they are given: not the database, not the
network, not the search. Without JavaScript they answer text search; with it, everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from vitrina.storefront.front import Findings, Shelf, ShopFront, Wanted
from vitrina.storefront.texts import LANGUAGES, choose_language, texts
from vitrina.storefront.written import (
    amount,
    format_price,
    product_address,
    safe_address,
    sized,
)

if TYPE_CHECKING:
    from jinja2 import Environment

QUERY_CHARACTERS = 200  # a longer query is no search; the text box stops there too

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # The address holds what the shopper looks for: that is nobody else's business.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Language",
}

_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

SHELVES_SHOWN = 8
"""Categories that are shown before somebody asks for all of them."""


@dataclass(frozen=True)
class _StaticFile:
    content: bytes
    media_type: str


@cache
def _environment() -> Environment:
    """The templates, loaded with the first page: a server is asked about photos sooner."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vitrina.storefront"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["price"] = format_price
    environment.filters["safe_address"] = safe_address
    environment.filters["sized"] = sized
    environment.filters["product_address"] = product_address
    return environment


@dataclass(frozen=True)
class Pages:
    """The pages of one shop.

    Args:
        shop: The shop to show.
    """

    shop: ShopFront

    def found(
        self, request: Request, wanted: Wanted, findings: Findings | None = None, status: int = 200
    ) -> HTMLResponse:
        """The page with the results of a text search already in it.

        Args:
            request: In whose language.
            wanted: What was looked for.
            findings: What is shown instead of what the shop finds.
            status: Of HTTP.
        """
        language, kept = self._language(request)
        shelves = self.shop.categories(language)
        shelf = next((one for one in shelves if one.id == wanted.category), None)
        return self._render(
            "page.html",
            status,
            language,
            kept,
            wanted=wanted,
            box=wanted.query or (shelf.search_text if shelf else ""),
            heading=_heading(texts(language), wanted, shelf),
            shelves=shelves,
            shelves_shown=SHELVES_SHOWN,
            findings=self.shop.find(wanted, language) if findings is None else findings,
            page_data={
                "language": language,
                "keptLanguage": kept,
                "texts": dict(texts(language)),
                "categories": [asdict(one) for one in shelves],
            },
        )

    def product(self, request: Request, sku: str) -> HTMLResponse:
        """A product's own page."""
        language, kept = self._language(request)
        shown = self.shop.product(sku, language)
        if shown is None:
            return self.missing(request)
        shelves = self.shop.categories(language)
        shelf = next((one for one in shelves if one.id == shown.category), None)
        return self._render("product.html", 200, language, kept, shown=shown, shelf=shelf)

    def missing(self, request: Request) -> HTMLResponse:
        """What a browser is shown where there is no page."""
        return self.found(request, Wanted(), Findings(problem="not_found"), status=404)

    def _language(self, request: Request) -> tuple[str, str]:
        """That of the page, and the one carried on from link to link: asked for by name."""
        asked = request.query_params.get("lang", "")
        accept = request.headers.get("accept-language", "")
        language = choose_language(asked, accept, self.shop.language)
        return language, language if asked in LANGUAGES else ""

    def _render(
        self, template: str, status: int, language: str, kept: str, **values: object
    ) -> HTMLResponse:
        html = (
            _environment()
            .get_template(template)
            .render(
                shop=self.shop.name,
                language=language,
                kept_language=kept,
                languages=[(one, texts(one)["language_name"]) for one in LANGUAGES],
                t=texts(language),
                static=f"/static/{_fingerprint()}",
                link=lambda **parts: _link(**{"lang": kept, **parts}),
                query_characters=QUERY_CHARACTERS,
                **values,
            )
        )
        headers = {**_PAGE_HEADERS, "Content-Language": language}
        return HTMLResponse(html, status, headers=headers)


def create_router(pages: Pages) -> APIRouter:
    """The routes: `GET /`, `GET /product/<article>` and files under `/static/`.

    Args:
        pages: What they show.
    """
    files = _static_files()
    version = _fingerprint()
    router = APIRouter(include_in_schema=False)

    # Plain functions, so that searches run in a worker thread and not in the event loop.
    @router.api_route("/", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def page(
        request: Request,
        q: str = "",
        category: str = "",
        cursor: str = "",
        price_min: str = "",
        price_max: str = "",
        in_stock: str = "",
    ) -> HTMLResponse:
        """The first page, a search by words, a category."""
        wanted = Wanted(
            " ".join(q.split())[:QUERY_CHARACTERS],
            category,
            cursor,
            amount(price_min),
            amount(price_max),
            bool(in_stock),
        )
        return pages.found(request, wanted)

    @router.api_route("/product/{sku:path}", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def product(request: Request, sku: str, article: str = "") -> HTMLResponse:
        """One product; by `?article=` those whose article cannot stand in a path."""
        return pages.product(request, sku or article)

    # The version is a folder and not a query string, so that the modules' relative imports
    # of each other carry it too.
    @router.api_route("/static/{asked_version}/{name}", methods=["GET", "HEAD"])
    def static(asked_version: str, name: str) -> Response:
        """One of the page's own files."""
        file = files.get(name)
        headers = {"X-Content-Type-Options": "nosniff"}
        if file is None:
            return Response(status_code=404, headers=headers)
        # A page from before an upgrade asks for a version that is gone: it gets today's file,
        # but must not keep it under yesterday's address.
        current = asked_version == version
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-store"
        return Response(file.content, media_type=file.media_type, headers=headers)

    return router


def _heading(t: Mapping[str, str], wanted: Wanted, shelf: Shelf | None) -> str:
    if wanted.query:
        return t["heading_query"].format(query=wanted.query)
    if shelf:
        return shelf.name
    return t["empty"] if wanted.category else t["heading_shop"]


def _link(**parts: str) -> str:
    """An address of this page; parts that are empty are left out."""
    given = {name: value for name, value in parts.items() if value}
    return "/?" + urlencode(given) if given else "/"


@cache
def _static_files() -> dict[str, _StaticFile]:
    """Every file of `static/`, read once: they are few and small."""
    folder = resources.files("vitrina.storefront").joinpath("static")
    return {
        entry.name: _StaticFile(entry.read_bytes(), _MEDIA_TYPES[suffix])
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if (suffix := entry.name.rpartition(".")[2]) in _MEDIA_TYPES
    }


@cache
def _fingerprint() -> str:
    """A short name for exactly these contents."""
    digest = hashlib.sha256()
    for name, file in _static_files().items():
        digest.update(f"{name}:{len(file.content)}:".encode() + file.content)
    return digest.hexdigest()[:12]
