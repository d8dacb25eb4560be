"""No photo is decoded twice."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from drawing import drawn_photo

from vitrina import pixels
from vitrina.errors import NotAPhoto, PhotoDamaged, PhotoDimensions
from vitrina.photos import DEFAULT_LIMITS, Limits, decode
from vitrina.pixels import PhotoFile, PixelCache


def photo_files(folder: Path, contents: Sequence[bytes]) -> list[PhotoFile]:
    files = []
    for content in contents:
        sha256 = hashlib.sha256(content).hexdigest()
        (folder / sha256).write_bytes(content)
        files.append(PhotoFile(sha256, folder / sha256))
    return files


def test_add(tmp_path: Path) -> None:
    files = photo_files(tmp_path, [drawn_photo(seed=seed) for seed in range(3)])
    cache = PixelCache(tmp_path / "cache")
    assert cache.add([*files, files[0]], limits=DEFAULT_LIMITS) == {}
    for cached in (cache, PixelCache(tmp_path / "cache")):
        for file in files:
            assert file.sha256 in cached
            assert np.array_equal(cached[file.sha256], decode(file.path.read_bytes()))


def test_only_the_missing_are_decoded(tmp_path: Path) -> None:
    files = photo_files(tmp_path, [drawn_photo(seed=seed) for seed in range(4)])
    PixelCache(tmp_path / "cache").add(files[:2], limits=DEFAULT_LIMITS)
    with mock.patch.object(pixels, "decode", wraps=decode) as decoded:
        PixelCache(tmp_path / "cache").add(files, limits=DEFAULT_LIMITS)
        PixelCache(tmp_path / "cache").add(files, limits=DEFAULT_LIMITS)
    assert sorted(call.args[0] for call in decoded.call_args_list) == sorted(
        file.path.read_bytes() for file in files[2:]
    )


def test_refused_photos_are_named_and_the_others_kept(tmp_path: Path) -> None:
    whole = drawn_photo(size=(200, 200))
    contents = [whole, whole[:500], b"GIF89a", drawn_photo(size=(500, 500))]
    files = photo_files(tmp_path, contents)
    lost = PhotoFile("f" * 64, tmp_path / "missing")
    refused = PixelCache(tmp_path / "cache").add([*files, lost], limits=Limits(max_pixels=90_000))
    assert {sha: type(error) for sha, error in refused.items()} == {
        files[1].sha256: PhotoDamaged,
        files[2].sha256: NotAPhoto,
        files[3].sha256: PhotoDimensions,
        lost.sha256: PhotoDamaged,
    }
    assert "cannot be read" in str(refused[lost.sha256])
    assert files[0].sha256 in PixelCache(tmp_path / "cache")


def test_missing_pixels(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        PixelCache(tmp_path)["0" * 64]


def test_killed_while_decoding(tmp_path: Path) -> None:
    files = photo_files(tmp_path, [drawn_photo(seed=seed) for seed in range(40)])
    program = """
import os, signal, sys
from pathlib import Path
from vitrina import pixels
from vitrina.photos import DEFAULT_LIMITS, decode
from vitrina.progress import Progress, Step
class Killer(Step):
    done = 0
    def advance(self, count=1, *, note=""):
        self.done += 1
        if self.done == 20:
            os.kill(os.getpid(), signal.SIGKILL)
class Killing(Progress):
    from contextlib import contextmanager
    @contextmanager
    def step(self, label, total):
        yield Killer()
files = [pixels.PhotoFile(path.name, path) for path in map(Path, sys.argv[2:])]
pixels.PixelCache(Path(sys.argv[1])).add(files, limits=DEFAULT_LIMITS, progress=Killing())
"""
    paths = [str(file.path) for file in files]
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "cache"), *paths], check=False, timeout=60
    )
    assert ended.returncode == -9
    cache = PixelCache(tmp_path / "cache")
    kept = [file for file in files if file.sha256 in cache]
    assert 15 <= len(kept) < 40
    with mock.patch.object(pixels, "decode", wraps=decode) as decoded:
        cache.add(files, limits=DEFAULT_LIMITS)
    assert decoded.call_count == len(files) - len(kept)
    for file in files:
        assert np.array_equal(cache[file.sha256], decode(file.path.read_bytes()))
