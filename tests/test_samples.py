"""The samples are what their truth says, and what their script renders."""

import csv
from pathlib import Path

import numpy as np
import pytest

from data.samples.files import read_sound
from data.samples.render import STYLES, TRUTH
from data.samples.scenes import HEIGHT, WIDTH, blocks, city, flight, galaxy, mountains, reef
from data.samples.sound import RATE, song, speech
from fingerprint.media import open_media


def truth(samples: Path) -> list[dict[str, str]]:
    with (samples / "truth.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def length(path: Path) -> float:
    with open_media(path) as media:
        return media.duration


def test_every_capture_has_its_truth_and_strangers_are_among_them(samples: Path) -> None:
    rows = truth(samples)
    assert tuple(rows[0]) == TRUTH
    assert {row["capture"] for row in rows} == {path.name for path in (samples / "captures").iterdir()}
    assert {row["original"] for row in rows} - {""} == {p.name for p in (samples / "originals").iterdir()}
    assert sum(row["original"] == "" for row in rows) >= 3


def test_times_of_the_truth_lie_inside_the_files(samples: Path) -> None:
    for row in truth(samples):
        if row["original"]:
            assert float(row["query_end"]) <= length(samples / "captures" / row["capture"]) + 0.15
            assert float(row["ref_end"]) <= length(samples / "originals" / row["original"]) + 0.15


def test_all_samples_together_are_small(samples: Path) -> None:
    assert sum(path.stat().st_size for path in samples.rglob("*") if path.is_file()) < 15e6


def test_the_script_renders_the_song_that_lies_here(samples: Path) -> None:
    rendered = song(11, STYLES["harbour"], 6)[: 4 * RATE]
    stored = read_sound(samples / "originals" / "harbour-lights.m4a", 0, 4)
    shifts = [
        np.corrcoef(rendered[2048:-2048], np.roll(stored, -shift)[2048:-2048])[0, 1] for shift in (0, 1024)
    ]
    assert max(shifts) > 0.95


def test_the_same_seed_speaks_the_same_and_another_does_not() -> None:
    assert np.array_equal(speech(1, 3, 120), speech(1, 3, 120))
    assert not np.array_equal(speech(1, 3, 120), speech(2, 3, 120))


@pytest.mark.parametrize("scene", [mountains, city, galaxy, flight, reef, blocks])
def test_scenes_move_and_hold_texture(scene: object) -> None:
    assert callable(scene)
    draw = scene(5)
    now, later = draw(1.0), draw(3.0)
    assert now.shape == (HEIGHT, WIDTH, 3)
    assert now.std() > 10
    assert np.abs(now.astype(int) - later).mean() > 2
