"""Fuzzes the API of a real server by its own description.

    VITRINA_FUZZ_SECONDS=120 python fuzz/fuzz_api.py [options of `schemathesis run`]

Schemathesis makes requests that fit /openapi.json and requests that do not, and holds every answer
against the description: its status, its content type, its schema. A failure is printed with a
command that repeats it, and the exit status is not 0; nor is it where the server wrote a trace or
has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from asking import LiveServer  # noqa: E402
from drawing import draw_catalogue  # noqa: E402
from tiny_network import publish_tiny  # noqa: E402

from vitrina import Shop  # noqa: E402

OPTIONS = (
    # Whatever fits the description "bytes" need not be a photo, nor any word a cursor.
    "--exclude-checks=positive_data_acceptance",
    "--suppress-health-check=all",
    "--continue-on-failure",
    "--no-color",
)

CONFIGURATION = """
[checks.negative_data_rejection]
expected-statuses = [400, 403, 404, 405, 408, 413, 415, 422, 429, 503]
"""
"""What wrong requests may be answered: also that they are too large, which is asked first."""


def fuzz(place: Path, seconds: int, *options: str) -> int:
    """Starts a server with a small shop and asks it for so many seconds.

    Args:
        place: An empty folder.
        seconds: How long.
        options: More of them for `schemathesis run`.

    Returns:
        An exit status: 0 where nothing was found.
    """
    (place / "scratch").mkdir()
    (place / "catalogue").mkdir()
    (place / "schemathesis.toml").write_text(CONFIGURATION, "utf-8")
    shop = Shop.create(place / "shop", name="Лавка")
    shop.import_catalogue(draw_catalogue(place / "catalogue"))
    publish_tiny(shop.folder)
    server = LiveServer(shop.folder.root, place / "scratch")
    try:
        command = [sys.executable, "-m", "schemathesis.cli", "run", *OPTIONS, *options]
        command += [f"--max-time={seconds}", f"{server.address}/openapi.json"]
        found = subprocess.run(command, cwd=place, check=False).returncode
        ended = server.process.poll() is not None
    finally:
        said = server.stop()
    faults = [line for line in said.splitlines() if "Traceback" in line or '"failure"' in line]
    for line in faults[:20]:
        print(line, file=sys.stderr)
    return found or int(ended or bool(faults))


def main() -> None:
    """Runs for as long as the environment says."""
    seconds = int(os.environ.get("VITRINA_FUZZ_SECONDS", "120"))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(fuzz(Path(place), seconds, *sys.argv[1:]))


if __name__ == "__main__":
    main()
