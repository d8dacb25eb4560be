"""What the merchant decided about goods and pictures, whatever the feed says."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sku", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("from_category", sa.String(200)),
        sa.Column("to_category", sa.String(200)),
        sa.UniqueConstraint("sku", "sha256", "action"),
    )
    if op.get_bind().dialect.name != "sqlite":
        # which table has the embeddings of which bundle: store.postgres.vectors
        op.create_table(
            "vector_tables",
            sa.Column("bundle", sa.String(200), primary_key=True),
            sa.Column("made_by", sa.String(200), nullable=False),
            sa.Column("name", sa.String(63), nullable=False),
            sa.Column("dimensions", sa.Integer(), nullable=False),
            sa.Column("kept", sa.Integer(), nullable=False),
            sa.Column("type", sa.String(10), nullable=False),
            sa.Column("projection", sa.LargeBinary()),
        )


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for (name,) in op.get_bind().execute(sa.text("SELECT name FROM vector_tables")):
            op.drop_table(name)
        op.drop_table("vector_tables")
    op.drop_table("corrections")
