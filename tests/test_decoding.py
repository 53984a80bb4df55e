"""Tracks of a stream are decoded in step, as far as there is something to decode."""

import threading
import time
from collections.abc import Iterator

import pytest

from fingerprint.media import Limits
from service.streams import decoding
from service.streams.decoding import Channel, Decoding


@pytest.fixture
def tracks(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Decoding, Channel, Channel]]:
    """Two tracks that are being decoded."""
    monkeypatch.setattr(decoding, "PATIENCE", 0.3)
    over, both = threading.Event(), Decoding(Limits())
    main, sound = (Channel(name, Limits(), both.give, both) for name in ("main", "audio"))
    both._channels = {"main": main, "audio": sound}
    for channel in (main, sound):
        channel._reader = threading.Thread(target=over.wait, daemon=True)
        channel._reader.start()
    yield both, main, sound
    over.set()


def waited(both: Decoding, channel: Channel) -> float:
    begun = time.monotonic()
    both.keep_step(channel)
    return time.monotonic() - begun


def test_a_track_waits_for_what_another_has_to_decode(tracks: tuple[Decoding, Channel, Channel]) -> None:
    both, main, sound = tracks
    main.fed = sound.fed = 10.0
    main.end = 6.0
    threading.Timer(0.1, lambda: setattr(sound, "end", 5.5)).start()
    assert waited(both, main) >= 0.09


def test_a_track_does_not_wait_for_what_another_was_not_given(
    tracks: tuple[Decoding, Channel, Channel],
) -> None:
    both, main, sound = tracks
    main.fed, main.end = 10.0, 9.0
    sound.fed, sound.end = 5.0, 4.5
    assert waited(both, main) < 0.09


def test_a_list_that_promises_more_than_comes_is_waited_for_once(
    tracks: tuple[Decoding, Channel, Channel],
) -> None:
    both, main, sound = tracks
    main.fed = sound.fed = 10.0
    main.end, sound.end = 10.0, 7.5
    assert waited(both, main) >= 0.29
    for _ in range(3):
        main.fed, main.end, sound.fed, sound.end = main.fed + 2, main.end + 2, sound.fed + 2, sound.end + 2
        assert waited(both, main) < 0.09
