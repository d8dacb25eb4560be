"""Which models there are, which one answers, and how another takes its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vitrina.admin import experiment
from vitrina.admin.screen_work import ScreenWork, show_report
from vitrina.admin.screens import HOME, Screens
from vitrina.admin.sessions import Session
from vitrina.bundle import active_version, earlier_versions, kept_versions, read_bundle
from vitrina.errors import BundleError, NotFound
from vitrina.experiment.definition import CRITERIA


@dataclass(frozen=True, kw_only=True)
class ShownBundle:
    """A bundle as the page shows it; None where its description does not say.

    Attributes:
        version: Its name.
        is_active: Whether `bundles/active` names it.
        backbone: What its network is built on.
        created: When it was published, in the server's own time.
        top1: Share of test photos whose first category is right.
        top3: Whose first three hold the right one.
        photos: How many test photos.
        size_mb: All of its files, megabytes.
        run: That it comes from.
        damaged: Whether its description cannot be read.
    """

    version: str
    is_active: bool
    backbone: str = ""
    created: datetime | None = None
    top1: float | None = None
    top3: float | None = None
    photos: int | None = None
    size_mb: float | None = None
    run: str = ""
    damaged: bool = False


@dataclass(frozen=True)
class ShownRun:
    """A training run that no bundle was made of yet.

    Attributes:
        id: Its name.
        backbone: What it trained.
        created: When it ended, in the server's own time.
        top1: On the photos that were kept away.
    """

    id: str
    backbone: str
    created: datetime | None
    top1: float | None


def routes(screens: Screens, work: ScreenWork) -> list[Route]:
    """The page of models, its forms, and the last comparison's report."""
    shop = screens.shop
    folder = shop.folder

    def show(request: Request, session: Session) -> Response:
        bundles = shown_bundles(folder.bundles)
        outcome = experiment.shown_outcome(screens)
        return work.render(
            request,
            "models.html",
            session,
            bundles=bundles,
            runs=shown_runs(folder.runs, {one.run for one in bundles}),
            served=shop.served(),
            active=active_version(folder.bundles),
            earlier=next(iter(earlier_versions(folder.bundles)), None),
            can_publish=find_spec("keras") is not None,
            outcome=outcome,
            compared=[] if outcome is None else experiment.rows_of(outcome),
            ab_refused=shop.experiment_refused(),
            ab_shares=experiment.SHARES,
            ab_criteria=CRITERIA,
            has_report=(folder.report / "index.html").is_file(),
        )

    def activate(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        version = form.get("version", "")
        if version not in kept_versions(folder.bundles):
            raise NotFound("There is no such bundle.", hint="Go back to the models.")
        return begin(session, "activate", version, ["rollback", "--to", version])

    def go_back(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        earlier = next(iter(earlier_versions(folder.bundles)), None)
        # a page of some time ago may show another one than would be gone back to now
        if earlier is None or earlier != form.get("version"):
            raise NotFound("That bundle is not the one before.", hint="Go back to the models.")
        return begin(session, "rollback", earlier, ["rollback"])

    def compare(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        version = form.get("version", "")
        if version not in kept_versions(folder.bundles):
            raise NotFound("There is no such bundle.", hint="Go back to the models.")
        return begin(session, "ab", version, experiment.wanted(form, version))

    def publish(_request: Request, session: Session, form: Mapping[str, str]) -> Response:
        run = form.get("run", "")
        if run not in {one.id for one in shown_runs(folder.runs, set())}:
            raise NotFound("There is no such run.", hint="Go back to the models.")
        return begin(session, "publish", run, ["publish", run])

    def begin(session: Session, what: Any, target: str, arguments: list[str]) -> Response:
        return work.begin(session, what, target, arguments, f"{HOME}models")

    def report(_request: Request, _session: Session) -> Response:
        page = folder.report / "index.html"
        if not page.is_file():
            raise NotFound("Nothing was compared yet.", hint="vitrina compare")
        return show_report(page)

    return [
        Route("/models", screens.show(show)),
        Route("/models/activate", screens.post(activate), methods=["POST"]),
        Route("/models/rollback", screens.post(go_back), methods=["POST"]),
        Route("/models/publish", screens.post(publish), methods=["POST"]),
        Route("/models/ab", screens.post(compare), methods=["POST"]),
        *experiment.routes(screens),
        Route("/report", screens.show(report)),
    ]


def shown_bundles(bundles: Path) -> list[ShownBundle]:
    """All bundles, the newest first."""
    active = active_version(bundles)
    return [_shown(bundles, one, one == active) for one in reversed(kept_versions(bundles))]


def shown_runs(runs: Path, published: set[str]) -> list[ShownRun]:
    """Finished training runs, the newest first.

    Args:
        runs: The shop's.
        published: Those to leave out.
    """
    found = []
    for file in sorted(runs.glob("[!.]*/run.json"), reverse=True):
        name = file.parent.name
        if name in published:
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            run = ShownRun(
                name,
                str(content["backbone"]),
                _moment(content.get("created")),
                _number(content.get("test"), "top1"),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # the commands tell of it
        found.append(run)
    return found


def _shown(bundles: Path, version: str, is_active: bool) -> ShownBundle:
    try:
        # checksums are compared when a bundle is loaded; here they would read all of each
        bundle = read_bundle(bundles / version, verify=False)
        info, test = bundle.info, bundle.info.metrics.get("test")
        photos = _number(test, "photos")
        return ShownBundle(
            version=version,
            is_active=is_active,
            backbone=info.backbone,
            created=_moment(info.created),
            top1=_number(test, "top1"),
            top3=_number(test, "top3"),
            photos=None if photos is None else int(photos),
            size_mb=bundle.size_bytes / 1e6,
            run=info.run,
        )
    except (BundleError, OSError):
        return ShownBundle(version=version, is_active=is_active, damaged=True)


def _number(figures: Any, name: str) -> float | None:
    value = figures.get(name) if isinstance(figures, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _moment(written: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(written)).astimezone()
    except ValueError:
        return None
