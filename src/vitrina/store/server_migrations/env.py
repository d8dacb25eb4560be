"""Runs migrations on the connection that `vitrina.store.server_database` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
on_sqlite = connection.dialect.name == "sqlite"
context.configure(
    connection=connection,
    # in PostgreSQL it stands beside the catalogue's
    version_table="alembic_version" if on_sqlite else "server_version",
    version_table_schema=context.config.attributes.get("schema"),
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
