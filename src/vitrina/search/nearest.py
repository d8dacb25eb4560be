"""The goods whose pictures are nearest to a photo, by exact comparison of embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from vitrina.bundle import Bundle
from vitrina.store.schema import Category, Photo, Product


class NearestGoods:
    """Embeddings of the goods as the bundle holds them; the catalogue is read anew each time.

    Args:
        bundle: Its goods.npy is mapped, not loaded.
    """

    def __init__(self, bundle: Bundle) -> None:
        goods = bundle.goods()
        self._embeddings: npt.NDArray[np.float16] = goods["embedding"]
        names = np.ascontiguousarray(goods["sha256"])
        self._rows = {name.decode(): row for row, name in enumerate(names)}

    @property
    def embedding_size(self) -> int:
        """Length of each embedding."""
        return int(self._embeddings.shape[1])

    def rank(
        self,
        session: Session,
        embedding: npt.NDArray[np.float32],
        categories: Sequence[str],
        limit: int,
    ) -> list[tuple[Product, float | None]]:
        """Products of those categories, in stock first, then by their likest picture.

        Args:
            session: The shop's database.
            embedding: (D,) float32, unit length.
            categories: Slugs.
            limit: How many at most.

        Returns:
            Products with their pictures loaded, and the cosine; None for goods that came after
            the bundle was published.
        """
        pictures = session.execute(
            select(Photo.sha256, Product.id, Product.in_stock)
            .select_from(Product)
            .join(Product.category)
            .outerjoin(Product.photos)
            .where(Category.slug.in_(categories))
        ).all()
        known = [(product, self._rows[sha]) for sha, product, _ in pictures if sha in self._rows]
        best: dict[int, float] = {}
        if known:
            vectors = self._embeddings[[row for _, row in known]].astype(np.float32)
            for (product, _), cosine in zip(known, vectors @ embedding, strict=True):
                best[product] = max(best.get(product, -1.0), float(cosine))
        in_stock = {product: stock for _, product, stock in pictures}
        order = sorted(
            in_stock, key=lambda product: (not in_stock[product], -best.get(product, -2.0), product)
        )[:limit]
        loaded = {
            product.id: product
            for product in session.scalars(
                select(Product).where(Product.id.in_(order)).options(selectinload(Product.photos))
            )
        }
        return [(loaded[product], best.get(product)) for product in order]
