"""What feeds need: a tree of categories, goods that left, pictures that lie elsewhere."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEW_PRODUCT_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "vendor": sa.String(200),
    "vendor_code": sa.String(200),
    "description": sa.String(4000),
    "source": sa.String(2000),
    "fingerprint": sa.String(64),
    "gone_since": sa.DateTime(),
}
_NEW_IMPORT_COUNTS = ("added", "changed", "gone")


def upgrade() -> None:
    # made anew: SQLite cannot take back that names are unique
    op.create_table(
        "new_categories",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("slug", sa.String(200), nullable=False, unique=True),
        sa.Column("path", sa.String(2000), nullable=False, unique=True),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("name_en", sa.String(500)),
        sa.Column("parent_id", sa.Integer(), sa.ForeignKey("categories.id")),
        sa.Column("search_text", sa.String(500), nullable=False),
        sa.Column("search_text_edited", sa.Boolean(), nullable=False),
    )
    op.execute(
        "INSERT INTO new_categories "
        "(id, slug, path, name, name_en, search_text, search_text_edited) "
        "SELECT id, slug, name, name, name_en, search_text, false FROM categories"
    )
    _put_in_place("new_categories")
    op.create_index("ix_categories_parent_id", "categories", ["parent_id"])
    for name, kind in _NEW_PRODUCT_COLUMNS.items():
        op.add_column("products", sa.Column(name, kind))
    op.create_table(
        "remote_photos",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "product_id",
            sa.Integer(),
            sa.ForeignKey("products.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(2000), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("etag", sa.String(200)),
        sa.Column("last_modified", sa.String(100)),
        sa.Column("fault", sa.String(500)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.UniqueConstraint("product_id", "position"),
    )
    op.create_index("ix_remote_photos_address", "remote_photos", ["address"])
    op.add_column("imports", sa.Column("fingerprint", sa.String(64)))
    for name in _NEW_IMPORT_COUNTS:
        op.add_column(
            "imports", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
        )


def downgrade() -> None:
    for name in (*_NEW_IMPORT_COUNTS, "fingerprint"):
        op.drop_column("imports", name)
    op.drop_table("remote_photos")
    for name in _NEW_PRODUCT_COLUMNS:
        op.drop_column("products", name)
    op.create_table(
        "old_categories",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("slug", sa.String(200), nullable=False, unique=True),
        sa.Column("name", sa.String(500), nullable=False, unique=True),
        sa.Column("name_en", sa.String(500)),
        sa.Column("search_text", sa.String(500), nullable=False),
    )
    # two of one name become one category's path and another's
    op.execute(
        "INSERT INTO old_categories (id, slug, name, name_en, search_text) "
        "SELECT id, slug, CASE WHEN (SELECT count(*) FROM categories AS other "
        "WHERE other.name = categories.name) > 1 THEN substr(path, 1, 500) ELSE name END, "
        "name_en, search_text FROM categories"
    )
    _put_in_place("old_categories")


def _put_in_place(made: str) -> None:
    """SQLite has its foreign keys follow the name; PostgreSQL's belong to the table."""
    follows = op.get_bind().dialect.name != "sqlite"
    if follows:
        op.drop_constraint("products_category_id_fkey", "products")
        op.execute(f"ALTER TABLE {made} DROP CONSTRAINT IF EXISTS {made}_parent_id_fkey")
    op.drop_table("categories")
    op.rename_table(made, "categories")
    if follows:
        op.create_foreign_key(
            "products_category_id_fkey", "products", "categories", ["category_id"], ["id"]
        )
    if follows and made == "new_categories":
        op.create_foreign_key(
            "categories_parent_id_fkey", "categories", "categories", ["parent_id"], ["id"]
        )
