"""What surfaces are made of, as values that can be compared, and their scene descriptions.

Colours are sRGB hex strings such as ``"#f4f4f0"``. Roughness runs from 0 (mirror) to 1 (chalk).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .mesh import Floats


@dataclass(frozen=True)
class Material:
    """One surface.

    Attributes:
        kind: ``plastic``, ``metal``, ``glass`` (thin clear wall), ``clear`` (clear plastic) or
            ``glow`` (gives light).
        colour: sRGB hex colour; multiplies the texture where there is one.
        roughness: 0 to 1.
        texture: Name of a texture from ``textures``, or empty.
        tile: Millimetres that one repeat of the texture covers.
        power: Radiance of ``glow``, relative to a white studio floor at 1.
    """

    kind: str
    colour: str
    roughness: float = 0.35
    texture: str = ""
    tile: float = 50.0
    power: float = 0.0

    def textured(self, texture: str, tile: float) -> Material:
        """Returns the same surface with a texture whose repeat is ``tile`` millimetres."""
        return replace(self, texture=texture, tile=tile)


METALS = {
    "steel": ("#c4c6c9", 0.28),
    "zinc": ("#b9bcc0", 0.38),
    "chrome": ("#dcdde0", 0.10),
    "alu": ("#cfd1d4", 0.36),
    "brass": ("#d9b25f", 0.26),
    "gold": ("#e2b64e", 0.18),
    "copper": ("#d08a62", 0.26),
    "nickel": ("#dcd8ce", 0.28),
    "dark": ("#5a5c60", 0.32),
    "black": ("#2b2c2e", 0.34),
    "yellowzinc": ("#cfc08a", 0.30),
}


def plastic(colour: str, roughness: float = 0.34) -> Material:
    """Moulded plastic with a soft gloss."""
    return Material("plastic", colour, roughness)


def gloss(colour: str) -> Material:
    """Polished plastic or enamel."""
    return Material("plastic", colour, 0.12)


def rubber(colour: str = "#26272a") -> Material:
    """Dull rubber or soft cable sheath."""
    return Material("plastic", colour, 0.58)


def metal(name: str = "steel") -> Material:
    """A bare or plated metal; names are the keys of ``METALS``."""
    colour, roughness = METALS[name]
    return Material("metal", colour, roughness)


def brushed(name: str = "steel") -> Material:
    """A metal with fine scratches along one direction."""
    return metal(name).textured("brushed", 40.0)


def glass(colour: str = "#ffffff") -> Material:
    """A thin clear glass wall, tinted where a colour is given."""
    return Material("glass", colour, 0.0)


def clear(colour: str = "#e8eef2") -> Material:
    """A clear plastic cover that still shows some of its own colour."""
    return Material("clear", colour, 0.1)


def glow(colour: str, power: float = 1.3) -> Material:
    """A surface that gives light."""
    return Material("glow", colour, 0.5, power=power)


def linear(colour: str) -> Floats:
    """Turns an sRGB hex colour into linear RGB, each 0 to 1."""
    raw = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64) / 255
    return np.where(raw <= 0.04045, raw / 12.92, ((raw + 0.055) / 1.055) ** 2.4)


def rgb(colour: str, scale: float = 1.0) -> dict[str, Any]:
    """Returns a colour as the renderer wants it."""
    return {"type": "rgb", "value": [float(c) * scale for c in linear(colour)]}


def surface(material: Material, texture: Any | None) -> dict[str, Any]:
    """Describes a material to the renderer.

    Args:
        material: The surface.
        texture: The renderer's description of the surface's texture, or None.
    """
    base = texture if texture is not None else rgb(material.colour)
    if material.kind == "metal":
        body: dict[str, Any] = {
            "type": "principled",
            "base_color": base,
            "metallic": 1.0,
            "roughness": max(0.06, material.roughness),
        }
    elif material.kind == "glass":
        return {
            "type": "thindielectric",
            "int_ior": 1.45,
            "specular_transmittance": rgb(material.colour),
        }
    elif material.kind == "clear":
        return {
            "type": "mask",
            "opacity": 0.22,
            "bsdf": {
                "type": "twosided",
                "bsdf": {"type": "principled", "base_color": base, "roughness": 0.12},
            },
        }
    else:
        body = {
            "type": "principled",
            "base_color": base,
            "roughness": max(0.08, material.roughness),
            "specular": 0.5 if material.roughness < 0.5 else 0.3,
        }
    return {"type": "twosided", "bsdf": body}
