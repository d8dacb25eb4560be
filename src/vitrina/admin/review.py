"""Photos of doubtful answers: the merchant says what they show, or deletes them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from vitrina.admin import audit
from vitrina.admin.figures import as_local
from vitrina.admin.screens import HEADERS, HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.errors import NotFound, QueryError
from vitrina.events.review import VERDICTS, Doubtful, ReviewedPhotos
from vitrina.store.shown import CategoryRecord, list_categories

SHOWN = 12


def routes(screens: Screens) -> list[Route]:
    """The page, its pictures and its forms."""
    shop = screens.shop
    photos = ReviewedPhotos(shop.folder)

    def show(request: Request, session: Session) -> Response:
        shop.settle()
        waiting: list[Doubtful] = []
        counts: dict[str | None, int] = {}
        if shop.database.exists:
            with shop.database.reading() as connection:
                waiting, counts = photos.waiting(connection, SHOWN), photos.counts(connection)
        return screens.render(
            request,
            "review.html",
            session,
            waiting=waiting,
            left=counts.get(None, 0),
            decided=sum(count for verdict, count in counts.items() if verdict is not None),
            kept=sum(counts.values()),
            categories=_categories(),
            names={one.slug: one for one in _categories()},
            wanted=shop.folder.settings.review_photos,
            days=shop.folder.settings.review_days,
            local=as_local,
        )

    def picture(request: Request, _session: Session) -> Response:
        file = photos.file(request.path_params["query_id"])
        if not file.is_file():
            raise NotFound("There is no such photo any more.", hint="Go back to the photos.")
        return FileResponse(file, media_type="image/jpeg", headers=dict(HEADERS))

    def decide(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        query_id, said = form.get("query_id", ""), form.get("verdict", "")
        # a button names a category by itself, the list beside it only with "category"
        verdict, _, category = said.partition(":")
        category = category or (form.get("category", "") if verdict == "category" else "")
        if verdict not in VERDICTS:
            raise QueryError("A verdict is missing.", hint="Press one of the buttons.")
        if verdict == "category" and category not in {one.slug for one in _categories()}:
            raise QueryError("There is no such category.", hint="Choose one from the list.")
        with shop.database.writing() as connection:
            photos.decide(connection, query_id, verdict, category or None, session.name)
        audit.note(shop.database, session.name, "review", f"{query_id}: {said} {category}".strip())
        return to(f"{HOME}review")

    def delete(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        query_id = form.get("query_id", "")
        photos.file(query_id)  # refuses what is no id
        with shop.database.writing() as connection:
            photos.delete(connection, query_id)
        audit.note(shop.database, session.name, "review_delete", query_id)
        return to(f"{HOME}review")

    def delete_all(_request: Request, session: Session, _form: Mapping[str, str]) -> Response:
        with shop.database.writing() as connection:
            count = photos.delete_all(connection)
        audit.note(shop.database, session.name, "review_delete", str(count))
        return to(f"{HOME}review")

    def _categories() -> list[CategoryRecord]:
        with shop.catalogue.asking() as connection:
            return [one for one, products in list_categories(connection) if products]

    return [
        Route("/review", screens.show(show)),
        Route("/review/{query_id}.jpg", screens.show(picture)),
        Route("/review/decide", screens.post(decide), methods=["POST"]),
        Route("/review/delete", screens.post(delete), methods=["POST"]),
        Route("/review/delete-all", screens.post(delete_all), methods=["POST"]),
    ]
