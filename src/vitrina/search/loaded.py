"""A bundle brought into memory: verified, its network asked about a photo whose answer is known.

Knows neither the database nor HTTP, so that a starting server can do it beside loading those.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vitrina.bundle import Bundle, active_bundle, named_bundle
from vitrina.encoder import Encoder, Engine
from vitrina.errors import AnswerInvalid, BundleDamaged
from vitrina.evaluation.decisions import DecisionModel
from vitrina.external_data import require_self_contained
from vitrina.golden import check_golden, golden_photo


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle and its network, ready to answer.

    Attributes:
        bundle: A verified one.
        encoder: Its network, warmed up.
        decisions: When the search box is filled; None where that could not be fitted.
        is_proven: Whether the network answered the photo whose answer is known; bundles that an
            older version published carry none, and are served without.
    """

    bundle: Bundle
    encoder: Encoder
    decisions: DecisionModel | None = None
    is_proven: bool = False


def load_bundle(
    bundles: Path, version: str | None = None, *, threads: int, engine: Engine = "auto"
) -> LoadedBundle:
    """Reads, verifies and warms up a bundle.

    Args:
        bundles: The shop's bundles.
        version: Which one; the active one where None.
        threads: For one inference.
        engine: What runs the network.

    Raises:
        NoBundle: there is none, or nothing is published.
        BundleDamaged: it is not what was written, the network does not fit its description, or
            answers differently here than where it was published.
    """
    bundle = active_bundle(bundles) if version is None else named_bundle(bundles, version)
    require_self_contained(bundle.model)
    encoder = Encoder(bundle.model, threads=threads, engine=engine)
    if encoder.classes != len(bundle.info.categories):
        raise BundleDamaged(
            f"The network knows {encoder.classes} categories, bundle.json names "
            f"{len(bundle.info.categories)}.",
            hint="Publish again: vitrina publish.",
        )
    # asked once, which also warms it up: what it declares need not be what it answers
    golden = bundle.golden()
    try:
        answered = check_golden(golden, encoder) if golden else encoder.encode(golden_photo())
    except AnswerInvalid as error:  # of the bundle, not of some shopper's photo
        raise BundleDamaged(error.message, hint=error.hint) from error
    goods = bundle.goods()["embedding"].shape[1]  # of the length that bundle.json names
    if len(answered.embedding) != goods:
        raise BundleDamaged(
            f"The network's embeddings have the length {len(answered.embedding)}, those of the "
            f"goods and of bundle.json {goods}.",
            hint="Publish again: vitrina publish.",
        )
    content = bundle.decisions()
    decisions = content and DecisionModel.from_bytes(
        content, categories=encoder.classes, embedding_size=bundle.info.embedding_size
    )
    return LoadedBundle(bundle, encoder, decisions or None, is_proven=golden is not None)


def start_loading(
    bundles: Path, version: str | None = None, *, threads: int, engine: Engine = "auto"
) -> Future[LoadedBundle]:
    """The same in a thread of its own: most of the work leaves the interpreter to others."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="load-bundle")
    loading = pool.submit(load_bundle, bundles, version, threads=threads, engine=engine)
    pool.shutdown(wait=False)
    return loading
