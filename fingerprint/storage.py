"""Fingerprint <-> bytes: stamped with what made it, compact, checked on the way back; never pickle.

Layout, little-endian: header | algorithm (UTF-8) | codes (deflate) | times (zlib) | weak (packed bits) |
places (zlib) | BLAKE2b of all before. Of the codes even columns are stored before odd ones, as they are or as what
changes from row to row, whichever is smaller: pictures that follow each other share most of their bits. Times are
whole milliseconds; their steps are stored as four byte planes, so that an even spacing costs next to nothing.
Version 1, which is read but no longer written, had its codes as they are, and no length of them.
"""

import hashlib
import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import Codes, Fingerprint, Times

MAGIC = b"WhorlFp\n"
VERSION = 2
DIGEST_SIZE = 16
ANY_SIZE = 1 << 62  # bytes: of what we wrote ourselves
# magic, version, length of the name, width, whether codes are changes, number of codes, length of codes, of times and of
# places, duration
_HEADER = struct.Struct("<8sHHH?IIIId")
_HEADER_1 = struct.Struct("<8sHHHIIId")
_NO_PLACES = 0xFFFFFFFF
_RAW = -zlib.MAX_WBITS  # deflate without zlib's frame: what is whole is told by the digest
_BESIDE = 25  # bytes of memory of each code's time, place and weakness
_MILLISECOND_SLACK = 1e-6  # seconds: what adding up a thousand float64 steps may drift


class StorageError(ValueError):
    """These bytes are no stored fingerprint, not a whole one, or of a newer version; the message says."""


class NewerError(StorageError):
    """A newer version wrote them: they are whole, and must not be thrown away."""


def to_bytes(fingerprint: Fingerprint) -> bytes:
    """The fingerprint as bytes, at most about ``n * (width + 0.3)`` of them for evenly spaced codes.

    Raises ValueError when a time is not a multiple of 1 ms, for it would come back changed.
    """
    name = fingerprint.algorithm.encode()
    plain = _folded(fingerprint.codes, zlib.Z_DEFAULT_STRATEGY)
    # Few of their bytes come again, most are small.
    changes = _folded(_changes(fingerprint.codes), zlib.Z_FILTERED)
    codes = min(plain, changes, key=len)
    times = zlib.compress(_steps(fingerprint.times), 9)
    places = b"" if fingerprint.places is None else zlib.compress(fingerprint.places.astype("<f4").tobytes())
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        len(name),
        fingerprint.width,
        len(changes) < len(plain),
        len(fingerprint),
        len(codes),
        len(times),
        _NO_PLACES if fingerprint.places is None else len(places),
        fingerprint.duration,
    )
    body = header + name + codes + times + np.packbits(fingerprint.weak).tobytes() + places
    return body + _digest(body)


def from_bytes(data: bytes, most: int = ANY_SIZE) -> Fingerprint:
    """The fingerprint that ``to_bytes`` stored. Raises StorageError naming what is wrong with the bytes, or when they would
    take more than ``most`` bytes of memory: a few can unfold to very many.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise StorageError(f"not a stored fingerprint: starts with {data[: len(MAGIC)]!r}, not {MAGIC!r}")
    head = _head(data)
    if unfolded(head.n, head.width) > most:
        size = unfolded(head.n, head.width)
        raise StorageError(f"stored fingerprint unfolds to {size} bytes: at most {most} are read")
    has_places = head.places_size != _NO_PLACES
    sizes = [head.name_size, head.codes_size, head.times_size, (head.n + 7) // 8]
    sizes.append(head.places_size if has_places else 0)
    _check_whole(data, head.size + sum(sizes) + DIGEST_SIZE)
    name, codes, times, weak, places = _cut(data, head.size, sizes)
    try:
        return Fingerprint(
            algorithm=name.decode(),
            duration=head.duration,
            times=_times(_inflate(times, 4 * head.n)),
            codes=_codes(codes, head),
            weak=np.unpackbits(np.frombuffer(weak, np.uint8), count=head.n).astype(np.bool_),
            places=_places(_inflate(places, 16 * head.n)) if has_places else None,
        )
    except (
        ValueError,
        zlib.error,
    ) as error:  # a right checksum over wrong content: whoever wrote it was mistaken
        raise StorageError(f"stored fingerprint does not hold together: {error}") from error


class _Head(NamedTuple):
    """What a header says, and its own size; ``changes`` is None where codes are not folded."""

    size: int
    name_size: int
    width: int
    changes: bool | None
    n: int
    codes_size: int
    times_size: int
    places_size: int
    duration: float


def _head(data: bytes) -> _Head:
    if len(data) < _HEADER.size:
        raise StorageError(f"stored fingerprint is truncated: {len(data)} bytes do not hold its header")
    _, version, *told = _HEADER.unpack_from(data)
    if version > VERSION:
        raise NewerError(
            f"stored fingerprint has version {version}, newer than {VERSION}: upgrade Whorl to read it"
        )
    if version > 1:
        return _Head(_HEADER.size, *told)
    _, _, name_size, width, n, times_size, places_size, duration = _HEADER_1.unpack_from(data)
    return _Head(_HEADER_1.size, name_size, width, None, n, n * width, times_size, places_size, duration)


def unfolded(n: int, width: int) -> int:
    """Bytes of memory that n codes of a width take, their times and places among them."""
    return n * (width + _BESIDE)


def _changes(codes: Codes) -> Codes:
    """What of each row differs from the one before."""
    return np.concatenate([codes[:1], codes[1:] ^ codes[:-1]])


def _folded(codes: Codes, strategy: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, strategy)
    return stream.compress(codes[:, ::2].tobytes() + codes[:, 1::2].tobytes()) + stream.flush()


def _codes(data: bytes, head: _Head) -> Codes:
    if head.changes is None:
        return np.frombuffer(data, np.uint8).reshape(head.n, head.width)
    columns = np.frombuffer(_inflate(data, head.n * head.width, _RAW), np.uint8)
    codes, even = np.empty((head.n, head.width), np.uint8), (head.width + 1) // 2
    codes[:, ::2] = columns[: head.n * even].reshape(head.n, even)
    codes[:, 1::2] = columns[head.n * even :].reshape(head.n, head.width - even)
    return np.bitwise_xor.accumulate(codes, axis=0, out=codes) if head.changes else codes


def _check_whole(data: bytes, size: int) -> None:
    if len(data) < size:
        raise StorageError(f"stored fingerprint is truncated: {len(data)} bytes of {size}")
    if len(data) > size or data[-DIGEST_SIZE:] != _digest(data[:-DIGEST_SIZE]):
        raise StorageError("stored fingerprint is damaged: its checksum does not fit")


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_SIZE).digest()


def _cut(data: bytes, start: int, sizes: list[int]) -> list[bytes]:
    ends = [start + sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [data[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _inflate(data: bytes, size: int, bits: int = zlib.MAX_WBITS) -> bytes:
    """Exactly ``size`` bytes, never more: a stored length of a few bytes must not unfold to gigabytes. Else ValueError."""
    stream = zlib.decompressobj(bits)
    inflated = stream.decompress(data, size + 1)
    if len(inflated) != size or not stream.eof or stream.unused_data:
        raise ValueError(f"a section is not of {size} bytes")
    return inflated


def _steps(times: Times) -> bytes:
    milliseconds = np.rint(times * 1000)
    off = np.flatnonzero(np.abs(milliseconds / 1000 - times) > _MILLISECOND_SLACK)
    if len(off):
        raise ValueError(
            f"time {times[off[0]]!r} s is not a multiple of 1 ms: round the times before storing them"
        )
    if len(times) and milliseconds[-1] > np.iinfo(np.uint32).max:
        raise ValueError(f"time {times[-1]!r} s is beyond the 49 days that can be stored")
    steps = np.diff(milliseconds, prepend=0).astype("<u4")
    return steps.view(np.uint8).reshape(-1, 4).T.tobytes()


def _times(planes: bytes) -> Times:
    steps: NDArray[np.uint32] = np.frombuffer(planes, np.uint8).reshape(4, -1).T.copy().view("<u4").ravel()
    return np.cumsum(steps, dtype=np.int64) / 1000


def _places(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, "<f4").reshape(-1, 4).astype(np.float32)
