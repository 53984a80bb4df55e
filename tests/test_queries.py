"""What is asked: how many copies of what length, and what makes a decoy; the files of a small folder of media."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import compilations, strangers
from benchmarks.attacks import AUDIO
from benchmarks.audio_attacks import RATE
from benchmarks.copies import MANY, SOME, copies, usable, wanted
from benchmarks.corpus import Title
from benchmarks.files import read_pictures, read_sound, write_mp4, write_wav
from benchmarks.truth import COUSIN, DECOY
from benchmarks.video_attacks import Picture


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces of sound of half a minute, and two moving pictures of ten seconds."""
    folder = tmp_path_factory.mktemp("media")
    for name, pitch in (("a", 300), ("b", 500)):
        tone = np.sin(2 * np.pi * pitch * np.arange(32 * RATE) / RATE) * np.linspace(0.1, 0.9, 32 * RATE)
        write_wav(folder / f"{name}.wav", tone.astype(np.float32))
        write_mp4(folder / f"{name}.mp4", ((k / 10, frame(k)) for k in range(101)), 23)
    return folder


def frame(k: int) -> Picture:
    """A bright bar that wanders from left to right."""
    picture = np.full((72, 128, 3), 30, np.uint8)
    picture[:, k : k + 20] = 240
    return picture


def title(name: str) -> Title:
    kind = "audio" if name.endswith("wav") else "video"
    return Title(name, kind, "someone/works", 32.0 if kind == "audio" else 10.1)


def titles_of(attack: str, length: float) -> set[int]:
    """The numbers of the titles, of thirty, that an attack is measured on."""
    return {number for number in range(30) if wanted(attack, length, number, 30)}


def test_attacks_with_a_figure_of_their_own_are_measured_on_more_titles_at_the_main_lengths() -> None:
    assert len(titles_of("audio-phone", 5.0)) == len(titles_of("video-inset-50", 5.0)) == MANY
    assert len(titles_of("audio-phone", 2.0)) == len(titles_of("audio-gaps", 10.0)) == SOME["audio"]
    assert len(titles_of("video-mirror", 10.0)) == len(titles_of("video-inset-40", 5.0)) == SOME["video"]
    assert titles_of("audio-none", 10.0) == set(range(30))
    assert titles_of("audio-gaps", 10.0) != titles_of("audio-phone", 2.0)


def test_long_excerpts_of_pictures_are_asked_of_long_titles_only() -> None:
    short = Title("a.mp4", "video", "someone/works", 6.0)
    assert usable(short, 5.0) and not usable(short, 10.0)
    assert usable(Title("a.wav", "audio", "someone/works", 6.0), 10.0)


def test_every_attack_gives_a_file_and_its_truth(media: Path, tmp_path: Path) -> None:
    named = ["audio-none", "audio-phone"]
    truths = copies(media, tmp_path, title("a.wav"), 2.0, named)
    assert [truth.group for truth in truths] == named
    assert truths[0].ref_start != truths[1].ref_start
    for truth in truths:
        assert truth.ref_end - truth.ref_start == pytest.approx(2.0) and (tmp_path / truth.query).exists()


def test_a_recording_is_heard_over_a_copy_at_its_ratio(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.copies.AUDIO", {"audio-song-minus-4-dB": AUDIO["audio-song-minus-4-dB"]})
    monkeypatch.setattr("benchmarks.copies.titles", lambda _media: [])
    monkeypatch.setattr("benchmarks.copies.interfering", lambda *_: [title("b.wav")])
    (truth,) = copies(media, tmp_path, title("a.wav"), 2.0, ["audio-song-minus-4-dB"])
    loud = np.abs(np.fft.rfft(read_sound(tmp_path / truth.query)[: 2 * RATE]))
    work, other = (loud[2 * hertz - 20 : 2 * hertz + 20].max() for hertz in (300, 500))
    assert 20 * np.log10(work / other) == pytest.approx(-4, abs=0.3)


def test_a_decoy_is_the_work_backwards(media: Path, tmp_path: Path) -> None:
    sounds = strangers.decoys(media, tmp_path, title("a.wav"))
    assert {truth.group for truth in sounds} == {DECOY} and not any(truth.reference for truth in sounds)
    heard = np.abs(read_sound(tmp_path / sounds[0].query))
    assert heard[:RATE].max() > heard[-RATE:].max()  # the piece grows louder
    (pictures,) = strangers.decoys(media, tmp_path, title("a.mp4"))
    shown = [picture for _, picture in read_pictures(tmp_path / pictures.query, 72, 0, 9)]
    assert shown[0].mean((0, 2)).argmax() > shown[-1].mean((0, 2)).argmax()


def test_what_does_not_move_is_no_decoy() -> None:
    assert strangers.moves([(k / 10, frame(k)) for k in range(50)])
    assert not strangers.moves([(k / 10, frame(3)) for k in range(50)])


def test_cousins_are_captured_lightly_attacked(media: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "a.mp4"):
        truths = strangers.cousins(media, tmp_path, title(name), "someone/works")
        assert len(truths) == strangers.COUSINS and {truth.group for truth in truths} == {COUSIN}
        assert all(truth.series == "someone/works" and (tmp_path / truth.query).exists() for truth in truths)


def test_a_stranger_is_asked_at_every_length(media: Path, tmp_path: Path) -> None:
    sounds = strangers.strangers(media, tmp_path, title("a.wav"), "")
    assert [truth.length for truth in sounds] == [10.0, 5.0, 10.0, 3.0, 2.0]
    pictures = strangers.strangers(media, tmp_path, title("a.mp4"), "")
    assert [truth.length for truth in pictures] == [5.0, 5.0, 10.0, 2.0]


def test_parts_of_a_mixed_compilation_have_strangers_between_them(media: Path, tmp_path: Path) -> None:
    one, two = title("a.wav"), title("b.wav")
    truths = compilations.disguised(media, tmp_path, [one, two], [two])
    assert [truth.query_end - truth.query_start for truth in truths] == pytest.approx([6.0, 9.0], abs=0.01)
    assert truths[1].query_start == pytest.approx(truths[0].query_end + compilations.BETWEEN, abs=0.01)
    seen = compilations.pictures(media, tmp_path, [title("a.mp4")], [title("b.mp4")])
    assert seen[0].query_start == 0 and seen[0].query_end == pytest.approx(4.0, abs=0.2)
