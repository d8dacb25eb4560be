"""Forms and bodies: broken, hostile, too large; refused without being kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from asking import AppClient
from starlette.requests import Request
from starlette.types import Message
from test_api_photo import LAMP, refused

from vitrina import Shop
from vitrina.errors import PhotoTooLarge, QueryError
from vitrina.serving.app import create_app
from vitrina.serving.upload import Uploads


def part(disposition: str, content: bytes = LAMP, more: str = "") -> bytes:
    head = f"--B\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode()
    return head + content + b"\r\n"


PHOTO = 'form-data; name="photo"; filename="a.jpg"'
END = b"--B--\r\n"


@pytest.mark.parametrize(
    "body",
    [
        part('form-data; name="image"; filename="a.jpg"') + END,
        part('form-data; name="photo"', b"text") + END,
        part(PHOTO) + part(PHOTO) + END,
        part(PHOTO) + part('form-data; name="other"; filename="b.jpg"') + END,
        part("form-data") + END,
        part("attachment") + END,
        END,
        b"",
        b"no form at all",
        LAMP,
        part('form-data; name="x"', b"y") * 10_000 + END,
        part(PHOTO, more="X: " + "y" * 1_000_000 + "\r\n") + END,
        b"--B\r\n" + b"\r\n" * 100_000 + END,
        b"\r\n" * 100_000,
        part('form-data; name="photo"', bytes(70_000)) + END,
    ],
    ids=range(15),
)
def test_broken_form(client: AppClient, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=B"}
    answer = client.request("POST", "/v1/search/photo", content=body, headers=headers)
    assert answer.status_code in (400, 413)
    refused(answer, answer.status_code, answer.json()["code"])
    assert answer.json()["code"] in ("query", "photo_empty", "photo_too_large")
    assert client.send_photo(LAMP).status_code == 200


MULTIPART = {
    "10 000 parts": part('form-data; name="x"', b"y") * 10_000 + END,
    "10 000 empty parts": b"--B\r\n\r\n\r\n" * 10_000 + END,
    "a part header of 1 MB": part(PHOTO, more="X: " + "y" * 1_000_000 + "\r\n") + END,
    "a header's name of 1 MB": part(PHOTO, more="y" * 1_000_000 + ": x\r\n") + END,
    "100 000 part headers": part(PHOTO, more="X: y\r\n" * 100_000) + END,
    "a name of 1 MB": part(f'form-data; name="{"x" * 1_000_000}"') + END,
    "1 MB of parameters": part("form-data" + '; a="b"' * 140_000) + END,
    "a huge preamble": b"x" * 10_000_000 + part(PHOTO) + END,
    "a huge epilogue": part('form-data; name="x"', b"y") + END + b"x" * 10_000_000,
    "line ends in a field": part('form-data; name="x"', b"\r\n" * 1_000_000) + END,
    "dashes in a field": part('form-data; name="x"', b"\r\n--" * 500_000) + END,
    "half a boundary in a field": part('form-data; name="x"', b"\r\n--" * 10_000) + END,
    "no form at all": LAMP * 1000,
}


def form_request(body: bytes) -> Request:
    """A request whose body arrives as a socket brings it."""
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]

    async def receive() -> Message:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    content_type = b"multipart/form-data; boundary=B"
    return Request({"type": "http", "headers": [(b"content-type", content_type)]}, receive)


@pytest.mark.parametrize("body", MULTIPART.values(), ids=MULTIPART.keys())
def test_a_hostile_form_costs_little(body: bytes) -> None:
    uploads = Uploads(20_000_000, 64_000_000, 30, 30)

    async def refused_after() -> float:
        """Processor seconds until it was refused."""
        began = time.process_time()
        with (
            pytest.raises((QueryError, PhotoTooLarge)),
            uploads.expect(form_request(body)) as upload,
        ):
            await upload.read()
        return time.process_time() - began

    assert min(asyncio.run(refused_after()) for _ in range(3)) < 0.05
    assert uploads.held == 0


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (part(PHOTO, b"\r\n" * 1_000_000) + END, 2_000_000),
        (b"\r\n" * 1_000_000 + part(PHOTO) + END, len(LAMP)),
        (part(PHOTO) + END + b"\r\n" * 1_000_000, len(LAMP)),
    ],
    ids=["in it", "before it", "after it"],
)
def test_a_photo_in_a_flood_of_line_ends_costs_little(body: bytes, length: int) -> None:
    """Each is a possible beginning of the form's end, for which its parser must look."""
    uploads = Uploads(20_000_000, 64_000_000, 30, 30)

    async def read() -> float:
        began = time.process_time()
        with uploads.expect(form_request(body)) as upload:
            assert len(await upload.read()) == length
        return time.process_time() - began

    assert min(asyncio.run(read()) for _ in range(3)) < 0.3


def test_two_photos_of_the_same_name_are_refused_not_one_of_them_taken(client: AppClient) -> None:
    text = part('form-data; name="photo"', b"words")
    for body in (text + part(PHOTO) + END, part(PHOTO) + text + END):
        headers = {"content-type": "multipart/form-data; boundary=B"}
        answer = client.request("POST", "/v1/search/photo", content=body, headers=headers)
        assert "exactly one" in str(refused(answer, 400, "query")["detail"])


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "; boundary=",
        '; boundary=""',
        "; boundary=" + "B" * 5000,
        "; boundary=\xff; charset=idna",
    ]
    + [
        f"; boundary=B; charset={name}"
        for name in ("utf-16", "hex", "undefined", "nonsense", "\x01")
    ],
)
def test_hostile_form_type(client: AppClient, parameters: str) -> None:
    content_type = f"multipart/form-data{parameters}".encode("latin-1")
    answer = client.request(
        "POST",
        "/v1/search/photo",
        content=part(PHOTO) + END,
        headers={"content-type": content_type},
    )
    if answer.status_code != 200:
        refused(answer, 400, "query")


def test_form_that_breaks_off(client: AppClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=B"}
    whole = part(PHOTO) + END
    for length in (10, 60, len(whole) // 2, len(whole) - len(END)):
        body = whole[:length]
        answer = client.request("POST", "/v1/search/photo", content=body, headers=headers)
        assert answer.status_code in (400, 422), length
        refused(answer, answer.status_code, answer.json()["code"])


@pytest.fixture
def small(published_shop: Shop) -> Iterator[AppClient]:
    """A server that takes photos of at most 100 kB."""
    toml = published_shop.folder.toml
    toml.write_text(toml.read_text(encoding="utf-8") + "\nmax_photo_mb = 0.1\n", encoding="utf-8")
    with AppClient(create_app(Shop.open(published_shop.folder.root).folder)) as client:
        yield client


class Counted:
    """A body that arrives piece by piece, and knows how much of it was asked for."""

    def __init__(self, pieces: int, first: bytes = LAMP) -> None:
        self.pieces, self.first, self.sent = pieces, first, 0

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self.first
        for _ in range(self.pieces):
            self.sent += 10_000
            yield bytes(10_000)


def test_declared_length_is_refused_unread(small: AppClient) -> None:
    body = Counted(20)
    answer = small.send_photo(body, headers={"content-length": "5000000"})  # type: ignore[arg-type]
    document = refused(answer, 413, "photo_too_large")
    assert "0.1 MB" in str(document["detail"])
    assert body.sent == 0


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=B"])
def test_undeclared_length_is_refused_at_the_limit(small: AppClient, kind: str) -> None:
    first = LAMP if kind == "image/jpeg" else part(PHOTO)[:-2]
    body = Counted(1000, first)
    refused(small.send_photo(body, kind), 413, "photo_too_large")  # type: ignore[arg-type]
    assert body.sent < 200_000


def test_largest_photo(small: AppClient) -> None:
    photo = LAMP + bytes(100_000 - len(LAMP))
    assert small.send_photo(photo).status_code == 200
    assert small.send_form(files={"photo": ("a", photo)}).status_code == 200
    refused(small.send_photo(photo + b"x"), 413, "photo_too_large")
    refused(small.send_form(files={"photo": ("a", photo + b"x")}), 413, "photo_too_large")
