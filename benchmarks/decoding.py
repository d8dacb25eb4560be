"""What decoding a photo costs, and whether decoding it smaller changes what the network sees.

    python benchmarks/decoding.py time [--rounds N]
    python benchmarks/decoding.py agree FOLDER BUNDLE [--photos N] [--side N ...] [--least N ...]

`time` decodes made-up photos of each kind in turn and prints milliseconds of rounds: what passes,
and what the processor spends in this process, which leaves out the child that decodes HEIC, AVIF.

`agree` takes pictures that are named after categories, by their folder (lamps/1.jpg) or by
themselves (lamps-1.jpg), makes a camera's JPEG of each
(enlarged until its short side has `--side` pixels, with a sensor's noise, quality 90), decodes it
in full and at the scales that `--least` short sides lead to, and has a bundle's network look at
both. It prints how often both have the same first category and how many of each are right.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image, ImageFilter

from vitrina.encoder import Encoder
from vitrina.photos import DEFAULT_LIMITS, SIZE, HeavyDecoder, Pixels, decode, picture, sniff
from vitrina.photos.picture import decode_picture

NOISE = 14.0
"""Of the sensor, levels of 255, before the camera smooths it: gives a 12-megapixel JPEG of quality
90 the three megabytes that phones give it."""

FULL = 10**6
HERE, CHILD = ", in this process", ", in a child"


def main(arguments: Sequence[str]) -> None:
    """Runs one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    timed = commands.add_parser("time")
    timed.add_argument("--rounds", type=int, default=9)
    agree = commands.add_parser("agree")
    agree.add_argument("folder", type=Path)
    agree.add_argument("bundle", type=Path)
    agree.add_argument("--photos", type=int, default=400)
    agree.add_argument("--side", type=int, nargs="+", default=[480, 900, 1200, 3024])
    agree.add_argument("--least", type=int, nargs="+", default=[SIZE, 280, 336, 448])
    given = parser.parse_args(arguments)
    if given.command == "time":
        measure_time(given.rounds)
    else:
        measure_agreement(given.folder, given.bundle, given.photos, given.side, given.least)


def measure_time(rounds: int) -> None:
    """Prints a line a kind of photo."""
    scene = camera_picture(sources(Path("demo/phone")), (4032, 3024))
    small = scene.resize((640, 480), Image.Resampling.LANCZOS)
    middle = scene.resize((1600, 1200), Image.Resampling.LANCZOS)
    photos = {
        "JPEG, 12 megapixels": encoded(scene, "JPEG", quality=90),
        "JPEG, 12 megapixels, progressive": encoded(scene, "JPEG", quality=90, progressive=True),
        "JPEG, 640 x 480": encoded(small, "JPEG", quality=85),
        "PNG, 1600 x 1200": encoded(middle, "PNG"),
        "WebP, 640 x 480": encoded(small, "WEBP", quality=80),
        "WebP, 1600 x 1200": encoded(middle, "WEBP", quality=80),
        "AVIF, 12 megapixels": encoded(scene, "AVIF", quality=60, speed=9),
        "HEIC, 12 megapixels": heic(scene),
        "HEIC, 640 x 480": heic(small),
    }
    load_heavy_decoders()
    with HeavyDecoder() as heavy:
        works: dict[str, Callable[[], object]] = {}
        for name, photo in photos.items():
            works[name] = partial(decode, photo, DEFAULT_LIMITS, heavy)
            if (kind := sniff(photo)) in ("heic", "avif"):
                works[f"{name}{HERE}"] = partial(decode_picture, photo, kind, DEFAULT_LIMITS)
            else:
                works[f"{name}{CHILD}"] = partial(heavy.decode, photo, kind, DEFAULT_LIMITS)
        taken = in_turn(works, rounds)
    for name, passed in sorted(taken.items()):
        photo = photos[name.removesuffix(HERE).removesuffix(CHILD)]
        wall, processor = zip(*passed, strict=True)
        print(
            f"{name:50} {len(photo) / 1e6:5.2f} MB  median {statistics.median(wall):7.1f} ms"
            f"  least {min(wall):7.1f} ms  processor {statistics.median(processor):7.1f} ms"
        )
    start_child()


def in_turn(
    works: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds that passed, and that the processor spent here, of each work and round."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start, processor = time.perf_counter(), time.process_time()
            work()
            passed = time.perf_counter() - start, time.process_time() - processor
            if number:  # the first round warms up
                taken[name].append((passed[0] * 1e3, passed[1] * 1e3))
    return taken


def start_child() -> None:
    """Prints what a new child costs: the first photo of a server, and one after each fault."""
    photo = heic(Image.new("RGB", (64, 64)))
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        with HeavyDecoder() as heavy:
            decode(photo, DEFAULT_LIMITS, heavy)
        taken.append((time.perf_counter() - start) * 1e3)
    print(
        f"{'a child started, one small HEIC, ended':45} {'':8}  median "
        f"{statistics.median(taken):8.1f} ms  least {min(taken):8.1f} ms"
    )


def measure_agreement(
    folder: Path, bundle_folder: Path, most: int, sides: Sequence[int], leasts: Sequence[int]
) -> None:
    """Prints a line a size of photos and scale."""
    # not by read_bundle: it refuses bundles of other decoders, which are what this compares with
    categories = json.loads((bundle_folder / "bundle.json").read_bytes())["categories"]
    encoder = Encoder(bundle_folder / "model.onnx", threads=1)
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png", ".webp"))
    files = [files[int(number)] for number in np.linspace(0, len(files) - 1, min(most, len(files)))]
    places = [category_of(file, categories) for file in files]
    known = sum(place is not None for place in places)
    print(f"{len(files)} pictures, {known} of them named after a category of the bundle")

    def ask(photo: bytes, least: int) -> tuple[Pixels, int, np.ndarray]:
        with mock.patch.object(picture, "JPEG_SIDE", least):
            pixels = decode(photo)
        found = encoder.encode(pixels)
        return pixels, int(found.probabilities.argmax()), found.embedding

    for side in sides:
        outcomes: dict[int, list[tuple[bool, bool | None, float, float]]] = {}
        for number, file in enumerate(files):
            photo = camera_photo(file, side, number)
            full, expected, embedding = ask(photo, FULL)
            place = places[number]
            for least in (FULL, *leasts):
                pixels, answer, other = ask(photo, least)
                apart = float(np.abs(pixels.astype(np.float32) - full).mean())
                cosine = float(
                    embedding @ other / np.linalg.norm(embedding) / np.linalg.norm(other)
                )
                right = None if place is None else answer == place
                outcomes.setdefault(least, []).append((answer == expected, right, apart, cosine))
        for least, told in outcomes.items():
            scale = scale_of(side, least)
            right = [one for _, one, _, _ in told if one is not None]
            print(
                f"short side {side:5}, least {'full' if least == FULL else least:>5} "
                f"-> 1/{scale} = {side // scale:4}: "
                f"same top-1 {np.mean([same for same, _, _, _ in told]):.4f}"
                + (f", right {np.mean(right):.4f}" if right else "")
                + f", pixels apart {np.mean([apart for _, _, apart, _ in told]):.2f}"
                f", cosine mean {np.mean([c for *_, c in told]):.5f}"
                f" least {min(c for *_, c in told):.4f}",
                flush=True,
            )


def category_of(file: Path, categories: Sequence[str]) -> int | None:
    """Number of the category that a picture's folder, or its name before a number, is."""
    names = (file.parent.name, file.stem.rpartition("-")[0])
    return next((categories.index(name) for name in names if name in categories), None)


def scale_of(side: int, least: int) -> int:
    """The scale that Pillow's `draft` chooses."""
    return next((scale for scale in (8, 4, 2) if side // least >= scale), 1)


def camera_photo(file: Path, side: int, seed: int) -> bytes:
    """The picture as a camera with so many pixels would have it."""
    with Image.open(file) as opened:
        shown = opened.convert("RGB")
    scale = side / min(shown.size)
    size = (round(shown.width * scale), round(shown.height * scale))
    return encoded(noisy(shown.resize(size, Image.Resampling.LANCZOS), seed), "JPEG", quality=90)


def camera_picture(shown: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """A picture with as much detail as a phone's: nine pictures side by side, and noise."""
    scene = Image.new("RGB", size)
    width, height = size[0] // 3, size[1] // 3
    for number in range(9):
        part = shown[number % len(shown)].resize((width, height), Image.Resampling.LANCZOS)
        scene.paste(part, (number % 3 * width, number // 3 * height))
    return noisy(scene, 0)


def noisy(scene: Image.Image, seed: int) -> Image.Image:
    """The same with a sensor's noise, smoothed a little as cameras do."""
    rng = np.random.default_rng(seed)
    light = rng.standard_normal((scene.height, scene.width, 1), dtype=np.float32)
    pixels = np.asarray(scene, dtype=np.float32) + NOISE * light
    grainy = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return grainy.filter(ImageFilter.GaussianBlur(0.7))


def sources(folder: Path) -> list[Image.Image]:
    """Some pictures of a folder, lying."""
    files = sorted(folder.glob("*.jpg"))[::7][:9]
    opened = [Image.open(file).convert("RGB") for file in files]
    return [one if one.width > one.height else one.rotate(90, expand=True) for one in opened]


def encoded(scene: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    scene.save(file, kind, **options)
    return file.getvalue()


def heic(scene: Image.Image) -> bytes:
    """The bytes of a HEIC file, in tiles of 512 pixels as phones write them."""
    import pillow_heif

    file = io.BytesIO()
    shown = pillow_heif.from_pillow(scene)
    shown.save(file, quality=50, enc_params={"preset": "ultrafast"}, tile_size=512)
    return file.getvalue()


def load_heavy_decoders() -> None:
    """So that this process can decode what otherwise a child does."""
    import pillow_heif
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pillow_heif.register_heif_opener(decode_threads=1, depth_images=False, aux_images=False)


if __name__ == "__main__":
    main(sys.argv[1:])
