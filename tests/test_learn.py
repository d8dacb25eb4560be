"""The loop that learns: what was said becomes labels, and only what is better is served."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import FEW, SHAPES, draw_shape

from vitrina import Shop
from vitrina.bundle import active_version
from vitrina.errors import NoBundle, TrainingError
from vitrina.evaluation.comparison import Lead
from vitrina.events.review import Reason, ReviewedPhotos
from vitrina.photos import decode
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.store.dialect import dialect_of
from vitrina.store.server_database import ServerDatabase
from vitrina.training.run import Run


@pytest.fixture(scope="module")
def _served(trained: tuple[Shop, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("served") / "shop"
    shutil.copytree(trained[0].folder.root, root)
    shop, run = Shop.open(root), trained[1]
    for other in shop.runs():
        if other.id != run.id:  # of other tests
            shutil.rmtree(shop.folder.runs / other.id)
    shop.publish()
    return root


@pytest.fixture
def served(_served: Path, tmp_path: Path) -> Shop:
    """A shop whose bundle was trained for real."""
    return Shop.open(shutil.copytree(_served, tmp_path / "served"))


def keep(
    shop: Shop, shape: str, seed: int, *, chosen: str | None = None, reason: Reason = "unsure"
) -> str:
    """A shopper's photo of a figure that was never in the catalogue."""
    query_id = f"{seed:032x}"
    with ServerDatabase(shop.folder.server_database).writing() as connection:
        ReviewedPhotos(shop.folder).keep(
            connection,
            query_id,
            decode(draw_shape(shape, seed)),
            asked=time.time_ns() // 1_000_000,
            reason=reason,
            guesses=[("disc", 0.4), ("ring", 0.3)],
            chosen=chosen,
        )
        dialect_of(connection).make_room(connection, [0])
        connection.execute(
            "INSERT INTO queries (id, asked, search, bundle, decision, milliseconds) "
            "VALUES (?, 0, 'photo', 'x', 'unsure', 1)",
            (query_id,),
        )
    return query_id


def say(shop: Shop, query_id: str, verdict: str, category: str | None = None) -> None:
    with ServerDatabase(shop.folder.server_database).writing() as connection:
        ReviewedPhotos(shop.folder).decide(connection, query_id, verdict, category, "admin")  # type: ignore[arg-type]


def click(shop: Shop, query_id: str) -> None:
    with ServerDatabase(shop.folder.server_database).writing() as connection:
        row = dict.fromkeys(("category", "sku", "position", "value_minor", "currency"))
        connection.execute(
            dialect_of(connection).add_event,
            row | {"query_id": query_id, "id": "e", "received": 0, "kind": "click"},
        )


def test_nothing_new_trains_nothing(served: Shop) -> None:
    before = active_version(served.folder.bundles)
    learnt = served.learn()
    assert (learnt.run, learnt.bundle, learnt.activated) == (None, None, False)
    assert learnt.before == before
    assert len(served.runs()) == 1


def test_what_counts_as_a_label(served: Shop) -> None:
    said = keep(served, "disc", 90_001)
    say(served, said, "category", "disc")
    say(served, keep(served, "bars", 90_002), "not_sold")
    say(served, keep(served, "bars", 90_003), "category", "no-such-category")
    followed = keep(served, "ring", 90_004, chosen="ring", reason="chip")
    click(served, followed)
    keep(served, "ring", 90_005, chosen="ring", reason="chip")  # a chip, and nothing after it
    counted = served.learn(dry_run=True)
    assert (counted.merchant, counted.shoppers, counted.run) == (1, 1, None)
    assert served.learn(dry_run=True, shoppers=False).shoppers == 0
    # the merchant's word counts more than a shopper's
    say(served, followed, "unclear")
    assert served.learn(dry_run=True).shoppers == 0


def test_a_photo_that_is_tested_on_is_not_learned_from(served: Shop) -> None:
    run = served.runs()[-1]
    from vitrina.dataset import Dataset

    dataset = Dataset.read(served.folder.runs / run.id / "dataset.json")
    tested = dataset.part("test")[0]
    query_id = keep(served, "disc", 90_010)
    pixels = decode((served.folder.root / tested.file).read_bytes())
    with ServerDatabase(served.folder.server_database).writing() as connection:
        photos = ReviewedPhotos(served.folder)
        photos.delete(connection, query_id)
        photos.keep(connection, query_id, pixels, asked=1, reason="unsure", guesses=[])
    say(served, query_id, "category", tested.category)
    assert served.learn(dry_run=True).merchant == 0


def test_only_what_is_better_is_served(served: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, shape in enumerate(SHAPES * 2):
        say(served, keep(served, shape, 91_000 + number), "category", shape)
    before = active_version(served.folder.bundles)
    for points, taken in ((0.4, False), (-12.0, False), (12.0, True)):
        lead = Lead(points=points, interval=(points - 5, points + 5), beyond_noise=abs(points) > 5)
        monkeypatch.setattr("vitrina.learn._ahead", lambda *_, lead=lead: lead)
        learnt = served.learn()
        assert learnt.merchant == 8
        assert learnt.ahead == lead
        assert learnt.activated == taken
        assert active_version(served.folder.bundles) == (learnt.bundle if taken else before)
        # what has learned just this is not trained twice
        run = served.runs()[-1]
        assert (len(served.runs()), run.id) == (2, learnt.run)
        assert run.plan["head_epochs"] == FEW["head_epochs"]
    assert served.rollback().version == before  # everything can be taken back


def test_both_are_asked_about_the_same_photos(served: Shop) -> None:
    from vitrina.bundle import active_bundle
    from vitrina.decoded import decoded_dataset
    from vitrina.learn import _ahead
    from vitrina.progress import SILENT

    photos = decoded_dataset(served.folder, 0, SILENT)
    bundle = active_bundle(served.folder.bundles)
    lead = _ahead(bundle, bundle, photos.dataset, photos.pixels, SILENT)
    assert (lead.points, lead.beyond_noise) == (0.0, False)


def test_suspicions_are_heeded_once_they_have_proved_right(
    served: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitrina.decoded import decoded_dataset
    from vitrina.learn import _trusted_suspects
    from vitrina.progress import SILENT

    photos = decoded_dataset(served.folder, 0, SILENT)
    samples = list(photos.dataset.samples)
    place = next(n for n, s in enumerate(samples) if (s.split, s.category) == ("train", "disc"))
    samples[place] = replace(samples[place], category="bars")  # the planted mistake
    dataset = replace(photos.dataset, samples=tuple(samples))
    truth = {s.sha256: s.category for s in photos.dataset.samples}

    def embed(names: Sequence[str], _pixels: PixelCache, _progress: Progress) -> dict[str, Any]:
        random = np.random.default_rng(0)
        return {
            name: np.eye(8, dtype=np.float32)[SHAPES.index(truth[name])]
            + random.normal(0, 0.05, 8).astype(np.float32)
            for name in names
        }

    def left_out(moved: int, kept: int) -> set[str]:
        monkeypatch.setattr("vitrina.learn.moved_count", lambda _connection: moved)
        monkeypatch.setattr(
            "vitrina.learn.kept_photos", lambda _c: {("p", str(n)) for n in range(kept)}
        )
        return _trusted_suspects(served.folder, dataset, photos.pixels, embed, SILENT)  # type: ignore[arg-type]

    assert left_out(30, 5) == {samples[place].sha256}
    assert left_out(15, 30) == set()  # mostly mistaken
    assert left_out(9, 2) == set()  # too few to know


def test_what_is_missing_is_told(shop: Shop, served: Shop) -> None:
    with pytest.raises(NoBundle):
        shop.learn()
    shutil.rmtree(served.folder.runs / served.runs()[-1].id)
    with pytest.raises(TrainingError, match="is not in runs/ any more"):
        served.learn()
