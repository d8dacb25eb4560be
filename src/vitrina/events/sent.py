"""An event as a page sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["chip", "click", "cart", "order", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """What a shopper did; fields as in `store.server_schema.EVENTS`."""

    id: str
    kind: Kind
    category: str | None = None
    sku: str | None = None
    position: int | None = None
    value_minor: int | None = None
    currency: str | None = None
