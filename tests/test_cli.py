"""The `vitrina` command: results on stdout, everything else on stderr, honest exit codes."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from asking import LiveServer
from commanding import Ended, Vitrina
from drawing import COLOURS, drawn_photo, write_table
from rich.console import Console
from sqlalchemy.exc import IntegrityError, OperationalError
from tiny_network import write_tiny

from vitrina import Shop, __version__
from vitrina.cli.app import app
from vitrina.cli.bars import TerminalProgress
from vitrina.errors import FeedError

COMMANDS = (
    "init", "import", "check", "weights", "train", "tune", "compare", "report", "publish",
    "rollback", "learn", "search", "serve", "demo", "categories", "embed",
)  # fmt: skip


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
    assert {"kind", "category", "product", "detail", "photos"} <= set(answer["findings"][0])
    table = shop.folder.root / "check" / "corrections.csv"
    applied = vitrina("check", "--apply", table, "--shop", shop.folder.root)
    assert (applied.code, applied.out) == (0, "Corrections: nothing to do.\n")
    row = "move,lampy-1,,Лампы,Розетки"
    table.write_text(f"action,article,photo,from category,to category\n{row}\n", encoding="utf-8")
    moved = vitrina("check", "--apply", table, "--shop", shop.folder.root)
    assert moved.out.startswith("Corrections: 1 products moved.\nTo take it back: vitrina check")
    failed(vitrina("check", "--apply", table.with_name("no.csv"), "--shop", shop.folder.root), "no")
    unlabelled = vitrina("check", "--no-labels", "--shop", shop.folder.root)
    assert "Wrong labels" not in unlabelled.out


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
    monkeypatch.setenv("VITRINA_LOG_FORMAT", "text")  # as on a terminal
    ended = vitrina("serve", "--shop", shop.folder.root)
    assert ended == (0, "", "Лавка [/] is at http://[::1]:8000 (stop with Ctrl+C)\n")
    monkeypatch.setenv("VITRINA_LOG_FORMAT", "json")  # the server's own line says it
    assert vitrina("serve", "--shop", shop.folder.root) == (0, "", "")


def raising(error: BaseException) -> Callable[..., None]:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    return fail


def test_interruption(vitrina: Vitrina, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "check", raising(KeyboardInterrupt()))
    ended = vitrina("check", "--shop", shop.folder.root)
    assert ended == (130, "", "Interrupted; what was computed is used again next time.\n")


def test_interruption_of_a_process(shop: Shop) -> None:
    program = """
import signal, sys
from vitrina import Shop
from vitrina.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # else what runs behind others ignores it
Shop.check = lambda _shop, labels: signal.raise_signal(signal.SIGINT)
sys.argv = ["vitrina", "check", "--shop", sys.argv[1]]
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(shop.folder.root)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 130
    assert ended.stderr == "Interrupted; what was computed is used again next time.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_asked_to_stop_ends_well(
    published_shop: Shop, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    server = LiveServer(published_shop.folder.root, tmp_path / "tmp")
    server.process.send_signal(number)
    assert server.process.wait(timeout=30) == 0
    server.stop()
    assert "Interrupted" not in "".join(server.said)
    assert "Traceback" not in "".join(server.said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/shop/x"), "Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/shop/x"), "the right to read"),
        (TimeoutError("/shop/x timed out"), "Look at what"),
        (OperationalError("INSERT", {}, Exception("/shop/x is full")), "another process"),
    ],
)
def test_what_the_machine_refuses(
    vitrina: Vitrina, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(Shop, "check", raising(error))
    failed(vitrina("check", "--shop", shop.folder.root), "/shop/x", said)


def test_a_mistake_of_the_program_keeps_its_traceback(
    vitrina: Vitrina, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (ZeroDivisionError(), IntegrityError("INSERT", {}, Exception("x"))):
        monkeypatch.setattr(Shop, "check", raising(error))
        with pytest.raises(type(error)):
            vitrina("check", "--shop", shop.folder.root)


def test_a_photo_that_is_not_there_is_no_search_by_words(
    vitrina: Vitrina, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    at = ("--shop", shop.folder.root)
    for path in ("lamp.JPG", "photos/lamp", "photos/", "./lamp", tmp_path / "lamp"):
        failed(vitrina("search", path, *at), "There is no picture file", "Check the path")
    for words in ("лампа E27/E14", "24/7", "photos", "v1.2", ""):
        assert vitrina("search", words, *at).code == 0


def test_what_was_done_is_told_without_a_terminal() -> None:
    said = io.StringIO()
    progress = TerminalProgress(Console(file=said, width=200))
    with progress.step("Learning", 40) as step:
        step.advance(17, note="loss 0.1")
    list(progress.track(range(3), "Looking", 3))
    ended, whole = said.getvalue().splitlines()
    assert ended.startswith("Learning: 17 of 40 in 0.0 s")
    assert ended.endswith("loss 0.1")
    assert whole == "Looking: 3 in 0.0 s"


def test_publish_says_what_a_running_server_does(
    vitrina: Vitrina, published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.bundle import active_bundle

    bundle = active_bundle(published_shop.folder.bundles)
    figures = {
        "test": {"photos": 3, "top1": 1.0, "top3": 1.0},
        "agreement": {"photos": 3, "max_difference": 1e-6},
        "precision": {"served": "fp32", "why": "It was asked for."},
    }
    bundle.info.metrics.update(figures)
    monkeypatch.setattr(Shop, "publish", lambda _shop, _run, **_given: bundle)
    ended = vitrina("publish", "--shop", published_shop.folder.root)
    assert ended.code == 0
    assert "A server that runs takes it within seconds" in ended.out
    assert "other bundles are kept" not in ended.out
    write_tiny(published_shop.folder, version="tiny-2")
    ended = vitrina("publish", "--shop", published_shop.folder.root)
    assert "1 other bundles are kept" in ended.out


MEASURING = """
import sys
from vitrina.cli import commands
from vitrina.evaluation.server_process import ServerProcess

def measure():
    with ServerProcess(sys.argv[1:]) as server:
        print(server.pid, flush=True)
        server.post("/v1/search/photo", b"photo", "image/png")

commands.app = measure
commands.run()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGTERM, which POSIX systems have")
def test_being_told_to_end_leaves_no_server_behind(tmp_path: Path) -> None:
    plain = Path(__file__).with_name("plain_server.py")
    # the server never answers: the command is told to end while it waits
    server = (sys.executable, str(plain), str(tmp_path / "log"), "--do", "hang")
    with subprocess.Popen(
        [sys.executable, "-c", MEASURING, *server], stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        pid = int(command.stdout.readline())
        assert psutil.pid_exists(pid)
        command.send_signal(signal.SIGTERM)
        assert command.wait(timeout=60) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(pid)
