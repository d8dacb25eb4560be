"""A/B in the shop: who is answered by which bundle, what is counted, and how it ends."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from asking import AppClient
from commanding import Vitrina
from drawing import COLOURS, drawn_photo
from test_api_photo import refused
from tiny_network import publish_tiny, write_tiny

from vitrina import Shop
from vitrina.errors import BundleDamaged, ExperimentError, NoBundle, NoExperiment
from vitrina.events.kept import keep
from vitrina.experiment.definition import begin, end, read_experiment
from vitrina.experiment.outcome import outcome_of
from vitrina.search.going_live import start_experiment
from vitrina.serving.app import ShopApp, create_app
from vitrina.store.server_database import ServerDatabase

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")
VISITORS = [f"visitor-number-{number:04}" for number in range(400)]


@pytest.fixture
def two_bundles(published_shop: Shop) -> Shop:
    """tiny-1 is active, tiny-2 lies beside it."""
    write_tiny(published_shop.folder, version="tiny-2")
    return published_shop


def app_of(shop: Shop) -> ShopApp:
    app = create_app(shop.folder)
    app.shop.served.look_at_experiment()
    return app


def answering(client: AppClient, visitor: str) -> str:
    answer = client.send_photo(LAMP, query=f"?visitor={visitor}").json()
    return str(answer["model"]["version"])


# Who is answered by which


def test_visitors_keep_their_bundle_and_shares_are_as_asked(two_bundles: Shop) -> None:
    began = begin(two_bundles.folder.bundles, "tiny-2", share=0.25)
    arms = [began.arm_of(visitor) for visitor in VISITORS]
    assert arms == [began.arm_of(visitor) for visitor in VISITORS]
    assert 0.17 < arms.count("second") / len(arms) < 0.33
    end(two_bundles.folder.bundles)
    again = begin(two_bundles.folder.bundles, "tiny-2", share=0.25)
    assert arms != [again.arm_of(visitor) for visitor in VISITORS]


def test_two_servers_answer_a_visitor_alike(two_bundles: Shop) -> None:
    began = begin(two_bundles.folder.bundles, "tiny-2")
    names = {"first": "tiny-1", "second": "tiny-2"}
    with AppClient(app_of(two_bundles)) as one, AppClient(app_of(two_bundles)) as other:
        for visitor in VISITORS[:12]:
            expected = names[began.arm_of(visitor)]
            assert answering(one, visitor) == answering(other, visitor) == expected


def test_who_is_not_named_is_answered_by_the_active_bundle(two_bundles: Shop) -> None:
    begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
    with AppClient(app_of(two_bundles)) as client:
        assert client.send_photo(LAMP).json()["model"]["version"] == "tiny-1"
        assert answering(client, VISITORS[0]) == "tiny-2"
        for wrong in ("short", "x" * 65, "ab cd ef gh ij kl mn", "<script>alert(1)</script>"):
            refused(client.send_photo(LAMP, query=f"?visitor={wrong}"), 422, "query")


def test_a_running_server_takes_it_up_and_leaves_it(two_bundles: Shop) -> None:
    bundles = two_bundles.folder.bundles
    app = app_of(two_bundles)
    with AppClient(app) as client:
        assert answering(client, VISITORS[0]) == "tiny-1"
        begin(bundles, "tiny-2", share=0.999)
        app.shop.served.look_at_experiment()
        assert answering(client, VISITORS[0]) == "tiny-2"
        end(bundles)
        app.shop.served.look_at_experiment()
        assert answering(client, VISITORS[0]) == "tiny-1"


def test_activating_another_bundle_ends_it(two_bundles: Shop) -> None:
    bundles = two_bundles.folder.bundles
    begin(bundles, "tiny-2", share=0.999)
    publish_tiny(two_bundles.folder, version="tiny-3")
    with AppClient(app_of(two_bundles)) as client:
        assert answering(client, VISITORS[0]) == "tiny-3"
    found = read_experiment(bundles)
    assert found is not None
    assert (found.is_running, found.ending) == (False, "another_bundle")
    begin(bundles, "tiny-2")  # nothing is in its way


@pytest.mark.parametrize("harm", ["gone", "torn"])
def test_a_broken_second_bundle_hurts_nobody(
    two_bundles: Shop, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
    model = two_bundles.folder.bundles / "tiny-2" / "model.onnx"
    model.write_bytes(b"torn") if harm == "torn" else model.unlink()
    with caplog.at_level(logging.INFO):
        app = app_of(two_bundles)
    with AppClient(app) as client:
        assert answering(client, VISITORS[0]) == "tiny-1"
    assert any("tiny-2 cannot be compared" in record.getMessage() for record in caplog.records)


def test_goods_that_came_later_are_found_by_both(two_bundles: Shop, goods_folder: Path) -> None:
    start_experiment(two_bundles.folder, "tiny-2", share=0.999)
    imported = two_bundles.import_catalogue(goods_folder)
    assert imported.products
    with AppClient(app_of(two_bundles)) as client:
        for query in ("", f"?visitor={VISITORS[0]}"):
            answer = client.send_photo(LAMP, query=query).json()
            found = {product["sku"] for product in answer["products"]}
            assert len(found) > 4


# What is refused


def test_what_cannot_be_compared(two_bundles: Shop) -> None:
    folder = two_bundles.folder
    with pytest.raises(NoBundle, match="There is no bundle 'tiny-9'"):
        start_experiment(folder, "tiny-9")
    with pytest.raises(ExperimentError, match="cannot be compared with itself") as caught:
        start_experiment(folder, "tiny-1")
    assert "tiny-2" in caught.value.hint
    for share in (0.0, 1.0, -1, 2, float("nan")):
        with pytest.raises(ExperimentError, match="must lie between 0 and 1"):
            start_experiment(folder, "tiny-2", share=share)
    with pytest.raises(ExperimentError, match="no criterion 'money'; there are click, cart, order"):
        start_experiment(folder, "tiny-2", criterion="money")  # type: ignore[arg-type]
    with pytest.raises(NoExperiment):
        end(folder.bundles)
    start_experiment(folder, "tiny-2")
    with pytest.raises(ExperimentError, match="being compared already"):
        start_experiment(folder, "tiny-2")
    (folder.bundles / "tiny-2" / "model.onnx").write_bytes(b"torn")
    end(folder.bundles)
    with pytest.raises(BundleDamaged):
        start_experiment(folder, "tiny-2")
    assert not read_experiment(folder.bundles).is_running  # type: ignore[union-attr]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "x"}', "null"])
def test_a_spoiled_file_is_no_experiment(two_bundles: Shop, content: str) -> None:
    (two_bundles.folder.bundles / "experiment.json").write_text(content)
    assert read_experiment(two_bundles.folder.bundles) is None
    with AppClient(app_of(two_bundles)) as client:
        assert answering(client, VISITORS[0]) == "tiny-1"


# What is counted


def test_a_visitor_counts_once_and_only_within_the_experiment(two_bundles: Shop) -> None:
    app = app_of(two_bundles)
    with AppClient(app) as client:
        answering(client, VISITORS[5])  # before it began
        began = begin(two_bundles.folder.bundles, "tiny-2")
        app.shop.served.look_at_experiment()
        client.send_photo(LAMP)  # nobody's
        for visitor in VISITORS[:8]:
            for _ in range(2):
                answer = client.send_photo(LAMP, query=f"?visitor={visitor}").json()
                event = {"id": "e" * 16, "kind": "click", "sku": "lampy-1", "position": 1}
                batch = {"query_id": answer["query_id"], "visitor": visitor, "events": [event]}
                for _ in range(2):  # sent twice, it is one
                    assert client.request("POST", "/v1/events", json=batch).status_code == 202
                foreign = batch | {"visitor": VISITORS[9], "events": [event | {"id": "f" * 16}]}
                assert client.request("POST", "/v1/events", json=foreign).status_code == 403
        app.recorder.flush()
    with ServerDatabase(two_bundles.folder.server_database).reading() as connection:
        outcome = outcome_of(connection, began)
    first, second = outcome.first, outcome.second
    assert first.visitors + second.visitors == 8
    assert first.won + second.won == 8
    assert first.searches + second.searches == 16
    expected = sum(began.arm_of(visitor) == "second" for visitor in VISITORS[:8])
    assert second.visitors == expected
    assert first.visitors_with == {"click": first.visitors}
    assert outcome.decided is None


def fill(shop: Shop, shares: tuple[float, float], visitors: int = 600) -> None:
    """Visitors of both bundles, of whom these shares click."""
    experiment = read_experiment(shop.folder.bundles)
    assert experiment is not None
    queries, events = [], []
    for arm, (version, share) in enumerate(zip(("tiny-1", "tiny-2"), shares, strict=True)):
        for number in range(visitors):
            query = f"{arm:016x}{number:016x}"
            queries.append(
                {
                    "id": query, "asked": experiment.began, "bundle": version,
                    "decision": "category", "category": "lamps", "confidence": 0.9,
                    "milliseconds": 10 + number / 100, "visitor": query,
                    "experiment": experiment.id, "assigned": version,
                }
            )  # fmt: skip
            if number < share * visitors:
                events.append(
                    {
                        "query_id": query, "id": "e", "received": experiment.began,
                        "kind": "order", "category": None, "sku": None, "position": None,
                        "value_minor": 100, "currency": "RUB",
                    }
                )  # fmt: skip
    with ServerDatabase(shop.folder.server_database).writing() as connection:
        keep(connection, queries, events, [])


@pytest.mark.parametrize(
    ("shares", "ending"),
    [((0.5, 0.3), "first_better"), ((0.3, 0.5), "second_better"), ((0.4, 0.4), None)],
)
def test_a_server_ends_what_is_decided(
    two_bundles: Shop, shares: tuple[float, float], ending: str | None
) -> None:
    begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
    fill(two_bundles, shares)
    app = create_app(two_bundles.folder)
    served = app.shop.served
    assert served.experiment is not None
    served.experiment._decide_every_s = 0.0
    served.look_at_experiment()
    served.look_at_experiment()
    found = read_experiment(two_bundles.folder.bundles)
    assert found is not None
    assert found.ending == ending
    with AppClient(app) as client:
        # the active bundle answers all again; which one that is, the merchant decides
        assert answering(client, VISITORS[0]) == ("tiny-2" if ending is None else "tiny-1")


# From the command line


def test_commands(two_bundles: Shop, vitrina: Vitrina) -> None:
    place = ("--shop", two_bundles.folder.root)
    assert "No two bundles were ever compared" in vitrina("ab", "status", *place).err
    ended = vitrina("ab", "start", "tiny-2", "--share", "0.3", *place)
    assert ended.code == 0
    assert "tiny-2 answers 30% of the visitors, tiny-1 the others" in ended.out
    fill(two_bundles, (0.3, 0.5))
    ended = vitrina("ab", "status", *place)
    assert ended.code == 0
    assert "300 (50.0%)" in ended.out
    assert "vitrina rollback --to tiny-2" in ended.out
    told = vitrina("ab", "status", "--json", *place).json
    assert told["decided"] == "second_better"
    assert told["first"]["visitors"] == told["second"]["visitors"] == 600
    assert told["difference"]["low"] > 0
    assert vitrina("ab", "stop", *place) == (0, "tiny-1 answers everybody.\n", "")
    assert vitrina("ab", "stop", *place).code == 1
