"""Details tell these very pictures from others, also where a part of them is left or is shown in a part of the frame."""

import cv2
import numpy as np
import pytest

from fingerprint import cells
from fingerprint.boxes import Box, inverted
from fingerprint.clip import Clip
from fingerprint.details import ALGORITHM, SPACING, WIDTH
from fingerprint.fingerprint import PLAIN, Crop, Disguise
from fingerprint.storage import from_bytes, to_bytes
from fingerprint.video import VideoExtractor
from matching.by_details import Shown
from tests.clips import SECONDS, clip_of, film_clip, line, pictures, stored_of

CERTAIN, CHANCE = 5.0, 3.5  # deviations: of copies most are above, of chance nearly all below


def deviations(clip: Clip, seed: int, offset: float = 0.0, disguise: Disguise = PLAIN) -> float:
    found, _ = Shown(clip).readings(stored_of(seed), line(offset, clip.duration), disguise)
    assert found is not None
    return found


def test_a_reference_keeps_the_details_of_every_two_seconds() -> None:
    codes, stored = VideoExtractor().references(film_clip(1))
    assert (stored.algorithm, stored.width, len(stored)) == (ALGORITHM, WIDTH, SECONDS / SPACING)
    assert np.isin(stored.times, codes.times).all()
    assert np.array_equal(from_bytes(to_bytes(stored)).codes, stored.codes)


def test_packed_cells_come_back_as_their_signs() -> None:
    projections = np.random.default_rng(3).standard_normal((5, cells.ACROSS, cells.ACROSS, cells.BITS))
    kept = projections[..., : cells.KEPT]
    assert np.array_equal(cells.signs(cells.packed(projections)), np.where(kept > 0, 1, -1))
    assert cells.packed(projections[:0]).shape == (0, cells.WIDTH)


def test_a_copy_stands_out_and_chance_does_not() -> None:
    copy = film_clip(1).part(3.0, 6.0)
    assert deviations(copy, 1, 3.0) > CERTAIN
    assert deviations(copy, 2, 3.0) < CHANCE


def test_the_same_film_at_another_time_is_not_it() -> None:
    assert deviations(film_clip(1).part(4.0, 6.0), 1, 0.0) < CHANCE


@pytest.mark.parametrize("crop", [(0.3, 0.05, 0.65, 0.7), (0.0, 0.4, 0.6, 0.6)])
def test_a_corner_is_enough(crop: Crop) -> None:
    left, top, width, height = (round(128 * side) for side in crop)
    cut = [cv2.resize(p[top : top + height, left : left + width], (128, 128)) for p in pictures(1)]
    assert deviations(clip_of(cut), 1, 0.0, Disguise(crop=crop)) > CERTAIN
    assert deviations(clip_of(cut), 2, 0.0, Disguise(crop=crop)) < CHANCE


@pytest.mark.parametrize("mirror", [False, True])
def test_the_disguise_is_undone(mirror: bool) -> None:
    box: Box = (0.25, 0.125, 0.5, 0.5)
    ground = np.random.default_rng(9).integers(0, 256, (128, 128), dtype=np.uint8)
    shown = [ground.copy() for _ in pictures(1)]
    for around, picture in zip(shown, pictures(1), strict=True):
        turned = np.rot90(picture[:, ::-1] if mirror else picture, 1)
        around[16:80, 32:96] = cv2.resize(turned, (64, 64), interpolation=cv2.INTER_AREA)
    undone = Disguise(mirror=mirror, crop=inverted(box), rotation=270)
    assert deviations(clip_of(shown), 1, 0.0, undone) > CERTAIN


def test_of_too_little_nothing_is_said() -> None:
    clip, stored, nothing = film_clip(1), stored_of(1), (None, None)
    corner = Disguise(crop=(0.9, 0.9, 0.1, 0.1))
    assert Shown(clip).readings(stored, line(0.0, SECONDS), corner) == nothing
    assert Shown(clip).readings(stored, line(0.5, 0.5), PLAIN) == nothing  # no stored picture is in it
    assert Shown(clip_of([])).readings(stored, line(0.0, 1.0), PLAIN) == nothing
    black = VideoExtractor().references(clip_of([np.zeros((128, 128), np.uint8)] * 40))[1]
    assert Shown(clip).readings(black, line(0.0, 5.0), PLAIN) == nothing
