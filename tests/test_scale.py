"""Heavy work on a Ray cluster: as on one machine, whatever is lost; clear where it cannot be."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import environment
from commanding import Vitrina
from drawing import COLOURS, draw_folders, drawn_photo
from figures import make_shop
from tiny_network import publish_tiny, tiny_model, write_tiny

from vitrina import Shop
from vitrina.bundle import active_bundle
from vitrina.errors import ClusterUnreachable, MissingExtra, NoBundle
from vitrina.progress import SILENT
from vitrina.scale import cluster as connecting
from vitrina.scale.cluster import connected
from vitrina.search.vectors import open_vectors

HERE = Path(__file__).parent
PHOTOS = 400

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="vitrina[scale] is not installed"
)


def on_ray(*arguments: object) -> Any:
    """What `ray_nodes` prints; whatever happens, no node stays behind."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "ray_nodes.py"), *map(str, arguments)],
        env=environment(TF_CPP_MIN_LOG_LEVEL="3"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        printed, said = process.communicate(timeout=240)
    except BaseException:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        raise
    assert process.returncode == 0, said[-4000:]
    return json.loads(printed)


def vectors(root: Path) -> dict[bytes, np.ndarray[Any, Any]]:
    """Every embedding of the shop, by photo; none is there twice."""
    store = open_vectors(active_bundle(Shop.open(root).folder.bundles))
    names = store.names().tolist()
    assert len(names) == len(set(names))
    return dict(zip(names, store.part(0, len(store)).astype(np.float32), strict=True))


@pytest.fixture(scope="module")
def many_goods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose bundle knows three of its photos; the others came later, one of them broken."""
    place = tmp_path_factory.mktemp("many")
    colours = list(COLOURS.items())

    def draw(name: str, numbers: range) -> Path:
        for number in numbers:
            slug, colour = colours[number % 3]
            file = place / name / slug / f"{number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(drawn_photo(colour, seed=number, kind="JPEG"))
        return place / name

    shop = Shop.create(place / "shop", name="Лавка")
    shop.import_catalogue(draw("few", range(3)))
    publish_tiny(shop.folder)
    shop.import_catalogue(draw("many", range(PHOTOS)), embed=False)
    spoilt = sorted(shop.folder.photos.rglob("*.jpg"))
    known = set(vectors(shop.folder.root))
    next(file for file in spoilt if file.stem.encode() not in known).write_bytes(b"spoilt")
    return shop.folder.root


@needs_ray
def test_a_lost_node_loses_and_doubles_nothing(many_goods: Path, tmp_path: Path) -> None:
    root = shutil.copytree(many_goods, tmp_path / "cluster")
    told = on_ray("embed", root)
    assert told["killed"]
    assert told["again"] == 0
    # on one machine, in one process
    alone = shutil.copytree(many_goods, tmp_path / "alone")
    assert Shop.open(alone).embed_goods() == told["embedded"]
    expected, found = vectors(alone), vectors(root)
    assert found.keys() == expected.keys()
    assert told["embedded"] > 0.9 * PHOTOS
    for name, vector in expected.items():
        np.testing.assert_allclose(found[name], vector, atol=1e-3)
    refused = told["refused"]
    assert {name: one["code"] for name, one in refused.items()} == {
        "unseen": "cluster", "vitrina": "cluster_version", "ray": "cluster_version",
    }  # fmt: skip
    assert "nowhere" in refused["unseen"]["message"]
    assert "0.0.1" in refused["vitrina"]["message"]
    assert "1.0.0" in refused["ray"]["message"]
    assert all(one["hint"] for one in refused.values())


@needs_ray
@pytest.mark.train
def test_trials_are_those_of_one_machine(tmp_path: Path) -> None:
    changes = {"views": 2, "tail_epochs": 0}
    shop = make_shop(tmp_path / "one", shuffled=False)
    alone = shop.tune("mobilenet_v2", trials=3, **changes)
    # the same shop with the same cached activations, and no trial
    root = shutil.copytree(shop.folder.root, tmp_path / "many")
    for place in (root / "cache").glob("tuning-*"):
        shutil.rmtree(place)
    told = on_ray("tune", root, 3, json.dumps(changes))
    assert [one["values"] for one in told] == [trial.values for trial in alone]
    assert [one["loss"] for one in told] == pytest.approx([t.loss for t in alone], abs=1e-3)
    assert [one["chosen"] for one in told] == [trial.chosen for trial in alone]


def test_without_ray_the_mend_is_named(
    published_shop: Shop, vitrina: Vitrina, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "find_spec", lambda name: None if name == "ray" else True)
    with pytest.raises(MissingExtra, match="ray") as refused:
        published_shop.embed_goods(engine="ray")
    assert "vitrina[scale]" in refused.value.hint
    ended = vitrina("embed", "--engine", "ray", "--shop", published_shop.folder.root)
    assert ended.code == 1
    assert "vitrina[scale]" in ended.err


@needs_ray
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://127.0.0.1:10001", "on a node of the cluster"),
        ("somewhere", "expected HOST:PORT or auto"),
        ("127.0.0.1:99999", "expected HOST:PORT or auto"),
        ("no-such-host.invalid:6379", "Nothing answers"),
    ],
)
def test_an_address_that_is_none(address: str, said: str) -> None:
    with pytest.raises(ClusterUnreachable) as refused, connected(address, [], SILENT):
        pass
    assert said in f"{refused.value.message} {refused.value.hint}"


@needs_ray
def test_what_listens_is_no_cluster() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with (
            pytest.raises(ClusterUnreachable, match="no head of a Ray cluster"),
            connected(f"127.0.0.1:{port}", [], SILENT),
        ):
            pass
        answering.join(10)
    with (
        pytest.raises(ClusterUnreachable, match=f"Nothing answers at 127.0.0.1:{port}"),
        connected(f"127.0.0.1:{port}", [], SILENT),
    ):
        pass


def test_embedding_here_needs_no_ray(published_shop: Shop, vitrina: Vitrina) -> None:
    ended = vitrina("embed", "--shop", published_shop.folder.root, "--json")
    assert ended.code == 0
    assert ended.json == {"embedded": 0}


def test_a_bundle_gets_its_goods_before_it_is_activated(
    published_shop: Shop, tmp_path: Path
) -> None:
    shop = published_shop
    write_tiny(shop.folder, version="tiny-2", model=tiny_model(mirrored=True))
    active = len(vectors(shop.folder.root))
    shop.import_catalogue(draw_folders(tmp_path / "late"), embed=False)
    embedded = shop.embed_goods(bundle="tiny-2")
    assert embedded > 0
    assert len(vectors(shop.folder.root)) == active
    assert shop.rollback("tiny-2").embedded == 0
    with pytest.raises(NoBundle):
        shop.embed_goods(bundle="tiny-3")
