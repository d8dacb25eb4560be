"""Turns a model into the renderer's shapes, and a scene into a clean linear picture."""

from __future__ import annotations

import importlib
import os
from typing import Any

# One thread a process: the run shares its work between processes, and a picture is then the
# same whatever the number of cores.
os.environ.setdefault("OIDN_NUM_THREADS", "1")

import mitsuba as mi
import numpy as np
from PIL import Image

from .ground import ground_of
from .materials import Material, linear, rgb, surface
from .mesh import Floats, Mesh, joined
from .model import Model, Print
from .textures import texture

mi.set_variant("scalar_rgb")

GUIDE_SAMPLES = 2
"""Rays a pixel for the albedo and normal pictures that guide the denoiser."""

# Loaded by name, after the variant is set: its stub file is not one that type checkers can read.
oidn: Any = importlib.import_module("mitsuba_oidn")


def one_thread() -> None:
    """Makes this process render and denoise with one thread."""
    import drjit as dr

    dr.set_thread_count(1)


def _decode(srgb: Floats) -> Floats:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _bitmap(pixels: Floats, tile: float | None = None) -> dict[str, Any]:
    """Describes linear pixels as a texture; ``tile`` millimetres a repeat, None for 0 to 1."""
    out: dict[str, Any] = {
        "type": "bitmap",
        "bitmap": mi.Bitmap(np.ascontiguousarray(pixels, dtype=np.float32)),
        "raw": True,
        "wrap_mode": "clamp" if tile is None else "repeat",
    }
    if tile is not None:
        out["to_uv"] = mi.ScalarTransform4f().scale([1 / tile, 1 / tile, 1])
    return out


def _shape(mesh: Mesh, parts: dict[str, Any], name: str) -> Any:
    """Uploads a mesh with the material or light given in ``parts``."""
    props = mi.Properties()
    for key, part in parts.items():
        props[key] = part
    count = mesh.points.shape[0]
    shape = mi.Mesh(name, count, count // 3, props, True, True)
    fields = mi.traverse(shape)
    fields["vertex_positions"] = mesh.points.ravel().astype(np.float32)
    fields["vertex_normals"] = mesh.normals.ravel().astype(np.float32)
    fields["vertex_texcoords"] = mesh.uv.ravel().astype(np.float32)
    fields["faces"] = np.arange(count, dtype=np.uint32)
    fields.update()
    return shape


def _textured(material: Material) -> dict[str, Any] | None:
    if not material.texture:
        return None
    return _bitmap(_decode(texture(material.texture)) * linear(material.colour), material.tile)


def _print_surface(item: Print, ground: Material | None) -> dict[str, Any]:
    # The renderer counts texture rows from the bottom.
    raw = np.asarray(item.picture.convert("RGBA"), dtype=np.float64)[::-1] / 255
    ink, alpha = _decode(raw[..., :3]), raw[..., 3:]
    body: dict[str, Any] = {"type": "principled", "roughness": item.roughness}
    if ground is None:
        body["base_color"] = _bitmap(ink)
        over = {"type": "twosided", "bsdf": body}
        if float(alpha.min()) > 0.99:
            return over
        return {"type": "mask", "opacity": _bitmap(alpha), "bsdf": over}
    body["base_color"] = _bitmap(ink * alpha + linear(ground.colour) * (1 - alpha))
    if float(alpha.mean()) < 0.6:
        body["roughness"] = max(0.08, ground.roughness)
        body["metallic"] = 1.0 if ground.kind == "metal" else 0.0
    return {"type": "twosided", "bsdf": body}


def shapes(model: Model, prefix: str = "m") -> dict[str, Any]:
    """Returns the renderer's shapes of a model, one for each material and each print."""
    by_material: dict[Material, list[Mesh]] = {}
    for mesh, material in model.parts:
        by_material.setdefault(material, []).append(mesh)
    out: dict[str, Any] = {}
    for i, (material, meshes) in enumerate(by_material.items()):
        mesh = joined(meshes)
        if material.kind == "glow":
            light = mi.load_dict({"type": "area", "radiance": rgb(material.colour, material.power)})
            dull = mi.load_dict({"type": "diffuse", "reflectance": rgb(material.colour, 0.5)})
            parts = {"emitter": light, "bsdf": dull}
        else:
            parts = {"bsdf": mi.load_dict(surface(material, _textured(material)))}
        out[f"{prefix}{i}"] = _shape(mesh, parts, f"{prefix}{i}")
    for i, item in enumerate(model.prints):
        ink = mi.load_dict(_print_surface(item, ground_of(item, model)))
        out[f"{prefix}p{i}"] = _shape(item.mesh, {"bsdf": ink}, f"{prefix}p{i}")
    return out


def render(scene: dict[str, Any], samples: int, seed: int, depth: int = 7) -> Floats:
    """Renders and denoises a scene.

    Args:
        scene: The scene without its integrator; its sensor carries the film.
        samples: Rays a pixel.
        seed: Seed of the renderer's random numbers.
        depth: Longest light path.

    Returns:
        Linear radiance, shape (height, width, 3).
    """
    scene = dict(scene)
    scene["integrator"] = {"type": "path", "max_depth": depth, "rr_depth": 4}
    loaded = mi.load_dict(scene)
    start = mi.UInt32(seed)
    raw = np.array(mi.render(loaded, spp=samples, seed=start), dtype=np.float32)
    guide = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
    aux = np.array(
        mi.render(loaded, spp=GUIDE_SAMPLES, seed=start, integrator=guide), dtype=np.float32
    )
    # Rare very bright samples would leave blotches behind the denoiser.
    colour = np.ascontiguousarray(np.clip(np.nan_to_num(raw[..., 0:3]), 0.0, 24.0))
    albedo = np.ascontiguousarray(np.clip(np.nan_to_num(aux[..., -6:-3]), 0.0, 1.0))
    normal = np.ascontiguousarray(np.nan_to_num(aux[..., -3:]))
    clean = oidn.denoise(colour, albedo, normal, hdr=True)
    return np.asarray(clean, dtype=np.float64)


def encode(picture: Floats) -> Image.Image:
    """Turns linear radiance into an sRGB picture with a soft shoulder above 0.8."""
    knee = 0.8
    over = np.maximum(picture - knee, 0.0)
    soft = np.where(picture > knee, knee + (1 - np.exp(-over / 0.24)) * 0.2, picture)
    soft = np.clip(soft, 0.0, 1.0)
    srgb = np.where(soft <= 0.0031308, soft * 12.92, 1.055 * soft ** (1 / 2.4) - 0.055)
    return Image.fromarray((srgb * 255 + 0.5).astype(np.uint8))
