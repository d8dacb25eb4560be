"""A small shop for the browser tests: canned answers in the shape of the real server's.

The colour in the middle of an uploaded picture says what is answered, so that each test chooses
its answer by the photo that it uploads. Nothing here is trained and nothing is measured.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from vitrina.storefront.front import Findings, Goods, ProductPage, Shelf, ShopFront, Wanted
from vitrina.storefront.pages import Pages, create_router

Colour = tuple[int, int, int]

HOSTILE_NAME = "<img src=x onerror=\"document.title='broken into'\">Кеды <b>жирные</b> & {{ 7*7 }}"
"""A product's name as a feed might hold it; it has to stay text."""

SHELVES = {
    "sneakers": ("Кеды", "кеды", "Sneakers", "sneakers"),
    "mugs": ("Кружки", "кружка", "Mugs", "mug"),
    "lamps": ("Настольные лампы", "настольная лампа", "Table lamps", "table lamp"),
    "chairs": ("Стулья", "стул", "Chairs", "chair"),
    "vases": ("Вазы", "ваза", "Vases", "vase"),
}
GOODS_PER_SHELF = 30

ODD_SKUS = {
    "chairs-0": "..", "chairs-1": ".", "chairs-2": "/", "chairs-4": "a/../b c", "chairs-5": "100%",
    "chairs-6": "%2E%2E", "chairs-7": "п?q=1#2&amp;", "chairs-8": "🪑\\..", "chairs-9": "+ +",
}  # fmt: skip
"""Articles that no address likes."""

COLOURS: dict[str, Colour] = {
    "sneakers": (200, 30, 30),
    "mugs": (30, 160, 30),
    "unsure": (30, 60, 200),
    "unknown": (120, 60, 160),
    "no_alternatives": (0, 120, 120),
    "photo_too_large": (230, 200, 20),
    "photo_type": (220, 60, 200),
    "photo_dimensions": (240, 140, 30),
    "photo_damaged": (20, 20, 20),
    "busy": (245, 245, 245),
    "no_bundle": (130, 80, 40),
    "slow": (128, 128, 128),
}
"""What the middle of a photo has to look like to be answered so."""

STATUSES = {
    "photo_empty": 422,
    "photo_too_large": 413,
    "photo_type": 415,
    "photo_dimensions": 422,
    "photo_damaged": 422,
    "busy": 503,
    "no_bundle": 503,
    "query": 400,
    "not_found": 404,
}


@dataclass
class Upload:
    """A photo as it arrived."""

    media_type: str
    language: str
    size: tuple[int, int] | None
    bytes: int


@dataclass
class StandIn:
    """What a test can see and set of the shop."""

    uploads: list[Upload] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    """Words of searches that are counted: the n-th has the id `words-n`."""
    busy_times: int = 0
    answer: str = ""
    """What any photo means; empty: as its colour says."""
    abandoned: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """A new test meets a new shop."""
        self.uploads.clear()
        self.events.clear()
        self.searches.clear()
        self.busy_times = 0
        self.answer = ""
        self.abandoned.clear()


def shelves(language: str) -> list[Shelf]:
    first = 0 if language == "ru" else 2
    return [
        Shelf(id=id, name=names[first], search_text=names[first + 1], products=GOODS_PER_SHELF)
        for id, names in SHELVES.items()
    ]


def goods(language: str) -> list[tuple[str, Goods]]:
    """Every product with its category."""
    made = []
    for shelf in shelves(language):
        for number in range(GOODS_PER_SHELF):
            one = Goods(
                sku=f"{shelf.id}-{number}",
                name=f"{shelf.name} {_MAKERS[number % len(_MAKERS)]} {number + 1}",
                price=f"{990 + 731 * number}.00",
                currency="RUB",
                url=f"/goods/{shelf.id}-{number}",
                image_url=f"/photos/{shelf.id}-{number}.png",
                in_stock=number % 4 != 3,
            )
            made.append((shelf.id, _odd(one)))
    return made


_MAKERS = ("«Север»", "Polka", "«Ласточка» с длинным названием модели для дома и дачи", "Orto")


def _odd(one: Goods) -> Goods:
    """The products that a careless feed brings."""
    if one.sku == "sneakers-1":
        return replace(one, name=HOSTILE_NAME, url="javascript:document.title='broken into'")
    if one.sku == "sneakers-2":
        return replace(one, price=None, currency=None, image_url=None)
    if one.sku == "sneakers-4":
        return replace(one, price="1234.50", url=None)
    if one.sku in ODD_SKUS:
        return replace(one, sku=ODD_SKUS[one.sku], url=None)
    return one


def find(wanted: Wanted, language: str) -> Findings:
    """Text search by words that begin alike; `беда` breaks down."""
    if wanted.query == "беда":
        return Findings(problem="busy")
    words = wanted.query.casefold().split()
    shelf_texts = {one.id: f"{one.name} {one.search_text}".casefold() for one in shelves(language)}
    hits = [
        one
        for shelf, one in goods(language)
        if wanted.category in ("", shelf)
        and all(word[:4] in f"{one.name.casefold()} {shelf_texts[shelf]}" for word in words)
        and (one.in_stock or not wanted.in_stock)
        and float(wanted.price_min or 0)
        <= float(one.price or 0)
        <= float(wanted.price_max or "inf")
    ]
    if wanted.is_home:
        hits = hits[::13]
    start = int(wanted.cursor or 0)
    end = start + 24
    return Findings(hits[start:end], len(hits), str(end) if end < len(hits) else None)


def product(sku: str, language: str) -> ProductPage | None:
    """What the own page of a product shows."""
    found = next(((shelf, one) for shelf, one in goods(language) if one.sku == sku), None)
    if found is None:
        return None
    shelf, one = found
    beside = [other for where, other in goods(language) if where == shelf and other.sku != sku]
    pictures = [one.image_url] if one.image_url else []
    return ProductPage(one, sku, "«Север»", HOSTILE_NAME, pictures, shelf, beside[:6])


def create_stand_in(state: StandIn) -> FastAPI:
    """The shop as an application."""
    app = FastAPI()
    app.include_router(
        create_router(Pages(ShopFront("Лавка «Полка»", "ru", find, shelves, product)))
    )

    @app.post("/v1/search/photo")
    async def photo(request: Request) -> Response:
        body = await request.body()
        media_type = request.headers["content-type"]
        language = request.headers["accept-language"]
        try:
            image: Image.Image = ImageOps.exif_transpose(Image.open(io.BytesIO(body)))
        except UnidentifiedImageError:
            state.uploads.append(Upload(media_type, language, None, len(body)))
            return problem("photo_type")
        state.uploads.append(Upload(media_type, language, image.size, len(body)))
        meaning = state.answer or meaning_of(image)
        if meaning == "slow":
            # Answers never: the browser has to give up. No clock, the connection itself tells.
            while (await request.receive())["type"] != "http.disconnect":
                pass
            state.abandoned.set()
            return Response(status_code=499)
        if meaning == "busy" and state.busy_times > 0:
            state.busy_times -= 1
            return problem("busy")
        if meaning in STATUSES and meaning != "busy":
            return problem(meaning)
        return JSONResponse(photo_answer(meaning, language))

    @app.post("/v1/events", status_code=202)
    async def events(request: Request) -> dict[str, str]:
        state.events.append(await request.json())
        return {"status": "taken"}

    @app.get("/v1/search")
    def search(
        request: Request,
        q: str = "",
        category: str = "",
        cursor: str = "",
        price_min: str = "",
        price_max: str = "",
        in_stock: bool = False,
        counted: bool = True,
    ) -> Response:
        wanted = Wanted(q, category, cursor, price_min, price_max, in_stock)
        found = find(wanted, request.headers["accept-language"])
        if found.problem:
            return problem(found.problem)
        if is_new := bool(counted and q and not cursor):
            state.searches.append(q)
        return JSONResponse(
            {
                "query_id": f"words-{len(state.searches)}" if is_new else None,
                "products": [as_hit(one, None) for one in found.products],
                "total": found.total,
                "next_cursor": found.next_cursor,
            }
        )

    @app.get("/v1/categories")
    def categories(request: Request) -> dict[str, list[dict[str, Any]]]:
        return {"categories": [asdict(one) for one in shelves(request.headers["accept-language"])]}

    @app.get("/photos/{name}")
    def picture(name: str) -> Response:
        return Response(draw_goods(name.removesuffix(".png")), media_type="image/png")

    @app.get("/goods/{sku}")
    def product_page(sku: str) -> Response:
        # The empty icon keeps the browser from asking for one that is not there.
        page = f'<title>{sku}</title><link rel="icon" href="data:,">'
        return Response(page, media_type="text/html")

    return app


def problem(code: str) -> JSONResponse:
    status = STATUSES[code]
    content = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": "A sentence for the shop's owner.",
        "code": code,
        "hint": "",
    }
    return JSONResponse(content, status, media_type="application/problem+json")


def meaning_of(image: Image.Image) -> str:
    """The name of the colour nearest to the picture's middle."""
    middle = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(middle, tuple)
    return min(COLOURS, key=lambda name: distance(COLOURS[name], middle))


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def photo_answer(meaning: str, language: str) -> dict[str, Any]:
    by_id = {one.id: one for one in shelves(language)}
    decision = meaning if meaning in ("unsure", "unknown") else "category"
    chosen = meaning if meaning in by_id else "sneakers"
    others = [one for one in by_id.values() if decision == "unsure" or one.id != chosen][:3]
    if meaning in ("no_alternatives", "unknown"):
        others = []
    near = [one for shelf, one in goods(language) if decision != "category" or shelf == chosen]
    # What is nearest comes first, which is another order than the text search has.
    near = near[::11] if decision != "category" else [*near[5:24], *near[:5]]
    return {
        "query_id": "q-1",
        "decision": decision,
        "category": as_candidate(by_id[chosen], 0.91) if decision == "category" else None,
        "alternatives": [as_candidate(one, 0.05) for one in others],
        "products": [as_hit(one, 0.8) for one in near],
        "timings_ms": {"queue": 0, "decode": 4, "infer": 20, "search": 1, "total": 25},
        "model": {"name": "stand-in", "version": "1"},
    }


def as_candidate(shelf: Shelf, confidence: float) -> dict[str, Any]:
    return {
        "id": shelf.id,
        "name": shelf.name,
        "search_text": shelf.search_text,
        "confidence": confidence,
    }


def as_hit(one: Goods, similarity: float | None) -> dict[str, Any]:
    return {**asdict(one), "similarity": similarity}


def draw_goods(sku: str) -> bytes:
    """Something to look at: a shape per category, a shade per product."""
    shelf, _, number = sku.partition("-")
    shade = 40 + int(number) * 5 % 120
    image = Image.new("RGB", (240, 180 if shelf == "sneakers" else 240), "white")
    pen = ImageDraw.Draw(image)
    colour = {
        "sneakers": (190, shade, shade),
        "mugs": (shade, 150, shade),
        "lamps": (210, 170, shade),
        "chairs": (150, shade, 60),
        "vases": (shade, shade + 20, 180),
    }[shelf]
    if shelf == "sneakers":
        pen.polygon([(25, 60), (95, 50), (140, 95), (215, 110), (220, 135), (25, 135)], fill=colour)
        pen.rectangle((22, 135, 222, 148), fill=(60, 60, 60))
    elif shelf == "mugs":
        pen.arc((140, 80, 215, 165), 0, 360, fill=colour, width=14)
        pen.rounded_rectangle((45, 55, 165, 195), 18, fill=colour)
    elif shelf == "lamps":
        pen.polygon([(85, 40), (155, 40), (195, 120), (45, 120)], fill=colour)
        pen.rectangle((114, 120, 126, 195), fill=(70, 70, 70))
        pen.ellipse((75, 188, 165, 210), fill=(70, 70, 70))
    elif shelf == "chairs":
        pen.rounded_rectangle((70, 30, 170, 120), 12, outline=colour, width=14)
        pen.rounded_rectangle((55, 120, 185, 142), 8, fill=colour)
        pen.line((70, 142, 60, 215), fill=colour, width=12)
        pen.line((170, 142, 180, 215), fill=colour, width=12)
    else:
        pen.ellipse((60, 80, 180, 215), fill=colour)
        pen.rectangle((98, 35, 142, 110), fill=colour)
        pen.ellipse((88, 26, 152, 46), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
