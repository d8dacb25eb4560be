"""report/index.html: the whole comparison on one page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from vitrina import atomic
from vitrina.evaluation.candidate import Candidate, PhotoAnswer
from vitrina.evaluation.comparison import Category, Comparison
from vitrina.evaluation.report import charts, findings
from vitrina.evaluation.report.measures import OFFLINE, ONLINE, Measure, Reading
from vitrina.evaluation.report.numerals import DASH, Numerals, is_figure
from vitrina.evaluation.report.points import pareto_points
from vitrina.evaluation.report.reasons import Wording, unmeasured
from vitrina.evaluation.report.texts import texts
from vitrina.evaluation.report.thumbnails import Thumbnails

PAIRS = 8
PAIR_PHOTOS = 4
WORST_PHOTOS = 12
_RATIO = "{value} ×{times}"


@dataclass(frozen=True)
class _Cell:
    """One figure of a table."""

    text: str
    detail: str = ""
    best: bool = False


@dataclass(frozen=True)
class _Row:
    """One figure of all models."""

    title: str
    meaning: str
    cells: tuple[_Cell, ...]


def write_report(comparison: Comparison, root: Path, place: Path, language: str) -> Path:
    """Puts index.html into a folder.

    Args:
        comparison: What is told.
        root: The shop's folder, where the test photos lie.
        place: The folder.
        language: "ru" or "en".

    Returns:
        The page.
    """
    page = place / "index.html"
    atomic.write_text(page, render_report(comparison, root, language))
    return page


def render_report(comparison: Comparison, root: Path, language: str) -> str:
    """The page as text; see `write_report`."""
    environment = Environment(
        loader=PackageLoader("vitrina.evaluation.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    style = resources.files("vitrina.evaluation.report").joinpath("templates", "report.css")
    view = _View(comparison, root, language)
    return environment.get_template("report.html.j2").render(
        view=view, words=view.words, language=language, style=style.read_text("utf-8")
    )


class _View:
    """What the template shows, in one language; each part is computed when it is asked for."""

    def __init__(self, comparison: Comparison, root: Path, language: str) -> None:
        self.comparison = comparison
        self.words: Mapping[str, str] = texts(language)
        self.numerals = Numerals(language)
        self.wording = Wording(comparison, self.words, self.numerals)
        self.shown = findings.shown_candidate(comparison)
        self._thumbnails = Thumbnails(root, comparison.files)
        self._language = language
        self._names = {
            each.slug: (each.name_en or each.name) if language == "en" else each.name
            for each in comparison.categories
        }

    def say(self, key: str, **parts: Any) -> str:
        """A sentence with its gaps filled."""
        return self.words[key].format(**parts)

    def name(self, slug: str) -> str:
        """A category's name."""
        return self._names.get(slug, slug)

    def title(self, candidate: Candidate) -> str:
        """What people call a model."""
        return candidate.title or candidate.backbone

    @property
    def created(self) -> str:
        """When it was made, as a reader writes it."""
        return self.comparison.created.replace("T", " ")[:16] + " UTC"

    def pareto(self) -> str:
        """The Pareto picture as SVG; empty without points."""
        points = pareto_points(self.comparison)
        if not points:
            return ""
        told = [
            self.say(
                "pareto_alt_point",
                model=point.title,
                top1=self.numerals.percent(point.top1),
                time=self.say("unit_ms", value=self.numerals.number(point.time)),
            )
            for point in points
        ]
        figure = charts.pareto_chart(
            points,
            limit=self.comparison.budget.latency,
            words=self.words,
            numerals=self.numerals,
        )
        title = self.say("pareto_alt", points="; ".join(told))
        return charts.as_svg(figure, name="pareto", title=title)

    def pareto_left_out(self) -> str:
        """The models that the picture does not show."""
        shown = {point.title for point in pareto_points(self.comparison)}
        missing = [
            self.title(each) for each in self.comparison.candidates if self.title(each) not in shown
        ]
        return self.say("pareto_left_out", models=", ".join(missing)) if missing else ""

    def offline_method(self) -> str:
        """How the first table was measured."""
        records = [each.offline for each in self.comparison.candidates if each.offline]
        if not records:
            return ""
        return self.say(
            "offline_method",
            photos=records[0].test.photos,
            threads=records[0].threads,
            processor=records[0].machine.processor,
        )

    def online_method(self) -> str:
        """How the second table was measured."""
        records = [each.online for each in self.comparison.candidates if each.online]
        if not records:
            return ""
        first = records[0]
        return self.say(
            "online_method",
            requests=first.requests,
            repeats=first.repeats,
            threads=first.threads,
            cores=first.cores,
        )

    def offline_models(self) -> list[str]:
        """Columns of the first table."""
        return [self.title(each) for each in self.comparison.candidates if each.offline]

    def offline_rows(self) -> list[_Row]:
        """The first table, one row a figure."""
        records = [each.offline for each in self.comparison.candidates if each.offline]
        return [
            self._row(measure, [measure.read(record) for record in records])
            for measure in OFFLINE
            if records
        ]

    def online_models(self) -> list[str]:
        """Columns of the second table: each model, and beside it the study's way."""
        titles = []
        for each in self.comparison.candidates:
            if each.online:
                titles.append(self.title(each))
            if each.keras:
                titles.append(f"{self.title(each)}, {self.words['keras_way']}")
        return titles

    def online_rows(self) -> list[_Row]:
        """The second table, one row a figure."""
        rows = []
        for measure in ONLINE:
            ours = [measure.read(each.online) for each in self.comparison.candidates if each.online]
            own = iter(self._row(measure, ours).cells)
            cells = []
            for each in self.comparison.candidates:
                if each.online:
                    cells.append(next(own))
                if each.keras:
                    cells.append(self._beside(measure, each))
            title, meaning = self._about(measure)
            rows.append(_Row(title, meaning, tuple(cells)))
        return rows if self.online_models() else []

    @property
    def has_keras(self) -> bool:
        """Whether the study's way was measured."""
        return any(each.keras for each in self.comparison.candidates)

    def bar_charts(self) -> list[tuple[str, list[str]]]:
        """Charts of each figure as SVG, with a heading for both tables."""
        groups = [
            (self.words["charts_offline"], charts.offline_bars(self.comparison, self.words)),
            (self.words["charts_online"], charts.online_bars(self.comparison, self.words)),
        ]
        return [
            (heading, [self._bars(panel) for panel in panels])
            for heading, panels in groups
            if panels
        ]

    def curves(self) -> list[tuple[str, list[str]]]:
        """Loss and accuracy of each model as SVG."""
        found = []
        for position, candidate in enumerate(self.comparison.candidates):
            if candidate.history:
                drawn = [self._curve(candidate, position, name) for name in ("loss", "accuracy")]
                found.append((self.title(candidate), drawn))
        return found

    def settings(self, candidate: Candidate) -> list[str]:
        """Names of the hyper-parameters of its trials."""
        return list(dict.fromkeys(name for trial in candidate.trials for name in trial.values))

    def setting_title(self, name: str) -> str:
        """What a hyper-parameter is called."""
        return self.words.get(f"setting_{name}", name)

    def setting(self, value: Any) -> str:
        """A hyper-parameter's value."""
        if isinstance(value, float):
            return f"{value:.1e}" if 0 < abs(value) < 0.01 else self.numerals.number(value, 2)
        return DASH if value is None else str(value)

    def category_rows(self) -> list[tuple[str, int, int, str]]:
        """Name, photos to learn from, test photos, accuracy; the most mistakes first."""
        known = self.shown.offline.test.by_category if self.shown and self.shown.offline else {}

        def mistakes(slug: str, test: int) -> float:
            top1 = known.get(slug)
            return (1 - top1) * test if is_figure(top1) and top1 is not None else -1.0

        def order(category: Category) -> tuple[float, str]:
            return -mistakes(category.slug, category.test), category.slug

        return [
            (
                self.name(each.slug),
                each.train,
                each.test,
                self.numerals.percent(known.get(each.slug)),
            )
            for each in sorted(self.comparison.categories, key=order)
        ]

    def pairs(self) -> list[tuple[str, str, list[Mapping[str, str]]]]:
        """Confused pairs: their names, the counts, and some of their photos."""
        return [
            (
                f"{self.name(pair.first)} ↔ {self.name(pair.second)}",
                self.say("pair_counts", count=len(pair.answers), forth=pair.forth, back=pair.back),
                self._photos(pair.answers[:PAIR_PHOTOS]),
            )
            for pair in findings.confused_pairs(self._answers, PAIRS)
        ]

    def worst(self) -> list[Mapping[str, str]]:
        """The most confident mistakes."""
        return self._photos(findings.wrong_answers(self._answers)[:WORST_PHOTOS])

    def short_rule(self) -> str:
        """When a category needs more photos, in words."""
        record = self.shown.offline if self.shown else None
        usual = findings.typical_top1(record) if record else None
        return self.say(
            "short_rule",
            least=findings.LEAST_TRAIN,
            typical=findings.typical_train(self.comparison.categories),
            points=findings.WEAK_POINTS,
            usual=self.numerals.percent(usual),
            test=findings.TELLING_TEST,
        )

    def short(self) -> list[tuple[str, int, str, str, int]]:
        """Categories that need more photos: name, photos, accuracy, why, how many to add."""
        record = self.shown.offline if self.shown else None
        found = findings.short_categories(self.comparison.categories, record)
        return [
            (
                self.name(each.category.slug),
                each.category.train,
                self.numerals.percent(each.top1),
                self.words[
                    "short_both" if each.few and each.weak
                    else "short_few" if each.few else "short_weak"
                ],
                each.more,
            )
            for each in found
        ]  # fmt: skip

    def failed(self) -> list[tuple[str, str]]:
        """Models without figures, with the reason."""
        return [
            (self.title(each), each.failed or self.words["why_failed_no_reason"])
            for each in unmeasured(self.comparison)
        ]

    def stage_rows(self) -> list[tuple[str, list[str]]]:
        """Minutes of each stage, one column a model."""
        candidates = self.comparison.candidates
        names = list(dict.fromkeys(name for each in candidates for name in each.seconds))
        rows = [
            (
                self.words.get(f"stage_{name}", name),
                [self._minutes(each.seconds.get(name)) for each in candidates],
            )
            for name in names
        ]
        if rows:
            totals = [self._minutes(sum(each.seconds.values())) for each in candidates]
            rows.append((self.words["stage_total"], totals))
        return rows

    def sources(self) -> list[tuple[str, str]]:
        """Where the figures come from."""
        told = self.comparison
        machine = told.machine
        words = self.say(
            "source_machine_words",
            processor=machine.processor,
            cores=machine.cores,
            memory=self.numerals.number(machine.memory_gb),
            system=machine.system,
            python=machine.python,
        )
        threads = sorted({str(each.offline.threads) for each in told.candidates if each.offline})
        versions = ", ".join(f"{name} {number}" for name, number in told.versions.items())
        return [
            (self.words["source_machine"], words),
            (self.words["source_threads"], ", ".join(threads) or DASH),
            (self.words["source_seed"], str(told.seed)),
            (self.words["source_fingerprint"], told.fingerprint),
            (self.words["source_versions"], versions or DASH),
            (self.words["source_command"], told.command or DASH),
        ]

    @property
    def _answers(self) -> tuple[PhotoAnswer, ...]:
        return self.shown.offline.answers if self.shown and self.shown.offline else ()

    def _about(self, measure: Measure[Any]) -> tuple[str, str]:
        return self.words[f"measure_{measure.name}"], self.words[f"meaning_{measure.name}"]

    def _row(self, measure: Measure[Any], readings: Sequence[Reading]) -> _Row:
        known = [reading.value for reading in readings if is_figure(reading.value)]
        best = (max if measure.better == "more" else min)(known) if len(known) > 1 else None
        cells = [self._cell(measure, each, best=each.value == best) for each in readings]
        return _Row(*self._about(measure), tuple(cells))

    def _cell(self, measure: Measure[Any], reading: Reading, *, best: bool = False) -> _Cell:
        write = self.numerals.percent if measure.share else self.numerals.number
        detail = ""
        if is_figure(reading.low) and is_figure(reading.high):
            detail = self.say("range", low=write(reading.low), high=write(reading.high))
        return _Cell(write(reading.value), detail, best)

    def _beside(self, measure: Measure[Any], candidate: Candidate) -> _Cell:
        """The study's figure, and how many times ours it is."""
        theirs = measure.read(candidate.keras)
        cell = self._cell(measure, theirs)
        ours = measure.read(candidate.online).value if candidate.online else 0.0
        if not (is_figure(ours) and is_figure(theirs.value) and ours):
            return cell
        times = self.numerals.times(theirs.value / ours)
        return _Cell(_RATIO.format(value=cell.text, times=times), cell.detail)

    def _bars(self, panel: charts.Panel) -> str:
        write = self.numerals.percent if panel.share else self.numerals.number
        told = ", ".join(f"{bar.label} {write(bar.reading.value)}" for bar in panel.bars)
        figure = charts.bar_chart(
            panel.bars, title=panel.title, share=panel.share, numerals=self.numerals
        )
        alt = self.say("chart_alt", title=panel.title, bars=told)
        return charts.as_svg(figure, name=f"bar-{panel.name}", title=alt)

    def _curve(self, candidate: Candidate, position: int, name: str) -> str:
        write = self.numerals.percent if name == "accuracy" else self.numerals.number
        watched = [epoch.get(f"val_{name}") for epoch in candidate.history]
        figure = charts.curve_chart(
            candidate.history,
            name,
            colour=charts.series_colour(position),
            words=self.words,
            numerals=self.numerals,
        )
        alt = self.say(
            "curve_alt",
            model=self.title(candidate),
            title=self.words[f"curve_{name}"],
            epochs=len(candidate.history),
            first=write(watched[0]),
            last=write(watched[-1]),
        )
        return charts.as_svg(figure, name=f"curve-{position}-{name}", title=alt)

    def _photos(self, answers: Iterable[PhotoAnswer]) -> list[Mapping[str, str]]:
        return [
            {
                "address": self._thumbnails.data_address(answer.sha256) or "",
                "alt": self.say("photo_alt", category=self.name(answer.category)),
                "right": self.name(answer.category),
                "given": self.name(answer.guess),
                "confidence": self.say(
                    "photo_confidence", value=self.numerals.percent(answer.confidence, 0)
                ),
            }
            for answer in answers
        ]

    def _minutes(self, seconds: float | None) -> str:
        return DASH if seconds is None else self.numerals.number(seconds / 60, 1)
