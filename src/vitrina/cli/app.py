"""The command line itself: the options that commands share, and how it ends on Ctrl+C."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vitrina.cli.output import stderr
from vitrina.progress import Progress
from vitrina.shop import Shop
from vitrina.version import __version__


class _Commands(TyperGroup):
    """Typer ends with 130 on Ctrl+C, but without a word: it is said before it comes to know."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stderr().print("Interrupted; what was computed is used again next time.")
            raise


app = typer.Typer(
    cls=_Commands,
    help="Photo search for online stores.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ShopOption = Annotated[Path, typer.Option("--shop", help="The shop's folder.", metavar="DIR")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
PortOption = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes any.", min=0, max=65535)
]
HERE = Path()


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Photo search for online stores."""
    if version:
        print(__version__)  # noqa: T201
        raise typer.Exit


def open_shop(folder: Path) -> Shop:
    """The shop in `folder`, reporting to stderr."""
    return Shop.open(folder, progress=terminal_progress())


def terminal_progress() -> Progress:
    """Bars on stderr, or lines where it is no terminal."""
    from vitrina.cli.bars import TerminalProgress

    return TerminalProgress(stderr())


def announce(name: str, address: str, *, browse: bool = False) -> None:
    """Says where a shop is served; `browse` opens the browser for a person at a terminal."""
    typer.echo(f"{name} is at {address} (stop with Ctrl+C)", err=True)
    if browse and sys.stdout.isatty():
        typer.launch(address)
