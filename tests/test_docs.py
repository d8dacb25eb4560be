"""The documentation says what is there: examples run, and nothing is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from drawing import COLOURS, draw_folders, drawn_photo
from typer.main import get_command

import vitrina
from vitrina import errors
from vitrina.cli.commands import app
from vitrina.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.mark.train
def test_the_python_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)
    draw_folders(tmp_path / "goods", products=10)
    (tmp_path / "photo.jpg").write_bytes(drawn_photo(COLOURS["rozetki"], seed=99, kind="JPEG"))
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/python.md", "exec"), {"__name__": "example"})
    told = capsys.readouterr().out
    assert "30 products in 3 categories" in told
    # whether it is right is asked where networks are trained longer: here only that it answers
    assert re.search(r"^(the box says|perhaps): .*(Кабели|Лампы|Розетки)", told, re.MULTILINE)
    assert re.search(r"^top-1 on products never seen: [\d.]+$", told, re.MULTILINE)
    assert re.search(r"^\d+ goods match the word$", told, re.MULTILINE)
    assert "photo_type - " in told


def test_exactly_the_public_names_are_documented() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (DOCS / "python.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(vitrina.__all__)
    assert all(hasattr(vitrina, name) for name in vitrina.__all__)


def test_every_setting_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    assert rows == [(name, f"`{field.default}`") for name, field in Settings.model_fields.items()]


def test_every_command_is_in_both_readmes() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for readme in ("README.md", "README.ru.md"):
        text = (ROOT / readme).read_text()
        missing = [name for name in commands if f"vitrina {name}" not in text]
        assert not missing, f"{readme} lacks {missing}"


def test_every_error_that_http_answers_is_documented() -> None:
    from vitrina.serving.problems import STATUS

    text = (DOCS / "http.md").read_text()
    answered = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type)
        and any(issubclass(error, kind) for kind in STATUS)
        and not issubclass(error, errors.ShopError)
        and error not in (errors.BundleDisagrees, errors.QuantisationFailed)
    }
    assert not [code for code in answered if f"`{code}`" not in text]


def test_the_error_tree_is_drawn_whole() -> None:
    drawn = set(re.findall(r"(?:├──|└──|^ {4})\s*(\w+)", errors.__doc__ or "", re.MULTILINE))
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.VitrinaError)
    }
    assert drawn == defined


def test_the_top_version_of_the_changelog_is_the_packages() -> None:
    (top, *_) = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert top == vitrina.__version__


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "demo" / "README.md"]
    broken = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not broken


def test_the_modules_that_the_architecture_page_lists_are_the_real_ones() -> None:
    text = (DOCS / "architecture.md").read_text()
    package = ROOT / "src" / "vitrina"
    real = {
        entry.name + "/" * entry.is_dir()
        for entry in package.iterdir()
        if not entry.name.startswith("_") and entry.suffix in ("", ".py")
    }
    listed = set(re.findall(r"(?:^ {2}|, )(\w+(?:\.py|/))", text, re.MULTILINE))
    assert {name for name in listed if (package / name.rstrip("/")).exists()} == real
