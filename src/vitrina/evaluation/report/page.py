"""The report: one HTML file that needs nothing else, for a shop's owner to read.

It holds its style, its charts and its photos, asks the network for nothing and runs no script; its
own Content-Security-Policy forbids both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from vitrina import atomic
from vitrina.errors import MissingExtra
from vitrina.evaluation.candidate import OfflineRecord, OnlineRecord
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.findings import (
    LEAST_TRAIN,
    TELLING_TEST,
    WEAK_POINTS,
    short_categories,
    shown_candidate,
    typical_top1,
    typical_train,
)
from vitrina.evaluation.report.numerals import DASH, Numerals
from vitrina.evaluation.report.reasons import Wording, unmeasured
from vitrina.evaluation.report.rows import offline_rows, online_rows
from vitrina.evaluation.report.sections import (
    CategoryNames,
    PhotoSections,
    category_rows,
    stage_rows,
    trial_table,
)
from vitrina.evaluation.report.self_contained import content_security_policy, page_environment
from vitrina.evaluation.report.texts import texts
from vitrina.evaluation.report.thumbnails import Thumbnails
from vitrina.machine import Machine

PAGE = "index.html"
OPEN_ROWS = 15
"""Longer tables fold what comes after so many rows."""

_GLOSSARY = ("model", "photos", "interval", "point", "chance")


def write_report(
    comparison: Comparison, root: Path, place: Path, language: Literal["ru", "en"]
) -> Path:
    """Puts the report into a folder.

    Args:
        comparison: What to report.
        root: The shop's folder: the photos lie there.
        place: Folder of the report; made where it is missing.
        language: Of the page.

    Returns:
        The page, `index.html` in `place`.

    Raises:
        MissingExtra: the training part, which draws the charts, is not installed.
    """
    path = place / PAGE
    atomic.write_text(path, render(comparison, root, language))
    return path


def render(comparison: Comparison, root: Path, language: str) -> str:
    """The HTML of the report; arguments and errors as in `write_report`."""
    style = resources.files("vitrina.evaluation.report").joinpath("templates", "report.css")
    sheet = style.read_text("utf-8")
    template = page_environment("vitrina.evaluation.report").get_template("report.html.j2")
    return template.render(
        _context(comparison, root, language),
        style=Markup(sheet),  # noqa: S704  our own file
        policy=content_security_policy(sheet),
    )


def _context(comparison: Comparison, root: Path, language: str) -> dict[str, Any]:
    words, numerals = texts(language), Numerals(language)
    candidates = comparison.candidates
    wording = Wording(comparison, words, numerals)
    names = CategoryNames(comparison.categories, language)
    shown = shown_candidate(comparison)
    record = shown.offline if shown else None
    photos = PhotoSections(
        record.answers if record else (), names, Thumbnails(root, comparison.files), numerals
    )
    offline = [each.offline for each in candidates if each.offline]
    online = [each.online for each in candidates if each.online]
    return {
        "language": language,
        "t": words,
        "n": numerals,
        "comparison": comparison,
        "created": _written_date(comparison.created, language),
        "title_of": wording.title,
        "heading": wording.heading(),
        "choice": wording.choice(),
        "others": wording.others(),
        "drawings": _drawings(comparison, words, numerals),
        "offline": [each for each in candidates if each.offline],
        "offline_rows": offline_rows(
            [each for each in candidates if each.offline], words, numerals
        ),
        "offline_method": _offline_method(offline[0], words) if offline else "",
        "online": [each for each in candidates if each.online or each.keras],
        "online_rows": online_rows(
            [each for each in candidates if each.online or each.keras], words, numerals
        ),
        "online_method": _online_method(online[0], words) if online else "",
        "with_keras": any(each.keras for each in candidates),
        "trials": [trial_table(each, words, numerals) for each in candidates if each.trials],
        "shown": wording.title(shown.backbone) if shown else DASH,
        "category_rows": category_rows(comparison, shown, names, numerals),
        "pairs": photos.pairs(),
        "worst": photos.worst(),
        "short": short_categories(comparison.categories, record),
        "short_rule": words["short_rule"].format(
            least=LEAST_TRAIN,
            typical=typical_train(comparison.categories),
            points=WEAK_POINTS,
            usual=numerals.percent(typical_top1(record) if record else None, 0),
            test=TELLING_TEST,
        ),
        "name_of": names,
        "notices": [wording.notice(each, names) for each in comparison.notices],
        "failed": [(each, wording.failure(each)) for each in unmeasured(comparison)],
        "stages": stage_rows(candidates, words, numerals),
        "machines": _machines(comparison, wording, words, numerals),
        "threads": ", ".join(
            sorted({str(each.threads) for each in offline} | {str(each.threads) for each in online})
        ),
        "open_rows": OPEN_ROWS,
        "glossary": _GLOSSARY,
    }


def _drawings(comparison: Comparison, words: Mapping[str, str], numerals: Numerals) -> Any:
    try:
        # the only part that needs matplotlib; all else works in a plain installation
        from vitrina.evaluation.report.drawings import draw_page
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"The report's charts need {error.name}, which this installation does not have.",
            hint="pip install 'vitrina[train]'",
        ) from error
    return draw_page(comparison, words, numerals)


def _offline_method(record: OfflineRecord, words: Mapping[str, str]) -> str:
    return words["offline_method"].format(
        photos=record.test.photos, threads=record.threads, processor=record.machine.processor
    )


def _online_method(record: OnlineRecord, words: Mapping[str, str]) -> str:
    return words["online_method"].format(
        requests=record.requests,
        repeats=record.repeats,
        threads=record.threads,
        cores=record.cores,
    )


def _machines(
    comparison: Comparison, wording: Wording, words: Mapping[str, str], numerals: Numerals
) -> list[tuple[str, str]]:
    """The machine of the comparison, and any other that a model was measured on."""
    named = {comparison.machine: words["source_machine"]}
    for candidate in comparison.candidates:
        for record in (candidate.offline, candidate.online, candidate.keras):
            if record and record.machine not in named:
                title = wording.title(candidate.backbone)
                named[record.machine] = words["source_machine_of"].format(model=title)
    return [(label, _machine_words(each, words, numerals)) for each, label in named.items()]


def _machine_words(machine: Machine, words: Mapping[str, str], numerals: Numerals) -> str:
    return words["source_machine_words"].format(
        processor=machine.processor,
        cores=machine.cores,
        memory=numerals.number(machine.memory_gb or None, 1),
        system=machine.system,
        python=machine.python,
    )


def _written_date(created: str, language: str) -> str:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    day = "%d.%m.%Y" if language == "ru" else "%Y-%m-%d"
    return moment.strftime(f"{day}, %H:%M UTC")
