"""Embeddings of the shop's photos, from the network that it serves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrina.bundle import active_bundle
from vitrina.encoder import Encoder
from vitrina.folder import ShopFolder
from vitrina.goods_encoder import encode_goods
from vitrina.near_copies import Embeddings
from vitrina.pixels import PixelCache
from vitrina.progress import Progress


def bundle_embeddings(
    folder: ShopFolder, names: Sequence[str], pixels: PixelCache, progress: Progress
) -> Embeddings:
    """What the active bundle makes of photos; of those that it does not know, computed now.

    Args:
        folder: The shop.
        names: SHA-256 of the photos.
        pixels: All of them.
        progress: Where the work reports to.

    Raises:
        NoBundle: nothing is published yet.
        BundleDamaged: the bundle is not what was written.
    """
    bundle = active_bundle(folder.bundles)
    goods = bundle.goods()
    known = {name.decode(): row for row, name in enumerate(np.ascontiguousarray(goods["sha256"]))}
    found = {
        name: goods["embedding"][known[name]].astype(np.float32) for name in names if name in known
    }
    missing = [name for name in names if name not in known]
    if missing:
        encoder = Encoder(bundle.model, threads=folder.settings.inference_threads)
        for name in progress.track(missing, "Embedding photos", len(missing)):
            found[name] = encode_goods(encoder, pixels[name])
    return found
