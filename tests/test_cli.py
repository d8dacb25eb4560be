"""The `vitrina` command: results on stdout, everything else on stderr, honest exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from drawing import COLOURS, drawn_photo, write_table

from vitrina import Shop, __version__
from vitrina.cli.commands import app, run
from vitrina.errors import FeedError

COMMANDS = ("init", "import", "check", "weights", "train", "publish", "search", "serve", "demo")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Vitrina = Callable[..., Ended]


@pytest.fixture
def vitrina(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Vitrina:
    """Runs the command in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["vitrina", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *capfd.readouterr())

    return call


def test_every_command_is_tested() -> None:
    named = {
        command.name or command.callback.__name__  # type: ignore[union-attr]
        for command in app.registered_commands
    }
    assert named == set(COMMANDS)


def test_help(vitrina: Vitrina) -> None:
    ended = vitrina("--help")
    assert ended.code == 0
    for name in COMMANDS:
        assert name in ended.out
        helped = vitrina(name, "--help")
        assert helped.code == 0
        assert f"vitrina {name}" in helped.out


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_explained(name: str) -> None:
    import typer

    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help
    for parameter in command.params:
        assert parameter.help, parameter.name


def test_version(vitrina: Vitrina) -> None:
    assert vitrina("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unknown",),
        ("init", "--unknown"),
        ("import",),
        ("search",),
        ("search", "x", "--limit", "0"),
        ("search", "x", "--limit", "many"),
        ("search", "x", "--language", "de"),
        ("serve", "--port", "99999"),
        ("serve", "--port", "-1"),
        ("train", "--seed", "x"),
    ],
)
def test_wrong_use(vitrina: Vitrina, arguments: tuple[str, ...]) -> None:
    ended = vitrina(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    if arguments:
        assert ended.out == ""
        assert "Usage" in ended.err


def failed(ended: Ended, *said: str) -> None:
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "\nhint: " in ended.err
    assert "Traceback" not in ended.err
    for part in said:
        assert part in ended.err


def test_init(vitrina: Vitrina, tmp_path: Path) -> None:
    place = tmp_path / "моя [bold]лавка[/]"
    ended = vitrina("init", place, "--name", "Лампы", "--language", "en")
    assert (ended.code, ended.err) == (0, "")
    assert str(place) in ended.out
    settings = Shop.open(place).folder.settings
    assert (settings.name, settings.language) == ("Лампы", "en")
    failed(vitrina("init", place), "already is a shop", str(place))
    made = vitrina("init", tmp_path / "second", "--json")
    assert made.json == {
        "shop": str(tmp_path / "second"), "settings": str(tmp_path / "second" / "shop.toml"),
    }  # fmt: skip
    assert made.err == ""
    failed(vitrina("init", tmp_path / "third", "--language", "de"), "language")
    (tmp_path / "file").write_text("x")
    failed(vitrina("init", tmp_path / "file"), "cannot be made a shop")


def test_init_here(
    vitrina: Vitrina, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_table: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert vitrina("init").code == 0
    assert vitrina("import", catalogue_table).code == 0
    assert vitrina("search", "лампа", "--json").json["total"] == 4


def test_no_shop(vitrina: Vitrina, tmp_path: Path) -> None:
    for arguments in (("import", "x"), ("check",), ("search", "x"), ("serve",)):
        ended = vitrina(*arguments, "--shop", tmp_path)
        failed(ended, "is not a shop", "vitrina init")


def test_shop_without_goods(vitrina: Vitrina, empty_shop: Shop) -> None:
    for arguments in (("check",), ("search", "x"), ("serve",)):
        failed(vitrina(*arguments, "--shop", empty_shop.folder.root), "vitrina import")


def test_import(vitrina: Vitrina, empty_shop: Shop, catalogue_table: Path, tmp_path: Path) -> None:
    root = empty_shop.folder.root
    ended = vitrina("import", catalogue_table, "--shop", root)
    assert ended.code == 0
    assert ended.out == "Imported 12 products with 15 photos in 3 categories.\n"
    assert "Importing products: 12" in ended.err
    rows = [("sku", "name", "category", "price"), ("1", "x", "y", ""), ("2", "x", "y", "дорого")]
    table = write_table(tmp_path / "bad.csv", rows)
    refused = vitrina("import", table, "--shop", root)
    assert refused.code == 0
    (report,) = empty_shop.folder.imports.iterdir()
    assert f"Refused 1; why, line by line: {report}" in refused.out
    answer = vitrina("import", table, "--shop", root, "--json").json
    assert (answer["products"], answer["photos"], answer["categories"]) == (1, 0, 1)
    assert answer["refusals"] == [
        {
            "line": "3",
            "field": "price",
            "value": "дорого",
            "reason": "not a number such as 1234.50",
        }
    ]
    assert Path(answer["refused_file"]).parent == empty_shop.folder.imports
    failed(vitrina("import", tmp_path / "missing.csv", "--shop", root), "no file or folder")
    missing = ("--split", tmp_path / "missing.tsv")
    failed(vitrina("import", table, *missing, "--shop", root), "no split file")


def test_check(vitrina: Vitrina, shop: Shop) -> None:
    ended = vitrina("check", "--shop", shop.folder.root)
    assert ended.code == 0
    assert ended.out.startswith("12 products, 15 photos, 3 categories.\n")
    assert "few photos" in ended.out
    answer = vitrina("check", "--shop", shop.folder.root, "--json").json
    assert answer["categories"] == {"kabeli": 5, "lamps": 5, "sockets": 5}
    assert {"kind", "category", "product", "detail"} == set(answer["findings"][0])


def test_search_by_words(vitrina: Vitrina, shop: Shop) -> None:
    at = ("--shop", shop.folder.root)
    ended = vitrina("search", "лампа", *at)
    assert (ended.code, ended.err) == (0, "")
    assert "lampy-1" in ended.out
    assert "200.50 RUB" in ended.out
    answer = vitrina("search", "лампа", "--limit", "2", "--language", "en", "--json", *at).json
    assert (answer["total"], len(answer["products"])) == (4, 2)
    assert answer["products"][1]["name"] == "Lamps model 1"
    failed(vitrina("search", "x" * 300, *at), "300 characters")
    failed(vitrina("search", "x" * 5000, *at), "5000 characters")
    failed(vitrina("search", os.fsdecode(b"\xff"), *at), "broken")


def test_search_by_photo(vitrina: Vitrina, published_shop: Shop, tmp_path: Path) -> None:
    at = ("--shop", published_shop.folder.root)
    (tmp_path / "лампа.jpg").write_bytes(drawn_photo(COLOURS["lampy"], kind="JPEG"))
    ended = vitrina("search", tmp_path / "лампа.jpg", *at)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("→ ")
    assert "lampy-0" in ended.out
    answer = vitrina("search", tmp_path / "лампа.jpg", "--json", *at).json
    assert answer["decision"] == "category"
    assert answer["category"]["id"] == "lamps"
    (tmp_path / "torn.jpg").write_bytes(drawn_photo(size=(300, 300))[:500])
    failed(vitrina("search", tmp_path / "torn.jpg", *at), "damaged or breaks off")


def test_search_by_photo_before_publishing(vitrina: Vitrina, shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(drawn_photo())
    ended = vitrina("search", tmp_path / "a.jpg", "--shop", shop.folder.root)
    failed(ended, "Nothing is published yet", "vitrina publish")


def test_names_are_printed_as_they_are(vitrina: Vitrina, empty_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(drawn_photo(size=(40, 40)))
    rows = [("sku", "name", "category", "image"), ("[/x]", "[bold]Лампа[/] [/]", "[red]", "a.png")]
    at = ("--shop", empty_shop.folder.root)
    assert vitrina("import", write_table(tmp_path / "g.csv", rows), *at).code == 0
    ended = vitrina("search", "[/x]", *at)
    assert ended.code == 0
    assert "[/x]     [bold]Лампа[/] [/]" in ended.out
    assert "[/x]" in vitrina("check", *at).out


def test_notices_and_addresses_are_printed_as_they_are(
    vitrina: Vitrina, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(self: Shop, *_arguments: object, **_options: object) -> None:
        self._progress.say("[/x] is left out [bold]")
        raise FeedError("no [/y]", hint="[/z]")

    def serve(self: Shop, *, on_ready: Callable[[str], None], **_options: object) -> None:
        on_ready("http://[::1]:8000")

    monkeypatch.setattr(Shop, "import_catalogue", say)
    ended = vitrina("import", "x", "--shop", shop.folder.root)
    assert ended == (1, "", "[/x] is left out [bold]\nerror: no [/y]\nhint: [/z]\n")
    monkeypatch.setattr(Shop, "serve", serve)
    text = shop.folder.toml.read_text(encoding="utf-8").replace("Лавка", "Лавка [/]")
    shop.folder.toml.write_text(text, encoding="utf-8")
    ended = vitrina("serve", "--shop", shop.folder.root)
    assert ended == (0, "", "Лавка [/] is at http://[::1]:8000 (stop with Ctrl+C)\n")


def test_interruption(vitrina: Vitrina, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Shop, "check", stop)
    ended = vitrina("check", "--shop", shop.folder.root)
    assert ended.code == 130
    assert "Traceback" not in ended.err
