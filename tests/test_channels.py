"""Channels of sound: whatever they are and however many, what a player plays is heard."""

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fingerprint.media import open_media
from tests.render import tone
from tests.test_media import loud, pitch, sound_of


def heard(path: Path) -> NDArray[np.float32]:
    with open_media(path) as media:
        return sound_of(media)


def wave_file(path: Path, channels: NDArray[np.float32], kind: str = "<i2") -> Path:
    """Channels (n, samples) in [-1, 1] at 8 kHz; ``kind`` of "u1", "<i2", "<f4"."""
    scale, rest = {"u1": (127, 128), "<i2": (32767, 0), "<f4": (1, 0)}[kind]
    body = (channels.T * scale + rest).astype(kind).tobytes()
    width, count = np.dtype(kind).itemsize, len(channels)
    form = struct.pack(
        "<HHIIHH", 3 if "f" in kind else 1, count, 8000, 8000 * width * count, width * count, 8 * width
    )
    chunks = b"fmt \x10\0\0\0" + form + b"data" + struct.pack("<I", len(body)) + body
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


@pytest.mark.parametrize("kind", ["u1", "<i2", "<f4"])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (1, -1, 1, -1)])
def test_a_channel_upside_down_silences_nothing(tmp_path: Path, signs: tuple[int, ...], kind: str) -> None:
    samples = heard(wave_file(tmp_path / "tone.wav", np.outer(signs, tone(5)).astype(np.float32), kind))
    assert pitch(samples) == pytest.approx(440, abs=2)
    assert loud(samples[1000:39000]) == pytest.approx(0.354, abs=0.05)


def test_different_channels_are_mixed_as_ever(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    middle, side = rng.normal(0, 0.1, (2, 40_000)).astype(np.float32)
    mixed = heard(wave_file(tmp_path / "wide.wav", np.stack([middle + side, middle - side])))
    assert np.corrcoef(mixed, middle)[0, 1] > 0.99
    inverted = heard(wave_file(tmp_path / "wide.wav", np.stack([middle + side / 3, side / 3 - middle])))
    assert abs(np.corrcoef(inverted, middle)[0, 1]) > 0.99


@pytest.mark.parametrize("count", [3, 8, 9, 17, 64])
def test_any_number_of_channels(tmp_path: Path, count: int) -> None:
    samples = heard(wave_file(tmp_path / "many.wav", np.tile(tone(2), (count, 1))))
    assert pitch(samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_samples_that_are_no_numbers_are_damage(tmp_path: Path, value: float) -> None:
    sound = tone(3)[None].copy()
    sound[:, 9000:9100] = value
    with open_media(wave_file(tmp_path / "tone.wav", sound, "<f4")) as media:
        samples = sound_of(media)
        assert loud(samples[:7000]) == pytest.approx(0.354, abs=0.01)
        assert any("damaged" in warning for warning in media.warnings)
