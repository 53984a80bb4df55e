import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fingerprint.picture import SIZE, Box, Pictures, borders, is_cut, normalised, resized, weak

WHOLE = Box(0, 128, 0, 128)


def textured(seed: int = 0, frames: int = 6) -> Pictures:
    """A scene that moves a little: (frames, 128, 128)."""
    rng = np.random.default_rng(seed)
    scene = cv2.resize(rng.integers(20, 236, (20, 20), dtype=np.uint8), (160, 160))
    return np.stack([scene[i : i + 128, 2 * i : 2 * i + 128] for i in range(frames)])


def barred(pictures: Pictures, box: Box, colour: int) -> Pictures:
    """The pictures shrunk into a box on a ground of one colour, and compressed as JPEG."""
    size = (box.right - box.left, box.bottom - box.top)
    shown = np.full_like(pictures, colour)
    for ground, picture in zip(shown, pictures, strict=True):
        ground[box.top : box.bottom, box.left : box.right] = cv2.resize(
            picture, size, interpolation=cv2.INTER_AREA
        )
    return np.stack([compressed(picture) for picture in shown])


def compressed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.mark.parametrize(
    ("box", "colour"),
    [
        pytest.param(Box(16, 112, 0, 128), 16, id="letterbox"),
        pytest.param(Box(6, 122, 0, 128), 0, id="narrow letterbox"),
        pytest.param(Box(0, 128, 44, 84), 16, id="pillarbox"),
        pytest.param(Box(32, 96, 0, 128), 255, id="white bars"),
        pytest.param(Box(12, 116, 20, 108), 16, id="bars all round"),
        pytest.param(Box(0, 100, 0, 128), 16, id="a strip below"),
    ],
)
def test_bars_are_found(box: Box, colour: int) -> None:
    assert np.abs(np.subtract(borders(barred(textured(), box, colour)), box)).max() <= 1


def test_bars_within_bars_of_another_colour_are_found() -> None:
    inner = barred(textured(), Box(0, 128, 32, 96), 240)
    outer = barred(inner, Box(16, 112, 0, 128), 16)
    assert np.abs(np.subtract(borders(outer), Box(16, 112, 32, 96))).max() <= 2


def test_a_picture_without_bars_is_kept_whole() -> None:
    assert borders(textured()) == WHOLE


def test_a_night_scene_is_kept_whole() -> None:
    """Black at the top and at the bottom, but the dark ends where the things in the picture do."""
    night = textured(1)
    rows = np.arange(128)[:, None] - 64
    columns = np.arange(128)[None] - 64
    night[:, rows**2 + columns**2 > 40**2] //= 40
    assert borders(night) == WHOLE


def test_a_flat_sky_is_kept() -> None:
    scene = textured(2)
    horizon = 30 + (20 * np.abs(np.sin(np.arange(128) / 15))).astype(int)
    scene[:, np.arange(128)[:, None] < horizon] = 200
    assert borders(scene) == WHOLE


def test_black_and_flat_pictures_are_kept_whole() -> None:
    for level in (0, 16, 128):
        assert borders(np.full((3, 128, 128), level, np.uint8)) == WHOLE


def test_never_more_than_nearly_half_of_a_side_is_taken() -> None:
    slit = barred(textured(), Box(60, 68, 0, 128), 16)
    assert borders(slit) == WHOLE


def test_a_mirrored_shot_has_the_mirrored_box() -> None:
    shot = barred(textured(3), Box(0, 128, 20, 118), 16)
    left, right = borders(shot)[2:]
    assert borders(shot[:, :, ::-1])[2:] == (128 - right, 128 - left)


def test_a_cut_is_a_change_of_scene_and_not_movement() -> None:
    here, there = textured(4), textured(5)
    assert not is_cut(here[0], here[1])
    assert is_cut(here[0], there[0])


def test_flat_pictures_are_weak() -> None:
    rng = np.random.default_rng(0)
    black = rng.integers(14, 18, (SIZE, SIZE), dtype=np.uint8)
    ramp = np.tile(np.linspace(100, 130, SIZE).astype(np.uint8), (SIZE, 1))
    scene = resized(textured())[0]
    assert weak(np.stack([black, ramp, np.full_like(black, 235), scene])).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_brightness_and_contrast_do_not_reach_the_network() -> None:
    scene = textured()
    darker = (scene * 0.5 + 20).astype(np.uint8)
    shown, dim = normalised(scene), normalised(darker)
    assert shown.shape == (6, 1, SIZE, SIZE) and shown.dtype == np.float32
    np.testing.assert_allclose(shown.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    assert np.corrcoef(shown.ravel(), dim.ravel())[0, 1] > 0.999
    assert np.abs(dim - shown).max() < 0.5


def test_mirrored_pictures_give_the_mirrored_input_exactly() -> None:
    scene = textured()
    assert np.array_equal(normalised(scene[:, :, ::-1]), normalised(scene)[..., ::-1])
