from collections.abc import Callable
from itertools import count, islice

import cv2
import numpy as np
import pytest

from fingerprint.clip import Clip, Frame
from fingerprint.fingerprint import Codes, Disguise, Query, unpack
from fingerprint.picture import Pictures
from fingerprint.video import QUERY_RATE, REFERENCE_RATE, SHOT_FRAMES, VideoExtractor, shots

EXTRACTOR = VideoExtractor()


def film(seed: int, seconds: float = 6.0) -> Pictures:
    """Two scenes with things that move over them, at QUERY_RATE: (n, 128, 128)."""
    rng = np.random.default_rng(seed)
    grounds = [cv2.resize(rng.integers(0, 256, (9, 9), dtype=np.uint8), (128, 128)) for _ in range(2)]
    total = int(seconds * QUERY_RATE)
    pictures = np.stack([grounds[2 * i // total] for i in range(total)]).astype(np.uint8)
    for _ in range(5):
        (x, y), (across, down) = rng.integers(10, 118, 2), rng.uniform(-1, 1, 2)
        size, level = int(rng.integers(6, 20)), int(rng.integers(0, 256))
        for i, picture in enumerate(pictures):
            cv2.circle(picture, (int(x + i * across), int(y + i * down)), size, level, -1)
    return pictures


def clip(pictures: Pictures) -> Clip:
    frames = [Frame(round(i / QUERY_RATE, 3), picture) for i, picture in enumerate(pictures)]
    return Clip("film.mp4", len(pictures) / QUERY_RATE, frames=frames)


def plain(pictures: Pictures) -> Codes:
    return next(EXTRACTOR.queries(clip(pictures))).fingerprint.codes


def differing(first: Codes, second: Codes) -> float:
    """Fraction of bits, the codes taken pair by pair."""
    return float((unpack(first) != unpack(second)).mean())


def compressed(pictures: Pictures) -> Pictures:
    copies = np.empty_like(pictures)
    for picture, copy in zip(pictures, copies, strict=True):
        small = cv2.resize(picture, (90, 90), interpolation=cv2.INTER_AREA)
        encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 35])[1]
        decoded = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        assert decoded is not None
        cv2.resize(decoded, (128, 128), dst=copy)
    return copies


def letterboxed(pictures: Pictures) -> Pictures:
    shown = np.full_like(pictures, 16)
    for ground, picture in zip(shown, pictures, strict=True):
        ground[16:112] = cv2.resize(picture, (128, 96), interpolation=cv2.INTER_AREA)
    return shown


def test_a_reference_has_four_codes_a_second_inside_its_duration() -> None:
    fingerprint = EXTRACTOR.reference(clip(film(0)))
    assert fingerprint.algorithm == "video/3" and fingerprint.codes.shape == (24, 32)
    np.testing.assert_allclose(fingerprint.times, np.arange(24) / REFERENCE_RATE)
    assert fingerprint.width * REFERENCE_RATE <= 140


def test_a_query_has_the_codes_of_its_signs() -> None:
    query = next(EXTRACTOR.queries(clip(film(0))))
    assert query.reliability.shape == (48, 256) and query.disguise == Disguise()
    assert np.array_equal(np.packbits(query.reliability > 0, axis=1), query.fingerprint.codes)


def test_the_same_film_gives_the_same_codes() -> None:
    first, second = (EXTRACTOR.reference(clip(film(1))) for _ in range(2))
    assert np.array_equal(first.codes, second.codes)


def test_a_reference_holds_codes_of_its_queries() -> None:
    """At the same times, though the shots are looked at with half as many pictures."""
    stored = EXTRACTOR.reference(clip(film(2))).codes
    assert differing(stored, plain(film(2))[::2]) < 0.02


@pytest.mark.parametrize("change", [compressed, letterboxed])
def test_a_changed_copy_keeps_its_codes(change: Callable[[Pictures], Pictures]) -> None:
    assert differing(plain(film(3)), plain(change(film(3)))) < 0.2


def test_films_differ() -> None:
    assert np.mean([differing(plain(film(4)), plain(film(seed))) for seed in (5, 6, 7)]) > 0.3


def test_the_mirrored_query_undoes_a_mirror() -> None:
    original, copy = film(8), film(8)[:, :, ::-1].copy()
    seen, undone = islice(EXTRACTOR.queries(clip(copy)), 2)
    assert undone.disguise == Disguise(mirror=True)
    assert differing(undone.fingerprint.codes, plain(original)) < 0.005
    assert differing(seen.fingerprint.codes, plain(original)) > 0.1


def test_black_and_flat_pictures_are_weak() -> None:
    pictures = film(9)
    pictures[:8], pictures[8:16] = 16, 200
    weak = next(EXTRACTOR.queries(clip(pictures))).fingerprint.weak
    assert weak[:16].all() and not weak[16:].any()


def test_a_clip_without_pictures_gives_no_codes() -> None:
    empty = Clip("film.mp4", 1.0, frames=[])
    assert len(EXTRACTOR.reference(empty)) == 0
    assert {len(query.fingerprint) for query in EXTRACTOR.queries(empty)} == {0}


def test_a_picture_after_the_stated_end_counts_as_the_end() -> None:
    late = Clip("film.mp4", 0.5, frames=[Frame(0.0, film(0)[0]), Frame(0.6, film(0)[1])])
    assert EXTRACTOR.reference(late).times.tolist() == [0.0, 0.5]


def test_shots_end_at_cuts() -> None:
    pictures = film(10)
    frames = [Frame(i / QUERY_RATE, picture) for i, picture in enumerate(pictures)]
    assert [len(shot) for shot in shots(frames)] == [24, 24]


def test_a_long_shot_is_taken_in_parts() -> None:
    """So no more than one part, and the picture after it, is ever held."""
    still = film(0)[0]
    endless = (Frame(i / QUERY_RATE, still) for i in count())
    assert len(next(shots(endless))) == SHOT_FRAMES
    assert next(endless).time == (SHOT_FRAMES + 1) / QUERY_RATE


def inset(pictures: Pictures, rows: slice, columns: slice) -> Pictures:
    """Shown small over a still pattern."""
    ground = cv2.resize(np.random.default_rng(3).integers(0, 256, (9, 9), dtype=np.uint8), (128, 128))
    frames = np.repeat(ground[None], len(pictures), axis=0).astype(np.uint8)
    for frame, picture in zip(frames, pictures, strict=True):
        part = frame[rows, columns]
        part[:] = cv2.resize(picture, part.shape[::-1], interpolation=cv2.INTER_AREA)
    return frames


def test_a_picture_in_a_picture_is_found_and_its_place_refined() -> None:
    original = film(11)
    copy = clip(inset(original, slice(20, 84), slice(50, 114)))
    stored = EXTRACTOR.reference(clip(original))

    def near(query: Query) -> float:
        rows = np.abs(query.fingerprint.times[:, None] - stored.times).argmin(1)
        return 1 - differing(query.fingerprint.codes, stored.codes[rows])

    best = max(EXTRACTOR.queries(copy), key=near)
    refined = EXTRACTOR.refined(copy, [best.disguise], near)
    assert near(best) > 0.75 and near(refined) > near(best) - 0.01
    assert refined.disguise.crop == pytest.approx((-50 / 64, -20 / 64, 2, 2), abs=0.25)


def test_a_crop_is_refined_from_the_nearest_of_several_views() -> None:
    original = film(13)
    kept = original[:, 40:, 40:]
    stored = EXTRACTOR.reference(clip(original))

    def near(query: Query) -> float:
        rows = np.abs(query.fingerprint.times[:, None] - stored.times).argmin(1)
        return 1 - differing(query.fingerprint.codes, stored.codes[rows])

    far, close = Disguise(crop=(0.0, 0.0, 0.6, 0.6)), Disguise(crop=(0.36, 0.36, 0.62, 0.62))
    refined = EXTRACTOR.refined(clip(kept), [far, close], near)
    assert refined.disguise.crop == pytest.approx((40 / 128, 40 / 128, 88 / 128, 88 / 128), abs=0.06)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_copy_is_turned_back(degrees: int) -> None:
    original = film(12)
    turned = np.rot90(original, -degrees // 90, axes=(1, 2)).copy()
    undone = {query.disguise: query for query in EXTRACTOR.queries(clip(turned))}
    query = undone[Disguise(rotation=degrees)]
    rows = np.abs(np.arange(len(original))[None] / QUERY_RATE - query.fingerprint.times[:, None]).argmin(1)
    assert differing(query.fingerprint.codes, plain(original)[rows]) < 0.02
