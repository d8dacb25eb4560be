"""A price as an address gives it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

Price = Annotated[
    Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2)] | None,
    BeforeValidator(lambda given: None if given == "" else given),
]
"""Of a filter; what no price can be is refused with the parameter's name. A form in which nobody
wrote sends an empty one, which is none."""
