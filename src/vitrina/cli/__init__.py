"""The `vitrina` command: one sub-command a stage, results on stdout, progress on stderr."""

from __future__ import annotations


def main() -> None:
    """Entry point of the installed command."""
    import os

    from vitrina.starting import without_garbage_collection

    # none of its plugins is ours, and looking for them reads the metadata of every package there is
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

    with without_garbage_collection():
        from vitrina.cli.commands import run

    run()
