"""A bundle brought into memory: verified, its network asked once and held against bundle.json.

Knows neither the database nor HTTP, so that a starting server can do it beside loading those.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrina.bundle import Bundle, active_bundle, named_bundle
from vitrina.encoder import Encoder
from vitrina.errors import BundleDamaged
from vitrina.evaluation.decisions import DecisionModel
from vitrina.photos import SIZE


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle and its network, ready to answer.

    Attributes:
        bundle: A verified one.
        encoder: Its network, warmed up.
        decisions: When the search box is filled; None where that could not be fitted.
    """

    bundle: Bundle
    encoder: Encoder
    decisions: DecisionModel | None = None


def load_bundle(bundles: Path, version: str | None = None, *, threads: int) -> LoadedBundle:
    """Reads, verifies and warms up a bundle.

    Args:
        bundles: The shop's bundles.
        version: Which one; the active one where None.
        threads: For one inference.

    Raises:
        NoBundle: there is none, or nothing is published.
        BundleDamaged: it is not what was written, or the network does not fit its description.
    """
    bundle = active_bundle(bundles) if version is None else named_bundle(bundles, version)
    encoder = Encoder(bundle.model, threads=threads)
    if encoder.classes != len(bundle.info.categories):
        raise BundleDamaged(
            f"The network knows {encoder.classes} categories, bundle.json names "
            f"{len(bundle.info.categories)}.",
            hint="Publish again: vitrina publish.",
        )
    # asked once, which also warms it up: what it declares need not be what it answers
    answered = encoder.encode(np.zeros((SIZE, SIZE, 3), dtype=np.uint8)).embedding
    goods = bundle.goods()["embedding"].shape[1]
    sizes = (len(answered), goods, bundle.info.embedding_size)
    if len(set(sizes)) > 1:
        raise BundleDamaged(
            "The embeddings of network, goods and bundle.json have different lengths: "
            f"{', '.join(map(str, sizes))}.",
            hint="Publish again: vitrina publish.",
        )
    content = bundle.decisions()
    decisions = content and DecisionModel.from_bytes(
        content, categories=encoder.classes, embedding_size=bundle.info.embedding_size
    )
    return LoadedBundle(bundle, encoder, decisions or None)


def start_loading(
    bundles: Path, version: str | None = None, *, threads: int
) -> Future[LoadedBundle]:
    """The same in a thread of its own: most of the work leaves the interpreter to others."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="load-bundle")
    loading = pool.submit(load_bundle, bundles, version, threads=threads)
    pool.shutdown(wait=False)
    return loading
