import numpy as np
from numpy.typing import NDArray

from benchmarks.video_codes import ATTACKS, EXCERPT, References, Sample, figures, table
from fingerprint.fingerprint import PLAIN
from fingerprint.media import Frame
from fingerprint.video import QUERY_RATE, VideoExtractor
from tests.test_video import clip, film


def sample(seed: int) -> Sample:
    frames = [Frame(round(i / QUERY_RATE, 3), picture) for i, picture in enumerate(film(seed))]
    return Sample(f"{seed}.mp4", f"source {seed}", frames)


def scored(*own: float, strangers: float, series: float) -> NDArray[np.float64]:
    """Scores of one attack: clips 0 and 1 of one source and clip 2 of another."""
    first, second, third = own
    rows = [[first, series, strangers], [series, second, strangers], [strangers, strangers, third]]
    return np.array([rows])


def test_the_threshold_is_the_best_score_with_another_source() -> None:
    found = figures(scored(0.9, 0.7, 0.3, strangers=0.4, series=0.8), ["a", "a", "b"], ["mirror"])
    assert found["found_by_attack"] == {"mirror": 66.7}
    assert found["threshold"] == 0.4
    assert found["found"] == 66.7 and found["above_series"] == 33.3
    assert found["right_first"] == 33.3 and found["right_first_among_other_sources"] == 66.7


def test_an_excerpt_fits_its_own_clip_best() -> None:
    references = References([sample(seed) for seed in (1, 2, 3)])
    query = next(VideoExtractor().queries(clip(film(2)[8:40])))
    scores = references.scores(query)
    assert query.disguise == PLAIN and scores.argmax() == 1 and scores[1] > 0.9


def test_a_mirrored_excerpt_is_scored_as_its_mirror() -> None:
    scores = table([sample(seed) for seed in (4, 5)])
    assert scores.shape == (len(ATTACKS), 2, 2) and EXCERPT < 6
    mirrored = scores[list(ATTACKS).index("video-mirror")]
    assert mirrored.argmax(axis=1).tolist() == [0, 1] and mirrored.diagonal().min() > 0.8
