"""Tracks of a stream are decoded in step, as far as there is something to decode."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from fingerprint.media import Limits
from service.streams import decoding
from service.streams.decoding import PATIENCE, Channel, Decoding


@dataclass
class Clock:
    """One that goes on only where somebody waits; then ``happens`` is called."""

    now: float = 0.0
    happens: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.happens()


@dataclass
class Tracks:
    """Two tracks that are being decoded."""

    both: Decoding
    main: Channel
    sound: Channel
    clock: Clock

    def waited(self) -> float:
        """Seconds that the main one waits for the other."""
        begun = self.clock.now
        self.both.keep_step(self.main)
        return self.clock.now - begun


@pytest.fixture
def tracks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracks]:
    over, both, clock = threading.Event(), Decoding(Limits()), Clock()
    monkeypatch.setattr(decoding, "time", clock)
    main, sound = (Channel(name, Limits(), both.give, both) for name in ("main", "audio"))
    both._channels = {"main": main, "audio": sound}
    for channel in (main, sound):
        channel._reader = threading.Thread(target=over.wait, daemon=True)
        channel._reader.start()
    yield Tracks(both, main, sound, clock)
    over.set()


def test_a_track_waits_for_what_another_has_to_decode(tracks: Tracks) -> None:
    main, sound = tracks.main, tracks.sound
    main.fed, main.end, sound.fed = 10.0, 6.0, 10.0
    tracks.clock.happens = lambda: setattr(sound, "end", 5.0 * (tracks.clock.now > 1.0))
    assert tracks.waited() == pytest.approx(1.0, abs=0.02)


def test_a_track_does_not_wait_for_what_another_was_not_given(tracks: Tracks) -> None:
    main, sound = tracks.main, tracks.sound
    main.fed, main.end, sound.fed, sound.end = 10.0, 9.0, 5.0, 4.5
    assert tracks.waited() == 0.0


def test_a_list_that_promises_more_than_comes_is_waited_for_once(tracks: Tracks) -> None:
    main, sound = tracks.main, tracks.sound
    main.fed, main.end, sound.fed, sound.end = 10.0, 10.0, 10.0, 7.5
    assert tracks.waited() == pytest.approx(PATIENCE, abs=0.02)
    for _ in range(3):
        main.fed, main.end, sound.fed, sound.end = main.fed + 2, main.end + 2, sound.fed + 2, sound.end + 2
        assert tracks.waited() == 0.0
