"""Search by words, and the catalogue as shoppers browse it."""

from __future__ import annotations

from pathlib import Path

from vitrina.errors import NotFound
from vitrina.search.answers import (
    CategoryEntry,
    FoundProduct,
    Language,
    TextAnswer,
    describe_category,
    describe_product,
)
from vitrina.search.query import Query
from vitrina.search.spelling import Spelling
from vitrina.search.synonyms import SynonymsFile
from vitrina.store.index_terms import IndexTerms
from vitrina.store.product_search import ALL_GOODS, Filters, matching_products, search_products
from vitrina.store.reading import DatabaseReader
from vitrina.store.shown import find_product, list_categories


class TextSearch:
    """Answers from the database alone; works before anything is published.

    May be used from several threads.

    Args:
        database: The shop's.
        synonyms: The shop's `synonyms.txt`; need not exist.
    """

    def __init__(self, database: DatabaseReader, synonyms: Path | None = None) -> None:
        self._database = database
        self._synonyms = SynonymsFile(synonyms)
        self._spelling = Spelling()

    def search(
        self,
        words: str,
        *,
        language: Language,
        limit: int,
        filters: Filters = ALL_GOODS,
        cursor: str | None = None,
    ) -> TextAnswer:
        """Goods that match all words; where none does, those that match most of them.

        Args:
            words: What is looked for; empty for all goods.
            language: Of names.
            limit: Goods in the answer.
            filters: What must hold besides.
            cursor: `next_cursor` of the answer before.

        Raises:
            QueryError: the words are too long, a filter is none, or the cursor is none of ours.
        """
        with self._database.asking() as connection:
            asked = Query(IndexTerms(connection), self._spelling, self._synonyms.current())
            understood = asked.understand(words)
            if understood.match is None:
                return TextAnswer((), 0, None, understood.corrected)
            page = search_products(
                connection, understood.match, filters, limit=limit, cursor=cursor
            )
            return TextAnswer(
                tuple(describe_product(product, language) for product in page.products),
                page.total,
                page.next_cursor,
                understood.corrected,
            )

    def matching(self, words: str, filters: Filters = ALL_GOODS) -> list[int] | None:
        """Ids of all goods that match, in no order, for a photo to choose the nearest from.

        Returns:
            None where neither words nor filters leave anything out.

        Raises:
            QueryError: as `search`.
        """
        if not words.strip() and filters == ALL_GOODS:
            return None
        with self._database.asking() as connection:
            asked = Query(IndexTerms(connection), self._spelling, self._synonyms.current())
            understood = asked.understand(words)
            if understood.match is None:
                return []
            return matching_products(connection, understood.match, filters)

    def categories(self, language: Language) -> list[CategoryEntry]:
        """All categories that have products, by name."""
        with self._database.asking() as connection:
            return [
                describe_category(category, language, count)
                for category, count in list_categories(connection)
                if count
            ]

    def product(self, sku: str, language: Language) -> FoundProduct:
        """One product.

        Raises:
            NotFound: the shop has no such article.
        """
        with self._database.asking() as connection:
            product = find_product(connection, sku)
            if product is None:
                raise NotFound(
                    f"There is no product with the article {sku[:60]!r}.",
                    hint="Search for it by name.",
                )
            return describe_product(product, language)
