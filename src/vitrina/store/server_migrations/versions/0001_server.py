"""What a running server writes: queries, events, who may sign in, what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_MOMENT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # PostgreSQL keeps each month by itself, a query's events beside it, and forgets both at once
    by_month = op.get_bind().dialect.name != "sqlite"
    op.create_table(
        "queries",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("asked", _MOMENT, nullable=False, primary_key=by_month),
        sa.Column("search", sa.String(5), nullable=False),
        sa.Column("bundle", sa.String(200)),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("category", sa.String(200)),
        sa.Column("confidence", sa.Float()),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.Column("visitor", sa.String(32)),
        sa.Column("experiment", sa.String(32)),
        sa.Column("assigned", sa.String(200)),
        sa.Column("infer_ms", sa.Float()),
        postgresql_partition_by="RANGE (asked)",
    )
    op.create_index(
        "ix_queries_experiment",
        "queries",
        ["experiment", "assigned", "visitor"],
        sqlite_where=sa.text("experiment IS NOT NULL"),
        postgresql_where=sa.text("experiment IS NOT NULL"),
    )
    op.create_index(
        "ix_queries_asked",
        "queries",
        ["asked", "search", "decision", "category", "milliseconds", "visitor"],
    )
    query = sa.Column("query_id", sa.String(32), primary_key=True)
    if not by_month:
        query.append_foreign_key(sa.ForeignKey("queries.id"))
    op.create_table(
        "events",
        query,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("asked", _MOMENT, nullable=False, primary_key=by_month),
        sa.Column("received", _MOMENT, nullable=False),
        sa.Column("search", sa.String(5), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("category", sa.String(200)),
        sa.Column("sku", sa.String(200)),
        sa.Column("position", sa.Integer()),
        sa.Column("value_minor", _MOMENT),
        sa.Column("currency", sa.String(3)),
        postgresql_partition_by="RANGE (asked)",
    )
    op.create_index(
        "ix_events_asked",
        "events",
        ["asked", "search", "kind", "query_id", "value_minor", "currency"],
    )
    op.create_table(
        "reviews",
        sa.Column("query_id", sa.String(32), primary_key=True),
        sa.Column("asked", _MOMENT, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("guesses", sa.String(2000), nullable=False),
        sa.Column("chosen", sa.String(200)),
        sa.Column("verdict", sa.String(20)),
        sa.Column("category", sa.String(200)),
        sa.Column("decided", _MOMENT),
        sa.Column("who", sa.String(40)),
    )
    op.create_index("ix_reviews_asked", "reviews", ["verdict", "asked"])
    op.create_table(
        "admins",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("changed", _MOMENT, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column(
            "name", sa.String(40), sa.ForeignKey("admins.name", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("began", _MOMENT, nullable=False),
        sa.Column("seen", _MOMENT, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("who", sa.String(40), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("detail", sa.String(1000), nullable=False),
    )
    op.create_index("ix_audit_what", "audit", ["what"])


def downgrade() -> None:
    for table in ("audit", "sessions", "admins", "events", "queries"):
        op.drop_table(table)
