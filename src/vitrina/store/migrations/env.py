"""Runs migrations on the connection that `vitrina.store.database.migrate` hands over."""

from alembic import context

from vitrina.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table_schema=context.config.attributes.get("schema"),
    render_as_batch=True,
    # `migrate` has begun a transaction that SQLite holds: a schema appears whole or not at all
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
