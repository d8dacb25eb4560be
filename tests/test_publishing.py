"""Another bundle is served without a gap, a broken one changes nothing, and there is a way back."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import AppClient, LiveServer
from drawing import COLOURS, drawn_photo, encoded, write_table
from PIL import Image
from test_kill import Watched, ready, wait_for
from test_new_goods import embedded, late_goods, photos
from tiny_network import publish_tiny, tiny_model, write_tiny
from typer.testing import CliRunner

from vitrina import Shop
from vitrina.bundle import (
    activate,
    active_bundle,
    active_version,
    earlier_versions,
    named_bundle,
)
from vitrina.cli.commands import app as command
from vitrina.encoder import Encoder
from vitrina.errors import BundleDamaged, NoBundle, ShopBusy
from vitrina.journal import writing
from vitrina.progress import SILENT
from vitrina.search import going_live
from vitrina.search.going_live import go_live
from vitrina.search.vectors import open_vectors, segment_files, vectors_folder
from vitrina.serving import served_bundle
from vitrina.serving.app import create_app
from vitrina.serving.served_bundle import ServedBundle
from vitrina.store.reading import open_for_reading

PHOTO = drawn_photo(COLOURS["lampy"], seed=1, kind="JPEG")
BLACK = encoded(Image.new("RGB", (96, 72)))


def serving(shop: Shop, **options: Any) -> ServedBundle:
    """What a server answers with, looking at every question."""
    database = open_for_reading(shop.folder.database)
    return ServedBundle(shop.folder, database, look_every_s=0, **options)


def write_mirrored(shop: Shop, version: str = "tiny-2") -> None:
    write_tiny(shop.folder, version=version, encoding=tiny_model(mirrored=True))


def served_now(served: ServedBundle) -> str | None:
    """The version, once what was begun has ended."""
    served.look()
    served.wait()
    return served.status().version


def spoil(shop: Shop, version: str) -> None:
    model = shop.folder.bundles / version / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\xff")


def test_another_bundle_is_taken(published_shop: Shop) -> None:
    served = serving(published_shop)
    first = served.search()
    write_mirrored(published_shop)
    assert served_now(served) == "tiny-1"  # it lies there, nobody asked for it
    activate(published_shop.folder.bundles, "tiny-2")
    assert served_now(served) == "tiny-2"
    # who began with the old one ends with it, and all of an answer is of one version
    pixels = np.full((224, 224, 3), COLOURS["lampy"], dtype=np.uint8)
    for search, version in ((first, "tiny-1"), (served.search(), "tiny-2")):
        found = search.search(pixels, language="ru", limit=4).answer.products
        assert search.bundle.info.version == version
        assert [product.similarity for product in found] == pytest.approx([1] * 4, abs=0.01)
    status = served.status()
    assert (status.switches, status.failures, status.trouble) == (1, 0, None)


def test_the_first_bundle_of_a_shop_needs_no_new_server(shop: Shop) -> None:
    with AppClient(create_app(shop.folder)) as client:
        answer = client.send_photo(PHOTO)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_bundle")
        assert client.get("/readyz").status_code == 503
        publish_tiny(shop.folder)
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.send_photo(PHOTO).json()["category"]["id"] == "lamps"


def test_a_named_bundle_never_changes(published_shop: Shop) -> None:
    served = serving(published_shop, version="tiny-1")
    write_mirrored(published_shop)
    activate(published_shop.folder.bundles, "tiny-2")
    assert served_now(served) == "tiny-1"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda shop: spoil(shop, "tiny-2"), "the SHA-256 of model.onnx"),
        (lambda shop: shutil.rmtree(shop.folder.bundles / "tiny-2"), "bundle.json cannot be read"),
        (lambda shop: swap(shop, tiny_model(side=192)), "model.onnx takes"),
        (lambda shop: swap(shop, tiny_model(embedding_size=5)), "golden.npz belongs to another"),
        (lambda shop: swap(shop, tiny_model()), "differently on this machine"),
        (lambda shop: swap(shop, tiny_model(factor=float("nan"))), "not a number"),
        (lambda shop: swap(shop, tiny_model(tuple(COLOURS.values())[:2])), "knows 2 categories"),
        (lambda shop: swap(shop, b"\x89HDF\r\n\x1a\n" + bytes(999)), "is no ONNX file"),
    ],
)  # fmt: skip
def test_a_broken_bundle_changes_nothing(
    published_shop: Shop,
    damage: Callable[[Shop], object],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_mirrored(published_shop)
    damage(published_shop)
    with AppClient(create_app(published_shop.folder)) as client:
        activate(published_shop.folder.bundles, "tiny-2")
        with caplog.at_level(logging.ERROR):
            wait_for(lambda: client.get("/readyz").json()["status"] == "degraded")
        answer = client.get("/readyz")
        assert answer.status_code == 200  # photos are answered
        assert answer.json()["version"] == "tiny-1"
        assert reason in answer.json()["detail"]
        assert "vitrina" in answer.json()["hint"]
        assert str(published_shop.folder.root) not in answer.text
        assert client.send_photo(PHOTO).json()["model"]["version"] == "tiny-1"
        assert "tiny-1 goes on answering" in caplog.text
        # and back, where it is served already
        activate(published_shop.folder.bundles, "tiny-1")
        wait_for(lambda: client.get("/readyz").json()["status"] == "ready")


def swap(shop: Shop, model: bytes) -> None:
    """Another network in tiny-2, with the right checksum."""
    folder = shop.folder.bundles / "tiny-2"
    (folder / "model.onnx").write_bytes(model)
    content = json.loads((folder / "bundle.json").read_text())
    content["checksums"]["model.onnx"] = hashlib.sha256(model).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(content))


def test_a_broken_bundle_is_not_tried_again_at_once(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mirrored(published_shop)
    whole = (published_shop.folder.bundles / "tiny-2" / "model.onnx").read_bytes()
    spoil(published_shop, "tiny-2")
    served = serving(published_shop)
    activate(published_shop.folder.bundles, "tiny-2")
    for _ in range(50):
        assert served_now(served) == "tiny-1"
    assert served.status().failures == 1
    # but some time later, for the files may only just have come
    (published_shop.folder.bundles / "tiny-2" / "model.onnx").write_bytes(whole)
    now = time.monotonic()
    monkeypatch.setattr(served_bundle.time, "monotonic", lambda: now + 31)
    assert served_now(served) == "tiny-2"
    assert served.status().trouble is None


def test_what_nobody_thought_of_ends_nothing(
    published_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("/secret/place")

    served = serving(published_shop)
    write_mirrored(published_shop)
    monkeypatch.setattr(served_bundle, "load_bundle", failing)
    activate(published_shop.folder.bundles, "tiny-2")
    assert served_now(served) == "tiny-1"
    trouble = served.status().trouble
    assert trouble is not None
    assert "RuntimeError" in trouble.message
    assert "secret" not in trouble.message


def test_a_starting_server_takes_the_last_bundle_that_can_be_served(published_shop: Shop) -> None:
    for version in ("tiny-2", "tiny-3"):
        write_mirrored(published_shop, version)
        activate(published_shop.folder.bundles, version)
        spoil(published_shop, version)
    with AppClient(create_app(published_shop.folder)) as client:
        assert client.get("/readyz").json()["status"] == "degraded"
        assert client.get("/readyz").json()["version"] == "tiny-1"
        assert client.send_photo(PHOTO).json()["model"]["version"] == "tiny-1"
    spoil(published_shop, "tiny-1")
    with AppClient(create_app(published_shop.folder)) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/readyz").json()["code"] == "bundle_damaged"
        assert client.get("/v1/search").status_code == 200


def test_a_bundle_of_an_older_version_is_served_and_told(
    published_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    folder = published_shop.folder.bundles / "tiny-1"
    (folder / "golden.npz").unlink()
    content = json.loads((folder / "bundle.json").read_text())
    del content["checksums"]["golden.npz"]
    (folder / "bundle.json").write_text(json.dumps(content))
    with caplog.at_level(logging.WARNING):
        assert serving(published_shop).status().version == "tiny-1"
    assert "Publishing again mends that" in caplog.text


def test_the_old_bundle_is_freed(published_shop: Shop) -> None:
    import gc
    import weakref

    served = serving(published_shop)
    served.search().search(np.zeros((224, 224, 3), np.uint8), language="ru", limit=1)
    old = weakref.ref(served.search())
    write_mirrored(published_shop)
    activate(published_shop.folder.bundles, "tiny-2")
    assert served_now(served) == "tiny-2"
    gc.collect()
    assert old() is None


def test_switches_under_load_lose_no_request(live_server: LiveServer, tmp_path: Path) -> None:
    shop = Shop.open(live_server.shop)
    if not (shop.folder.bundles / "tiny-2").exists():
        write_mirrored(shop)

    def fault_of(answer: dict[str, Any]) -> str:
        if "model" not in answer:
            return ""
        near = [product["similarity"] for product in answer["products"]]
        # goods that another test has just brought have no embedding yet
        wrong = [cosine for cosine in near if cosine is not None and cosine < 0.97]
        return f"{answer['model']}: {near}" if wrong or not near else ""

    with Watched(live_server, fault_of) as watched:
        for version in ("tiny-2", "tiny-1") * 5:
            go_live(shop.folder, version)
            began = time.monotonic()
            wait_for(lambda wanted=version: ready(live_server)["version"] == wanted)  # type: ignore[misc]
            assert time.monotonic() - began < 5
    assert watched.faults == []
    assert watched.asked > 20


def test_a_server_that_nobody_asks_looks_too(live_server: LiveServer) -> None:
    shop = Shop.open(live_server.shop)
    if not (shop.folder.bundles / "tiny-2").exists():
        write_mirrored(shop)
    before = ready(live_server)["version"]
    wanted = "tiny-1" if before == "tiny-2" else "tiny-2"
    activate(shop.folder.bundles, wanted)
    wait_for(
        lambda: (
            any(f"{wanted} is served now" in line for line in live_server.said)
            or ready(live_server)["version"] == wanted
        )
    )
    activate(shop.folder.bundles, before)
    wait_for(lambda: ready(live_server)["version"] == before)


def test_there_and_back(published_shop: Shop) -> None:
    bundles = published_shop.folder.bundles
    for version in ("tiny-2", "tiny-3"):
        write_mirrored(published_shop, version)
        published_shop.activate(version)
    assert published_shop.rollback().version == "tiny-2"
    assert published_shop.rollback().before == "tiny-2"
    assert active_version(bundles) == "tiny-1"
    assert earlier_versions(bundles) == []
    with pytest.raises(NoBundle, match="served before") as refusal:
        published_shop.rollback()
    assert "tiny-2, tiny-3" in refusal.value.hint
    assert published_shop.rollback("tiny-3").version == "tiny-3"
    assert published_shop.rollback().version == "tiny-1"
    with pytest.raises(NoBundle, match="There is no bundle 'tiny-9'"):
        published_shop.rollback("tiny-9")
    with pytest.raises(NoBundle):
        published_shop.rollback("../tiny-2")


def test_nothing_to_go_back_to(shop: Shop) -> None:
    with pytest.raises(NoBundle, match="served before") as refusal:
        shop.rollback()
    assert refusal.value.hint == "There is no other."


def test_a_bundle_that_cannot_be_served_is_not_gone_back_to(published_shop: Shop) -> None:
    write_mirrored(published_shop)
    published_shop.activate("tiny-2")
    spoil(published_shop, "tiny-1")
    for version in (None, "tiny-1"):
        with pytest.raises(BundleDamaged):
            published_shop.rollback(version)
        assert active_version(published_shop.folder.bundles) == "tiny-2"


def test_nor_is_one_published(published_shop: Shop) -> None:
    write_mirrored(published_shop)
    swap(published_shop, tiny_model())
    with pytest.raises(BundleDamaged, match="differently"):
        published_shop.activate("tiny-2")
    assert active_version(published_shop.folder.bundles) == "tiny-1"


def test_the_command(published_shop: Shop) -> None:
    write_mirrored(published_shop)
    published_shop.activate("tiny-2")
    shop = ["--shop", str(published_shop.folder.root)]
    told = CliRunner().invoke(command, ["rollback", *shop])
    assert told.exit_code == 0
    assert "Served from now on: tiny-1, before: tiny-2" in told.stdout
    told = CliRunner().invoke(command, ["rollback", *shop, "--to", "tiny-2", "--json"])
    assert json.loads(told.stdout) == {"version": "tiny-2", "before": "tiny-1", "embedded": 0}


def test_goods_that_came_in_between_are_embedded_before_the_switch(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was imported: no moment at which the bundle that answers does not know it."""
    write_mirrored(published_shop)
    published_shop.activate("tiny-2")
    published_shop.import_catalogue(late_goods(tmp_path, "late-1", "late-2"))
    assert embedded(published_shop) == photos(published_shop)
    older = named_bundle(published_shop.folder.bundles, "tiny-1")
    assert not segment_files(older)
    switch, seen = going_live.step_back, []

    def look(bundles: Path, version: str) -> None:
        names = open_vectors(named_bundle(bundles, version)).names()
        seen.append({name.decode() for name in names})
        switch(bundles, version)

    monkeypatch.setattr(going_live, "step_back", look)
    assert published_shop.rollback().embedded == 2
    assert seen == [photos(published_shop)]


def test_an_import_waits_for_a_publication(published_shop: Shop, tmp_path: Path) -> None:
    with (
        writing(published_shop.folder, "publish", SILENT),
        pytest.raises(ShopBusy, match="publish, started"),
    ):
        Shop.open(published_shop.folder.root).import_catalogue(late_goods(tmp_path, "late"))


def test_an_import_that_is_overtaken_is_in_all_the_same(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the import and its embeddings another command may begin to hold the lock."""
    from vitrina.search import new_goods

    def busy(*_arguments: object, **_options: object) -> int:
        raise ShopBusy("Another process is changing the shop: publish, started just now.")

    monkeypatch.setattr(new_goods, "embed_new_goods", busy)
    assert published_shop.import_catalogue(late_goods(tmp_path, "late")).products == 1
    monkeypatch.undo()
    # who holds the lock then is a publication, or the next import: both embed what is missing
    write_mirrored(published_shop)
    published_shop.activate("tiny-2")
    assert embedded(published_shop) == photos(published_shop)


def test_vectors_of_another_bundle_are_made_again(published_shop: Shop, tmp_path: Path) -> None:
    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    first = active_bundle(published_shop.folder.bundles)
    write_mirrored(published_shop)
    activate(published_shop.folder.bundles, "tiny-2")
    second = active_bundle(published_shop.folder.bundles)
    place = vectors_folder(second)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(vectors_folder(first), place)
    late = set(segment_names(first))
    assert len(late) == 1
    assert set(segment_names(second)) == {b""}  # refused: another network made them
    (tmp_path / "more").mkdir()
    rows = [("sku", "name", "category", "image"), ("more", "М", "Лампы", "more.png")]
    (tmp_path / "more" / "more.png").write_bytes(drawn_photo(seed=801))
    published_shop.import_catalogue(write_table(tmp_path / "more" / "more.csv", rows))
    assert embedded(published_shop) == photos(published_shop)


def segment_names(bundle: Any) -> list[bytes]:
    return [name for segment in open_vectors(bundle).segments[1:] for name in segment.names]


def test_a_merge_does_not_hide_vectors_from_a_reader(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.search import vectors

    published_shop.import_catalogue(late_goods(tmp_path, "late"))
    bundle = active_bundle(published_shop.folder.bundles)
    (file,) = segment_files(bundle)
    read, merged = vectors._read_segment, []

    def merge_first(path: Path, of: Any) -> Any:
        if not merged:
            merged.append(file.rename(file.with_name("000002.npy")))
        return read(path, of)

    monkeypatch.setattr(vectors, "_read_segment", merge_first)
    assert len(open_vectors(bundle).segments) == 2


def test_answers_that_are_none_are_the_servers_fault(shop: Shop) -> None:
    """A black photo is no number to this network: 500 with a code, and never a match."""
    publish_tiny(shop.folder, model=tiny_model(bias=0))
    with AppClient(create_app(shop.folder)) as client:
        for _ in range(2):
            answer = client.send_photo(BLACK, "image/png")
            assert (answer.status_code, answer.json()["code"]) == (500, "answer_invalid")
            assert "products" not in answer.json()
        assert client.send_photo(PHOTO).status_code == 200
        counted = client.get("/metrics").text
        assert 'code="answer_invalid"' in counted


@pytest.mark.parametrize(
    ("probabilities", "embedding"),
    [
        ([0.2, 0.3, 0.5], [0, 0, 0, 0]),
        ([0.2, 0.3, 0.5], [3, 0, 0, 0]),
        ([0.2, 0.3, 0.5], [np.nan, 0, 0, 1]),
        ([0.2, 0.3, 0.5], [np.inf, 0, 0, 0]),
        ([np.nan, 0.3, 0.5], [1, 0, 0, 0]),
        ([np.inf, 0.3, 0.5], [1, 0, 0, 0]),
    ],
)
def test_no_answer_is_made_of_them(
    published_shop: Shop, probabilities: list[float], embedding: list[float]
) -> None:
    encoder = Encoder(active_bundle(published_shop.folder.bundles).model, threads=1)

    class Answering:
        def run(self, _photo: object) -> tuple[object, object]:
            return np.float32([probabilities]), np.float32([embedding])

    encoder._network = Answering()  # type: ignore[assignment]
    with pytest.raises(BundleDamaged, match="The network's answer") as refusal:
        encoder.encode(np.zeros((224, 224, 3), np.uint8))
    assert refusal.value.code == "answer_invalid"
