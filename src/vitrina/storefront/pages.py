"""The shop's page, rendered on the server, and the plain files that it needs.

It knows the shop only through the `ShopFront` that it is given: not the database, not the network,
not the search. Without JavaScript the page answers text search; with it, everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from vitrina.storefront.texts import LANGUAGES, choose_language, texts

if TYPE_CHECKING:
    from jinja2 import Template

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

_CURRENCY_SIGNS = {"RUB": "₽", "USD": "$", "EUR": "€", "KZT": "₸", "GBP": "£", "UAH": "₴"}
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Goods:
    """One product, in the shape of the API's JSON.

    Args:
        sku: The shop's own key.
        name: What a shopper reads.
        price: A decimal number as text; None where the shop names no price.
        currency: ISO 4217; None where there is no price.
        url: The product's own page; None where it has none.
        image_url: Where its picture is served, such as `/photos/<sha>`; None without a picture.
        in_stock: Whether it can be bought now.
    """

    sku: str
    name: str
    price: str | None
    currency: str | None
    url: str | None
    image_url: str | None
    in_stock: bool


@dataclass(frozen=True)
class Shelf:
    """One category, in the shape of the API's JSON.

    Args:
        id: Its slug.
        name: Its name in the page's language.
        search_text: What goes into the search box for it.
        products: How many products it holds.
    """

    id: str
    name: str
    search_text: str
    products: int


@dataclass(frozen=True)
class Findings:
    """What a text search brought.

    Args:
        products: One page of products.
        total: How many there are altogether; None where nobody counted.
        next_cursor: Where the next page begins; None on the last one.
        problem: The code of what went wrong, as in the API's problem documents; empty if nothing.
        corrected: What was searched instead of what was typed; empty where nothing was mended.
    """

    products: Sequence[Goods] = ()
    total: int | None = None
    next_cursor: str | None = None
    problem: str = ""
    corrected: str = ""


@dataclass(frozen=True)
class ShopFront:
    """All that the page knows about the shop.

    Args:
        name: The shop's name: the page's title and heading.
        language: The shop's own language, "ru" or "en".
        find: (query, category id or None, language, cursor or None) -> findings. With an empty
            query and no category: the goods to show on the first page, possibly none. It reports
            a failure by `Findings.problem`; what it raises is the application's to answer.
        categories: language -> the shelves, in the order to show them.
    """

    name: str
    language: str
    find: Callable[[str, str | None, str, str | None], Findings]
    categories: Callable[[str], Sequence[Shelf]]


@dataclass(frozen=True)
class _StaticFile:
    content: bytes
    media_type: str


@cache
def _template() -> Template:
    """The page's template, loaded with the first page: a server is asked about photos sooner."""
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
    return environment.get_template("page.html")


def create_router(shop: ShopFront) -> APIRouter:
    """The routes of the page: `GET /` and its files under `/static/`.

    Args:
        shop: The shop to show.
    """
    files = _static_files()
    version = _fingerprint(files)
    router = APIRouter(include_in_schema=False)

    # A plain function, so that the search runs in a worker thread and not in the event loop.
    @router.api_route("/", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def page(
        request: Request, q: str = "", category: str = "", cursor: str = "", lang: str = ""
    ) -> HTMLResponse:
        """The page, with the results of a text search already in it."""
        language = choose_language(lang, request.headers.get("accept-language", ""), shop.language)
        query = " ".join(q.split())[:QUERY_CHARACTERS]
        # Only a language that was asked for by name is carried on from link to link.
        kept = language if lang in LANGUAGES else ""
        shelves = shop.categories(language)
        shelf = next((one for one in shelves if one.id == category), None)
        findings = shop.find(query, category or None, language, cursor or None)
        html = _template().render(
            shop=shop.name,
            language=language,
            kept_language=kept,
            languages=[(one, texts(one)["language_name"]) for one in LANGUAGES],
            t=texts(language),
            static=f"/static/{version}",
            query=query,
            category=category,
            box=query or (shelf.search_text if shelf else ""),
            heading=_heading(texts(language), query, category, shelf),
            shelves=shelves,
            findings=findings,
            link=lambda **parts: _link(**{"lang": kept, **parts}),
            query_characters=QUERY_CHARACTERS,
            page_data={
                "language": language,
                "keptLanguage": kept,
                "texts": dict(texts(language)),
                "categories": [asdict(one) for one in shelves],
            },
        )
        return HTMLResponse(html, headers={**_PAGE_HEADERS, "Content-Language": language})

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


def format_price(price: str | None, currency: str | None, language: str) -> str:
    """A price as people write it, much as the browser's Intl does it later.

    Args:
        price: A decimal number as text.
        currency: ISO 4217.
        language: "ru" or "en".

    Returns:
        For example "1 290 ₽" or "₽1,290"; empty where there is no price.
    """
    if price is None:
        return ""
    sign = _CURRENCY_SIGNS.get(currency or "", currency or "")
    try:
        amount = Decimal(price)
        if not amount.is_finite():
            raise InvalidOperation
        whole = amount == amount.to_integral_value()
        number = f"{amount:,.0f}" if whole else f"{amount:,.2f}"
    except (InvalidOperation, ValueError):
        return f"{price}{_NO_BREAK_SPACE}{sign}".strip()
    if language == "ru":
        number = number.replace(",", _NO_BREAK_SPACE).replace(".", ",")
        return f"{number}{_NO_BREAK_SPACE}{sign}".strip()
    gap = _NO_BREAK_SPACE if len(sign) > 1 else ""
    return f"{sign}{gap}{number}"


def safe_address(url: str | None) -> str:
    """The address if a browser may follow it, else nothing: a feed may hold `javascript:`."""
    if not url:
        return ""
    try:
        scheme = urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return ""
    return url.strip() if scheme in ("", "http", "https") else ""


def _heading(t: Mapping[str, str], query: str, category: str, shelf: Shelf | None) -> str:
    if query:
        return t["heading_query"].format(query=query)
    if shelf:
        return shelf.name
    return t["empty"] if category else t["heading_shop"]


def _link(**parts: str) -> str:
    """An address of this page; parts that are empty are left out."""
    given = {name: value for name, value in parts.items() if value}
    return "/?" + urlencode(given) if given else "/"


def _static_files() -> dict[str, _StaticFile]:
    """Every file of `static/`, read once: they are few and small."""
    folder = resources.files("vitrina.storefront").joinpath("static")
    return {
        entry.name: _StaticFile(entry.read_bytes(), _MEDIA_TYPES[suffix])
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if (suffix := entry.name.rpartition(".")[2]) in _MEDIA_TYPES
    }


def _fingerprint(files: Mapping[str, _StaticFile]) -> str:
    """A short name for exactly these contents."""
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}:{len(file.content)}:".encode() + file.content)
    return digest.hexdigest()[:12]
