"""Views of photos: repeatable, of both kinds, and what the camera's map means."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vitrina.errors import SettingError
from vitrina.photos import SIZE, Pixels
from vitrina.training.plan import study_plan, vitrina_plan
from vitrina.training.views import RECIPES, Augmentation, augmented_view
from vitrina.training.views.camera import affine_back, see, surrounded_by_mirror, tilted
from vitrina.training.views.phone import phone_view
from vitrina.training.views.studio import edge_colour, is_studio

KINDS: list[Augmentation] = sorted(RECIPES)


def studio_photo() -> Pixels:
    picture = Image.new("RGB", (SIZE, SIZE), (250, 250, 250))
    ImageDraw.Draw(picture).rectangle((70, 50, 150, 180), fill=(40, 60, 160))
    return np.asarray(picture, dtype=np.uint8)


def scene(seed: int = 0) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 255, (14, 14, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIZE, SIZE)), dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_view_is_the_same(kind: Augmentation) -> None:
    for photo in (studio_photo(), scene()):
        views = [augmented_view(photo, "ab", view, 3, kind) for view in range(6)]
        again = [augmented_view(photo, "ab", view, 3, kind) for view in reversed(range(6))]
        for one, other in zip(views, reversed(again), strict=True):
            assert np.array_equal(one, other)
            assert one.shape == (SIZE, SIZE, 3)
            assert one.dtype == np.uint8
        assert views[0] is photo
        assert len({view.tobytes() for view in views}) == 6
        assert not np.array_equal(views[1], augmented_view(photo, "ab", 1, 4, kind))
        assert not np.array_equal(views[1], augmented_view(photo, "cd", 1, 3, kind))


def test_the_photo_itself_is_left_as_it_was() -> None:
    for photo in (studio_photo(), scene()):
        before = photo.copy()
        for view in range(1, 20):
            augmented_view(photo, "ab", view, 0)
        assert np.array_equal(photo, before)


@pytest.mark.parametrize("value", [0, 127, 255])
def test_an_empty_photo_has_views_too(value: int) -> None:
    photo = np.full((SIZE, SIZE, 3), value, dtype=np.uint8)
    for kind in RECIPES:
        for view in range(1, 30):
            assert augmented_view(photo, "ab", view, 0, kind).shape == photo.shape


def test_a_studio_product_comes_to_lie_on_something() -> None:
    photo = studio_photo()
    assert is_studio(photo, edge_colour(photo))
    assert not is_studio(scene(), edge_colour(scene()))
    views = [augmented_view(photo, "ab", view, 0) for view in range(1, 60)]
    laid = sum(not is_studio(view, edge_colour(view)) for view in views)
    assert 0.25 < laid / len(views) < 0.9
    for view in (augmented_view(photo, "ab", view, 0, "study") for view in range(1, 60)):
        assert is_studio(view, edge_colour(view))


def test_no_view_of_a_scene_shows_what_is_beyond_it() -> None:
    """Its surroundings are mirrored: a light photo has no black corners."""
    photo = (scene() // 4 + 190).astype(np.uint8)
    rng = np.random.default_rng(0)
    shares = [float((phone_view(photo, rng) < 12).all(axis=2).mean()) for _ in range(100)]
    assert max(shares) < 0.02


def test_the_camera_that_does_nothing() -> None:
    photo = scene()
    still = affine_back(0.0, (1.0, 1.0), (0.0, 0.0), flip=False)
    assert np.array_equal(np.asarray(see(Image.fromarray(photo), still, 0)), photo)
    around = Image.fromarray(surrounded_by_mirror(photo, 50))
    assert np.array_equal(np.asarray(see(around, still, 50)), photo)
    flipped = affine_back(0.0, (1.0, 1.0), (0.0, 0.0), flip=True)
    assert np.array_equal(np.asarray(see(Image.fromarray(photo), flipped, 0)), photo[:, ::-1])


def test_the_camera_moves_and_zooms() -> None:
    photo = studio_photo()
    moved = affine_back(0.0, (1.0, 1.0), (0.25, -0.125), flip=False)
    seen = np.asarray(see(Image.fromarray(photo), moved, 0, (250, 250, 250)))
    assert np.array_equal(seen[50:150, 130:200], photo[78:178, 74:144])
    near = affine_back(0.0, (2.0, 2.0), (0.0, 0.0), flip=False)
    blue = (np.asarray(see(Image.fromarray(photo), near, 0))[..., 0] < 100).sum()
    # 81 of 131 columns and rows are still in the frame once twice as large
    assert blue > 2 * (photo[..., 0] < 100).sum()


def test_a_tilted_camera_sees_one_side_larger() -> None:
    photo = studio_photo()
    still = affine_back(0.0, (1.0, 1.0), (0.0, 0.0), flip=False)
    seen = np.asarray(see(Image.fromarray(photo), tilted(still, 0.0, 0.2), 0, (250, 250, 250)))
    widths = [(row[:, 0] < 100).sum() for row in seen if (row[:, 0] < 100).any()]
    assert abs(widths[0] - widths[-1]) > 10
    assert (np.diff(widths) >= -2).all() or (np.diff(widths) <= 2).all()


def test_plans_name_their_views() -> None:
    assert vitrina_plan("mobilenet_v2").augmentation == "phone"
    assert study_plan("mobilenet_v2").augmentation == "study"
    with pytest.raises(SettingError, match=r"no augmentation 'phones'; there are phone, study"):
        vitrina_plan("mobilenet_v2", augmentation="phones")
