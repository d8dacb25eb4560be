"""A shopper's photo leaves nothing behind: not its bytes, not where or with what it was taken."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import httpx
import pytest

from vitrina import Shop
from vitrina.bench.open_loop import Sent
from vitrina.bench.photo_mix import LATITUDE, MARK, make_mix
from vitrina.bench.serve import UNLIMITED
from vitrina.bench.traces import TraceFinder
from vitrina.evaluation.online import serve_command
from vitrina.evaluation.server_process import ServerProcess


@pytest.fixture(scope="module")
def photos() -> tuple[Sent, ...]:
    """A photo with texts and a place in it, and bad ones."""
    return make_mix({"widget": 0.5, "bad": 0.5}).photos


def test_what_is_kept_is_found(photos: tuple[Sent, ...], tmp_path: Path) -> None:
    finder = TraceFinder(photos)
    content = photos[0].content
    middle = content[len(content) // 2 - 100 : len(content) // 2 + 100]
    seconds = LATITUDE[2]
    for number, (kept, what) in enumerate(
        [
            (content, ["photo", "place", "text"]),
            (b"log: " + middle, ["photo"]),
            (b"body " + middle.hex().encode(), ["photo, as hexadecimal"]),
            (f"body={middle!r}".encode(), ["photo, escaped"]),
            (f"camera {MARK}-camera".encode(), ["text"]),
            (struct.pack("<II", *seconds), ["place"]),
            (f"{seconds[0]}/{seconds[1]}".encode(), ["place, as text"]),
            (b"39.39646424354597", ["place, in seconds"]),
            (b"lat: 55.744276", ["place, in degrees"]),
            (b"39.3 ms, 55.7 MB", []),
        ]
    ):
        file = tmp_path / f"{number}.log"
        file.write_bytes(kept)
        assert [trace.what for trace in finder.in_files([file])] == what
    (tmp_path / "deep" / "er").mkdir(parents=True)
    named = tmp_path / "deep" / "er" / f"{MARK}.jpg"
    named.write_bytes(b"")
    found = finder.in_files([tmp_path / "deep"])
    assert [(trace.file, trace.what) for trace in found] == [(named, "text, in the name")]


def test_a_server_keeps_nothing_of_photos(
    photos: tuple[Sent, ...], published_shop: Shop, tmp_path: Path
) -> None:
    """Good and bad ones, as a body and in a form with a telling file name, at the fullest log."""
    own = {"TMPDIR": tmp_path / "tmp", "HOME": tmp_path / "home"}
    for folder in own.values():
        folder.mkdir()
    (bundle,) = (path.parent.name for path in published_shop.folder.bundles.glob("*/model.onnx"))
    environment = UNLIMITED | {name: str(folder) for name, folder in own.items()}
    environment |= {"VITRINA_LOG_LEVEL": "debug", "VITRINA_LOG_FORMAT": "json"}
    command = serve_command(published_shop.folder.root, bundle)
    statuses, answers = [], []
    with ServerProcess(command, environment=environment) as server:
        address = f"http://127.0.0.1:{server.port}/v1/search/photo"
        with httpx.Client(timeout=60) as client:
            for photo in photos:
                kind = {"content-type": photo.media_type}
                as_body = client.post(address, content=photo.content, headers=kind)
                name = f"../{MARK}.jpg"
                in_form = client.post(
                    address, files={"photo": (name, photo.content, photo.media_type)}
                )
                assert as_body.status_code == in_form.status_code
                statuses.append(as_body.status_code)
                answers += [as_body.content, in_form.content]
            answers.append(client.get(f"http://127.0.0.1:{server.port}/metrics").content)
        finder = TraceFinder(photos)
        places = [published_shop.folder.root, *own.values(), server.output]
        assert finder.in_files(places) == []
        assert server.output.stat().st_size > 0
    assert [trace for answer in answers for trace in finder.in_bytes(answer)] == []
    assert statuses.count(200) == 16
    assert len(statuses) == 22
    assert set(statuses) <= {200, 400, 413, 415, 422}


def test_base64_of_a_photo_is_found(photos: tuple[Sent, ...]) -> None:
    """Wherever in the photo it begins."""
    finder = TraceFinder(photos)
    content = photos[0].content
    for start in range(3):
        written = base64.b64encode(content[start:])
        assert "photo, as base64" in finder.in_bytes(written)
