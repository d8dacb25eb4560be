"""Photos of doubtful answers: kept only where the shop wants it, small, and not for long."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import AppClient
from drawing import COLOURS, drawn_photo
from PIL import Image

from vitrina import Shop
from vitrina.admin import accounts
from vitrina.events.doubts import _MOST_HELD
from vitrina.events.review import Doubtful, ReviewedPhotos
from vitrina.serving.app import ShopApp, create_app
from vitrina.store.server_database import ServerDatabase

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")
UNSURE = drawn_photo((130, 115, 60), kind="JPEG")
PASSWORD = "four words of no song"


@pytest.fixture
def keeping(published_shop: Shop) -> Shop:
    """A shop that keeps doubtful photos."""
    toml = published_shop.folder.toml
    toml.write_text(toml.read_text("utf-8") + "\nreview_photos = true\nreview_most = 5\n", "utf-8")
    return Shop.open(published_shop.folder.root)


@pytest.fixture
def app(keeping: Shop) -> ShopApp:
    return create_app(keeping.folder)


@pytest.fixture
def client(app: ShopApp) -> Iterator[AppClient]:
    with AppClient(app) as asking:
        yield asking


def kept(app: ShopApp) -> list[Doubtful]:
    app.recorder.settle()
    with app.recorder.database.reading() as connection:
        return ReviewedPhotos(app.shop.folder).waiting(connection, 100)


def files(app: ShopApp) -> set[str]:
    return {file.stem for file in app.shop.folder.review.glob("*")}


def tell(client: AppClient, query_id: str, kind: str, **more: object) -> None:
    event = {"id": os.urandom(8).hex(), "kind": kind, **more}
    body = {"query_id": query_id, "visitor": "v" * 20, "events": [event]}
    assert client.request("POST", "/v1/events", json=body).status_code == 202


def test_nothing_is_kept_unless_the_shop_says_so(published_shop: Shop) -> None:
    app = create_app(published_shop.folder)
    with AppClient(app) as client:
        answer = client.send_photo(UNSURE).json()
        assert answer["decision"] == "unsure"
        tell(client, answer["query_id"], "chip", category="lamps")
        assert kept(app) == []
    assert not published_shop.folder.review.exists()


def test_a_doubtful_photo_is_kept_small_and_without_its_exif(
    app: ShopApp, client: AppClient
) -> None:
    picture = Image.open(io.BytesIO(UNSURE))
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    file = io.BytesIO()
    picture.resize((900, 700)).save(file, "JPEG", exif=exif, comment=b"secret place")
    answer = client.send_photo(file.getvalue()).json()
    assert answer["decision"] == "unsure"
    client.send_photo(LAMP)  # sure of that
    (one,) = kept(app)
    assert one.query_id == answer["query_id"]
    assert (one.reason, one.chosen, one.verdict) == ("unsure", None, None)
    assert one.guesses[0][0] == answer["alternatives"][0]["id"]
    assert files(app) == {one.query_id}
    content = (app.shop.folder.review / f"{one.query_id}.jpg").read_bytes()
    assert b"ecret" not in content
    with Image.open(io.BytesIO(content)) as small:
        assert small.size == (224, 224)
        assert not small.getexif()


def test_a_sure_answer_that_a_shopper_contradicts_is_kept(app: ShopApp, client: AppClient) -> None:
    first, second, third = (client.send_photo(LAMP).json()["query_id"] for _ in range(3))
    tell(client, first, "chip", category="sockets")
    tell(client, second, "wrong")
    tell(client, third, "click", sku="lampy-1")
    found = {one.query_id: (one.reason, one.chosen) for one in kept(app)}
    assert found == {first: ("chip", "sockets"), second: ("wrong", None)}


def test_a_choice_that_comes_later_is_noted(app: ShopApp, client: AppClient) -> None:
    answer = client.send_photo(UNSURE).json()
    assert kept(app)[0].chosen is None
    tell(client, answer["query_id"], "chip", category="lamps")
    assert kept(app)[0].chosen == "lamps"
    other = client.send_photo(UNSURE).json()["query_id"]
    # what a shopper has contradicted comes first
    assert [one.query_id for one in kept(app)] == [answer["query_id"], other]


def test_memory_and_disk_are_bounded(app: ShopApp, client: AppClient) -> None:
    for _ in range(_MOST_HELD + 5):
        client.send_photo(LAMP)
    assert len(app.recorder.doubts._held) == _MOST_HELD
    ids = []
    for _ in range(9):
        ids.append(client.send_photo(UNSURE).json()["query_id"])
        time.sleep(0.002)
    app.recorder.settle()
    app.recorder.doubts.forget(app.recorder.database)
    assert files(app) == set(ids[-5:])
    assert {one.query_id for one in kept(app)} == set(ids[-5:])


def test_old_photos_and_lost_files_go(app: ShopApp, client: AppClient) -> None:
    client.send_photo(UNSURE)
    (one,) = kept(app)
    lost = app.shop.folder.review / f"{'a' * 32}.jpg"
    lost.write_bytes(b"x")
    os.utime(lost, (1, 1))
    with app.recorder.database.writing() as connection:
        connection.execute("UPDATE reviews SET asked = asked - CAST(31 * 86400 AS bigint) * 1000")
    app.recorder.doubts.forget(app.recorder.database)
    assert kept(app) == []
    assert files(app) == set()
    assert one.query_id


def test_a_disk_that_cannot_be_written_costs_no_answer(
    app: ShopApp, client: AppClient, caplog: pytest.LogCaptureFixture
) -> None:
    app.shop.folder.review.write_bytes(b"no folder")
    answer = client.send_photo(UNSURE)
    assert answer.status_code == 200
    app.recorder.settle()
    assert "Doubtful photos cannot be kept" in caplog.text
    with app.recorder.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM queries").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (0,)


# The merchant's screen


@pytest.fixture
def inside(app: ShopApp, client: AppClient) -> AppClient:
    """Signed in."""
    database = ServerDatabase(app.shop.folder.server_database)
    accounts.set_password(database, "admin", PASSWORD)
    page = client.get("/admin/login")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    data = fields | {"name": "admin", "password": PASSWORD}
    answer = client.request("POST", "/admin/login", data=data, headers=OWN)
    assert answer.status_code == 303
    return client


OWN = {"origin": "http://shop.test"}


def post(inside: AppClient, address: str, **fields: str) -> int:
    page = inside.get("/admin/review").text
    token = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    token.pop("query_id", None)
    return inside.request("POST", address, data=token | fields, headers=OWN).status_code


def test_verdicts(app: ShopApp, inside: AppClient) -> None:
    ids = [inside.send_photo(UNSURE).json()["query_id"] for _ in range(4)]
    page = inside.get("/admin/review").text
    for query_id in ids:
        assert f"/admin/review/{query_id}.jpg" in page
        picture = inside.get(f"/admin/review/{query_id}.jpg")
        assert picture.headers["content-type"] == "image/jpeg"
        assert "no-store" in picture.headers["cache-control"]
    decide = "/admin/review/decide"
    assert post(inside, decide, query_id=ids[0], verdict="category:lamps") == 303
    assert post(inside, decide, query_id=ids[1], verdict="category", category="sockets") == 303
    assert post(inside, decide, query_id=ids[2], verdict="not_sold", category="lamps") == 303
    assert post(inside, decide, query_id=ids[3], verdict="category:none") == 400
    assert post(inside, decide, query_id=ids[3], verdict="sold?") == 400
    assert post(inside, decide, query_id="f" * 32, verdict="unclear") == 404
    with app.recorder.database.reading() as connection:
        found = ReviewedPhotos(app.shop.folder).decided(connection)
    assert [(one.verdict, one.category, one.who) for one in found] == [
        ("category", "lamps", "admin"), ("category", "sockets", "admin"),
        ("not_sold", None, "admin"),
    ]  # fmt: skip
    page = inside.get("/admin/review").text
    assert ids[3] in page
    assert ids[0] not in page


def test_photos_are_deleted_at_once(app: ShopApp, inside: AppClient) -> None:
    ids = [inside.send_photo(UNSURE).json()["query_id"] for _ in range(3)]
    inside.get("/admin/review")
    assert files(app) == set(ids)
    assert post(inside, "/admin/review/delete", query_id=ids[0]) == 303
    assert files(app) == set(ids[1:])
    assert inside.get(f"/admin/review/{ids[0]}.jpg").status_code == 404
    assert post(inside, "/admin/review/delete", query_id="../../shop.toml") == 404
    assert app.shop.folder.toml.exists()
    assert post(inside, "/admin/review/delete-all") == 303
    assert files(app) == set()
    assert kept(app) == []


def test_strangers_see_no_photo(app: ShopApp, client: AppClient, tmp_path: Path) -> None:
    query_id = client.send_photo(UNSURE).json()["query_id"]
    accounts.set_password(ServerDatabase(app.shop.folder.server_database), "admin", PASSWORD)
    app.recorder.settle()
    for address in ("/admin/review", f"/admin/review/{query_id}.jpg"):
        answer = client.get(address)
        assert answer.status_code == 303
        assert "/admin/login" in answer.headers["location"]
