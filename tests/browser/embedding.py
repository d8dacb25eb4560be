"""Two origins for the widget's tests: a photo server, and a shop of somebody else that embeds it.

The photo server answers in the shape of the real one and keeps what arrives. The shop's pages have
the strictest Content-Security-Policy that the widget's documentation promises to work under.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, TypedDict

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from PIL import Image, UnidentifiedImageError
from stand_in import as_hit, draw_goods, find, meaning_of, photo_answer
from starlette.datastructures import UploadFile
from starlette.middleware.cors import CORSMiddleware

from vitrina.serving.security_headers import SecurityHeaders
from vitrina.storefront.front import Wanted
from vitrina.storefront.widget import create_router


@dataclass
class Arrived:
    """A photo as the photo server got it."""

    content: bytes
    file_name: str
    media_type: str
    query: dict[str, str]

    @property
    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.content))


@dataclass
class PhotoServer:
    """What a test can see and set of it."""

    arrived: list[Arrived] = field(default_factory=list)
    preflights: int = 0
    refusals: list[tuple[int, str, int]] = field(default_factory=list)
    """Status, code and Retry-After of the next answers, before photos are looked at again."""
    answer: str = ""
    """What every photo shows; else its middle says it."""
    working: threading.Event = field(default_factory=threading.Event)
    """A photo is here that is never answered."""
    abandoned: threading.Event = field(default_factory=threading.Event)
    """Its browser has gone."""
    address: str = ""

    def reset(self) -> None:
        """A new test meets a new server."""
        self.arrived.clear()
        self.refusals.clear()
        self.answer = ""
        self.preflights = 0
        self.working.clear()
        self.abandoned.clear()


class PageOptions(TypedDict, total=False):
    """What `Shop.show` may be told."""

    body: str
    tags: Sequence[str]
    head_tags: Sequence[str]
    language: str
    also: str


@dataclass
class Shop:
    """A shop's own site: its pages, and what its search was asked."""

    photo_server: PhotoServer
    address: str = ""
    page: str = ""
    policy: str = ""
    searched: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """A new test meets a new shop."""
        self.searched.clear()
        self.show()

    def show(
        self,
        body: str = "",
        tags: Sequence[str] = ('data-input="input[name=search]"',),
        head_tags: Sequence[str] = (),
        language: str = "ru",
        also: str = "",
    ) -> None:
        """Sets the page.

        Args:
            body: What is on it; the form of `FORM` unless given.
            tags: Attributes of each script tag at its end.
            head_tags: Of those in its head, where no field is there yet.
            language: Its own.
            also: Another origin that its policy lets it ask.
        """
        tag = f'<script src="{self.photo_server.address}/widget.js" %s></script>'
        head = "".join(tag % attributes for attributes in head_tags)
        end = "".join(tag % attributes for attributes in tags)
        self.page = (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>Лавка</title><link rel="icon" href="/icon.png">'
            f'<link rel="stylesheet" href="/shop.css">{head}</head>'
            f"<body>{body or FORM}{end}</body></html>"
        )
        photos = self.photo_server.address
        self.policy = (
            "default-src 'none'; base-uri 'none'; form-action 'self'; style-src 'self'; "
            f"img-src 'self' {photos}; script-src {photos}; connect-src {photos} {also}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )


FORM = """
<header class="head"><p class="brand">Дом и двор</p>
<form class="find" action="/found" method="get" role="search">
<label for="search">Поиск по товарам</label>
<input type="search" id="search" name="search" placeholder="Например, настольная лампа">
<button type="submit" name="by" value="button">Найти</button></form></header>
<main><h1>Всё для дома</h1><p>Три тысячи вещей, которые служат долго.</p></main>
"""

SHOP_CSS = Path(__file__).with_name("embedding_shop.css")


def create_photo_server(state: PhotoServer, origin: str) -> FastAPI:
    """The photo server, which lets in pages of `origin`."""
    app = FastAPI()
    app.include_router(create_router())

    @app.post("/v1/search/photo")
    async def photo(request: Request) -> Response:
        async with request.form() as form:
            part = form["photo"]
            assert isinstance(part, UploadFile)
            content = await part.read()
        query = dict(request.query_params)
        state.arrived.append(Arrived(content, part.filename or "", part.content_type or "", query))
        if state.refusals:
            return refusal(*state.refusals.pop(0))
        try:
            meaning = state.answer or meaning_of(Image.open(io.BytesIO(content)))
        except UnidentifiedImageError:
            return refusal(415, "photo_type", 0)
        if meaning == "slow":
            state.working.set()
            # Answers never: the browser has to give up. No clock, the connection itself tells.
            while (await request.receive())["type"] != "http.disconnect":
                pass
            state.abandoned.set()
            return Response(status_code=499)
        answer = photo_answer(meaning, query["lang"])
        answer["products"] = answer["products"][: int(query["limit"])]
        return JSONResponse(answer)

    @app.get("/v1/search")
    def search(category: str, limit: int, lang: str) -> Response:
        if state.refusals:
            return refusal(*state.refusals.pop(0))
        found = find(Wanted(category=category), lang)
        products = [as_hit(one, None) for one in found.products[:limit]]
        return JSONResponse({"products": products, "total": found.total, "next_cursor": None})

    @app.get("/photos/{name}")
    def picture(name: str) -> Response:
        return Response(draw_goods(name.removesuffix(".png")), media_type="image/png")

    @app.middleware("http")
    async def count_preflights(request: Request, answer: Any) -> Response:
        state.preflights += request.method == "OPTIONS"
        # as behind a proxy that has it in a folder of the shop's host
        request.scope["path"] = request.scope["path"].removeprefix("/folder")
        response: Response = await answer(request)
        return response

    app.add_middleware(
        CORSMiddleware,
        allow_origins=[origin],
        allow_methods=("GET", "HEAD", "POST"),
        expose_headers=("Retry-After",),
    )
    app.add_middleware(SecurityHeaders)
    return app


def refusal(status: int, code: str, retry_after: int) -> Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if not code:
        return HTMLResponse("<h1>nginx</h1>", status, headers)
    content = {"code": code, "status": status, "title": code, "detail": "", "hint": ""}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def create_shop(state: Shop) -> FastAPI:
    """The shop's own site."""
    app = FastAPI()

    @app.get("/")
    def page() -> Response:
        return HTMLResponse(state.page, headers={"Content-Security-Policy": state.policy})

    @app.get("/found")
    def found(request: Request) -> Response:
        state.searched.append(request.url.query)
        words = escape(request.query_params.get("search", ""))
        return HTMLResponse(f'<title>{words}</title><link rel="icon" href="/icon.png">')

    @app.get("/shop.css")
    def css() -> Response:
        return Response(SHOP_CSS.read_text("utf-8"), media_type="text/css")

    @app.get("/icon.png")
    def icon() -> Response:
        return Response(draw_goods("mugs-1"), media_type="image/png")

    @app.get("/goods/{sku}")
    def goods(sku: str) -> Response:
        return HTMLResponse(f'<title>{sku}</title><link rel="icon" href="/icon.png">')

    return app


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A socket, and the origin that it makes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        yield listener, f"http://{host}:{port}"


@contextmanager
def serving(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Answers on `listener` in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def two_origins() -> Iterator[tuple[PhotoServer, Shop]]:
    """A running photo server and a running shop that it lets in."""
    photo_server = PhotoServer()
    shop = Shop(photo_server)
    with listening() as (photos, photo_origin), listening() as (pages, shop_origin):
        photo_server.address, shop.address = photo_origin, shop_origin
        shop.reset()
        with (
            serving(create_photo_server(photo_server, shop_origin), photos),
            serving(create_shop(shop), pages),
        ):
            yield photo_server, shop
