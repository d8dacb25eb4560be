"""Decisions in a made-up world of embeddings: fitted, kept, and held to what they promise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, drawn_photo
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from tiny_network import EMBEDDING_SIZE, SLUGS, publish_tiny

from vitrina import Shop
from vitrina.errors import BundleDamaged
from vitrina.evaluation.decisions import (
    DIMENSIONS,
    ENOUGH_WATCHED,
    MOST_REFERENCES,
    DecisionModel,
    Outcomes,
    choose_references,
    fit_decisions,
    spread_over_categories,
)
from vitrina.evaluation.discriminants import Discriminants
from vitrina.evaluation.evidence import Floats, Labels, References, Weights
from vitrina.search.decision import AcceptedRisk, Decider, binomial_tail, fill_threshold_for

SOLD, UNSOLD, SIZE = 8, 4, 32
ONLY_SOLD = AcceptedRisk(unsold_photos=0)


def world(photos: int, seed: int, first: int = 0, last: int = SOLD) -> tuple[Floats, Labels]:
    """Embeddings round the middle of each category; some categories are never sold."""
    middles = np.random.default_rng(0).normal(0, 1, (SOLD + UNSOLD, SIZE))
    random = np.random.default_rng(seed)
    labels = random.integers(first, last, photos)
    embeddings = middles[labels] + random.normal(0, 1.9, (photos, SIZE))
    return (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(
        np.float32
    ), labels


def network(embeddings: Floats) -> Floats:
    """Knows the middles of what is sold, and is far too sure."""
    middles = np.random.default_rng(0).normal(0, 1, (SOLD + UNSOLD, SIZE))[:SOLD]
    logits = 30 * embeddings @ (middles / np.linalg.norm(middles, axis=1, keepdims=True)).T
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    answer: Floats = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return answer


@pytest.fixture(scope="module")
def model() -> DecisionModel:
    learned, learned_labels = world(800, seed=1)
    watched, labels = world(600, seed=2)
    fitted = fit_decisions(learned, learned_labels, watched, network(watched), labels)
    assert fitted is not None
    return fitted


def outcome(model: DecisionModel, risk: AcceptedRisk) -> dict[str, float]:
    """What a decider does to photos that nobody has seen."""
    decider = Decider(model, 0.6, risk)
    known, labels = world(4000, seed=3)
    probabilities, decisions = decider.decide_many(network(known), known)
    filled = np.array(decisions) == "category"
    never, _ = world(2000, 4, SOLD, SOLD + UNSOLD)
    _, of_never = decider.decide_many(network(never), never)
    return {
        "filled": filled.mean(),
        "wrong": (probabilities.argmax(axis=1) != labels)[filled].mean() if filled.any() else 0,
        "unknown": decisions.count("unknown") / len(decisions),
        "never_filled": of_never.count("category") / len(of_never),
        "never_unknown": of_never.count("unknown") / len(of_never),
    }


@pytest.mark.parametrize("wrong_fills", [0.02, 0.05, 0.1])
def test_the_promise_is_kept_on_photos_that_nobody_has_seen(
    model: DecisionModel, wrong_fills: float
) -> None:
    found = outcome(model, AcceptedRisk(wrong_fills, unsold_photos=0))
    assert found["wrong"] <= wrong_fills
    assert found["filled"] > 0.3


def test_more_risk_fills_more(model: DecisionModel) -> None:
    filled = [
        outcome(model, AcceptedRisk(share, unsold_photos=0))["filled"]
        for share in (0.01, 0.03, 0.06, 0.12)
    ]
    assert filled == sorted(filled)
    assert filled[-1] > filled[0]


def test_reckoning_with_what_is_not_sold_fills_less_of_it(model: DecisionModel) -> None:
    found = [outcome(model, AcceptedRisk(unsold_photos=share)) for share in (0, 0.1, 0.3)]
    never = [each["never_filled"] for each in found]
    assert never == sorted(never, reverse=True)
    assert never[-1] < never[0]


def test_few_known_photos_and_more_of_others_are_unknown(model: DecisionModel) -> None:
    for share in (0.02, 0.1):
        found = outcome(model, AcceptedRisk(wrong_unknowns=share))
        # as far as 600 watched photos can tell: three standard deviations
        assert found["unknown"] < share + 3 * (share / 600) ** 0.5
        assert found["never_unknown"] > 2 * found["unknown"]
    assert outcome(model, AcceptedRisk(wrong_unknowns=0))["unknown"] == 0


def test_what_is_near_nothing_is_unknown_however_sure_the_network_is(model: DecisionModel) -> None:
    decider = Decider(model, 0.6, AcceptedRisk())
    sure = np.eye(SOLD, dtype=np.float32)[:1]
    opposite = -model.references.vectors.mean(axis=0) @ model.references.projection.T
    opposite = (opposite / np.linalg.norm(opposite)).astype(np.float32)
    assert decider.decide(sure[0], opposite).decision == "unknown"


def test_shown_confidence_is_a_probability(model: DecisionModel) -> None:
    from vitrina.evaluation.metrics import calibration_error

    known, labels = world(4000, seed=5)
    shown, _ = Decider(model, 0.6).decide_many(network(known), known)
    assert calibration_error(shown, labels) < 0.03
    assert calibration_error(network(known), labels) > 2 * calibration_error(shown, labels)


def test_one_photo_is_decided_as_many_are(model: DecisionModel) -> None:
    decider = Decider(model, 0.6, AcceptedRisk(wrong_fills=0.1))
    known, _ = world(50, seed=6)
    probabilities, decisions = decider.decide_many(network(known), known)
    for row, answer in enumerate(network(known)):
        verdict = decider.decide(answer, known[row])
        assert verdict.decision == decisions[row]
        assert verdict.probabilities == pytest.approx(probabilities[row], abs=1e-5)


def test_too_few_watched_photos_leave_the_plain_threshold() -> None:
    learned, learned_labels = world(100, seed=1)
    watched, labels = world(ENOUGH_WATCHED - 1, seed=2)
    fitted = fit_decisions(learned, learned_labels, watched, network(watched), labels)
    assert fitted is None
    decider = Decider(fitted, 0.6)
    assert not decider.proven
    for confidence, decision in ((0.6, "category"), (0.599, "unsure")):
        answer = np.array([confidence, 1 - confidence], dtype=np.float32)
        verdict = decider.decide(answer, watched[0])
        assert (verdict.decision, verdict.probabilities.tolist()) == (decision, answer.tolist())


def test_kept_and_read_back(model: DecisionModel) -> None:
    content = model.to_bytes()
    again = DecisionModel.from_bytes(content, categories=SOLD, embedding_size=SIZE)
    known, _ = world(300, seed=7)
    first, second = (
        Decider(each, 0.6).decide_many(network(known), known) for each in (model, again)
    )
    # references are kept in half precision
    assert first[0] == pytest.approx(second[0], abs=0.02)
    assert np.mean([a == b for a, b in zip(first[1], second[1], strict=True)]) > 0.98
    assert (
        again.to_bytes()
        == DecisionModel.from_bytes(
            again.to_bytes(), categories=SOLD, embedding_size=SIZE
        ).to_bytes()
    )


def test_a_damaged_file_is_told_from_a_good_one(model: DecisionModel) -> None:
    content = model.to_bytes()
    for bad in (b"", content[:1000], b"PK" + content[2:200], b"{}" * 50):
        with pytest.raises(BundleDamaged, match="cannot be read"):
            DecisionModel.from_bytes(bad, categories=SOLD, embedding_size=SIZE)
    for wrong in ({"categories": SOLD + 1, "embedding_size": SIZE},
                  {"categories": SOLD, "embedding_size": SIZE + 1}):  # fmt: skip
        with pytest.raises(BundleDamaged, match="another network"):
            DecisionModel.from_bytes(content, **wrong)


def test_references_are_spread_over_large_categories() -> None:
    labels = np.repeat([0, 1, 2], [MOST_REFERENCES, 10, 300]).astype(np.int64)
    kept = spread_over_categories(labels, 3)
    counts = np.bincount(labels[kept])
    assert counts.tolist() == [MOST_REFERENCES // 3, 10, 300]
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(labels[kept]) >= 0).all()
    assert spread_over_categories(np.array([2, 0], dtype=np.int64), 3).tolist() == [1, 0]


@pytest.mark.parametrize("photos", [400, SIZE // 2])
def test_projection_keeps_cosines(photos: int) -> None:
    learned, labels = world(photos, seed=8)
    # the same photo twice tells no direction of its own
    learned, labels = np.concatenate([learned, learned[:3]]), np.concatenate([labels, labels[:3]])
    references = choose_references(learned, labels, SOLD)
    size = min(SIZE, photos + 3)
    assert references.projection.shape == (SIZE, size)
    turned = references.projection.T @ references.projection
    assert turned == pytest.approx(np.eye(size), abs=1e-5)
    found = references.nearness(learned[:16])
    own = found[np.arange(16), labels[:16]]
    assert own == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("photos", [200, 600])
def test_projection_keeps_the_directions_in_which_goods_differ_most(photos: int) -> None:
    learned, labels = world(photos, seed=8)
    noise = np.random.default_rng(0).normal(0, 1e-2, (photos, 2 * DIMENSIONS))
    wide = np.concatenate([learned, noise.astype(np.float32)], axis=1)
    projection = choose_references(wide, labels, SOLD).projection
    assert projection.shape == (wide.shape[1], DIMENSIONS)
    lengths = np.linalg.svd(wide, compute_uv=False)
    kept = np.linalg.norm(wide @ projection) ** 2
    assert kept == pytest.approx((lengths[:DIMENSIONS] ** 2).sum(), rel=1e-5)


# The threshold

sure = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80)


@settings(max_examples=300, deadline=None)
@given(sure, st.lists(st.integers(0, 20), max_size=40), st.floats(0.01, 0.5), st.floats(0, 0.5))
def test_threshold_keeps_the_estimate(
    drawn: list[tuple[int, bool]], unsold: list[int], wrong_fills: float, share: float
) -> None:
    sold = np.array([certainty for certainty, _ in drawn], dtype=np.float32)
    right = np.array([one for _, one in drawn])
    risk = AcceptedRisk(wrong_fills, unsold_photos=share)
    threshold, _ = fill_threshold_for(sold, right, np.array(unsold, dtype=np.float32), risk)
    filled = sold >= threshold
    if filled.any():
        assert (~right[filled]).sum() <= wrong_fills * filled.sum() + 1e-9


def test_threshold_needs_proof_where_there_are_enough_photos() -> None:
    sold = np.arange(1000, 0, -1).astype(np.float32)
    risk = AcceptedRisk(0.05, unsold_photos=0)
    none = np.empty(0, dtype=np.float32)
    right = np.arange(1000) % 20 != 19  # exactly as many wrong as are accepted: chance may do more
    threshold, proven = fill_threshold_for(sold, right, none, risk)
    assert proven
    assert threshold == np.inf
    threshold, proven = fill_threshold_for(sold, np.arange(1000) % 40 != 39, none, risk)
    assert (threshold, proven) == (1.0, True)
    threshold, proven = fill_threshold_for(sold[:30], np.ones(30, bool), none, risk)
    assert (threshold, proven) == (sold[29], False)


def test_a_slip_among_a_few_dozen_photos_does_not_empty_the_box_for_ever() -> None:
    sold = np.arange(120, 0, -1).astype(np.float32)
    right = np.ones(120, bool)
    right[7] = False
    none = np.empty(0, dtype=np.float32)
    threshold, proven = fill_threshold_for(sold, right, none, AcceptedRisk(0.05, unsold_photos=0))
    assert (threshold, proven) == (1.0, False)


def test_photos_that_are_called_unknown_are_never_filled() -> None:
    sold = np.full(100, -np.inf, dtype=np.float32)
    none = np.empty(0, dtype=np.float32)
    assert fill_threshold_for(sold, np.ones(100, bool), none, ONLY_SOLD) == (np.inf, False)


@given(st.integers(0, 60), st.integers(0, 300), st.floats(0.01, 0.9))
def test_binomial_tail(successes: int, more: int, chance: float) -> None:
    trials = successes + more
    expected = binom.cdf(successes, trials, chance)
    assert binomial_tail(successes, trials, chance) == pytest.approx(expected, abs=1e-9)


# In a shop


def tiny_decisions() -> bytes:
    """For the tiny network, by hand: red things are known, blue and green ones are not near."""
    plain = np.array([[0.7, 0.2, 0.15, 0.6]], dtype=np.float32)
    vectors = plain / np.linalg.norm(plain)
    watched = np.linspace(0, 1, 100).astype(np.float32)
    # what was less certain was nearer: neither alone is strange
    alike = np.zeros(100, dtype=np.float32)
    all_right = np.ones(100, dtype=np.bool_)
    nearer = (0.98 + watched / 50).astype(np.float32)
    outcomes = Outcomes(2 - watched, watched, nearer, alike, all_right)
    nothing = np.zeros((EMBEDDING_SIZE, 1), dtype=np.float32)
    return DecisionModel(
        References(np.eye(EMBEDDING_SIZE, dtype=np.float32), vectors, np.array([1]), len(SLUGS)),
        Discriminants(
            nothing[:, 0], nothing, np.zeros((len(SLUGS), 1), np.float32), nothing[:1, 0]
        ),
        Weights(1.0, 0.0, 1.0, 0.0, 0.0, np.full(len(SLUGS), 2.0, dtype=np.float32)),
        outcomes,
        outcomes,
    ).to_bytes()


def test_a_shop_says_that_it_does_not_know(shop: Shop) -> None:
    publish_tiny(shop.folder, decisions=tiny_decisions())
    answer = shop.search_photo(drawn_photo(COLOURS["kabeli"], kind="JPEG"))
    assert (answer.decision, answer.category, answer.alternatives) == ("unknown", None, ())
    # what is nearest is shown all the same, from the whole shop
    assert {product.sku.split("-")[0] for product in answer.products} == set(COLOURS)


def test_the_shop_sets_what_it_accepts(shop: Shop) -> None:
    publish_tiny(shop.folder, decisions=tiny_decisions())
    photo = drawn_photo(COLOURS["kabeli"], kind="JPEG")
    toml = shop.folder.root / "shop.toml"
    toml.write_text(toml.read_text("utf-8") + "\nwrong_unknowns = 0\nunsold_photos = 0\n", "utf-8")
    answer = Shop.open(shop.folder.root).search_photo(photo)
    assert answer.decision == "category"  # no photo may be called unknown now


def test_damaged_decisions_are_not_served(shop: Shop) -> None:
    bundle = publish_tiny(shop.folder, decisions=tiny_decisions())
    (bundle.folder / "decisions.npz").write_bytes(b"else")
    with pytest.raises(BundleDamaged, match="decisions"):
        shop.search_photo(drawn_photo(kind="JPEG"))


def test_decisions_of_another_network_are_not_served(shop: Shop) -> None:
    model = DecisionModel.from_bytes(
        tiny_decisions(), categories=len(SLUGS), embedding_size=EMBEDDING_SIZE
    )
    narrow = References(np.eye(2, dtype=np.float32), *_without_projection(model.references))
    other = replace(model, references=narrow)
    publish_tiny(shop.folder, decisions=other.to_bytes())
    with pytest.raises(BundleDamaged, match="another network"):
        shop.search_photo(drawn_photo(kind="JPEG"))


def _without_projection(references: References) -> tuple[Floats, Labels, int]:
    return references.vectors[:, :2], references.labels, references.categories


def test_a_bundle_from_before_is_served_as_before(shop: Shop, tmp_path: Path) -> None:
    bundle = publish_tiny(shop.folder)
    described = json.loads((bundle.folder / "bundle.json").read_text("utf-8"))
    assert set(described["checksums"]) == {"model.onnx", "goods.npy", "golden.npz"}
    assert shop.search_photo(drawn_photo(kind="JPEG")).decision == "category"
