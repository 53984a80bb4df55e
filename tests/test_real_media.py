"""The main job on real media that no model was trained on: noisy excerpts of sound, mirrored excerpts of film, strangers."""

import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.corpus import Title, originals, strangers, titles
from fingerprint.media import SAMPLE_RATE, open_media
from matching.engine import Engine
from matching.held import Held

EACH = 4  # titles of a kind that are registered


def chosen(media: Path, kind: str, wanted: list[Title]) -> list[Title]:
    return [title for title in wanted if title.kind == kind and title.seconds > 12][:EACH]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Engine]:
    """A few originals of both kinds."""
    known = titles(media)
    with Engine(tmp_path_factory.mktemp("data")) as opened:
        for kind in ("audio", "video"):
            for title in chosen(media, kind, originals(known, kind)):
                opened.register(media / title.file)
        yield opened


def excerpt(path: Path, source: Path, start: float, seconds: float, noise: float) -> Path:
    """A stretch of the sound with white noise ``noise`` times as strong."""
    with open_media(source) as opened:
        sound = np.concatenate(list(opened.samples()))
    part = sound[int(start * SAMPLE_RATE) : int((start + seconds) * SAMPLE_RATE)]
    part = part + noise * part.std() * np.random.default_rng(1).standard_normal(len(part))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(part, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def mirrored(path: Path, source: Path, start: float, seconds: float, kept: float = 1.0) -> Path:
    """A stretch of the pictures, mirrored and small; ``kept`` of each side, in a corner."""
    height, width = round(240 * kept), round(320 * kept)
    with av.open(str(source)) as taken, av.open(str(path), "w") as given:
        stream = given.add_stream("libx264", rate=25, width=width, height=height, pix_fmt="yuv420p")
        last = -1
        for frame in taken.decode(video=0):
            slot = round((float(frame.time or 0) - start) * 25)
            if last < slot < seconds * 25:
                turned = frame.reformat(320, 240, "rgb24").to_ndarray()[:height, width - 1 :: -1]
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(turned, np.uint8), "rgb24")
                picture.pts = last = slot
                given.mux(stream.encode(picture))
        given.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("number", range(EACH))
def test_a_noisy_excerpt_is_found(engine: Engine, media: Path, tmp_path: Path, number: int) -> None:
    title = chosen(media, "audio", originals(titles(media), "audio"))[number]
    start = title.seconds / 3
    answer = engine.examine(excerpt(tmp_path / "capture.wav", media / title.file, start, 10, 0.3))
    assert answer.status == "match"
    assert answer.matches[0].reference.name == Path(title.file).name
    (segment,) = answer.matches[0].segments
    assert segment.ref_start - segment.query_start == pytest.approx(start, abs=0.1)


@pytest.mark.parametrize("seconds, noise", [(5, 1.5), (3, 1.0)])
def test_peaks_make_a_match_of_what_is_drowned(
    engine: Engine, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, noise: float
) -> None:
    """Of a few seconds under noise as loud as the work codes alone say less."""
    better = 0
    for title in chosen(media, "audio", originals(titles(media), "audio")):
        capture = excerpt(tmp_path / "capture.wav", media / title.file, title.seconds / 2, seconds, noise)
        name = Path(title.file).name
        with_peaks = expected(engine, name, capture)
        with monkeypatch.context() as without:
            without.setattr(Held, "confirming", lambda *_: None)
            better += with_peaks < expected(engine, name, capture)
    assert better >= EACH - 1


def test_details_tell_a_corner_from_what_many_pictures_are_like(
    engine: Engine, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if these films were of ten thousand hours."""
    monkeypatch.setattr("matching.score.SMALLEST", 10_000 * 3600 * 4)
    better = 0
    for title in chosen(media, "video", originals(titles(media), "video")):
        capture = mirrored(tmp_path / "capture.mp4", media / title.file, 1.0, 5, kept=0.7)
        name = Path(title.file).name
        with_details = expected(engine, name, capture)
        with monkeypatch.context() as without:
            without.setattr(Held, "confirming", lambda *_: None)
            better += with_details < expected(engine, name, capture)
    assert better >= 2


def expected(engine: Engine, name: str, capture: Path) -> float:
    """False matches to be expected of a capture's match with a reference; 1 where there is none."""
    matches = engine.examine(capture).matches
    return min((m.expected_false_matches for m in matches if m.reference.name == name), default=1.0)


def test_a_mirrored_excerpt_is_found(engine: Engine, media: Path, tmp_path: Path) -> None:
    found = 0
    for title in chosen(media, "video", originals(titles(media), "video")):
        answer = engine.examine(mirrored(tmp_path / "capture.mp4", media / title.file, 1.0, 8))
        names = [match.reference.name for match in answer.matches if match.verdict == "match"]
        assert set(names) <= {Path(title.file).name}
        found += any(s.disguise.mirror for match in answer.matches for s in match.segments)
    # Not all: a clip in which nothing moves may be left for review, or no more than that.
    assert found >= EACH - 1


def test_strangers_are_not_matched(engine: Engine, media: Path, tmp_path: Path) -> None:
    known = titles(media)
    captures = [media / title.file for title in strangers(known, "video")[:3]]
    for number, title in enumerate(chosen(media, "audio", strangers(known, "audio"))[:3]):
        captures.append(excerpt(tmp_path / f"{number}.wav", media / title.file, 1, 10, 0.0))
    for capture in captures:
        answer = engine.examine(capture)
        assert [match for match in answer.matches if match.verdict == "match"] == []
