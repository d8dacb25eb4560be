"""What the shop has: categories and their search texts, imports and what they refused."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import audit
from vitrina.admin.screen_work import ScreenWork, show_report
from vitrina.admin.screens import HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.errors import EditConflict, NotFound, QueryError, ShopBusy
from vitrina.store.connection import PlainConnection
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


def routes(screens: Screens, work: ScreenWork) -> list[Route]:
    """Pages about the catalogue."""
    shop = screens.shop

    def show(request: Request, session: Session) -> Response:
        with shop.catalogue.asking() as connection:
            categories = list_categories(connection)
            rows = connection.execute(f"{_IMPORTS} ORDER BY id DESC LIMIT ?", (_IMPORTS_SHOWN,))
            imports = [Import.of(row) for row in rows]
        checked, doubts = last_check(shop.folder.check)
        return work.render(
            request,
            "catalogue.html",
            session,
            categories=[one for one in categories if one[1]],
            products=sum(count for _, count in categories),
            imports=imports,
            again=_latest_of_each(imports),
            checked=checked,
            doubts=doubts,
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

    def import_again(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        number = form.get("number", "")
        with shop.catalogue.asking() as connection:
            row = connection.execute(
                "SELECT source FROM imports WHERE id = ?",
                (
                    int(number)
                    if number.isascii() and number.isdecimal() and len(number) < 18
                    else -1,
                ),
            ).fetchone()
        # what begins with a dash would be an option of the command, and never was a source
        if row is None or str(row[0]).startswith("-"):
            raise NotFound("There is no such import.", hint="Go back to the catalogue.")
        source = str(row[0])
        return work.begin(session, "import", source, ["import", source], f"{HOME}catalogue")

    def check(_request: Request, session: Session, _form: Mapping[str, str]) -> Response:
        return work.begin(session, "check", "", ["check"], f"{HOME}catalogue")

    def checked_page(_request: Request, _session: Session) -> Response:
        page = shop.folder.check / "index.html"
        if not page.is_file():
            raise NotFound("Nothing was checked yet.", hint="vitrina check")
        return show_report(page)

    return [
        Route("/catalogue", screens.show(show)),
        Route("/catalogue/import", screens.post(import_again), methods=["POST"]),
        Route("/catalogue/check", screens.post(check), methods=["POST"]),
        Route("/check", screens.show(checked_page)),
        Route("/catalogue/imports/{number:int}", screens.show(refusals)),
        Route("/catalogue/categories/{slug}", screens.show(edit), methods=["GET"]),
        Route("/catalogue/categories/{slug}", screens.post(save), methods=["POST"]),
    ]


def last_check(folder: Path) -> tuple[datetime | None, int]:
    """When the catalogue was checked last, in the server's own time, and what was doubtful then.

    Args:
        folder: The shop's `check/`.
    """
    try:
        when = datetime.fromtimestamp((folder / "index.html").stat().st_mtime).astimezone()
        with (folder / "corrections.csv").open(encoding="utf-8", newline="") as file:
            return when, sum(1 for _ in csv.reader(file)) - 1
    except FileNotFoundError:
        return None, 0
    except (OSError, ValueError, csv.Error):
        return when, 0


def _latest_of_each(imports: Sequence[Import]) -> set[int]:
    """Of imports, the newest first: the last one of each source."""
    found: dict[str, int] = {}
    for one in imports:
        found.setdefault(one.source, one.id)
    return set(found.values())


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


def _find(connection: PlainConnection, slug: str) -> CategoryRecord | None:
    return next((one for one, _ in list_categories(connection) if one.slug == slug), None)
