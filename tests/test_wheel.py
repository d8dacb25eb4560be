"""The built package alone, in an environment of its own, serves and searches a published shop."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from drawing import COLOURS, drawn_photo

from vitrina import Shop

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of a plain installation: the wheel, no extra, pinned versions."""
    place = tmp_path_factory.mktemp("plain")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    # hashes would be demanded of the wheel too, so only the versions are taken
    pins = re.sub(
        r" \\\n(?:\s+--hash=\S+(?: \\\n)?)+", "\n", (ROOT / "constraints.txt").read_text()
    )
    (place / "pins.txt").write_text(pins)
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    pip = [str(place / "venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    installed = subprocess.run(
        [*pip, "install", "-q", "-c", str(place / "pins.txt"), str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    return place / "venv" / "bin"


def test_it_searches(plain: Path, published_shop: Shop, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(drawn_photo(COLOURS["lampy"], seed=77, kind="JPEG"))
    found = subprocess.run(
        [plain / "vitrina", "search", photo, "--shop", published_shop.folder.root, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(found.stdout)["category"]["id"] == "lamps"


def test_it_serves(plain: Path, published_shop: Shop) -> None:
    server = subprocess.Popen(
        [plain / "vitrina", "serve", "--port", "0", "--shop", published_shop.folder.root],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        (address,) = re.findall(r"http://[\d.]+:\d+", server.stderr.readline())
        request = urllib.request.Request(
            f"{address}/v1/search/photo",
            data=drawn_photo(COLOURS["kabeli"], seed=78, kind="JPEG"),
            headers={"Content-Type": "image/jpeg"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["category"]["id"] == "kabeli"
        with urllib.request.urlopen(address, timeout=30) as page:
            assert "Лавка" in page.read().decode()
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_training_there_says_what_is_missing(plain: Path, published_shop: Shop) -> None:
    told = subprocess.run(
        [plain / "vitrina", "train", "--shop", published_shop.folder.root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "pip install 'vitrina[train]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_no_training_framework_came_along(plain: Path) -> None:
    listed = subprocess.run(
        [plain / "python", "-m", "pip", "list", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert not names & {"keras", "tensorflow", "tensorflow-cpu", "torch", "ray", "onnx", "scipy"}
