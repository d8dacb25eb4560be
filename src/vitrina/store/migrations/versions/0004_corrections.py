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


def downgrade() -> None:
    op.drop_table("corrections")
