"""The main job on the samples: every disguised capture finds its original, second by second; no stranger finds any."""

import csv
import re
import sqlite3
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fingerprint.audio import AudioExtractor
from fingerprint.extractor import WIDTHS
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import MediaError
from matching.engine import Engine
from matching.progress import HASHED
from matching.segment import Answer, Segment

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
AUDIO = AudioExtractor.algorithm
with (SAMPLES / "truth.csv").open(newline="") as table:
    TRUTH = list(csv.DictReader(table))
COPIES = [row for row in TRUTH if row["original"]]
STRANGERS = [row["capture"] for row in TRUTH if not row["original"]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with all originals registered."""
    with Engine(tmp_path_factory.mktemp("data")) as opened:
        for path in sorted((SAMPLES / "originals").iterdir()):
            opened.register(path)
        yield opened


@pytest.fixture(scope="module")
def answers(engine: Engine) -> dict[str, Answer]:
    """The answer for every capture."""
    return {path.name: engine.examine(path) for path in (SAMPLES / "captures").iterdir()}


def write_wav(path: Path, seconds: float, amplitude: float = 0.5) -> None:
    """A low tone at 8 kHz."""
    tone = amplitude * 32767 * np.sin(2 * np.pi * 300 * np.arange(int(8000 * seconds)) / 8000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone.astype("<i2").tobytes())


def segments(answer: Answer, original: str, kind: str) -> list[Segment]:
    return [s for m in answer.matches if m.reference.name == original for s in m.segments if s.kind == kind]


@pytest.mark.parametrize("truth", COPIES, ids=lambda row: f"{row['capture']}-{row['original']}")
def test_a_copy_is_found_where_it_is(answers: dict[str, Answer], truth: dict[str, str]) -> None:
    answer = answers[truth["capture"]]
    assert answer.status == "match"
    best = max(
        (s for kind in truth["kinds"].split() for s in segments(answer, truth["original"], kind)),
        key=lambda segment: segment.query_end - segment.query_start,
    )
    first, last = float(truth["query_start"]), float(truth["query_end"])
    scale, start = float(truth["time_scale"]), float(truth["ref_start"])
    middle = (best.query_start + best.query_end) / 2
    assert (best.query_start, best.query_end) == pytest.approx((first, last), abs=1.5)
    found = best.ref_start + best.time_scale * (middle - best.query_start)
    assert found == pytest.approx(start + scale * (middle - first), abs=0.5)
    assert best.time_scale == pytest.approx(scale, abs=0.03)
    assert best.disguise.mirror == (truth["mirror"] == "1" and best.kind == "video")


@pytest.mark.parametrize("name", ["sped-up-4-percent.mp4", "two-films.mp4"])
def test_pictures_and_sound_of_a_copy_tell_one_speed(answers: dict[str, Answer], name: str) -> None:
    (sound,), (pictures,) = (segments(answers[name], "the-river.mp4", kind) for kind in ("audio", "video"))
    assert pictures.time_scale == sound.time_scale  # codes of pictures alone are half a percent off


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_matches_nothing(answers: dict[str, Answer], name: str) -> None:
    assert answers[name].status == "no-match"
    assert answers[name].matches == ()


def test_no_capture_matches_a_work_that_it_does_not_hold(answers: dict[str, Answer]) -> None:
    held = {(row["capture"], row["original"]) for row in COPIES}
    found = {(n, m.reference.name) for n, a in answers.items() for m in a.matches if m.verdict == "match"}
    assert found <= held


def test_picture_and_sound_of_one_work_are_one_match(answers: dict[str, Answer]) -> None:
    answer = answers["mirrored.mp4"]
    assert [match.reference.name for match in answer.matches] == ["night-shift.mp4"]
    assert {segment.kind for segment in answer.matches[0].segments} == {"audio", "video"}


def test_a_dub_is_told_from_a_copy(answers: dict[str, Answer]) -> None:
    kinds = {m.reference.name: {s.kind for s in m.segments} for m in answers["dubbed.mp4"].matches}
    assert kinds == {"night-shift.mp4": {"video"}, "harbour-lights.m4a": {"audio"}}


def test_the_same_bytes_are_registered_once(engine: Engine, tmp_path: Path) -> None:
    original = SAMPLES / "originals" / "the-witness.opus"
    again = tmp_path / "other name.opus"
    again.write_bytes(original.read_bytes())
    reference, new = engine.register(again)
    assert (reference.name, new) == ("the-witness.opus", False)


def test_removed_is_not_found_and_registered_again_it_is(tmp_path: Path) -> None:
    capture = SAMPLES / "captures" / "telephone.opus"
    with Engine(tmp_path) as engine:
        reference, _ = engine.register(SAMPLES / "originals" / "the-witness.opus")
        assert engine.examine(capture).status == "match"
        engine.remove(reference.id)
        assert engine.examine(capture).status == "no-match"
    with Engine(tmp_path) as engine:
        assert engine.examine(capture).status == "no-match"
        engine.register(SAMPLES / "originals" / "the-witness.opus")
        assert engine.examine(capture).status == "match"


def test_a_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    with Engine(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_an_empty_catalog_matches_nothing(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine:
        assert engine.examine(SAMPLES / "captures" / "telephone.opus").status == "no-match"


def test_what_is_too_short_to_be_found_is_an_error_and_no_miss(engine: Engine, tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", seconds=0.9)
    answer = engine.examine(tmp_path / "short.wav")
    assert answer.error is not None and answer.error.code == "too-short"
    assert "1 s or more" in answer.error.message


def test_50_ms_of_sound_are_an_error_and_no_miss(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "blip.wav"
    write_wav(path, seconds=0.05)
    answer = engine.examine(path)
    assert answer.status == "error"
    assert answer.error is not None and answer.error.code == "too-short"
    with pytest.raises(MediaError, match=r"blip.wav: .*too short"):
        engine.register(path)


def test_silence_is_examined_and_holds_nothing(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    write_wav(path, seconds=8, amplitude=0)
    assert engine.examine(path).status == "no-match"


def test_progress_runs_from_nothing_to_all(engine: Engine) -> None:
    parts: list[float] = []
    engine.examine(SAMPLES / "captures" / "mirrored.mp4", parts.append)
    assert parts == sorted(parts)
    assert parts[0] <= HASHED  # hashing alone takes minutes of a large file
    assert parts[-1] == pytest.approx(1, abs=0.05)


def test_what_is_damaged_and_holds_nothing_readable_is_an_error_and_no_miss(
    engine: Engine, tmp_path: Path
) -> None:
    whole = bytearray((SAMPLES / "captures" / "low-bitrate.mp4").read_bytes())
    start = whole.index(b"mdat") + 2000
    end = whole.index(b"moov", start) if b"moov" in whole[start:] else len(whole)
    whole[start : end - 8] = np.random.default_rng(1).bytes(end - 8 - start)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(whole)
    answer = engine.examine(path)
    assert answer.status == "error"
    assert answer.error is not None and answer.error.code in {"damaged", "corrupt", "truncated"}


def test_what_another_process_registers_or_removes_counts_at_once(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (20, WIDTHS[AUDIO]), np.uint8)
    made = Fingerprint(AUDIO, 20.0, np.arange(20.0), codes, np.zeros(20, np.bool_))
    with Engine(tmp_path) as one, Engine(tmp_path) as other:
        assert len(one._held.index(AUDIO)) == 0
        ref_id = other.catalog.add("a.wav", "a" * 64, 20.0, [made], "A").id
        assert len(one._held.index(AUDIO)) == 20
        other.remove(ref_id)
        assert len(one._held.index(AUDIO)) == 0


def test_a_damaged_reference_is_told_at_the_start_and_in_each_answer(tmp_path: Path) -> None:
    """So that a service starts, and says what is wrong with each job rather than nothing at all."""
    with Engine(tmp_path / "data") as engine:
        engine.register(SAMPLES / "originals" / "the-witness.opus")
    with sqlite3.connect(tmp_path / "data" / "catalog.db") as catalog:
        catalog.execute("UPDATE fingerprints SET data = substr(data, 1, 200) WHERE algorithm = ?", (AUDIO,))
    catalog.close()
    notes: list[str] = []
    with Engine(tmp_path / "data", note=notes.append) as engine:
        engine.warm()
        answer = engine.examine(SAMPLES / "captures" / "unknown-voice.opus")
    assert any(f"{AUDIO} of reference 1" in note and "register its file again" in note for note in notes)
    assert answer.error is not None and answer.error.code == "catalog"


def test_what_another_version_registered_is_an_error_and_no_match_is_not_said(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (20, 32), np.uint8)
    earlier = Fingerprint("audio/1", 20.0, np.arange(20.0), codes, np.zeros(20, np.bool_))
    notes: list[str] = []
    with Engine(tmp_path, note=notes.append) as engine:
        engine.register(SAMPLES / "originals" / "the-witness.opus")
        for i in range(2, 9):
            engine.catalog.add(f"{i}.wav", str(i) * 64, 20.0, [earlier], str(i))
        engine.warm()
        error = engine.examine(SAMPLES / "captures" / "telephone.opus").error
        assert error is not None and error.code == "catalog"
        assert notes == [error.message]
        assert re.match(
            rf"7 registered with another version's codes than {AUDIO}, .*\(references 2, 3, 4, 5, 6 and 2 more\): remove",
            error.message,
        )
        for ref_id in range(2, 9):
            engine.remove(ref_id)
        assert engine.examine(SAMPLES / "captures" / "unknown-voice.opus").status == "no-match"
