"""A full-text index instead of a column that words were looked for in."""

import sqlalchemy as sa
from alembic import op

from vitrina.store.fulltext import rebuild

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("products", "search_key")
    op.create_index(
        "ix_products_search",
        "products",
        ["id", "gone_since", "in_stock", "category_id", "price_minor"],
    )
    op.create_table(
        "text_index",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False),
    )
    op.execute("INSERT INTO text_index (id, generation) VALUES (1, 0)")
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TABLE product_texts (product_id integer NOT NULL PRIMARY KEY, "
            "terms tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX ix_product_texts_terms ON product_texts USING gin (terms)")
        rebuild(op.get_bind())
        return
    # the terms are made by us: this tokenizer only parts them at blanks. Its other half, beside
    # ASCII letters and digits, is every letter of every other script.
    op.execute(
        "CREATE VIRTUAL TABLE product_texts USING fts5("
        "name, article, category, vendor, description, "
        "tokenize = \"ascii tokenchars '!#=.'\", prefix = '2 3 4')"
    )
    op.execute("CREATE VIRTUAL TABLE product_terms USING fts5vocab(product_texts, row)")
    # goods that are there already are found from the first moment
    rebuild(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table("product_terms")
    op.drop_table("product_texts")
    op.drop_table("text_index")
    op.drop_index("ix_products_search", "products")
    op.add_column(
        "products", sa.Column("search_key", sa.String(4000), nullable=False, server_default="")
    )
