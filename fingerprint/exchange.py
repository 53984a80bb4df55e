"""What leaves the house of a medium's owner in place of the medium: its fingerprints, in one checked file.

Layout, little-endian: magic | version | size of the head | head (JSON) | sections | BLAKE2b of all before. The head names
the medium and each section's algorithm, start and sizes. The sections of a reference are ``fingerprint.storage``'s; a query
adds to one of these its projections, as bytes of which each is 1 / STEPS: a bit's sign is never lost. Never pickle.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.fingerprint import Fingerprint, Query, pack
from fingerprint.storage import StorageError, from_bytes, to_bytes, unfolded

MEDIA_TYPE = "application/vnd.whorl.fingerprint"
MAGIC = b"WhorlEx\n"
VERSION = 1
STEPS = 32  # of a projection's unit; beyond 4 units a bit is as sure as it can be
LONGEST_HEAD = 1 << 20  # bytes
LONGEST_NAME = 1024  # characters
LARGEST = 1 << 28  # bytes that all codes of a file may unfold to: a week of sound, a day of a query
# Codes of one algorithm in any second: a query of sound has 25, stored pictures 4.
DENSEST = {"query": 32, "reference": 10}
WINDOW = 61.0  # seconds of a query's part: a minute is looked at together, and all its codes are compared with each other's

_HEADER = struct.Struct("<8sHI")
_DIGEST = 16


@dataclass(frozen=True, slots=True)
class Exchange:
    """The fingerprints of one medium.

    references  sparse ones, one an algorithm: to be registered
    queries     dense ones as captured, by the second at which their stretch begins: to be searched for
    """

    name: str
    sha256: str
    duration: float
    references: tuple[Fingerprint, ...] = ()
    queries: tuple[tuple[float, Query], ...] = ()


def packed(made: Exchange) -> bytes:
    """The exchange as bytes."""
    references = [(f.algorithm, 0.0, to_bytes(f), b"") for f in made.references]
    queries = [
        (q.fingerprint.algorithm, start, to_bytes(q.fingerprint), _coarse(q)) for start, q in made.queries
    ]
    parts = [
        {"algorithm": algorithm, "start": start, "size": len(codes), "more": len(more)}
        for algorithm, start, codes, more in (*references, *queries)
    ]
    about = {"name": made.name, "sha256": made.sha256, "duration": made.duration, "parts": parts}
    head = json.dumps(about).encode()
    body = b"".join(codes + more for _, _, codes, more in (*references, *queries))
    whole = _HEADER.pack(MAGIC, VERSION, len(head)) + head + body
    return whole + _digest(whole)


def is_exchange(path: Path) -> bool:
    """Whether a file says that it is an exchange."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def unpacked(data: bytes) -> Exchange:
    """The exchange that ``packed`` made. Raises StorageError naming what is wrong with the bytes."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER.size + _DIGEST:
        raise StorageError(f"no fingerprint file: starts with {data[: len(MAGIC)]!r}, not {MAGIC!r}")
    _, version, size = _HEADER.unpack_from(data)
    if version != VERSION:
        raise StorageError(f"fingerprint file of version {version}: this is version {VERSION}")
    if data[-_DIGEST:] != _digest(data[:-_DIGEST]):
        raise StorageError("fingerprint file is damaged: its checksum does not fit")
    start = _HEADER.size + size
    if size > LONGEST_HEAD or start > len(data) - _DIGEST:
        raise StorageError(f"fingerprint file does not hold together: a head of {size} bytes")
    try:
        return _made(json.loads(data[_HEADER.size : start]), data[start:-_DIGEST])
    except StorageError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StorageError(f"fingerprint file does not hold together: {error}") from None


def _made(about: Any, body: bytes) -> Exchange:
    name, sha256, duration = str(about["name"]), str(about["sha256"]), float(about["duration"])
    if len(name) > LONGEST_NAME or not _is_sha256(sha256) or not 0 <= duration < float("inf"):
        raise ValueError("it does not say what it was made of")
    references, queries, at, left = list[Fingerprint](), list[tuple[float, Query]](), 0, LARGEST
    for part in about["parts"]:
        begin, size, more = float(part["start"]), _size(part["size"]), _size(part["more"])
        codes, rest = body[at : at + size], body[at + size : at + size + more]
        at += size + more
        made = from_bytes(codes, left)
        left -= unfolded(len(made), made.width)
        _check_spread(made, "query" if more else "reference")
        if made.algorithm != part["algorithm"] or not 0 <= begin <= duration or made.duration > duration + 1:
            raise ValueError(f"a part of {made.algorithm} is not what the head says")
        if more:
            queries.append((begin, _fine(made, rest)))
        elif len(made) or not size:
            references.append(made)
    if at != len(body):
        raise ValueError("its parts are not as long as they say")
    if len({made.algorithm for made in references}) < len(references):
        raise ValueError("it holds two references of one algorithm: send one of each")
    return Exchange(name, sha256, duration, tuple(references), tuple(queries))


def _check_spread(made: Fingerprint, what: str) -> None:
    """What a capture is compared with costs the square of the codes that lie together: no medium has more of them."""
    most = DENSEST[what]
    crowded = np.flatnonzero(made.times[most:] - made.times[: max(len(made) - most, 0)] < 1 - 1e-6)
    if len(crowded):
        begin = f"in the second from {made.times[crowded[0]]:.1f} s on"
        raise ValueError(
            f"a {what} with more than {most} codes of {made.algorithm} {begin}: they are too many"
        )
    # A part may last longer than its codes: pictures can end long before the sound does.
    if what == "query" and len(made) and made.times[-1] > WINDOW:
        raise ValueError(f"a query of {made.times[-1]:.0f} s: parts of {WINDOW:.0f} s at most are compared")


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _coarse(query: Query) -> bytes:
    """The projections as signed bytes, none of them 0."""
    size = np.clip(np.rint(np.abs(query.reliability) * STEPS), 1, 127)
    return bytes(np.where(query.reliability > 0, size, -size).astype(np.int8).tobytes())


def _fine(made: Fingerprint, data: bytes) -> Query:
    coarse = np.frombuffer(data, np.int8)
    if len(coarse) != len(made) * made.width * 8:
        raise ValueError(f"{len(coarse)} projections do not fit {len(made)} codes")
    reliability = coarse.reshape(len(made), -1) * np.float32(1 / STEPS)
    if not np.array_equal(pack(reliability), made.codes):
        raise ValueError("projections and codes contradict each other")
    return Query(made, reliability)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()
