"""How pictures move tells a copy from another scene on the same set, and its speed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fingerprint import moves
from fingerprint.clip import Clip, Frame
from fingerprint.details import WIDTH, moves_of
from fingerprint.fingerprint import PLAIN, Disguise, Fingerprint
from fingerprint.video import QUERY_RATE, VideoExtractor
from matching.by_details import Shown
from tests.clips import SECONDS, clip_of, line, scene, stored_of


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


def together(clip: Clip, stored: Fingerprint, offset: float = 0.0, disguise: Disguise = PLAIN) -> float:
    _, found = Shown(clip).readings(stored, line(offset, clip.duration), disguise)
    assert found is not None
    return found


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


def test_areas_that_are_seen_in_part_tell_of_moves_too() -> None:
    stored = VideoExtractor().references(clip_of(scene(7)))[1]
    left, top, side = 24, 24, 64  # of 128: of the areas along a side one alone is whole
    crop = left / 128, top / 128, side / 128, side / 128

    def cut(seed: int) -> Clip:
        return clip_of([cv2.resize(p[top : top + side, left : left + side], (128, 128)) for p in scene(seed)])

    assert together(cut(7), stored, 0.0, Disguise(crop=crop)) > 0.8
    assert together(cut(8), stored, 0.0, Disguise(crop=crop)) < 0.4


def test_of_what_stands_still_nothing_is_said_of_moves() -> None:
    still = clip_of([scene(7)[0]] * int(SECONDS * QUERY_RATE))
    stored = VideoExtractor().references(still)[1]
    assert Shown(still).readings(stored, line(0.0, SECONDS), PLAIN)[1] is None
    frozen, moving = still, VideoExtractor().references(clip_of(scene(7)))[1]
    assert together(frozen, moving) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("seconds", "speed"), [(12.0, 1.04), (12.0, 0.96), (48.0, 1.02)])
def test_the_speed_is_told_by_moves(seconds: float, speed: float) -> None:
    shown = scene(7, seconds)
    stored, duration = VideoExtractor().references(clip_of(shown))[1], seconds / speed
    frames = [Frame(round(i / QUERY_RATE / speed, 3), picture) for i, picture in enumerate(shown)]
    aligned = line((seconds - duration) / 2, duration)  # which is right in the middle
    told = Shown(Clip("film.mp4", duration, frames=frames)).straightened(stored, aligned, PLAIN, ())
    assert told.time_scale == pytest.approx(speed, abs=0.15 / seconds)
    assert told.time_scale * duration / 2 + told.offset == pytest.approx(seconds / 2, abs=0.06)


def test_what_keeps_its_speed_is_told_so() -> None:
    shown = scene(7)
    stored = VideoExtractor().references(clip_of(shown))[1]
    aligned = replace(line(-0.18, SECONDS), time_scale=1.03)
    told = Shown(clip_of(shown)).straightened(stored, aligned, PLAIN, ())
    assert told.time_scale == 1.0 and told.offset == pytest.approx(0.0, abs=0.05)


def test_where_nothing_moves_the_line_stays() -> None:
    still = clip_of([scene(7)[0]] * int(SECONDS * QUERY_RATE))
    stored = VideoExtractor().references(still)[1]
    aligned = replace(line(0.1, SECONDS), time_scale=1.02)
    assert Shown(still).straightened(stored, aligned, PLAIN, ()) == aligned
    assert Shown(clip_of(scene(8))).straightened(stored, aligned, PLAIN, ()) == aligned


def noisy(shown: list[np.ndarray], speed: float, rate: float) -> Clip:
    """The pictures with noise, at another speed, in so many pictures a second."""
    rng = np.random.default_rng(4)
    grain = (np.clip(p + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8) for p in shown)
    frames = [Frame(round(i / QUERY_RATE / speed, 3), picture) for i, picture in enumerate(grain)]
    duration = len(shown) / QUERY_RATE / speed
    few = Clip("film.mp4", duration, frames=frames).frames(rate)
    return Clip("film.mp4", duration, frames=list(few))


@pytest.mark.parametrize("rate", [4.0, 8.0])
def test_of_few_pictures_a_second_no_line_wins_by_what_it_does_not_meet(rate: float) -> None:
    stored = VideoExtractor().references(clip_of(scene(7)))[1]
    aligned = replace(line(-0.24, SECONDS), time_scale=1.04)
    told = Shown(noisy(scene(7), 1.0, rate)).straightened(stored, aligned, PLAIN, ())
    assert told.time_scale == 1.0


def test_where_the_middle_stands_still_the_ends_tell() -> None:
    shown = scene(7, 58.0)
    begin, end = int(19 * QUERY_RATE), int(39 * QUERY_RATE)
    shown[begin:end] = [shown[begin]] * (end - begin)
    stored = VideoExtractor().references(clip_of(shown))[1]
    told = Shown(clip_of(shown)).straightened(
        stored, replace(line(-0.145, 58.0), time_scale=1.005), PLAIN, ()
    )
    assert told.time_scale == 1.0


def test_a_line_is_turned_and_shifted_so_far_and_no_further() -> None:
    stored = VideoExtractor().references(clip_of(scene(7)))[1]
    aligned = line(0.8, SECONDS)
    told = Shown(clip_of(scene(7))).straightened(stored, aligned, PLAIN, ())
    middle = SECONDS / 2
    assert abs(told.time_scale * middle + told.offset - middle - 0.8) <= 0.301
    assert 0.899 <= told.time_scale <= 1.101


def test_the_speed_of_the_sound_is_taken_where_it_does_as_well() -> None:
    shown = scene(7)[: int(3 * QUERY_RATE)]
    stored, speed = VideoExtractor().references(clip_of(shown))[1], 1.03
    aligned = line(0.04, 3.0 / speed)
    told = Shown(noisy(shown, speed, QUERY_RATE)).straightened(stored, aligned, PLAIN, (speed,))
    assert told.time_scale == speed
