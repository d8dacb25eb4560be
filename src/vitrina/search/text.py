"""Search by words, and the catalogue as shoppers browse it."""

from __future__ import annotations

from vitrina.errors import NotFound
from vitrina.search.answers import (
    CategoryEntry,
    FoundProduct,
    Language,
    TextAnswer,
    describe_category,
    describe_product,
)
from vitrina.store.database import Sessions
from vitrina.store.products import find_product, list_categories, search_products


class TextSearch:
    """Answers from the database alone; works before anything is published.

    Args:
        sessions: The shop's database.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def search(
        self,
        words: str,
        *,
        language: Language,
        limit: int,
        category: str | None = None,
        cursor: str | None = None,
    ) -> TextAnswer:
        """Goods that match all words, those in stock first.

        Raises:
            QueryError: the words are too long, or the cursor is none of ours.
        """
        with self._sessions() as session:
            page = search_products(
                session, words=words, category=category, limit=limit, cursor=cursor
            )
            return TextAnswer(
                tuple(describe_product(product, language) for product in page.products),
                page.total,
                page.next_cursor,
            )

    def categories(self, language: Language) -> list[CategoryEntry]:
        """All categories that have products, by name."""
        with self._sessions() as session:
            return [
                describe_category(category, language, count)
                for category, count in list_categories(session)
                if count
            ]

    def product(self, sku: str, language: Language) -> FoundProduct:
        """One product.

        Raises:
            NotFound: the shop has no such article.
        """
        with self._sessions() as session:
            product = find_product(session, sku)
            if product is None:
                raise NotFound(
                    f"There is no product with the article {sku[:60]!r}.",
                    hint="Search for it by name.",
                )
            return describe_product(product, language)
