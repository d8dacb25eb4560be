"""Shops to test on: made once, then copied for each test."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import databases
import pytest
from asking import AppClient, LiveServer
from commanding import Vitrina, commanding
from drawing import draw_catalogue, draw_folders
from figures import FEW, make_shop
from tiny_network import publish_tiny

from vitrina import Shop
from vitrina.database_url import DatabaseUrl
from vitrina.serving.app import create_app
from vitrina.training.run import Run

if databases.WANTED:
    databases.stand_in()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what the chosen engine has not."""
    if databases.WANTED:
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason="about SQLite's files"))


@pytest.fixture(autouse=True)
def _databases() -> Iterator[None]:
    """What a test makes on the PostgreSQL server goes with it."""
    before = databases.databases()
    yield
    databases.drop_databases(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What hostile tests log holds halves of characters, which no other process can be told of."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def goods_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three category folders with three one-picture products each; only for reading."""
    return draw_folders(tmp_path_factory.mktemp("goods"))


@pytest.fixture(scope="session")
def catalogue_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """catalogue.csv with twelve products in three categories; only for reading."""
    return draw_catalogue(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture(scope="session")
def _imported(tmp_path_factory: pytest.TempPathFactory, catalogue_table: Path) -> Path:
    shop = Shop.create(tmp_path_factory.mktemp("imported") / "shop", name="Лавка")
    shop.import_catalogue(catalogue_table)
    return shop.folder.root


@pytest.fixture(scope="session")
def _published(tmp_path_factory: pytest.TempPathFactory, _imported: Path) -> Path:
    root = tmp_path_factory.mktemp("published") / "shop"
    databases.copy_shop(_imported, root)
    publish_tiny(Shop.open(root).folder)
    return root


@pytest.fixture
def empty_shop(tmp_path: Path) -> Shop:
    """A shop without goods."""
    return Shop.create(tmp_path / "shop", name="Лавка")


@pytest.fixture
def shop(tmp_path: Path, _imported: Path) -> Shop:
    """A shop with the goods of `catalogue_table`, nothing published."""
    return Shop.open(databases.copy_shop(_imported, tmp_path / "shop"))


@pytest.fixture
def published_shop(tmp_path: Path, _published: Path) -> Shop:
    """The same shop, which serves a network that knows categories by their colour."""
    return Shop.open(databases.copy_shop(_published, tmp_path / "shop"))


@pytest.fixture
def client(published_shop: Shop) -> Iterator[AppClient]:
    """Asks the application that serves `published_shop`."""
    with AppClient(create_app(published_shop.folder)) as asking:
        yield asking


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory, _published: Path) -> Iterator[LiveServer]:
    """A real server process with a shop of its own."""
    place = tmp_path_factory.mktemp("live")
    shop = databases.copy_shop(_published, place / "shop")
    (place / "tmp").mkdir()
    server = LiveServer(shop, place / "tmp")
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Run]:
    """A shop of four figures and the run that learned them for real."""
    shop = make_shop(tmp_path_factory.mktemp("trained"), shuffled=False)
    return shop, shop.train("mobilenet_v2", **FEW)


@pytest.fixture
def vitrina(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Vitrina:
    """Runs the command in this process."""
    return commanding(capfd, monkeypatch)


@pytest.fixture
def url(tmp_path: Path) -> DatabaseUrl:
    """A PostgreSQL database without anything in it."""
    return databases.place_for(tmp_path / "own.db")
