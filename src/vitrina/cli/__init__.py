"""The `vitrina` command: one sub-command a stage, results on stdout, progress on stderr."""

from __future__ import annotations


def main() -> None:
    """Entry point of the installed command."""
    from vitrina.cli.commands import run

    run()
