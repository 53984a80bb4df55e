"""A fingerprint comes back from its bytes as it was, or not at all."""

import hashlib
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from fingerprint.fingerprint import Fingerprint
from fingerprint.storage import DIGEST_SIZE, MAGIC, VERSION, NewerError, StorageError, from_bytes, to_bytes


def fingerprint(n: int = 40, width: int = 32, step: float = 0.24, places: bool = False) -> Fingerprint:
    """n random codes, one every ``step`` seconds."""
    rng = np.random.default_rng(n)
    return Fingerprint(
        algorithm="audio/1",
        duration=n * step,
        times=np.round(np.arange(n) * step, 3),
        codes=rng.integers(0, 256, (n, width), np.uint8),
        weak=rng.random(n) < 0.2,
        places=rng.random((n, 4), np.float32) if places else None,
    )


def assert_same(left: Fingerprint, right: Fingerprint) -> None:
    assert (left.algorithm, left.duration) == (right.algorithm, right.duration)
    np.testing.assert_array_equal(left.times, right.times)
    np.testing.assert_array_equal(left.codes, right.codes)
    np.testing.assert_array_equal(left.weak, right.weak)
    assert (left.places is None) == (right.places is None)
    if left.places is not None and right.places is not None:
        np.testing.assert_array_equal(left.places, right.places)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 1000])
@pytest.mark.parametrize("places", [False, True])
def test_comes_back_as_it_was(n: int, places: bool) -> None:
    assert_same(from_bytes(to_bytes(fingerprint(n, places=places))), fingerprint(n, places=places))


def test_same_fingerprint_gives_same_bytes() -> None:
    assert to_bytes(fingerprint()) == to_bytes(fingerprint())


@pytest.mark.parametrize("step", [0.24, 0.5])
def test_evenly_spaced_codes_cost_little_more_than_themselves(step: float) -> None:
    hour = fingerprint(int(3600 / step), step=step)
    assert len(to_bytes(hour)) < len(hour) * (hour.width + 0.3) + 100


def test_unevenly_spaced_times_cost_under_a_byte_and_a_half() -> None:
    times = np.cumsum(np.random.default_rng(1).integers(400, 600, 5000)) / 1000
    even = fingerprint(5000)
    uneven = Fingerprint("video/1", 3600.0, times, even.codes, even.weak)
    assert_same(from_bytes(to_bytes(uneven)), uneven)
    assert len(to_bytes(uneven)) < len(uneven) * (uneven.width + 1 / 8 + 1.5) + 100


def test_a_time_that_would_come_back_changed_is_refused() -> None:
    codes, weak = np.zeros((2, 4), np.uint8), np.zeros(2, np.bool_)
    with pytest.raises(ValueError, match=r"0\.0405.* not a multiple of 1 ms"):
        to_bytes(Fingerprint("audio/1", 1.0, np.array([0.04, 0.0405]), codes, weak))


def test_drift_of_added_up_steps_is_rounded_off() -> None:
    times = np.cumsum(np.full(1000, 0.04))
    drifted = Fingerprint("audio/1", 41.0, times, np.zeros((1000, 4), np.uint8), np.zeros(1000, np.bool_))
    np.testing.assert_array_equal(from_bytes(to_bytes(drifted)).times, np.round(times, 3))


def test_every_flipped_bit_is_found() -> None:
    data = to_bytes(fingerprint(5, width=4, places=True))
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(StorageError):
            from_bytes(bytes(damaged))


def test_every_truncation_is_found_and_named() -> None:
    data = to_bytes(fingerprint(5, width=4))
    for size in range(1, len(data)):
        with pytest.raises(StorageError, match="truncated"):
            from_bytes(data[:size])


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"\x80\x04pickle", bytes(500)])
def test_something_else_is_named_so(data: bytes) -> None:
    with pytest.raises(StorageError, match="not a stored fingerprint"):
        from_bytes(data)


def sealed(body: bytes) -> bytes:
    """The body with a right checksum: whoever makes a hostile file makes that too."""
    return body + hashlib.blake2b(body, digest_size=DIGEST_SIZE).digest()


@pytest.mark.parametrize("seal", [sealed, bytes])
def test_trailing_bytes_are_damage(seal: Callable[[bytes], bytes]) -> None:
    with pytest.raises(StorageError, match="damaged"):
        from_bytes(seal(to_bytes(fingerprint()) + b"one more"))


def test_a_newer_version_is_named_so() -> None:
    data = to_bytes(fingerprint())
    newer = data[: len(MAGIC)] + struct.pack("<H", VERSION + 1) + data[len(MAGIC) + 2 :]
    with pytest.raises(NewerError, match=f"version {VERSION + 1}, newer than {VERSION}: upgrade"):
        from_bytes(newer)


@pytest.mark.parametrize("places", [False, True])
def test_what_the_first_version_wrote_is_read(places: bool) -> None:
    one = fingerprint(7, width=4, places=places)
    steps = np.diff(np.rint(one.times * 1000), prepend=0).astype("<u4")
    times = zlib.compress(steps.view(np.uint8).reshape(-1, 4).T.tobytes())
    where = b"" if one.places is None else zlib.compress(one.places.tobytes())
    sizes = (7, 4, len(one), len(times), len(where) if places else 0xFFFFFFFF)
    header = struct.pack("<8sHHHIIId", MAGIC, 1, *sizes, one.duration)
    weak = np.packbits(one.weak).tobytes()
    assert_same(from_bytes(sealed(header + b"audio/1" + one.codes.tobytes() + times + weak + where)), one)


def test_pictures_that_follow_each_other_share_most_of_their_bytes() -> None:
    still = fingerprint(1000, width=32)
    still.codes[:] = still.codes[0]
    still.codes[500:, 7] ^= 1
    assert_same(from_bytes(to_bytes(still)), still)
    assert len(to_bytes(still)) < 500


def deflated(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


def hostile(n: int, codes: bytes, times: bytes) -> bytes:
    """With a right checksum and n codes of 4 bytes, whatever its sections unfold to."""
    name, weak = b"audio/1", bytes((n + 7) // 8)
    sizes = (n, len(codes), len(times), 0xFFFFFFFF)
    header = struct.pack("<8sHHH?IIIId", MAGIC, VERSION, len(name), 4, False, *sizes, 1.0)
    assert to_bytes(fingerprint(0, width=4)).startswith(header[:14])
    return sealed(header + name + codes + times + weak)


@pytest.mark.parametrize("n", [0, 3])
def test_sections_that_unfold_to_too_much_are_refused(n: int) -> None:
    times, bomb = zlib.compress(bytes(4 * n)), bytes(10_000_000)
    with pytest.raises(StorageError, match=f"not of {4 * n} bytes"):
        from_bytes(hostile(n, deflated(bytes(4 * n)), zlib.compress(bomb)))
    with pytest.raises(StorageError, match=f"not of {4 * n} bytes"):
        from_bytes(hostile(n, deflated(bomb), times))


@pytest.mark.parametrize("more", [b"more", zlib.compress(b"", wbits=-15), b"\0"])
def test_a_section_is_one_stream_and_whole(more: bytes) -> None:
    codes, times = deflated(bytes(12)), zlib.compress(bytes(12))
    with pytest.raises(StorageError, match="not of 12 bytes"):
        from_bytes(hostile(3, codes + more, times))
    with pytest.raises(StorageError, match="not of 12 bytes"):
        from_bytes(hostile(3, codes[:-1], times))


def test_more_codes_than_may_be_read_are_refused_before_they_unfold() -> None:
    n = 1_000_000
    data = hostile(n, deflated(bytes(4 * n)), zlib.compress(bytes(4 * n)))
    assert len(data) < n / 4
    assert len(from_bytes(data)) == n
    with pytest.raises(StorageError, match="unfolds to 29000000 bytes: at most 1000000 are read"):
        from_bytes(data, most=1_000_000)
