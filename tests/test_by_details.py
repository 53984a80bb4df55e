"""Details tell these very pictures from others, also where a part of them is left or is shown in a part of the frame."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fingerprint import cells, moves
from fingerprint.boxes import Box, inverted
from fingerprint.clip import Clip, Frame
from fingerprint.details import ALGORITHM, SPACING, WIDTH, moves_of
from fingerprint.fingerprint import PLAIN, Crop, Disguise, Fingerprint
from fingerprint.storage import from_bytes, to_bytes
from fingerprint.video import QUERY_RATE, VideoExtractor
from matching.by_details import Shown
from matching.verify import Stretch

SECONDS = 12.0
CERTAIN, CHANCE = 5.0, 3.5  # deviations: of copies most are above, of chance nearly all below


def pictures(seed: int) -> list[np.ndarray]:
    """A camera that pans over a wall of patches, (128, 128) each, at QUERY_RATE."""
    wall = np.random.default_rng(seed).integers(0, 256, (12, 40), dtype=np.uint8)
    wide = cv2.resize(wall, (640, 192), interpolation=cv2.INTER_CUBIC)
    count = int(SECONDS * QUERY_RATE)
    return [np.ascontiguousarray(wide[20:148, 4 * i : 4 * i + 128]) for i in range(count)]


def clip_of(shown: list[np.ndarray]) -> Clip:
    frames = [Frame(round(i / QUERY_RATE, 3), picture) for i, picture in enumerate(shown)]
    return Clip("film.mp4", len(shown) / QUERY_RATE, frames=frames)


def film_clip(seed: int) -> Clip:
    return clip_of(pictures(seed))


def stored_of(seed: int) -> Fingerprint:
    return VideoExtractor().references(film_clip(seed))[1]


def line(offset: float, seconds: float) -> Stretch:
    ends = (False, False)
    return Stretch(1, 1.0, offset, 0.0, seconds, 9.0, 9.0, 0.8, ends, ends, 9.0)


def deviations(clip: Clip, seed: int, offset: float = 0.0, disguise: Disguise = PLAIN) -> float:
    found, _ = Shown(clip).readings(stored_of(seed), line(offset, clip.duration), disguise)
    assert found is not None
    return found


def together(clip: Clip, stored: Fingerprint, offset: float = 0.0, disguise: Disguise = PLAIN) -> float:
    _, found = Shown(clip).readings(stored, line(offset, clip.duration), disguise)
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


def test_packed_moves_come_back_as_they_were() -> None:
    levels = np.random.default_rng(3).integers(0, 8, (5, moves.STEPS, moves.ACROSS, moves.ACROSS), np.uint8)
    packed = moves.packed(levels)
    assert packed.shape == (5, moves.WIDTH) and np.array_equal(moves.unpacked(packed), levels)


def test_each_area_moves_by_the_logarithm_of_its_change() -> None:
    before = np.full((1, 64, 64), 100, np.uint8)
    after = before.copy()
    after[0, :16, 16:32] = 101  # 1 grey level
    after[0, 48:, 48:] = 140
    changed = moves.changes(before, after)
    assert (changed[0, 0, 1], changed[0, 3, 3], changed.sum()) == (1, 40, 41)
    assert moves.levels(changed)[0].tolist() == [[0, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 7]]


def test_moves_are_stored_at_the_times_of_their_pictures() -> None:
    times, levels = moves_of(stored_of(1), 3.0, 7.0)
    assert times == pytest.approx(np.arange(3.0, 7.1, 0.25), abs=2e-3)
    assert levels.shape == (17, moves.ACROSS, moves.ACROSS) and (levels > 0).mean() > 0.9


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


def scene(seed: int) -> list[np.ndarray]:
    """The same set, on which a patch wanders as the seed says."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(np.random.default_rng(1).integers(0, 256, (12, 12), dtype=np.uint8), (128, 128))
    places = np.cumsum(rng.normal(0, 4, (int(SECONDS * QUERY_RATE), 2)), 0) % 100
    shown = [ground.copy() for _ in places]
    for picture, (x, y) in zip(shown, places.astype(int), strict=True):
        picture[y : y + 28, x : x + 28] = 250
    return shown


def test_another_scene_on_the_same_set_moves_otherwise() -> None:
    stored = VideoExtractor().references(clip_of(scene(7)))[1]
    dull = clip_of([(picture * 0.4 + 60).astype(np.uint8) for picture in scene(7)])
    assert together(dull.part(3.0, 6.0), stored, 3.0) > 0.8
    assert together(clip_of(scene(8)).part(3.0, 6.0), stored, 3.0) < 0.4
    assert together(clip_of(scene(7)).part(5.0, 6.0), stored, 3.0) < 0.4


def at(rate: float, begin: float = 0.0) -> Clip:
    """The scene in another number of pictures a second, from ``begin`` on."""
    shown = [frame for frame in clip_of(scene(7)).frames(rate) if frame.time >= begin]
    return Clip("film.mp4", SECONDS, frames=shown)


def test_moves_are_found_at_another_speed_and_between_the_pictures() -> None:
    stored = VideoExtractor().references(at(QUERY_RATE))[1]
    faster = [Frame(frame.time / 1.25, frame.luma) for frame in at(QUERY_RATE).frames(QUERY_RATE)]
    aligned = replace(line(0.0, SECONDS / 1.25), time_scale=1.25)
    _, quick = Shown(Clip("film.mp4", SECONDS / 1.25, frames=faster)).readings(stored, aligned, PLAIN)
    assert quick is not None and quick > 0.7
    assert together(at(QUERY_RATE).part(3.07, 6.0), stored, 3.07) > 0.8


def test_of_few_pictures_a_second_nothing_is_said_of_moves() -> None:
    stored = VideoExtractor().references(at(QUERY_RATE))[1]
    assert Shown(at(2.0)).readings(stored, line(0.0, SECONDS), PLAIN)[1] is None


def test_a_row_that_begins_late_ends_where_the_next_begins() -> None:
    stored = VideoExtractor().references(at(QUERY_RATE, begin=1.125))[1]
    times, _ = moves_of(stored, 0.0, 5.0)
    assert stored.times[:2].tolist() == [1.125, 2.0]
    assert times[:6] == pytest.approx([1.125, 1.375, 1.625, 1.875, 2.0, 2.25])


def test_of_rows_that_somebody_made_up_one_of_each_two_seconds_counts() -> None:
    stored = stored_of(1)
    crowded = np.sort(np.concatenate([np.full(5000, 5.0), stored.times]))
    made = replace(
        stored,
        times=crowded,
        codes=np.resize(stored.codes, (len(crowded), WIDTH)),
        weak=np.zeros(len(crowded), np.bool_),
    )
    times, levels = moves_of(made, 0.0, SECONDS)
    assert len(times) == len(levels) <= SECONDS / moves.STEP


def test_what_moves_is_sought_where_the_disguise_has_put_it() -> None:
    stored = VideoExtractor().references(clip_of(scene(7)))[1]
    cut = clip_of([np.ascontiguousarray(cv2.resize(p[:96, 32:], (128, 128))[:, ::-1]) for p in scene(7)])
    assert together(cut, stored, 0.0, Disguise(crop=(0.0, 0.0, 0.75, 0.75), mirror=True)) > 0.6
    assert together(cut, stored, 0.0, Disguise(crop=(0.0, 0.25, 0.75, 0.75))) < 0.4


def test_of_what_stands_still_nothing_is_said_of_moves() -> None:
    still = clip_of([scene(7)[0]] * int(SECONDS * QUERY_RATE))
    stored = VideoExtractor().references(still)[1]
    assert Shown(still).readings(stored, line(0.0, SECONDS), PLAIN)[1] is None
    frozen, moving = still, VideoExtractor().references(clip_of(scene(7)))[1]
    assert together(frozen, moving) == pytest.approx(0.0, abs=1e-6)
