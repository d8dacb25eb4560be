"""What people should know of a dataset: each notice as a code with its values, and in words.

The report says it in the reader's language, from the code; the command line and files in the
program's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Value = str | int | tuple[str, ...]


@dataclass(frozen=True)
class Notice:
    """One of them.

    Attributes:
        code: Which; empty where a file of an older version has the words alone.
        message: In the program's words.
        values: What fills the sentence of that code, by name; slugs for categories.
    """

    code: str
    message: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Reads what `dataclasses.asdict` made, or the bare sentence of an older version.

        Raises:
            KeyError: it is none of these.
            TypeError: likewise.
        """
        if isinstance(content, str):
            return cls("", content)
        values = {
            str(name): tuple(value) if isinstance(value, list) else value
            for name, value in content["values"].items()
        }
        return cls(str(content["code"]), str(content["message"]), values)


def same_picture(product: str, category: str, other: str, other_category: str) -> Notice:
    """Goods of two categories have one picture; it is taken for the first's.

    Args:
        product: Sku of the first.
        category: Its slug.
        other: Sku of the second.
        other_category: Its slug.
    """
    return Notice(
        "same_picture",
        f"The same picture shows {product} ({category}) and {other} ({other_category}): taken as "
        f"{category}.",
        {
            "product": product,
            "category": category,
            "other": other,
            "other_category": other_category,
        },
    )


def left_out(category: str) -> Notice:
    """A category has nothing to learn from."""
    return Notice(
        "left_out",
        f"{category} is left out: it has no photo to learn from.",
        {"category": category},
    )


def untested(categories: Iterable[str]) -> Notice:
    """Categories have nothing to be tested on."""
    slugs = tuple(categories)
    return Notice(
        "untested", f"Not tested, for want of photos: {', '.join(slugs)}.", {"categories": slugs}
    )


def leaked(count: int) -> Notice:
    """The catalogue's own split has near copies of test photos among the training photos."""
    shares = (
        "1 test photo has a near copy" if count == 1 else f"{count} test photos have a near copy"
    )
    return Notice(
        "leaked",
        f"{shares} among the training photos: the catalogue's split puts them there, so the "
        "figures come out better than they are.",
        {"count": count},
    )
