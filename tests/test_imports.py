"""What serves never loads what trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from asking import environment

import vitrina

HEAVY = (
    "keras", "tensorflow", "ray", "tf2onnx", "onnx", "matplotlib", "scipy", "h5py", "tinygrad",
    "alembic", "openpyxl", "sqlalchemy.orm",
)  # fmt: skip


def loaded(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement."""
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ended.stderr == ""
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["vitrina.serving.app", "vitrina.serving.process", "vitrina.cli.commands", "vitrina.shop"],
)
def test_nothing_heavy_is_loaded(module: str) -> None:
    names = loaded(f"import {module}")
    assert module in names
    assert names.isdisjoint(HEAVY)
    assert not [name for name in names if name.startswith(("vitrina.training", "vitrina.export"))]


@pytest.mark.train
def test_naming_a_backbone_loads_no_keras() -> None:
    names = loaded("import vitrina.training.loading, vitrina.demo")
    assert names.isdisjoint({"keras", "tensorflow"})


def test_the_package_itself_loads_nothing() -> None:
    """What starts quickly must be able to prepare for it before the first import."""
    names = loaded("import vitrina")
    assert names.isdisjoint({"numpy", "pydantic", "PIL", "vitrina.shop"})


def test_commands_load_no_server_before_they_need_it() -> None:
    names = loaded("import vitrina.cli.commands")
    assert names.isdisjoint({"fastapi", "uvicorn", "onnxruntime", "sqlalchemy"})


def test_serving_loads_nothing_heavy(published_shop: vitrina.Shop) -> None:
    root = published_shop.folder.root
    photo = next(root.rglob("*.jpg"))
    names = loaded(
        "from vitrina import Shop; from vitrina.serving.app import create_app\n"
        f"shop = Shop.open({str(root)!r}); create_app(shop.folder)\n"
        f"assert shop.search_photo({str(photo)!r}).products"
    )
    assert "onnxruntime" in names
    assert names.isdisjoint(HEAVY)


def test_the_first_photo_waits_for_nothing_that_it_does_not_need(
    published_shop: vitrina.Shop,
) -> None:
    names = loaded(
        "from vitrina import Shop; from vitrina.golden import golden_photo\n"
        "from vitrina.serving.app import create_app\n"
        f"app = create_app(Shop.open({str(published_shop.folder.root)!r}).folder)\n"
        "found = app.shop.photo_search().search(golden_photo(), language='ru', limit=3)\n"
        "assert len(found.answer.products) == 3\n"
    )
    assert "onnxruntime" in names
    assert names.isdisjoint({"sqlalchemy", "fastapi", "usearch", "vitrina.words", "limits"})


ASKED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from asking import AppClient
from vitrina import Shop
from vitrina.serving.app import create_app

with AppClient(create_app(Shop.open({root!r}).folder)) as client:
    found = client.send_photo(Path({photo!r}).read_bytes(), query="?q=лампа")
    product = found.json()["products"][0]
    asked = ("/v1/search?q=ламапа", "/v1/search?category=lamps", "/v1/categories",
             "/v1/products/" + product["sku"], product["image_url"], "/?q=лампа", "/")
    for answer in (found, *map(client.get, asked)):
        assert answer.status_code == 200, (answer.url, answer.text)
"""


def test_answering_loads_nothing_heavy(published_shop: vitrina.Shop) -> None:
    root, tests = published_shop.folder.root, Path(__file__).parent
    photo = next(root.rglob("*.jpg"))
    names = loaded(ASKED.format(tests=str(tests), root=str(root), photo=str(photo)))
    assert {"fastapi", "rapidfuzz", "jinja2"} <= names
    assert names.isdisjoint(HEAVY)


def test_nothing_is_reported_about_the_shop(published_shop: vitrina.Shop, tmp_path: Path) -> None:
    """ONNX Runtime, left to itself, writes an identifier into the home folder and reports."""
    (home := tmp_path / "home").mkdir()
    photo = next(published_shop.folder.photos.rglob("*.jpg"))
    subprocess.run(
        [
            sys.executable, "-m", "vitrina", "search", str(photo), "--shop",
            str(published_shop.folder.root),
        ],
        env=environment(HOME=str(home), TMPDIR=str(home)),
        check=True, stdout=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert list(home.rglob("*")) == []


def test_public_names() -> None:
    assert sorted(vitrina.__all__) == ["Progress", "Shop", "VitrinaError", "__version__"]
    for name in vitrina.__all__:
        assert getattr(vitrina, name) is not None
        assert name in dir(vitrina)
    with pytest.raises(AttributeError, match="no attribute 'Shopp'"):
        _ = vitrina.Shopp
