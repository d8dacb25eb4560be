"""The photo path under a fuzzer: `VITRINA_FUZZ_SECONDS` long, two minutes unless told otherwise."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "fuzz" / "corpus" / "photo"
FINDINGS = ROOT / "build" / "fuzz" / "findings"
SECONDS = int(os.environ.get("VITRINA_FUZZ_SECONDS", "120"))

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="Atheris is made for Linux alone"
)


def fuzz(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # A process begins with the largest memory of the one that started it, and this one may have
    # trained networks: the shell between them makes the fuzzer count from nothing.
    between = ["sh", "-c", '"$@"; exit "$?"', "sh"]
    return subprocess.run(
        [*between, sys.executable, str(ROOT / "fuzz" / "fuzz_photo.py"), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS + 300,
    )


@pytest.mark.timeout(SECONDS + 360)
def test_no_bytes_break_the_photo_path(tmp_path: Path) -> None:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    grown = tmp_path / "corpus"  # what the fuzzer adds goes into the first folder
    grown.mkdir()
    ended = fuzz(
        f"-max_total_time={SECONDS}",
        "-rss_limit_mb=1500",
        "-timeout=30",
        f"-artifact_prefix={FINDINGS}/",
        grown,
        CORPUS,
    )
    kept = sorted(path.name for path in FINDINGS.iterdir())
    assert ended.returncode == 0, f"{FINDINGS} has {kept}\n{ended.stderr[-4000:]}"
    assert "Done" in ended.stderr
    assert any(grown.iterdir()), "the fuzzer found no new way through the code"


def test_fuzzer_notices(tmp_path: Path) -> None:
    # a target that cannot fail would find nothing either
    target = tmp_path / "fuzz_photo.py"
    source = (ROOT / "fuzz" / "fuzz_photo.py").read_text(encoding="utf-8")
    broken = source.replace("SIZE, SIZE, 3)", "SIZE, SIZE, 4)")
    assert broken != source
    target.write_text(broken, encoding="utf-8")
    photo = shutil.copy(CORPUS / "baseline.jpg", tmp_path)
    ended = subprocess.run(
        [sys.executable, str(target), f"-artifact_prefix={tmp_path}/", str(photo)],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    assert ended.returncode != 0
    assert "is no square" in ended.stderr + ended.stdout
