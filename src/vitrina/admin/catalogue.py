"""What the shop has: categories and their search texts, imports and what they refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import audit
from vitrina.admin.screens import HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.errors import EditConflict, NotFound, QueryError, ShopBusy
from vitrina.store.shown import CategoryRecord, list_categories

_IMPORTS_SHOWN = 10
_IMPORTS = (
    "SELECT id, source, finished, products, added, changed, gone, photos, refused FROM imports "
)


@dataclass(frozen=True)
class Import:
    """An import that ended well; fields as in `store.schema.IMPORTS`."""

    id: int
    source: str
    finished: datetime
    products: int
    added: int
    changed: int
    gone: int
    photos: int
    refused: int

    @classmethod
    def of(cls, row: tuple[int, str, str, int, int, int, int, int, int]) -> Import:
        """As the database has it: in UTC, by text."""
        number, source, finished, *counts = row
        return cls(number, source, datetime.fromisoformat(finished).replace(tzinfo=UTC), *counts)

    @property
    def local(self) -> datetime:
        """When it ended, in the server's own time."""
        return self.finished.astimezone()


def routes(screens: Screens) -> list[Route]:
    """Pages about the catalogue."""
    shop = screens.shop

    def show(request: Request, session: Session) -> Response:
        with shop.catalogue.asking() as connection:
            categories = list_categories(connection)
            rows = connection.execute(f"{_IMPORTS} ORDER BY id DESC LIMIT ?", (_IMPORTS_SHOWN,))
            imports = [Import.of(row) for row in rows]
        return screens.render(
            request,
            "catalogue.html",
            session,
            categories=[one for one in categories if one[1]],
            products=sum(count for _, count in categories),
            imports=imports,
            saved=request.query_params.get("saved", ""),
        )

    def refusals(request: Request, session: Session) -> Response:
        from vitrina.catalogue.past_imports import refused_name
        from vitrina.catalogue.refusals import SHOWN, first_refusals

        with shop.catalogue.asking() as connection:
            row = connection.execute(
                f"{_IMPORTS} WHERE id = ?", (request.path_params["number"],)
            ).fetchone()
        if row is None:
            raise NotFound("There is no such import.", hint="Go back to the catalogue.")
        found = Import.of(row)
        name = refused_name(found.finished)
        try:
            rows = first_refusals(shop.folder.imports / name)
        except OSError:
            rows = []
        return screens.render(
            request, "refusals.html", session, found=found, rows=rows, most=SHOWN, file=name
        )

    def edit(request: Request, session: Session) -> Response:
        category = _named(screens, request.path_params["slug"])
        return _form(screens, request, session, category)

    def save(request: Request, session: Session, form: Mapping[str, str]) -> Response:
        from vitrina.catalogue.search_texts import set_search_texts

        slug, wanted = request.path_params["slug"], form.get("search_text", "")
        seen = form.get("seen", "")
        _named(screens, slug)
        try:
            set_search_texts(shop.folder, {slug: wanted}, seen={slug: seen})
        except EditConflict:
            now = _named(screens, slug)
            return _form(
                screens, request, session, now, wanted=wanted, trouble="conflict", status=409
            )
        except ShopBusy:
            now = _named(screens, slug)
            return _form(
                screens, request, session, now, wanted=wanted, seen=seen, trouble="busy", status=503
            )
        except QueryError:
            now = _named(screens, slug)
            return _form(
                screens, request, session, now, wanted=wanted[:500], seen=seen, trouble="wrong",
                status=422,
            )  # fmt: skip
        after = _named(screens, slug).search_text
        audit.note(shop.database, session.name, "search_text", f"{slug}: {seen!r} → {after!r}")
        return to(f"{HOME}catalogue?saved={slug}")

    return [
        Route("/catalogue", screens.show(show)),
        Route("/catalogue/imports/{number:int}", screens.show(refusals)),
        Route("/catalogue/categories/{slug}", screens.show(edit), methods=["GET"]),
        Route("/catalogue/categories/{slug}", screens.post(save), methods=["POST"]),
    ]


def _form(
    screens: Screens,
    request: Request,
    session: Session,
    category: CategoryRecord,
    *,
    wanted: str | None = None,
    seen: str | None = None,
    trouble: str = "",
    status: int = 200,
) -> Response:
    """The form of one category; after a conflict with what is there now and what was wanted."""
    return screens.render(
        request,
        "category.html",
        session,
        status=status,
        category=category,
        wanted=category.search_text if wanted is None else wanted,
        seen=category.search_text if seen is None else seen,
        trouble=trouble,
    )


def _named(screens: Screens, slug: str) -> CategoryRecord:
    with screens.shop.catalogue.asking() as connection:
        found = _find(connection, slug)
    if found is None:
        raise NotFound("There is no such category.", hint="Go back to the catalogue.")
    return found


def _find(connection: sqlite3.Connection, slug: str) -> CategoryRecord | None:
    return next((one for one, _ in list_categories(connection) if one.slug == slug), None)
