"""A/B in the shop: who is answered by which bundle, what is counted, and how it ends."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from asking import AppClient
from commanding import Vitrina
from drawing import COLOURS, drawn_photo, encoded
from PIL import Image
from test_admin import wait_until
from test_api_photo import refused
from tiny_network import publish_tiny, tiny_model, write_tiny

import vitrina.encoder as encoder_module
from vitrina import Shop
from vitrina.bundle import activate
from vitrina.errors import BundleDamaged, ExperimentError, NoBundle, NoExperiment
from vitrina.events.kept import keep
from vitrina.experiment.definition import begin, end, read_experiment
from vitrina.experiment.outcome import outcome_of
from vitrina.folder import ShopFolder
from vitrina.machine import resident_bytes
from vitrina.photos import decode
from vitrina.search.engine import PhotoSearch
from vitrina.search.going_live import start_experiment
from vitrina.serving.app import ShopApp, create_app
from vitrina.store.server_database import ServerDatabase

LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")
BLACK = encoded(Image.new("RGB", (96, 72)))
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


def test_a_server_that_nobody_tells_sees_it(two_bundles: Shop) -> None:
    app = create_app(two_bundles.folder)
    served = app.shop.served
    served._look_every_s = 0.02
    with AppClient(app) as client, served.watching():
        assert answering(client, VISITORS[0]) == "tiny-1"
        began = begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
        wait_until(lambda: answering(client, VISITORS[0]) == "tiny-2")
        turn = app.shop.photo_search_for(VISITORS[0])
        end(two_bundles.folder.bundles)
        wait_until(lambda: answering(client, VISITORS[0]) == "tiny-1")
        # what was under way when it ended is answered as it began
        found, by = turn.answer(decode(LAMP), language="ru", limit=3, within=None)
        assert found.answer.decision == "category"
        assert (by.bundle.info.version, turn.experiment) == ("tiny-2", began.id)


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


@pytest.mark.parametrize("broken", ["first", "second"])
def test_a_photo_that_one_bundle_fails_at_is_answered_by_the_other(
    published_shop: Shop, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = published_shop.folder
    for arm, version in (("first", "tiny-1x"), ("second", "tiny-2x")):
        # the embedding of a black photo is no number there
        write_tiny(folder, version=version, model=tiny_model(bias=0) if arm == broken else None)
    activate(folder.bundles, "tiny-1x")
    began = begin(folder.bundles, "tiny-2x")
    visitors = {began.arm_of(visitor): visitor for visitor in VISITORS}
    app = app_of(published_shop)
    with AppClient(app) as client, caplog.at_level(logging.ERROR):
        for visitor in visitors.values():
            answer = client.send_photo(BLACK, query=f"?visitor={visitor}")
            assert (
                answer.json()["model"]["version"]
                == {"first": "tiny-2x", "second": "tiny-1x"}[broken]
            )
            # outside of its turn it is not asked
            assert client.send_photo(LAMP, query=f"?visitor={visitor}").status_code == 200
        # who takes no part is answered by the active one alone
        assert client.send_photo(BLACK).status_code == (500 if broken == "first" else 200)
        app.recorder.flush()
    assert sum("could not answer a photo" in one.getMessage() for one in caplog.records) == 1
    with ServerDatabase(folder.server_database).reading() as connection:
        outcome = outcome_of(connection, began)
    arms = {"first": outcome.first, "second": outcome.second}
    assert {arm: found.failed for arm, found in arms.items()} == {
        "first": int(broken == "first"), "second": int(broken == "second"),
    }  # fmt: skip
    assert [found.searches for found in arms.values()] == [2, 2]
    assert all(found.infer_ms is not None for found in arms.values())


def test_a_photo_that_both_fail_at_is_nobodys_failure(published_shop: Shop) -> None:
    folder = published_shop.folder
    for version in ("tiny-1x", "tiny-2x"):
        write_tiny(folder, version=version, model=tiny_model(bias=0))
    activate(folder.bundles, "tiny-1x")
    began = begin(folder.bundles, "tiny-2x")
    app = app_of(published_shop)
    with AppClient(app) as client:
        for visitor in VISITORS[:8]:
            assert client.send_photo(BLACK, query=f"?visitor={visitor}").status_code == 500
        answering(client, VISITORS[0])
        app.recorder.flush()
    with ServerDatabase(folder.server_database).reading() as connection:
        outcome = outcome_of(connection, began)
    assert outcome.first.failed == outcome.second.failed == 0


def test_a_bundle_that_is_deleted_meanwhile(two_bundles: Shop, vitrina: Vitrina) -> None:
    place = ("--shop", two_bundles.folder.root)
    began = start_experiment(two_bundles.folder, "tiny-2")
    visitor = next(one for one in VISITORS if began.arm_of(one) == "second")
    with AppClient(app_of(two_bundles)) as client:
        shutil.rmtree(two_bundles.folder.bundles / "tiny-2")
        assert answering(client, visitor) == "tiny-2"  # it lies in memory
    assert "tiny-2 is not there any more" in vitrina("ab", "status", *place).out
    app = app_of(two_bundles)
    assert app.shop.served.experiment_refused
    with AppClient(app) as client:
        assert answering(client, visitor) == "tiny-1"
    assert vitrina("ab", "stop", *place).code == 0
    app.shop.served.look_at_experiment()
    assert not app.shop.served.experiment_refused


def test_a_bundle_that_does_not_fit_beside_the_active_one(
    two_bundles: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoder_module, "memory_limit", resident_bytes)
    monkeypatch.setattr(encoder_module, "SERVER_MEMORY", 0)
    begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
    with caplog.at_level(logging.ERROR), AppClient(app_of(two_bundles)) as client:
        assert answering(client, VISITORS[0]) == "tiny-1"
    assert any("beside the other one" in record.getMessage() for record in caplog.records)


def test_whatever_goes_wrong_with_the_second_bundle_the_first_answers(
    two_bundles: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin(two_bundles.folder.bundles, "tiny-2", share=0.999)
    app = create_app(two_bundles.folder)

    def fail(_version: str) -> PhotoSearch:
        raise MemoryError

    assert app.shop.served.experiment is not None
    monkeypatch.setattr(app.shop.served.experiment, "_load", fail)
    with caplog.at_level(logging.ERROR), AppClient(app) as client:
        app.shop.served.look_at_experiment()
        assert app.shop.served.experiment_refused
        assert answering(client, VISITORS[0]) == "tiny-1"
    assert sum("tiny-2 cannot be compared" in one.getMessage() for one in caplog.records) == 1


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
    for slow_ms in (0, float("nan"), 60_001):
        with pytest.raises(ExperimentError, match="cannot be what is slow"):
            start_experiment(folder, "tiny-2", slow_ms=slow_ms)
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


def test_without_events_nothing_can_be_compared(
    two_bundles: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINA_EVENTS", "false")
    with pytest.raises(ExperimentError, match="does not keep what shoppers do"):
        start_experiment(ShopFolder.find(two_bundles.folder.root), "tiny-2")
    assert read_experiment(two_bundles.folder.bundles) is None


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


def fill(
    shop: Shop,
    shares: tuple[float, float],
    visitors: int | tuple[int, int] = 600,
    *,
    slow: tuple[float, float] = (0, 0),
    failed: tuple[float, float] = (0, 0),
) -> None:
    """Visitors of both bundles: these shares order, wait for long, are answered by the other."""
    experiment = read_experiment(shop.folder.bundles)
    assert experiment is not None
    queries, events = [], []
    for arm, (version, share) in enumerate(zip(("tiny-1", "tiny-2"), shares, strict=True)):
        count = visitors if isinstance(visitors, int) else visitors[arm]
        for number in range(count):
            query = f"{arm:016x}{number:016x}"
            queries.append(
                {
                    "id": query, "asked": experiment.began,
                    "bundle": ("tiny-1", "tiny-2")[arm ^ (number < failed[arm] * count)],
                    "decision": "category", "category": "lamps", "confidence": 0.9,
                    "milliseconds": 1500 if number < slow[arm] * count else 10 + number / 100,
                    "visitor": query, "experiment": experiment.id, "assigned": version,
                    "infer_ms": 4 + arm,
                }
            )  # fmt: skip
            if number < share * count:
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
    began = begin(two_bundles.folder.bundles, "tiny-2")
    fill(two_bundles, shares)
    app = deciding(two_bundles)
    assert ending_of(two_bundles) == ending
    visitor = next(one for one in VISITORS if began.arm_of(one) == "second")
    with AppClient(app) as client:
        # the active bundle answers all again; which one that is, the merchant decides
        assert answering(client, visitor) == ("tiny-2" if ending is None else "tiny-1")


@pytest.mark.parametrize(
    ("harm", "ending"),
    [
        ({"failed": (0, 0.1)}, "second_fails"),
        ({"slow": (0, 0.1)}, "second_slower"),
        ({"slow": (0.1, 0.1)}, "second_better"),
        # the active bundle is what the shop has anyway
        ({"failed": (0.1, 0), "slow": (0.1, 0)}, "second_better"),
    ],
)
def test_harm_ends_it_whatever_visitors_do(
    two_bundles: Shop, harm: dict[str, tuple[float, float]], ending: str
) -> None:
    begin(two_bundles.folder.bundles, "tiny-2")
    fill(two_bundles, (0.3, 0.5), **harm)
    deciding(two_bundles)
    assert ending_of(two_bundles) == ending


def test_visitors_that_are_not_shared_as_they_should_be_decide_nothing(two_bundles: Shop) -> None:
    began = begin(two_bundles.folder.bundles, "tiny-2")
    fill(two_bundles, (0.3, 0.5), (600, 900))
    with ServerDatabase(two_bundles.folder.server_database).reading() as connection:
        outcome = outcome_of(connection, began)
    assert outcome.difference.is_sure
    assert outcome.is_lopsided
    deciding(two_bundles)
    assert ending_of(two_bundles) is None


def deciding(shop: Shop) -> ShopApp:
    """A server that has looked whether the experiment is decided."""
    app = create_app(shop.folder)
    served = app.shop.served
    assert served.experiment is not None
    served.experiment._decide_every_s = 0.0
    served.look_at_experiment()
    served.look_at_experiment()
    return app


def ending_of(shop: Shop) -> str | None:
    found = read_experiment(shop.folder.bundles)
    assert found is not None
    return found.ending


# From the command line


def test_commands(two_bundles: Shop, vitrina: Vitrina) -> None:
    place = ("--shop", two_bundles.folder.root)
    assert "No two bundles were ever compared" in vitrina("ab", "status", *place).err
    ended = vitrina("ab", "start", "tiny-2", "--share", "0.3", *place)
    assert ended.code == 0
    assert "tiny-2 answers 30% of the visitors, tiny-1 the others" in ended.out
    assert "Servers need some 20 MB more for both" in ended.out
    fill(two_bundles, (0.3, 0.5), (1400, 600), slow=(0.1, 0.1), failed=(0, 0.01))
    ended = vitrina("ab", "status", *place)
    assert ended.code == 0
    assert "300 (50.0%)" in ended.out
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "network, p50 and p95 4.0 and 4.0 ms 5.0 and 5.0 ms" in lines
    assert "slow answers 140 (10.0%) 60 (10.0%)" in lines
    assert "failed 0 (0.0%) 6 (1.0%)" in lines
    assert "vitrina rollback --to tiny-2" in ended.out
    told = vitrina("ab", "status", "--json", *place).json
    assert told["decided"] == "second_better"
    assert (told["first"]["visitors"], told["second"]["visitors"]) == (1400, 600)
    assert told["is_lopsided"] is False
    assert told["difference"]["low"] > 0
    assert vitrina("ab", "stop", *place) == (0, "tiny-1 answers everybody.\n", "")
    assert vitrina("ab", "stop", *place).code == 1
    # what was counted can still be read
    assert vitrina("ab", "status", "--json", *place).json["experiment"]["ending"] == "stopped"
