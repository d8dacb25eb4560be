"""A/B on the page of models: two bundles side by side, begun and ended there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import audit
from vitrina.admin.screens import HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.errors import NotFound, ShopError
from vitrina.experiment.definition import CRITERIA, end, read_experiment
from vitrina.experiment.outcome import ArmFigures, Outcome, outcome_of

if TYPE_CHECKING:
    from vitrina.store.server_database import ServerDatabase

SHARES = ("0.5", "0.25", "0.1")
"""Of the visitors, that the other bundle may be given on the page."""


@dataclass(frozen=True)
class Row:
    """One line of the comparison.

    Attributes:
        name: Of its text.
        counts: How often, with the first and the second bundle.
        of: Of how many; both 0 where it is no share.
    """

    name: str
    counts: tuple[int, int]
    of: tuple[int, int] = (0, 0)


def shown_outcome(screens: Screens) -> Outcome | None:
    """The last experiment in numbers; None where there never was one, or they cannot be read."""
    experiment = read_experiment(screens.shop.folder.bundles)
    if experiment is None:
        return None
    database: ServerDatabase = screens.shop.database
    try:
        with database.reading() as connection:
            return outcome_of(connection, experiment)
    except ShopError:
        return None


def rows_of(outcome: Outcome) -> list[Row]:
    """What the page lists."""
    arms = (outcome.first, outcome.second)
    visitors = (arms[0].visitors, arms[1].visitors)
    searches = (arms[0].searches, arms[1].searches)

    def by(kind: str) -> tuple[int, int]:
        return arms[0].visitors_with.get(kind, 0), arms[1].visitors_with.get(kind, 0)

    def both(name: str) -> tuple[int, int]:
        return _count(arms[0], name), _count(arms[1], name)

    return [
        Row("ab_visitors", visitors),
        *(Row(f"ab_{kind}", by(kind), visitors) for kind in ("click", "chip", "cart", "order")),
        Row("ab_searches", searches),
        *(
            Row(f"ab_{name}", both(name), searches)
            for name in ("filled", "unsure", "unknown", "slow", "failed")
        ),
    ]


def wanted(form: Mapping[str, str], version: str) -> list[str]:
    """The command that begins what the form of the models' page asks for.

    Args:
        form: Its fields.
        version: Of a bundle that is there.

    Raises:
        NotFound: the form offers no such share or criterion.
    """
    share, criterion = form.get("share", SHARES[0]), form.get("criterion", CRITERIA[0])
    if share not in SHARES or criterion not in CRITERIA:
        raise NotFound("There is no such comparison.", hint="Go back to the models.")
    return ["ab", "start", version, "--share", share, "--criterion", criterion]


def routes(screens: Screens) -> list[Route]:
    """The form that ends an experiment; the one that begins it is long work of the models' page."""
    shop = screens.shop

    def stop(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        running = read_experiment(shop.folder.bundles)
        # a page of some time ago may show another one
        if running is None or not running.is_running or running.id != form.get("experiment"):
            raise NotFound("These two are not compared any more.", hint="Go back to the models.")
        ended = end(shop.folder.bundles, only=running.id)
        audit.note(shop.database, session.name, "ab_stop", f"{ended.first}, {ended.second}")
        return to(f"{HOME}models")

    return [Route("/models/ab/stop", screens.post(stop), methods=["POST"])]


def _count(arm: ArmFigures, name: str) -> int:
    return int(getattr(arm, name))
