"""Photos to load a server with, made by code: what phones, the page's widget and mistakes send.

What a JPEG costs to decode goes by its pixels and its bytes, so a made-up phone photo has as many
of both as a real one: a product before a surface of many scales, with a sensor's noise, at the
quality that gives a phone's file size.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

from vitrina.bench.open_loop import Sent, Shares
from vitrina.errors import EvaluationError

PHONE_SIZE = (4032, 3024)
"""Twelve megapixels, what most phones take."""

WIDGET_SIDE = 640
MIXES: dict[str, dict[str, float]] = {
    "widget": {"widget": 1.0},
    "phone": {"phone": 1.0},
    "png": {"png": 1.0},
    "webp": {"webp": 1.0},
    "heic": {"heic": 1.0},
    "all": {"widget": 0.50, "phone": 0.25, "png": 0.07, "webp": 0.08, "heic": 0.05, "bad": 0.05},
}
"""Share of each kind among the requests of a mix."""

MARK = "vitrina-bench-photo"
"""Stands in the EXIF and in a comment of each JPEG, so that it can be searched for afterwards."""

LATITUDE = ((55, 1), (44, 1), (1_234_567, 31_337))
"""Degrees, minutes, seconds as EXIF keeps them; the seconds are numbers that occur nowhere else."""

_Rng = np.random.Generator
_Surface = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PhotoMix:
    """Photos by kind.

    Attributes:
        photos: All of them; `shares` names them by number.
        kinds: Kind of each photo.
        weights: Share of each kind among the requests, by name; they sum to 1.
        seed: That they were drawn with.
    """

    photos: tuple[Sent, ...]
    kinds: tuple[str, ...]
    weights: Mapping[str, float]
    seed: int

    @property
    def shares(self) -> Shares:
        """What a schedule is planned with."""
        return Shares([self.numbers(kind) for kind in self.weights], list(self.weights.values()))

    def kilobytes(self, kind: str) -> float:
        """Mean size of the photos of a kind, 10^3 bytes."""
        sizes = [
            len(photo.content)
            for photo, name in zip(self.photos, self.kinds, strict=True)
            if name == kind
        ]
        return float(np.mean(sizes)) / 1e3

    def without(self, kind: str) -> PhotoMix:
        """The same mix for a server that does not take a kind; the others keep their proportions.

        Raises:
            EvaluationError: there is no other kind.
        """
        left = {name: share for name, share in self.weights.items() if name != kind}
        if not left:
            raise EvaluationError(
                f"The server takes no {kind} photos, and the mix has no others.",
                hint="Choose another mix.",
            )
        whole = sum(left.values())
        return PhotoMix(
            self.photos,
            self.kinds,
            {name: share / whole for name, share in left.items()},
            self.seed,
        )

    def beside(self, kind: str, sources: Sequence[bytes] = ()) -> PhotoMix:
        """The same mix, with photos of another kind at hand that are no part of it.

        Args:
            kind: Such as "heic".
            sources: As `make_mix` takes them.
        """
        if kind in self.kinds:
            return self
        more = make_mix({kind: 1.0}, sources, seed=self.seed)
        return PhotoMix(self.photos + more.photos, self.kinds + more.kinds, self.weights, self.seed)

    def numbers(self, kind: str) -> list[int]:
        """Numbers of the photos of a kind."""
        return [number for number, name in enumerate(self.kinds) if name == kind]


def read_mix(text: str) -> dict[str, float]:
    """Shares of the kinds that an option's text names, which sum to 1.

    Args:
        text: A name of `MIXES`, or shares such as "phone=1,widget=3".

    Raises:
        EvaluationError: it is neither.
    """
    if text in MIXES:
        return dict(MIXES[text])
    try:
        pairs = [part.split("=") for part in text.split(",")]
        shares = {kind.strip(): float(share) for kind, share in pairs}
    except ValueError:
        shares = {}
    whole = sum(shares.values())
    if not set(shares) <= set(_MAKERS) or not 0 < whole < 1e6 or min(shares.values()) < 0:
        raise EvaluationError(
            f"{text!r} is no mix of photos.",
            hint=f"There are {', '.join(MIXES)}; or give shares of {', '.join(_MAKERS)}, such as "
            "phone=1,widget=3.",
        )
    return {kind: share / whole for kind, share in shares.items() if share}


def make_mix(
    shares: Mapping[str, float], sources: Sequence[bytes] = (), *, seed: int = 0
) -> PhotoMix:
    """Draws the photos of a mix; the same for the same arguments and libraries.

    Args:
        shares: Of each kind, which sum to 1.
        sources: Pictures of goods to show, such as a shop's own; drawn ones where there are none.
        seed: Of everything drawn.
    """
    photos: list[Sent] = []
    kinds: list[str] = []
    for kind in shares:
        # a kind's photos do not change with what else is in the mix
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
        made = _MAKERS[kind](sources, rng)
        photos += made
        kinds += [kind] * len(made)
    return PhotoMix(tuple(photos), tuple(kinds), dict(shares), seed)


def _phone(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    return [_phone_photo(sources, number, rng) for number in range(4)]


def _phone_photo(sources: Sequence[bytes], number: int, rng: _Rng) -> Sent:
    return Sent(_jpeg(_scene(sources, number, PHONE_SIZE, rng), 3_500_000, number), "image/jpeg")


def _widget(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    size = (WIDGET_SIDE, WIDGET_SIDE * 3 // 4)
    return [
        Sent(_jpeg(_scene(sources, number, size, rng), 85_000, 0), "image/jpeg")
        for number in range(16)
    ]


def _png(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    # a screenshot: no sensor, so no noise
    scenes = [_scene(sources, number, (1080, 1440), rng, noise=0) for number in range(3)]
    return [Sent(_encoded(scene, "PNG"), "image/png") for scene in scenes]


def _webp(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    scenes = [_scene(sources, number, (1600, 1200), rng) for number in range(4)]
    return [Sent(_encoded(scene, "WEBP", quality=80), "image/webp") for scene in scenes]


def _heic(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    # only here: the library is large, and few mixes have this kind
    import pillow_heif

    sent = []
    for number in range(2):
        file = io.BytesIO()
        scene = _scene(sources, number, PHONE_SIZE, rng)
        pillow_heif.from_pillow(scene).save(file, quality=45, enc_params={"preset": "ultrafast"})
        sent.append(Sent(file.getvalue(), "image/heic"))
    return sent


def _bad(sources: Sequence[bytes], rng: _Rng) -> list[Sent]:
    whole = _phone_photo(sources, 0, rng).content
    header = struct.pack(">IIBBBBB", 65_535, 65_535, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    return [
        Sent(whole[: len(whole) // 2], "image/jpeg"),
        Sent(b"%PDF-1.7\n" + rng.bytes(100_000), "image/jpeg"),
        Sent(b"", "image/jpeg"),
        Sent(bomb + rng.bytes(1000), "image/png"),
        Sent(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image/png"),
        Sent(whole[:2000] + rng.bytes(200_000), "image/jpeg"),
    ]


_MAKERS: dict[str, Callable[[Sequence[bytes], _Rng], list[Sent]]] = {
    "widget": _widget,
    "phone": _phone,
    "png": _png,
    "webp": _webp,
    "heic": _heic,
    "bad": _bad,
}
KINDS = tuple(_MAKERS)


def _scene(
    sources: Sequence[bytes], number: int, size: tuple[int, int], rng: _Rng, noise: float = 5.0
) -> Image.Image:
    """A product before a surface."""
    width, height = size
    light = _surface(size, rng)
    sensor = rng.standard_normal(light.shape, dtype=np.float32) * noise
    scene = np.empty((height, width, 3), np.uint8)
    for channel, shade in enumerate(rng.uniform(0.6, 1.0, 3).astype(np.float32)):
        scene[..., channel] = np.clip(light * shade + sensor, 0, 255)
    side = int(0.7 * min(size))
    x, y = (int(rng.integers(0, whole - side + 1)) for whole in size)
    place = (slice(y, y + side), slice(x, x + side))
    shown = _product(sources, number, side, rng) + sensor[place][..., None]
    scene[place] = np.clip(shown, 0, 255)
    return Image.fromarray(scene)


def _surface(size: tuple[int, int], rng: _Rng) -> _Surface:
    """Detail on every scale, the finer the fainter, as photographs have it."""
    levels = max(size).bit_length() - 2
    light = np.full((2, 2), 150, np.float32)
    for level in range(levels, -1, -1):
        finer = (-(-size[0] // 2**level), -(-size[1] // 2**level))
        light = np.array(Image.fromarray(light).resize(finer, Image.Resampling.BILINEAR))
        if level:  # the finest detail is the sensor's noise
            light += rng.standard_normal(light.shape, dtype=np.float32) * (3.0 * 1.25**level)
    return light


def _product(
    sources: Sequence[bytes], number: int, side: int, rng: _Rng
) -> npt.NDArray[np.float32]:
    if sources:
        with Image.open(io.BytesIO(sources[number % len(sources)])) as picture:
            shown = picture.convert("RGB")
    else:
        shown = Image.new("RGB", (224, 224), "white")
        draw = ImageDraw.Draw(shown)
        for _ in range(6):
            x, y, reach = (int(each) for each in rng.integers(20, 180, 3))
            colour = tuple(int(each) for each in rng.integers(0, 256, 3))
            draw.ellipse((x, y, x + reach // 2, y + reach // 3), fill=colour)
    return np.asarray(shown.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)


def _jpeg(scene: Image.Image, size: int, number: int) -> bytes:
    """About `size` bytes, with what phones write beside the picture."""
    exif = Image.Exif()
    exif[0x010E] = f"{MARK}-description"
    exif[0x010F], exif[0x0110] = "Vitrina", f"{MARK}-camera"
    exif[0x0112] = (1, 6, 3, 8)[number % 4]  # which side is up
    exif.get_ifd(0x8825).update({1: "N", 2: tuple(IFDRational(*part) for part in LATITUDE)})
    low, high = 30, 98
    while low < high:
        quality = (low + high + 1) // 2
        if len(_encoded(scene, "JPEG", quality=quality)) > size:
            high = quality - 1
        else:
            low = quality
    return _encoded(scene, "JPEG", quality=low, exif=exif, comment=f"{MARK}-comment")


def _encoded(scene: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    scene.save(file, kind, **options)
    return file.getvalue()
