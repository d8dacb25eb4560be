"""The demo shop: what it refuses, it refuses before anything is trained."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing import write_table

from vitrina import Shop
from vitrina.demo import MARK, run_demo
from vitrina.errors import FeedError, SettingError, ShopExists
from vitrina.progress import SILENT

ROOT = Path(__file__).parent.parent


class Trained(Exception):
    """The demo came as far as training."""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something that looks like the demo's goods; training is not walked."""

    def compare(_shop: Shop, backbones: list[str], **_plan: object) -> None:
        raise Trained(backbones[0])

    monkeypatch.setattr(Shop, "compare", compare)
    (tmp_path / "demo" / "phone").mkdir(parents=True)
    rows = [("sku", "name", "category"), ("1", "x", "y")]
    write_table(tmp_path / "demo" / "catalogue.csv", rows)
    (tmp_path / "demo" / "phone" / "phone.csv").write_text("file,sku\n")
    return tmp_path / "demo"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_no_demo_goods(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="does not hold the demo shop"):
        run_demo(tmp_path, tmp_path / "shop", ["mobilenet_v2"], SILENT)


@pytest.mark.parametrize("wrong", ["mobilenet_v9", ""])
def test_every_backbone_is_checked_first(source: Path, tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingError, match="no backbone"):
        run_demo(source, tmp_path / "shop", ["mobilenet_v2", wrong], SILENT)
    assert not (tmp_path / "shop").exists()


def test_a_taken_port_is_told_first(source: Path, tmp_path: Path, taken_port: int) -> None:
    place, wanted = tmp_path / "shop", ["mobilenet_v2"]
    with pytest.raises(SettingError, match="cannot listen"):
        run_demo(source, place, wanted, SILENT, to_be_served=True, port=taken_port)
    # who does not serve needs no port
    with pytest.raises(Trained):
        run_demo(source, place, wanted, SILENT, port=taken_port)


def test_its_own_shop_is_used_again(source: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(Trained, match="mobilenet_v2"):
            run_demo(source, tmp_path / "shop", ["mobilenet_v2"], SILENT)
    assert Shop.open(tmp_path / "shop").search_text("").total == 1


def test_a_demo_killed_before_its_shop_was_there(source: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / MARK).touch()
    with pytest.raises(Trained):
        run_demo(source, tmp_path / "shop", ["mobilenet_v2"], SILENT)


def test_a_merchants_shop_is_left_alone(source: Path, shop: Shop) -> None:
    with pytest.raises(ShopExists, match="did not make") as refusal:
        run_demo(source, shop.folder.root, ["mobilenet_v2"], SILENT)
    assert "--shop DIR" in refusal.value.hint
    assert shop.search_text("").total == 12


@pytest.mark.train
def test_the_command_checks_its_port_first(source: Path, tmp_path: Path, taken_port: int) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-m", "vitrina", "demo", str(source), "--shop", str(tmp_path / "shop"),
            "--port", str(taken_port), "--backbones", "mobilenet_v2",
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "cannot listen on 127.0.0.1" in ended.stderr
    assert "Importing" not in ended.stderr


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", str(ROOT), *arguments],
        capture_output=True, text=True, check=False, timeout=60, env=os.environ | environment,
    )  # fmt: skip


def test_make_serves_where_it_is_asked_to() -> None:
    told = make("-n", "demo", "PORT=8123", "BACKBONES=a, b").stdout
    assert '--backbones "a, b"' in told
    assert "--serve --port 8123" in told
    assert "--port" not in make("-n", "demo", "SERVE=0").stdout


@pytest.mark.parametrize(("version", "fits"), [("3.10", False), ("3.11", True), ("3.14", False)])
def test_make_refuses_a_python_that_tensorflow_has_no_wheels_for(
    tmp_path: Path, version: str, fits: bool
) -> None:
    python = tmp_path / "python"
    pair = version.replace(".", ", ")
    python.write_text(
        f"""#!/bin/sh
case "$1" in
-V) echo "Python {version}.1" ;;
-c) exec {sys.executable} -c "import sys; sys.version_info = ({pair}, 1, 'final', 0); $2" ;;
*) echo "made with $*" >&2; exit 9 ;;
esac
"""
    )
    python.chmod(0o755)
    ended = make("setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert ended.returncode
    assert ("made with" in ended.stderr) == fits
    assert ("error: Python 3.11" in ended.stderr) != fits
    assert (f"Python {version}.1" in ended.stderr) != fits
    assert not (tmp_path / "venv").exists()


def test_make_says_what_to_install_where_it_cannot(tmp_path: Path) -> None:
    made, shell = "/usr/bin/make", tmp_path / "id"
    shell.write_text("#!/bin/sh\necho 1000\n")
    shell.chmod(0o755)
    ended = subprocess.run(
        [made, "-C", str(ROOT), ".chromium"],
        capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode
    assert "error: the browser tests need Chromium" in ended.stderr
    assert "hint:" in ended.stderr


def test_make_asks_sudo_where_it_is_not_root(tmp_path: Path) -> None:
    for name, told in (("id", "1000"), ("sudo", "sudo $*"), ("apt-get", "apt-get alone")):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{told}"\n')
        (tmp_path / name).chmod(0o755)
    ended = subprocess.run(
        ["/usr/bin/make", "-C", str(ROOT), ".chromium"],
        capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 0
    assert "sudo apt-get update" in ended.stdout
    assert "sudo apt-get install" in ended.stdout
    assert "alone" not in ended.stdout
