"""Which models there are, which one answers, and how another takes its place."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from vitrina.admin import audit, experiment
from vitrina.admin.screens import HEADERS, HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.admin.work import Task, Work
from vitrina.bundle import active_version, earlier_versions, kept_versions, read_bundle
from vitrina.errors import BundleError, NotFound
from vitrina.experiment.definition import CRITERIA

# Its pictures and style lie within the page; a sandbox without permissions runs nothing.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)


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


def routes(screens: Screens) -> list[Route]:
    """The page of models, its forms, and the last comparison's report."""
    shop = screens.shop
    folder = shop.folder

    def note_end(task: Task) -> None:
        if task.failed:
            detail = f"{task.what} {task.target}: {task.said[-300:]}"
            audit.note(shop.database, task.who, "work_failed", detail)

    work = Work(folder.root, note_end)

    def show(request: Request, session: Session) -> Response:
        bundles = shown_bundles(folder.bundles)
        task = work.task
        outcome = experiment.shown_outcome(screens)
        answer = screens.render(
            request,
            "models.html",
            session,
            bundles=bundles,
            runs=shown_runs(folder.runs, {one.run for one in bundles}),
            served=shop.served(),
            active=active_version(folder.bundles),
            earlier=next(iter(earlier_versions(folder.bundles)), None),
            task=task,
            can_publish=find_spec("keras") is not None,
            outcome=outcome,
            compared=[] if outcome is None else experiment.rows_of(outcome),
            ab_refused=shop.experiment_refused(),
            ab_shares=experiment.SHARES,
            ab_criteria=CRITERIA,
            has_report=(folder.report / "index.html").is_file(),
            local=lambda seconds: datetime.fromtimestamp(seconds).astimezone(),
        )
        if task is not None and (task.ended is None or time.time() - task.ended < 3):
            answer.headers["Refresh"] = f"2; url={HOME}models"
        return answer

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
        work.begin(Task(what=what, target=target, who=session.name, began=time.time()), arguments)
        audit.note(shop.database, session.name, what, target)
        return to(f"{HOME}models")

    def report(_request: Request, _session: Session) -> Response:
        page = folder.report / "index.html"
        if not page.is_file():
            raise NotFound("Nothing was compared yet.", hint="vitrina compare")
        headers = {**HEADERS, "Content-Security-Policy": REPORT_POLICY}
        return FileResponse(page, media_type="text/html; charset=utf-8", headers=headers)

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
