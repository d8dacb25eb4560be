"""Every answer of the API is what its description says: `VITRINA_FUZZ_SECONDS` long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from asking import AppClient

ROOT = Path(__file__).parents[1]
SECONDS = int(os.environ.get("VITRINA_FUZZ_SECONDS", "120"))


@pytest.mark.timeout(SECONDS + 300)
def test_answers_are_as_described(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "fuzz" / "fuzz_api.py")],
        env=os.environ | {"TMPDIR": str(tmp_path), "VITRINA_FUZZ_SECONDS": str(SECONDS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-5000:]
    tested = re.search(r"Tested: (\d+)", ended.stdout)
    generated = re.search(r"(\d+) generated", ended.stdout)
    assert tested
    assert int(tested[1]) >= 6
    assert generated
    assert int(generated[1]) >= 100


def test_what_may_turn_any_request_away_is_described_everywhere(client: AppClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1/"):
                assert {"429", "503"} <= set(operation["responses"]), path
