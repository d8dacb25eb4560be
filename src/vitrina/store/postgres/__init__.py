"""The shop in PostgreSQL: loaded only where `database_url` names one."""
