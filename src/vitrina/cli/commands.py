"""All commands in the order in which help lists them, and how their errors end."""

from __future__ import annotations

import errno
import signal
import sys
from types import FrameType

from vitrina.cli.admin_commands import admin
from vitrina.cli.app import app
from vitrina.cli.category_commands import categories
from vitrina.cli.comparison_commands import bench, compare, report, tune
from vitrina.cli.embedding_commands import embed
from vitrina.cli.experiment_commands import ab
from vitrina.cli.inference_commands import bench_inference
from vitrina.cli.load_commands import bench_serve
from vitrina.cli.output import print_error, stderr
from vitrina.cli.quality_commands import bench_quality
from vitrina.cli.shop_commands import check, import_, init, search, serve
from vitrina.cli.training_commands import demo, learn, publish, rollback, train, weights
from vitrina.errors import VitrinaError

app.command()(init)
app.command("import")(import_)
for _command in (
    categories, check, embed, weights, train, tune, compare, report, publish, rollback, learn,
    search, serve, demo,
):  # fmt: skip
    app.command()(_command)
bench.command("serve")(bench_serve)
bench.command("inference")(bench_inference)
bench.command("quality")(bench_quality)
app.add_typer(bench, name="bench")
app.add_typer(ab, name="ab")
app.add_typer(admin, name="admin")


def run() -> None:
    """Runs the command line; errors that a user can mend end with exit code 1 and their hint."""
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        app()
    except Exception as error:
        told = error if isinstance(error, VitrinaError) else _of_the_system(error)
        if told is None:
            raise
        print_error(stderr(), told)
        sys.exit(1)


def _end_in_order(number: int, _frame: FrameType | None) -> None:
    """Being told to end unwinds what was begun: no server under measurement is left running."""
    sys.exit(128 + number)


def _of_the_system(error: Exception) -> VitrinaError | None:
    """What the machine refused, in our words; None for a mistake of the program."""
    import sqlite3

    from sqlalchemy.exc import DatabaseError, OperationalError

    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        reason = error.strerror or str(error) or type(error).__name__
        return VitrinaError(f"{place}{reason}.", hint=_hint(error.errno))
    # their other descendants mean that a statement of ours is wrong
    if type(error) in (
        OperationalError, DatabaseError, sqlite3.OperationalError, sqlite3.DatabaseError,
    ):  # fmt: skip
        return VitrinaError(
            f"The shop's database cannot be used: {getattr(error, 'orig', error)}.",
            hint="Look for space on the disk, for the right to write to the shop's folder, and for "
            "another process that holds vitrina.db; then run the command again.",
        )
    return None


def _hint(number: int | None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "Make room on the disk, then run the command again: what was complete is kept."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Give yourself the right to read and write there, then run the command again."
    return "Look at what the message names, then run the command again."
