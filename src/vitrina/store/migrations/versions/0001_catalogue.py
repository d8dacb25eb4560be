"""Categories, products, photos and imports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("slug", sa.String(200), nullable=False, unique=True),
        sa.Column("name", sa.String(500), nullable=False, unique=True),
        sa.Column("name_en", sa.String(500)),
        sa.Column("search_text", sa.String(500), nullable=False),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sku", sa.String(200), nullable=False, unique=True),
        sa.Column("name", sa.String(1000), nullable=False),
        sa.Column("name_en", sa.String(1000)),
        sa.Column("category_id", sa.Integer(), sa.ForeignKey("categories.id"), nullable=False),
        sa.Column("price_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("url", sa.String(2000)),
        sa.Column("in_stock", sa.Boolean(), nullable=False),
        sa.Column("search_key", sa.String(4000), nullable=False),
    )
    op.create_index("ix_products_category_id", "products", ["category_id"])
    op.create_index("ix_products_category_in_stock", "products", ["category_id", "in_stock"])
    op.create_table(
        "photos",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "product_id",
            sa.Integer(),
            sa.ForeignKey("products.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("suffix", sa.String(5), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(5)),
        sa.UniqueConstraint("product_id", "position"),
    )
    op.create_index("ix_photos_sha256", "photos", ["sha256"])
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source", sa.String(2000), nullable=False),
        sa.Column("finished", sa.DateTime(), nullable=False),
        sa.Column("products", sa.Integer(), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("imports")
    op.drop_table("photos")
    op.drop_table("products")
    op.drop_table("categories")
