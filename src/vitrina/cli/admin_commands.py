"""Commands about the merchant's screens: who may sign in to them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.app import HERE, ShopOption
from vitrina.cli.output import stdout
from vitrina.folder import ShopFolder

if TYPE_CHECKING:
    from vitrina.store.server_database import ServerDatabase

admin = typer.Typer(help="Who may sign in to the merchant's screens.", no_args_is_help=True)

NameOption = Annotated[str, typer.Option("--name", help="Whose.", metavar="NAME")]


@admin.command()
def password(name: NameOption = "admin", shop: ShopOption = HERE) -> None:
    """Set a password, asked for here or read from the standard input; switches /admin on."""
    database = _database(shop)
    from vitrina.admin import accounts, audit

    given = _ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    accounts.set_password(database, name, given)
    audit.note(database, name, "password")
    stdout().print(f"{name} may sign in at /admin; who was signed in before no longer is.")


@admin.command()
def remove(name: NameOption = "admin", shop: ShopOption = HERE) -> None:
    """Let somebody sign in no longer; without anybody left, /admin is off."""
    database = _database(shop)
    from vitrina.admin import accounts, audit

    accounts.remove_account(database, name)
    audit.note(database, name, "account_removed")
    left = accounts.names(database)
    stdout().print(f"{name} may no longer sign in. Left: {', '.join(left) or 'nobody'}.")


def _ask() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _database(shop: Path) -> ServerDatabase:
    from vitrina.store.server_database import ServerDatabase

    return ServerDatabase(ShopFolder.find(shop).server_database)
