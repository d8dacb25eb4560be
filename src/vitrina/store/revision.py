"""Which schema this version of Vitrina works with."""

from __future__ import annotations

REVISION = "0004"
"""The newest migration, and the schema that `store.schema` describes; `vitrina serve` compares it
without Alembic."""
