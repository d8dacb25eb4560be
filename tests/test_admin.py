"""The merchant's screens as they are asked for: who is let in, what is shown, what is refused."""

from __future__ import annotations

import csv
import html
import json
import re
import time
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asking import AppClient
from sqlalchemy import update
from test_api_photo import LAMP
from test_imports import loaded
from tiny_network import write_tiny
from typer.testing import CliRunner

from vitrina import Shop
from vitrina.admin import accounts, audit, sessions
from vitrina.admin.texts import texts
from vitrina.admin.told import shown_settings
from vitrina.bundle import active_version
from vitrina.cli.commands import app as command
from vitrina.errors import AdminRefused, NotFound, RateExceeded, SettingError
from vitrina.journal import writing
from vitrina.progress import SILENT
from vitrina.serving.app import ShopApp, create_app
from vitrina.serving.login_tries import OF_A_CLIENT, OF_ALL, LoginTries
from vitrina.settings import Settings
from vitrina.store.database import open_database
from vitrina.store.schema import CATEGORIES, IMPORTS
from vitrina.store.server_database import ServerDatabase

PASSWORD = "four words of no song"
OWN = {"Origin": "http://shop.test"}
PAGES = (
    "/admin/", "/admin/catalogue", "/admin/review", "/admin/models", "/admin/log",
    "/admin/settings",
)  # fmt: skip


@pytest.fixture
def database(published_shop: Shop) -> ServerDatabase:
    found = ServerDatabase(published_shop.folder.server_database)
    accounts.set_password(found, "admin", PASSWORD)
    return found


@pytest.fixture
def app(published_shop: Shop, database: ServerDatabase) -> ShopApp:
    return create_app(published_shop.folder)


@pytest.fixture
def asking(app: ShopApp) -> Iterator[AppClient]:
    """A browser that nobody has signed in with yet."""
    with AppClient(app) as client:
        yield client


@pytest.fixture
def inside(asking: AppClient) -> AppClient:
    """A browser in which the owner is signed in."""
    assert sign_in(asking).headers["location"] == "/admin/"
    return asking


def fields_of(page: str) -> dict[str, str]:
    """Hidden fields of the last form of a page."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


def post(client: AppClient, address: str, form: Mapping[str, str], **headers: str) -> Any:
    return client.request("POST", address, data=dict(form), headers=OWN | headers)


def sign_in(client: AppClient, password: str = PASSWORD, name: str = "admin") -> Any:
    form = fields_of(client.get("/admin/login").text)
    return post(client, "/admin/login", form | {"name": name, "password": password})


def form_token(client: AppClient) -> dict[str, str]:
    return {"form_token": fields_of(client.get("/admin/models").text)["form_token"]}


def noted(database: ServerDatabase) -> list[tuple[str, str]]:
    """Who did what, in order."""
    return [(entry.who, entry.what) for entry in reversed(audit.latest(database))]


# Off, and on


def test_without_a_password_there_are_no_screens(published_shop: Shop) -> None:
    with AppClient(create_app(published_shop.folder)) as client:
        for address in (*PAGES, "/admin/login"):
            answer = client.get(address, headers={"Accept-Language": "en"})
            assert answer.status_code == 404, address
            assert "vitrina admin password" in answer.text
        assert client.get("/admin").headers["location"] == "/admin/"
        form = {"name": "admin", "password": "", "form_token": "x"}
        assert post(client, "/admin/login", form).status_code == 404
    path = published_shop.folder.server_database
    assert not isinstance(path, Path) or not path.exists()


def test_the_command_reads_the_password(published_shop: Shop) -> None:
    root, runner = str(published_shop.folder.root), CliRunner()
    short = runner.invoke(command, ["admin", "password", "--shop", root], input="short\n")
    assert isinstance(short.exception, SettingError)
    ended = runner.invoke(command, ["admin", "password", "--shop", root], input=f"{PASSWORD}\n")
    assert ended.exit_code == 0, ended.output
    assert PASSWORD not in ended.output
    with AppClient(create_app(published_shop.folder)) as client:
        assert sign_in(client).status_code == 303
        removed = runner.invoke(command, ["admin", "remove", "--shop", root])
        assert removed.exit_code == 0, removed.output
        assert client.get("/admin/").status_code == 404
    path = published_shop.folder.server_database
    if isinstance(path, Path):
        assert PASSWORD.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "Admin", "a b", "../x", "x" * 41, "имя"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match="no name"):
        accounts.set_password(ServerDatabase(tmp_path / "server.db"), name, PASSWORD)


def test_another_password_signs_out(inside: AppClient, database: ServerDatabase) -> None:
    accounts.set_password(database, "admin", PASSWORD + "!")
    assert inside.get("/admin/").status_code == 303
    assert sign_in(inside).status_code == 403
    assert sign_in(inside, PASSWORD + "!").status_code == 303


def test_nobody_else_can_be_removed(database: ServerDatabase) -> None:
    with pytest.raises(NotFound):
        accounts.remove_account(database, "olga")
    with pytest.raises(AdminRefused):
        accounts.require_password(database, "olga", PASSWORD)


# Signing in


def test_whoever_is_not_signed_in_sees_nothing(asking: AppClient) -> None:
    for address in (*PAGES, "/admin/report", "/admin/catalogue/categories/lamps"):
        answer = asking.get(address)
        assert answer.status_code == 303, address
        assert answer.headers["location"].startswith("/admin/login?next=")
        assert answer.text == ""


def test_signing_in_and_out(asking: AppClient, database: ServerDatabase) -> None:
    assert asking.get("/admin/models").headers["location"] == "/admin/login?next=%2Fadmin%2Fmodels"
    page = asking.get("/admin/login?next=/admin/models")
    form = fields_of(page.text) | {"name": "Admin ", "password": PASSWORD}
    answer = post(asking, "/admin/login", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/models")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/admin/", "max-age=43200"):
        assert part in cookie
    assert "secure" not in cookie.replace("httponly", "")
    assert asking.get("/admin/models").status_code == 200
    left = post(asking, "/admin/logout", form_token(asking))
    assert (left.status_code, left.headers["location"]) == (303, "/admin/login")
    assert asking.get("/admin/models").status_code == 303
    assert noted(database) == [("admin", "login"), ("admin", "logout")]


def test_behind_https_the_cookie_is_secure(app: ShopApp) -> None:
    with AppClient(app) as client:
        answer = client.get("/admin/login", headers={"X-Forwarded-Proto": "https"})
        assert "secure" in answer.headers["set-cookie"].lower().replace("httponly", "").split("; ")


def test_a_wrong_password(asking: AppClient, database: ServerDatabase) -> None:
    for name, password in (("admin", "wrong password"), ("nobody", PASSWORD), ("admin", "")):
        answer = sign_in(asking, password, name)
        assert answer.status_code == 403
        assert texts("ru")["login_wrong"] in answer.text
        assert password not in answer.text or not password
    assert asking.get("/admin/").status_code == 303
    assert noted(database) == [
        ("admin", "login_failed"), ("nobody", "login_failed"), ("admin", "login_failed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.test/", "//evil.test/", "/admin/../../evil", "/\\evil.test", "javascript:x",
        "/admin/\r\nSet-Cookie: a=b", "/", "/admin/%2e%2e", "/admin/login@evil.test",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(asking: AppClient, place: str) -> None:
    form = fields_of(asking.get("/admin/login").text)
    answer = post(
        asking, "/admin/login", form | {"name": "admin", "password": PASSWORD, "next": place}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")


def test_a_session_cannot_be_brought_along(asking: AppClient, database: ServerDatabase) -> None:
    """Whoever puts a token of their own into a browser is not signed in by its owner."""
    known = sessions.new_token()
    asking._client.cookies.set("vitrina_admin", known, domain="shop.test", path="/admin/")
    answer = sign_in(asking)
    assert answer.status_code == 303
    assert known not in answer.headers["set-cookie"]
    assert sessions.find(database, known) is None


def test_a_stolen_database_signs_nobody_in(inside: AppClient, database: ServerDatabase) -> None:
    with database.reading() as connection:
        (kept,) = connection.execute("SELECT token_hash FROM sessions").fetchone()
    held = inside._client.cookies["vitrina_admin"]
    assert kept != held
    assert sessions.find(database, held) is not None
    assert sessions.find(database, kept) is None


@pytest.mark.parametrize(
    ("column", "seconds"), [("began", sessions.LONGEST_S), ("seen", sessions.IDLE_S)]
)
def test_sessions_end(
    inside: AppClient, database: ServerDatabase, column: str, seconds: int
) -> None:
    def age(by: int) -> None:
        with database.writing() as connection:
            connection.execute(f"UPDATE sessions SET {column} = {column} - ?", (by * 1000,))

    age(seconds - 60)
    assert inside.get("/admin/log").status_code == 200
    age(seconds)
    assert inside.get("/admin/log").status_code == 303
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_tries_are_counted(app: ShopApp, database: ServerDatabase) -> None:
    with AppClient(app, address="203.0.113.5") as client:
        form = fields_of(client.get("/admin/login").text) | {"name": "admin", "password": "wrong"}
        began = time.process_time()
        statuses = [post(client, "/admin/login", form).status_code for _ in range(300)]
        assert statuses == [403] * OF_A_CLIENT + [429] * (300 - OF_A_CLIENT)
        # what is refused costs no hash
        assert time.process_time() - began < 30
        answer = post(client, "/admin/login", form | {"password": PASSWORD})
        assert 1 <= int(answer.headers["retry-after"]) <= 900
        assert client.send_photo(LAMP).status_code == 200
    with AppClient(app, address="203.0.113.6") as client:
        assert sign_in(client).status_code == 303
    assert len(noted(database)) == OF_A_CLIENT + 1


def test_whoever_signs_in_often_is_not_kept_out(app: ShopApp, database: ServerDatabase) -> None:
    with AppClient(app, address="203.0.113.5") as client:
        for _ in range(2):
            for _ in range(OF_A_CLIENT - 1):
                assert sign_in(client, "wrong password").status_code == 403
            assert sign_in(client).status_code == 303
            post(client, "/admin/logout", form_token(client))


def test_many_addresses_are_no_way_around(
    app: ShopApp, database: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "require_password", _refuse)
    statuses = []
    for number in range(OF_ALL + 5):
        with AppClient(app, address=f"2001:db8:{number:x}::1") as client:
            form = fields_of(client.get("/admin/login").text)
            statuses.append(post(client, "/admin/login", form).status_code)
    assert statuses == [403] * OF_ALL + [429] * 5


def test_ten_thousand_tries() -> None:
    tries = LoginTries()
    passed, waits = 0, set()
    for number in range(10_000):
        # a tenth by one address, the others each by its own, of a few networks
        address = "203.0.113.9" if number % 10 == 0 else f"2001:db8:{number % 97:x}:{number:x}::1"
        try:
            tries.count({"type": "http", "client": (address, 1)})
            passed += 1
        except RateExceeded as error:
            waits.add(error.retry_after)
    assert passed == OF_ALL
    assert waits <= set(range(1, 901))


def _refuse(*_: object) -> None:
    raise AdminRefused("no")


def test_failed_tries_do_not_push_out_what_was_done(
    database: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_MOST_FAILED", 5)
    audit.note(database, "admin", "login")
    for _ in range(12):
        audit.note(database, "stranger", "login_failed")
    assert noted(database) == [("admin", "login")] + [("stranger", "login_failed")] * 5


# Forms of others


FORMS = (
    "/admin/logout", "/admin/models/activate", "/admin/models/rollback", "/admin/models/publish",
    "/admin/catalogue/categories/lamps", "/admin/catalogue/import", "/admin/catalogue/check",
    "/admin/review/decide", "/admin/review/delete", "/admin/review/delete-all",
    "/admin/models/ab", "/admin/models/ab/stop",
)  # fmt: skip


@pytest.mark.parametrize("address", [*FORMS, "/admin/login"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Origin": ""},
        {"Origin": "http://shop.test.evil.test"}, {"Origin": "http://shop.test:8080@evil.test"},
        {"Origin": "http://[::1"}, {}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Referer": "http://shop.test/admin/"},
    ],
    ids=str,
)  # fmt: skip
def test_other_sites_forms_are_refused(
    inside: AppClient, address: str, headers: dict[str, str]
) -> None:
    form = form_token(inside) | {"search_text": "x", "version": "tiny-1", "seen": "лампа"}
    answer = inside.request("POST", address, data=form, headers=headers)
    assert answer.status_code == 403
    assert inside.get("/admin/log").status_code == 200
    assert category_text(inside) == "лампа"


@pytest.mark.parametrize("address", FORMS)
def test_a_form_without_its_token_is_refused(inside: AppClient, address: str) -> None:
    form = {"search_text": "x", "version": "tiny-1", "seen": "лампа"}
    other = sessions.form_token(sessions.new_token())
    for token in ({}, {"form_token": ""}, {"form_token": other}, {"form_token": "жж"}):
        assert post(inside, address, form | token).status_code == 403
    assert category_text(inside) == "лампа"
    assert inside.get("/admin/log").status_code == 200


def test_a_browser_that_names_no_origin_but_says_the_same(inside: AppClient) -> None:
    answer = inside.request(
        "POST", "/admin/logout", data=form_token(inside), headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 303


def test_a_proxy_may_leave_out_the_port(inside: AppClient) -> None:
    form = form_token(inside)
    assert post(inside, "/admin/logout", form, Origin="http://shop.test:8443").status_code == 303


@pytest.mark.parametrize("address", FORMS)
def test_forms_of_those_who_are_not_signed_in(asking: AppClient, address: str) -> None:
    asking.get("/admin/login")
    token = fields_of(asking.get("/admin/login").text)
    answer = post(asking, address, token | {"version": "tiny-1", "search_text": "x"})
    assert answer.status_code == 401
    assert asking.get(address).status_code in (303, 405)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 1_000_000, 413),
        (b"form_token=%ff%fe", 400),
        ("имя=1".encode(), 400),
        (b"&".join(b"a%d=1" % n for n in range(50)), 400),
        (b"\x00\xff", 400),
        (b"", 403),
        (b'{"form_token": "x"}', 403),
    ],
)
def test_bodies_that_are_no_form(inside: AppClient, body: bytes, status: int) -> None:
    headers = OWN | {"content-type": "application/x-www-form-urlencoded"}
    for address in ("/admin/catalogue/categories/lamps", "/admin/models/activate"):
        answer = inside.request("POST", address, content=body, headers=headers)
        assert answer.status_code == status
    assert category_text(inside) == "лампа"


# Pages


def category_text(client: AppClient, slug: str = "lamps") -> str:
    return next(
        one["search_text"]
        for one in client.get("/v1/categories").json()["categories"]
        if one["id"] == slug
    )


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_in_both_languages(inside: AppClient, language: str) -> None:
    for address in (*PAGES, "/admin/catalogue/categories/lamps", "/admin/none"):
        answer = inside.get(address, headers={"Accept-Language": language})
        assert answer.headers["content-language"] == language
        assert f'<html lang="{language}">' in answer.text
        other = inside.get(f"{address}?lang={'en' if language == 'ru' else 'ru'}")
        assert other.headers["content-language"] != language
        inside._client.cookies.delete("vitrina_admin_language")
        policy = answer.headers["content-security-policy"]
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options" if False else "referrer-policy"] == "same-origin"
        for forbidden in ("<script", "style=", "onclick", "javascript:"):
            assert forbidden not in answer.text


def test_both_languages_say_the_same() -> None:
    tables = {one: texts(one) for one in ("ru", "en")}
    assert set(tables["ru"]) == set(tables["en"])
    for key in tables["ru"]:
        holders = [sorted(re.findall(r"\{\w+\}", tables[one][key])) for one in tables]
        assert holders[0] == holders[1], key
        assert all(tables[one][key].strip() for one in tables)
    for what in audit.What.__args__:  # type: ignore[attr-defined]
        assert f"what_{what}" in tables["ru"]
    for name in Settings.model_fields:
        assert f"setting_{name}" in tables["ru"]


def test_no_sentence_is_without_use() -> None:
    folder = resources.files("vitrina.admin")
    sources = [
        entry.read_text("utf-8")
        for place in (folder, folder.joinpath("templates"))
        for entry in place.iterdir()
        if entry.name.endswith((".py", ".html"))
    ]
    made_up = ("language_", "title_", "say_", "period_", "figure_", "about_", "unit_", "column_",
               "edit_", "work_", "what_", "setting_", "ab_", "review_", "beside_")  # fmt: skip
    for key in texts("ru"):
        used = any(key in source for source in sources)
        assert used or key.startswith(made_up), key


def test_the_overview_counts(app: ShopApp, inside: AppClient) -> None:
    ids = [inside.send_photo(LAMP).json()["query_id"] for _ in range(3)]
    events = [
        {"id": "1", "kind": "chip", "category": "sockets"},
        {"id": "2", "kind": "click", "sku": "lampy-1"},
        {"id": "3", "kind": "order", "value": "1290.50"},
        {"id": "4", "kind": "order", "value": "9.50"},
    ]
    body = {"query_id": ids[0], "visitor": "browser-0123456789", "events": events}
    assert inside.request("POST", "/v1/events", json=body).status_code == 202
    for period in ("day", "week", "month", "year"):
        page = inside.get(f"/admin/?period={period}", headers={"Accept-Language": "en"}).text
        figures = dict(
            re.findall(
                r'<dt>([^<]+?)(?: <code>.*?)?</dt>\s*<dd class="value">(.*?)</dd>', page, re.DOTALL
            )
        )
        figures = {name: re.sub(r"<.*?>|\s+", " ", text).strip() for name, text in figures.items()}
        assert figures["Searches by photo"] == "3"
        assert figures["Recognised"].split() == ["100%", "3"]
        assert figures["Category chosen"].startswith("1 ")
        assert "33% of searches" in figures["Clicks on goods"]
        assert figures["Orders"].startswith("2 ")
        assert "1,300" in figures["Value of orders"]
        assert figures["Visitors"] == "1"
        assert figures["Into the cart"].startswith("0")
        assert re.fullmatch(r"[\d.]+ and [\d.]+ ms", figures["The network"])
        for criterion in ("Memory", "Processor", "Size of the model"):
            assert re.search(r"\d", figures[criterion]), criterion
        assert page.count('<rect class="bar-filled"') == 1
    assert "Лампы" in inside.get("/admin/").text


def test_an_empty_overview(inside: AppClient) -> None:
    page = inside.get("/admin/?period=nonsense").text
    assert texts("ru")["no_searches"] in page
    assert "<rect" not in page


def test_the_catalogue(inside: AppClient, published_shop: Shop) -> None:
    page = inside.get("/admin/catalogue").text
    assert "лампа" in page
    assert "catalogue.csv" in page
    refused = published_shop.folder.root / "bad.csv"
    refused.write_text("sku,name,category,price\n1,Лампа,Лампы,many\n2,Лампа,Лампы,5\n", "utf-8")
    report = published_shop.import_catalogue(refused)
    assert report.refused_file
    hostile = "line,field,value,reason\n2,price,<script>alert(1)</script>,no number\n"
    report.refused_file.write_text(hostile, "utf-8")
    page = inside.get("/admin/catalogue").text
    (address,) = re.findall(r'href="(/admin/catalogue/imports/\d+)"', page)
    told = inside.get(address).text
    assert "&lt;script&gt;alert(1)" in told
    assert "<script" not in told
    assert inside.get("/admin/catalogue/imports/999").status_code == 404
    report.refused_file.unlink()
    assert "imports/" in inside.get(address).text


def test_a_search_text_is_changed(
    inside: AppClient, published_shop: Shop, database: ServerDatabase
) -> None:
    address = "/admin/catalogue/categories/lamps"
    form = fields_of(inside.get(address).text)
    answer = post(inside, address, form | {"search_text": "  лампочка   е27 "})
    assert answer.headers["location"] == "/admin/catalogue?saved=lamps"
    assert texts("ru")["saved"] in inside.get(answer.headers["location"]).text
    assert category_text(inside) == "лампочка е27"
    assert inside.send_photo(LAMP).json()["category"]["search_text"] == "лампочка е27"
    entry = audit.latest(database)[0]
    assert (entry.who, entry.what) == ("admin", "search_text")
    assert entry.detail == "lamps: 'лампа' → 'лампочка е27'"


def test_two_browsers_change_the_same(app: ShopApp, inside: AppClient) -> None:
    address = "/admin/catalogue/categories/lamps"
    with AppClient(app) as other:
        sign_in(other)
        first, second = (fields_of(one.get(address).text) for one in (inside, other))
        post(inside, address, first | {"search_text": "лампочка"})
        answer = post(other, address, second | {"search_text": "светильник"})
        assert answer.status_code == 409
        assert category_text(inside) == "лампочка"
        # nothing is lost: both are shown, and either can be kept
        assert '<dd id="text-now">лампочка</dd>' in answer.text
        assert '<dd id="text-yours">светильник</dd>' in answer.text
        again = fields_of(answer.text)
        assert again["seen"] == "лампочка"
        post(other, address, again | {"search_text": "светильник"})
        assert category_text(inside) == "светильник"


@pytest.mark.parametrize("text", ["x" * 201, "лам\x07па", "лам\u202eпа"])
def test_a_search_text_that_is_none(inside: AppClient, text: str) -> None:
    address = "/admin/catalogue/categories/lamps"
    answer = post(inside, address, fields_of(inside.get(address).text) | {"search_text": text})
    assert answer.status_code == 422
    assert category_text(inside) == "лампа"


def test_categories_are_named_in_the_language_of_the_page(inside: AppClient) -> None:
    for language, name in (("ru", "Лампы"), ("en", "Lamps")):
        said = {"Accept-Language": language}
        page = inside.get("/admin/catalogue", headers=said).text
        assert f"<td>{name}</td>" in page
        assert (
            f"<h1>{name}</h1>" in inside.get("/admin/catalogue/categories/lamps", headers=said).text
        )
        # one has no English name
        assert "<td>Кабели</td>" in page


def test_the_last_check(inside: AppClient, published_shop: Shop) -> None:
    assert inside.get("/admin/check").status_code == 404
    checked = published_shop.check(labels=False)
    page = inside.get("/admin/catalogue", headers={"Accept-Language": "en"}).text
    t = texts("en")
    assert t["health_doubts"].format(count=_rows(checked.corrections)) in page
    shown = inside.get("/admin/check")
    assert shown.status_code == 200
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "script-src" not in shown.headers["content-security-policy"]


def _rows(table: Path) -> int:
    with table.open(encoding="utf-8", newline="") as file:
        return len(list(csv.reader(file))) - 1


@pytest.mark.parametrize("number", ["", "0", "999", "-1", "1; rm", "\u0661", "9" * 30])
def test_what_was_never_imported_is_not_imported_again(inside: AppClient, number: str) -> None:
    answer = post(inside, "/admin/catalogue/import", form_token(inside) | {"number": number})
    assert answer.status_code == 404


def test_a_source_is_no_option_of_the_command(inside: AppClient, app: ShopApp) -> None:
    with open_database(app.shop.folder.database).writing() as connection:
        connection.execute(update(IMPORTS).values(source="--help"))
    answer = post(inside, "/admin/catalogue/import", form_token(inside) | {"number": "1"})
    assert answer.status_code == 404


def test_while_the_shop_is_being_changed(inside: AppClient, published_shop: Shop) -> None:
    address = "/admin/catalogue/categories/lamps"
    form = fields_of(inside.get(address).text) | {"search_text": "светильник"}
    with writing(published_shop.folder, "import", SILENT):
        answer = post(inside, address, form)
    assert answer.status_code == 503
    assert 'value="светильник"' in answer.text
    assert category_text(inside) == "лампа"
    assert post(inside, address, fields_of(answer.text) | {"search_text": "x"}).status_code == 303


def test_script_in_what_the_shop_has_stays_text(
    inside: AppClient, app: ShopApp, database: ServerDatabase
) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    address = "/admin/catalogue/categories/lamps"
    assert (
        post(inside, address, fields_of(inside.get(address).text) | {"search_text": hostile})
    ).status_code == 303
    form = fields_of(inside.get(address).text)
    assert form["seen"] == hostile
    post(inside, address, form | {"search_text": "лампа"})
    query_id = inside.send_photo(LAMP).json()["query_id"]
    event = {"id": "1", "kind": "click", "sku": hostile, "category": hostile}
    body = {"query_id": query_id, "events": [event]}
    assert inside.request("POST", "/v1/events", json=body).status_code == 202
    with AppClient(app) as stranger:
        sign_in(stranger, "wrong", "<script>alert(2)</script>")
    with open_database(app.shop.folder.database).writing() as connection:
        connection.execute(update(IMPORTS).values(source=hostile))
        connection.execute(update(CATEGORIES).values(name=hostile))
    reflected = "%3Cscript%3Ealert(3)%3C/script%3E"
    for page in (
        *PAGES, address, f"/admin/?period={reflected}", f"/admin/log?before={reflected}",
        f"/admin/catalogue?saved={reflected}&{reflected}={reflected}", f"/admin/{reflected}",
        f"/admin/catalogue/categories/{reflected}",
    ):  # fmt: skip
        text = inside.get(page).text
        assert "<script" not in text.lower(), page
        assert "<img" not in text, page
    with AppClient(app) as stranger:
        assert "<script" not in stranger.get(f"/admin/login?next={reflected}").text


def test_script_in_the_names_of_files_stays_text(
    inside: AppClient, published_shop: Shop, tmp_path: Path
) -> None:
    """Of folders that are categories, of pictures that are goods, and of those that are refused."""
    hostile = "<img src=x onerror=alert(1)>"
    folder = tmp_path / f"goods {hostile}" / f"shelf {hostile}"
    folder.mkdir(parents=True)
    (folder / f"one {hostile}.jpg").write_bytes(LAMP)
    (folder / f"two {hostile}.jpg").write_bytes(b"no picture")
    published_shop.import_catalogue(folder.parent)
    published_shop.check(labels=False)
    (slug,) = (one["id"] for one in inside.get("/v1/categories").json()["categories"]
               if "shelf" in one["id"])  # fmt: skip
    goods = inside.get("/v1/search", params={"category": slug}).json()["products"]
    own = [f"/product/{quote(one['sku'], safe='')}" for one in goods]
    assert own
    catalogue = inside.get("/admin/catalogue").text
    refused = re.findall(r'href="(/admin/catalogue/imports/[^"]+)"', catalogue)
    assert refused
    for page in (
        *PAGES, *refused, "/admin/check", "/", f"/?category={slug}", f"/?q={quote(hostile)}", *own
    ):  # fmt: skip
        text = inside.get(page, headers={"Accept": "text/html"}).text
        assert "<img src=x" not in text, page
        # nor as an attribute of an element that the page does have
        bare = re.sub(r'"[^"]*"', '""', text)
        assert not re.search(r"<[a-z][^<>]*\sonerror=", bare), page
    assert html.escape(hostile) in inside.get(refused[0]).text
    assert html.escape(hostile) in inside.get(own[0]).text


def test_settings_are_shown_without_secrets(published_shop: Shop) -> None:
    toml = published_shop.folder.toml
    toml.write_text(f'{toml.read_text("utf-8")}\napi_keys = ["hidden-key"]\n', "utf-8")
    folder = Shop.open(published_shop.folder.root).folder
    accounts.set_password(ServerDatabase(folder.server_database), "admin", PASSWORD)
    with AppClient(create_app(folder)) as client:
        sign_in(client)
        page = client.get("/admin/settings").text
        assert "<strong>Лавка</strong>" in page
        assert "hidden-key" not in page
        for name in Settings.model_fields:
            assert f"<code>{name}</code>" in page


def test_the_database_is_named_without_its_password() -> None:
    settings = Settings(database_url="postgresql://shop:hidden@db.test/goods")
    shown = {name: value for name, value, _, _ in shown_settings(settings, "en")}
    assert shown["database_url"] == "postgresql://…@db.test/goods"


def test_the_log_has_pages(inside: AppClient, database: ServerDatabase) -> None:
    for number in range(audit.SHOWN + 3):
        audit.note(database, "olga", "search_text", f"change {number}")
    first = inside.get("/admin/log").text
    assert f"change {audit.SHOWN + 2}" in first
    assert "change 0<" not in first
    (older,) = re.findall(r"/admin/log\?before=\d+", first)
    second = inside.get(older).text
    assert "change 0<" in second
    assert texts("ru")["older"] not in second
    assert inside.get("/admin/log?before=9" * 40).status_code == 200


# Models


def test_models(inside: AppClient, published_shop: Shop) -> None:
    changes = {"metrics": {"test": {"photos": 40, "top1": 0.925, "top3": 1.0}}}
    write_tiny(published_shop.folder, version="tiny-2", changes=changes)
    (published_shop.folder.bundles / "tiny-3").mkdir()
    (published_shop.folder.bundles / "tiny-3" / "bundle.json").write_text("{}")
    run = published_shop.folder.runs / "run-9"
    run.mkdir(parents=True)
    content = {"backbone": "mobilenet_v2", "created": "2026-01-02T10:00:00+00:00",
               "test": {"top1": 0.5}}  # fmt: skip
    (run / "run.json").write_text(json.dumps(content))
    page = inside.get("/admin/models", headers={"Accept-Language": "en"}).text
    assert page.index("tiny-3") < page.index("tiny-2") < page.index("tiny-1")
    assert texts("en")["damaged"] in page
    assert "92.5%" in page
    assert "run-9" in page
    assert texts("en")["no_report"] in page
    assert page.count("Switch to it</button>") == 1


def test_another_model_is_switched_to_and_back(
    inside: AppClient, app: ShopApp, published_shop: Shop, database: ServerDatabase
) -> None:
    write_tiny(published_shop.folder, version="tiny-2")
    form = form_token(inside) | {"version": "tiny-2"}
    answer = post(inside, "/admin/models/activate", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/models")
    page = inside.get("/admin/models")
    assert page.headers["refresh"].startswith("2; url=/admin/models")
    # one thing at a time
    assert post(inside, "/admin/models/activate", form).status_code == 503
    wait_until(lambda: active_version(published_shop.folder.bundles) == "tiny-2")
    wait_until(lambda: " disabled" not in inside.get("/admin/models").text)
    wait_until(lambda: inside.send_photo(LAMP).json()["model"]["version"] == "tiny-2")
    stale = post(inside, "/admin/models/rollback", form_token(inside) | {"version": "tiny-2"})
    assert stale.status_code == 404
    form = form_token(inside) | {"version": "tiny-1"}
    assert post(inside, "/admin/models/rollback", form).status_code == 303
    wait_until(lambda: active_version(published_shop.folder.bundles) == "tiny-1")
    wait_until(lambda: " disabled" not in inside.get("/admin/models").text)
    assert noted(database)[-2:] == [("admin", "activate"), ("admin", "rollback")]


def test_a_model_that_cannot_be_served_changes_nothing(
    inside: AppClient, published_shop: Shop, database: ServerDatabase
) -> None:
    bundle = write_tiny(published_shop.folder, version="tiny-2")
    bundle.model.write_bytes(b"broken")
    post(inside, "/admin/models/activate", form_token(inside) | {"version": "tiny-2"})
    wait_until(lambda: " disabled" not in inside.get("/admin/models").text)
    page = inside.get("/admin/models").text
    assert texts("ru")["work_activate_failed"].format(target="tiny-2") in page
    assert "SHA-256" in page
    assert active_version(published_shop.folder.bundles) == "tiny-1"
    assert noted(database)[-1] == ("admin", "work_failed")
    assert inside.send_photo(LAMP).status_code == 200


@pytest.mark.parametrize("version", ["", "none", "--help", "../../etc", "tiny-1; rm", "tiny-1\n"])
def test_what_is_no_model_starts_nothing(inside: AppClient, version: str) -> None:
    form = form_token(inside) | {"version": version, "run": version}
    for address in ("activate", "rollback", "publish"):
        assert post(inside, f"/admin/models/{address}", form).status_code == 404


def test_the_report_runs_nothing(inside: AppClient, published_shop: Shop) -> None:
    report = published_shop.folder.report
    report.mkdir()
    (report / "index.html").write_text("<style>p{}</style><p>Отчёт</p><script>1</script>", "utf-8")
    assert "/admin/report" in inside.get("/admin/models").text
    answer = inside.get("/admin/report")
    assert "Отчёт" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy


def wait_until(true: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# What it costs those who never look


def test_nothing_of_it_is_loaded_before_somebody_looks(published_shop: Shop) -> None:
    names = loaded(
        "import sys; sys.path.insert(0, " + repr(str(Path(__file__).parent)) + ")\n"
        "from asking import AppClient\n"
        "from vitrina import Shop\n"
        "from vitrina.serving.app import create_app\n"
        f"with AppClient(create_app(Shop.open({str(published_shop.folder.root)!r}).folder)) as c:\n"
        "    assert c.get('/v1/categories').status_code == 200\n"
    )
    assert "fastapi" in names
    assert names.isdisjoint({"argon2", "vitrina.admin.app", "vitrina.admin.screens", "limits"})


def test_static_files(asking: AppClient) -> None:
    page = asking.get("/admin/login").text
    for address in re.findall(r'href="(/admin/static/[^"]+)"', page):
        answer = asking.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert asking.get("/admin/static/x/admin.css").headers["cache-control"] == "no-store"
    assert asking.get("/admin/static/x/..%2fapp.py").status_code == 404
    answer: httpx.Response = asking.get("/admin/static/x/none.css")
    assert answer.status_code == 404
