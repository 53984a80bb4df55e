"""Boxes in which a work may be shown: what the pictures suggest, cutting one out, climbing to the right one."""

import cv2
import numpy as np
import pytest

from fingerprint.boxes import FULL, GRID, Box, climbed, inverted, outstanding, shown
from fingerprint.fingerprint import Disguise


def scene(seed: int) -> np.ndarray:
    ground = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return np.asarray(cv2.resize(ground, (128, 128)), np.uint8)


def test_every_side_of_a_box_of_the_grid_lies_in_the_frame_or_around_it() -> None:
    for left, top, width, height in GRID:
        for first, last in ((left, left + width), (top, top + height)):
            assert (first >= -1e-9 and last <= 1 + 1e-9) or (first <= 1e-9 and last >= 1 - 1e-9)
    assert len(set(GRID)) == len(GRID)


def test_the_grid_holds_a_square_of_a_wide_picture_shown_upright() -> None:
    original = scene(6)
    wide = cv2.resize(original, (160, 90))
    upright = cv2.resize(wide[:, 35:125], (90, 90))
    tall = np.full((160, 90), 128, np.uint8)
    tall[35:125] = upright
    crop = inverted(
        next(box for box in GRID if box[2] > 1 > box[3] and abs(box[0] + box[2] / 2 - 0.5) < 1e-9)
    )
    undone, plain = (
        shown([p], d)[0].astype(int) for p, d in ((tall, Disguise(crop=crop)), (original, Disguise()))
    )
    assert np.abs(undone[:, 16:48] - plain[:, 16:48]).mean() < 6


def test_the_frame_seen_from_a_box_and_back() -> None:
    box = (0.25, 0.5, 0.5, 0.25)
    assert inverted(box) == (-0.5, -2.0, 2.0, 4.0)
    assert inverted(inverted(box)) == pytest.approx(box)


def test_the_part_that_moves_stands_out() -> None:
    pictures = [scene(1) for _ in range(6)]
    for i, picture in enumerate(pictures):
        picture[32:96, 64:120] = cv2.resize(scene(10 + i), (56, 64))
    moving = outstanding(pictures)[0]
    assert moving == pytest.approx((64 / 128, 32 / 128, 56 / 128, 64 / 128), abs=0.04)


def test_the_sharp_part_of_a_filled_frame_stands_out() -> None:
    rng = np.random.default_rng(2)
    pictures = []
    for _ in range(4):
        sharp = cv2.resize(rng.integers(0, 256, (32, 32), dtype=np.uint8), (128, 48))
        filled = cv2.GaussianBlur(cv2.resize(sharp, (128, 128)), (0, 0), 9)
        filled[40:88] = sharp
        pictures.append(np.asarray(filled, np.uint8))
    assert any(box == pytest.approx((0, 40 / 128, 1, 48 / 128), abs=0.04) for box in outstanding(pictures))


def test_a_still_or_single_picture_suggests_nothing_that_moves() -> None:
    assert outstanding([scene(3)]) == []
    assert all(box[0] == 0 or box[1] == 0 for box in outstanding([scene(3)] * 3))


def test_a_box_is_cut_out_and_turned_and_mirrored_back() -> None:
    original = scene(4)
    hidden = np.full((128, 128), 90, np.uint8)
    hidden[0:64, 64:128] = cv2.resize(np.rot90(original[:, ::-1], -1), (64, 64), interpolation=cv2.INTER_AREA)
    disguise = Disguise(mirror=True, rotation=90, crop=inverted((0.5, 0.0, 0.5, 0.5)))
    plain = shown([original], Disguise())[0]
    assert np.abs(shown([hidden], disguise)[0].astype(int) - plain).mean() < 2


def test_climbing_finds_the_box_that_fits() -> None:
    wanted = np.array((0.3, 0.2, 0.5, 0.6))

    def fit(box: Box) -> float:
        return -float(np.abs(np.array(box) - wanted).sum())

    value, box = climbed((0.4, 0.1, 0.4, 0.75), fit)
    assert box == pytest.approx(tuple(wanted), abs=0.04) and value == fit(box)
    assert climbed(FULL, lambda box: float(box == FULL)) == (1.0, FULL)


def test_climbing_enlarges_where_no_single_edge_fits_better() -> None:
    def fit(box: Box) -> float:
        left, top, width, height = box
        bent = abs(width - height) + abs(left + width / 2 - 0.5) + abs(top + height / 2 - 0.5)
        return -abs(width - 1.5) - 3 * bent

    assert climbed(FULL, fit)[1] == pytest.approx((-0.25, -0.25, 1.5, 1.5), abs=0.03)


def test_a_crop_is_put_back_where_it_was_cut_from() -> None:
    original = scene(5)
    crop = (0.25, 0.125, 0.5, 0.75)
    kept = np.ascontiguousarray(original[16:112, 32:96])
    put_back = shown([kept], Disguise(crop=crop))[0].astype(int)
    plain = shown([original], Disguise())[0]
    assert np.abs(put_back[8:56, 16:48] - plain[8:56, 16:48]).mean() < 2
    assert np.ptp(np.concatenate([put_back[:8].ravel(), put_back[56:].ravel()])) == 0
