"""What a photo of each category puts into the search box, as the merchant wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from vitrina.errors import EditConflict, NotFound, QueryError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.categories import (
    list_categories,
    named_categories,
    update_category,
)
from vitrina.store.database import migrate, open_database
from vitrina.store.fulltext import reindex_category
from vitrina.store.shown import CategoryRecord

LONGEST = 200
"""Characters of a search text: a longer one would be no search."""


@dataclass(frozen=True)
class CategoryWords:
    """A category in the shop's own language.

    Attributes:
        id: Slug.
        name: As shoppers read it.
        path: Names from the root of the tree down to it.
        products: Goods of its own that are not gone.
        search_text: What a photo of it puts into the search box.
        edited: The merchant wrote it, so that imports leave it alone.
    """

    id: str
    name: str
    path: str
    products: int
    search_text: str
    edited: bool


def list_search_texts(folder: ShopFolder) -> list[CategoryWords]:
    """All categories of the shop by name.

    Raises:
        ShopError: there is no database, or it is of another version.
    """
    with open_database(folder.database).reading() as connection:
        return [
            CategoryWords(
                id=category.slug,
                name=category.name,
                path=category.path,
                products=products,
                search_text=category.search_text,
                edited=category.search_text_edited,
            )
            for category, products in list_categories(connection)
        ]


def set_search_texts(
    folder: ShopFolder,
    texts: Mapping[str, str],
    progress: Progress = SILENT,
    *,
    seen: Mapping[str, str] | None = None,
) -> None:
    """Changes search texts, all of them or none; the goods are found by the new ones at once.

    Args:
        folder: The shop.
        texts: By slug. An empty one gives the category its name back, and imports may change it.
        progress: Where the work reports to.
        seen: By slug, the texts that whoever wants these had before their eyes; None for any.

    Raises:
        NotFound: there is no such category.
        EditConflict: a text is another one by now; none was changed.
        QueryError: a text is too long, or is none.
        ShopError: there is no database, or another process is changing the shop.
    """
    wanted = {slug: _checked(slug, text) for slug, text in texts.items()}
    open_database(folder.database)  # a shop without goods is told so before anything is made
    with (
        writing(folder, "categories", progress),
        migrate(folder.database).writing() as connection,
    ):
        for slug, text in progress.track(wanted.items(), "Changing categories", len(wanted)):
            category = _named(connection, slug)
            if seen is not None and category.search_text != seen[slug]:
                raise EditConflict(
                    f"The search text of {slug!r} is {category.search_text!r} by now.",
                    hint="Look at both, then write the one that is to stay.",
                )
            changed = replace(
                category, search_text=text or category.name, search_text_edited=bool(text)
            )
            update_category(connection, changed)
            reindex_category(connection, category.id)


def _checked(slug: str, text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) > LONGEST or not plain.isprintable():
        raise QueryError(
            f"The search text of {slug[:60]!r} has {len(plain)} characters; expected at most "
            f"{LONGEST} that can be read.",
            hint="Write what a shopper would type.",
        )
    return plain


def _named(connection: Connection, slug: str) -> CategoryRecord:
    category = named_categories(connection, [slug]).get(slug)
    if category is None:
        raise NotFound(
            f"There is no category {slug[:60]!r}.", hint="`vitrina categories` lists them."
        )
    return category
