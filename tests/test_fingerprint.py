"""A fingerprint checks itself; packing keeps the signs."""

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint, pack, unpack


def fingerprint(**changes: object) -> Fingerprint:
    """Three codes of four bytes in ten seconds, with some of it changed."""
    fields = {
        "algorithm": "audio/1",
        "duration": 10.0,
        "times": np.array([1.0, 2.0, 2.0]),
        "codes": np.zeros((3, 4), np.uint8),
        "weak": np.zeros(3, np.bool_),
    }
    return Fingerprint(**{**fields, **changes})  # type: ignore[arg-type]  # wrong on purpose, in the tests below


def test_knows_its_length_and_width() -> None:
    assert (len(fingerprint()), fingerprint().width) == (3, 4)


def test_may_hold_no_codes() -> None:
    none = fingerprint(times=np.empty(0), codes=np.empty((0, 4), np.uint8), weak=np.empty(0, np.bool_))
    assert (len(none), none.width) == (0, 4)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"times": np.array([2.0, 1.0, 3.0])}, "ascend"),
        ({"times": np.array([1.0, np.nan, 3.0])}, "ascend"),
        ({"times": np.array([-0.5, 1.0, 3.0])}, "leave 0 to 10"),
        ({"times": np.array([1.0, 2.0, 10.1])}, "leave 0 to 10"),
        ({"times": np.array([1, 2, 3])}, "float64"),
        ({"times": np.array([1.0, 2.0])}, "differ in length"),
        ({"codes": np.zeros((3, 4))}, "uint8"),
        ({"codes": np.zeros(3, np.uint8)}, "two-dimensional"),
        ({"weak": np.zeros(3, np.uint8)}, "weak is not bool"),
        ({"weak": np.zeros(2, np.bool_)}, "differ in length"),
        ({"places": np.zeros((2, 4), np.float32)}, "places"),
        ({"duration": float("inf")}, "duration"),
        ({"duration": float("nan")}, "duration"),
    ],
)
def test_refuses_what_does_not_hold_together(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=rf"not a fingerprint of audio/1: .*{problem}"):
        fingerprint(**changes)


def test_packing_keeps_the_signs() -> None:
    reliability = np.array([[3.0, -1.0, 0.5, -0.1, 2.0, -2.0, 1.0, -4.0]])
    assert pack(reliability).tolist() == [[0b10101010]]
    assert unpack(pack(reliability)).tolist() == np.sign(reliability).tolist()
