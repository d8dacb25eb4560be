"""Long work as screens begin and show it, and the pages that such work writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from vitrina.admin import audit
from vitrina.admin.screens import HEADERS, HOME, Screens, to
from vitrina.admin.sessions import Session
from vitrina.admin.work import Task, Work

# Their pictures and style lie within the pages; a sandbox without permissions runs nothing.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
_SHOWN_AGAIN_S = 3


class ScreenWork:
    """The one piece of work that all screens of a shop share.

    Args:
        screens: Whose.
    """

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._database = screens.shop.database
        self._work = Work(screens.shop.folder.root, self._note_end)

    def begin(
        self, session: Session, what: Any, target: str, arguments: Sequence[str], place: str
    ) -> Response:
        """Starts a command, notes who did so, and goes back to the screen.

        Args:
            session: Who began it.
            what: As in `Task`.
            target: Likewise.
            arguments: Of `vitrina`.
            place: Address of the screen.

        Raises:
            ShopBusy: other work goes on.
        """
        self._work.begin(
            Task(what=what, target=target, who=session.name, began=time.time()), arguments
        )
        audit.note(self._database, session.name, what, target)
        return to(place)

    def render(self, request: Request, template: str, session: Session, **values: Any) -> Response:
        """A screen that includes `work.html`; it looks again by itself while work goes on."""
        task = self._work.task
        answer = self._screens.render(
            request,
            template,
            session,
            task=task,
            busy=task is not None and task.ended is None,
            moment=lambda seconds: datetime.fromtimestamp(seconds).astimezone(),
            **values,
        )
        if task is not None and (task.ended is None or time.time() - task.ended < _SHOWN_AGAIN_S):
            place = HOME + request.url.path.removeprefix(HOME)
            answer.headers["Refresh"] = f"2; url={place}"
        return answer

    def _note_end(self, task: Task) -> None:
        if task.failed:
            detail = f"{task.what} {task.target}: {task.said[-300:]}"
            audit.note(self._database, task.who, "work_failed", detail)


def show_report(page: Path) -> Response:
    """A page that a command wrote: with its pictures, and without any right."""
    headers = {**HEADERS, "Content-Security-Policy": REPORT_POLICY}
    return FileResponse(page, media_type="text/html; charset=utf-8", headers=headers)
