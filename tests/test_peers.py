"""Peers of the benchmark: their alignment finds the place, and what is too short is not compared."""

import numpy as np
import pytest

from benchmarks.peer_rows import asked, recalls
from benchmarks.peer_search import best, likeness
from benchmarks.peers import Peer, chromaprint, signature_codes
from benchmarks.truth import COUSIN, Truth


def drawn(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4), dtype=np.uint8)


def test_an_excerpt_is_likest_where_it_was_taken() -> None:
    whole = drawn(1, 5000)
    assert likeness(whole[4200:4250], whole) == 1
    assert likeness(whole, whole[4200:4250]) == 1
    spoilt = whole[30:80] ^ np.uint8(1)
    assert likeness(spoilt, whole) == pytest.approx(1 - 1 / 8)


def test_strangers_differ_in_nearly_half_of_their_bits() -> None:
    assert 0.5 < likeness(drawn(2, 60), drawn(3, 1000)) < 0.6


def test_the_likest_file_is_named() -> None:
    catalog = {"a": drawn(4, 200), "b": drawn(5, 300)}
    assert best(catalog["b"][100:150], catalog) == ("b", 1.0)


def test_a_query_with_hardly_a_code_is_like_nothing() -> None:
    assert likeness(drawn(6, 2), drawn(7, 100)) == -np.inf


def test_one_code_is_enough_where_a_peer_has_no_more() -> None:
    one = drawn(8, 1)
    assert likeness(one, one) == -np.inf and likeness(one, one, fewest=1) == 1


def test_elements_of_a_signature_differ_in_as_many_bits_as_they_differ() -> None:
    xml = "<FrameSignature>0  1  2  2 </FrameSignature><x/><FrameSignature>2  1  1  2 </FrameSignature>"
    one, two = signature_codes(xml)
    assert np.bitwise_count(one ^ two).sum() == 3


def test_a_missing_peer_says_how_to_get_it() -> None:
    assert Peer("audio", chromaprint, "no-such-program", install="make it").missing == (
        "no-such-program not found: make it"
    )
    assert Peer("audio", chromaprint, module="no_such_module", install="make it").missing
    assert Peer("audio", chromaprint, "python3", "numpy").missing == ""


def test_a_peer_is_asked_for_copies_and_strangers_alone() -> None:
    truths = [
        Truth("a.wav", "audio", "audio-phone", 5.0, "x.opus"),
        Truth("b.wav", "audio", "stranger", 5.0),
        Truth("c.wav", "audio", COUSIN, 5.0, series="someone"),
        Truth("d.mp4", "video", "stranger", 5.0),
        Truth("e.wav", "audio", "silence", 5.0),
    ]
    assert [truth.query for truth in asked(truths, "audio")] == ["a.wav", "b.wav"]


def test_a_peer_finds_what_is_likelier_than_every_stranger() -> None:
    truths = [
        Truth("a.wav", "audio", "audio-gaps", 5.0, "x.opus"),
        Truth("b.wav", "audio", "audio-phone", 5.0, "y.opus"),
        Truth("c.wav", "audio", "audio-none", 5.0, "y.opus"),
        Truth("s.wav", "audio", "stranger", 5.0),
    ]
    found = {"a.wav": ("x.opus", 0.9), "b.wav": ("y.opus", 0.6), "c.wav": None, "s.wav": ("x.opus", 0.7)}
    told = recalls("audio", truths, found)
    assert [told[name]["at_no_false"]["hits"] for name in ("audio-gaps, 5 s", "audio-phone, 5 s")] == [1, 0]
    assert told["audio, all attacks, 5 s"]["at_no_false"]["total"] == 2
    assert told["audio, hard half, 5 s"]["at_no_false"]["total"] == 1
