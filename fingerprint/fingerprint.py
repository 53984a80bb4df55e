"""What an extractor makes and everything after it compares: binary codes on a time axis."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Times = NDArray[np.float64]
Crop = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Disguise:
    """What was done, or is assumed to have been done, to hide a copy.

    ``crop`` is (left, top, width, height) of the frame that is shown as fractions of the original, which is turned and
    mirrored as the capture shows it: beyond 0 to 1 where the original is shown small inside of something else.
    ``rotation`` is in degrees clockwise, of what was mirrored first where ``mirror`` is set: 0, 90, 180 or 270.
    ``pitch`` is in semitones; ``time_scale`` is reference seconds per query second (a copy sped up by 4 % has 1.04).
    """

    mirror: bool = False
    crop: Crop | None = None
    rotation: int = 0
    pitch: float = 0.0
    time_scale: float = 1.0

    @property
    def is_view(self) -> bool:
        """Whether it says only how the picture is seen, and nothing of how fast or high it is played."""
        return self.pitch == 0 and self.time_scale == 1

    def is_speed(self, time_scale: float, tolerance: float) -> bool:
        """Whether the pitch is, to ``tolerance`` semitones, what playing at this time scale makes of it."""
        return abs(self.pitch - 12 * math.log2(time_scale)) <= tolerance


PLAIN = Disguise()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A sequence of binary codes in time.

    algorithm  names exactly how the codes were made ("audio/1"); codes of two algorithms never meet
    duration   seconds of the medium
    times      (n,) float64, seconds, ascending: the middle of what each code describes
    codes      (n, width) uint8, packed bits, compared by Hamming distance
    weak       (n,) bool: codes that hold too little (silence, black, flat) to prove a match; they may only extend one
    places     (n, 4) float32, for local codes only: x, y, size, angle in the frame
    """

    algorithm: str
    duration: float
    times: Times
    codes: Codes
    weak: NDArray[np.bool_]
    places: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.times)
        problems = [
            problem
            for problem, wrong in (
                (
                    "times are not one-dimensional float64",
                    self.times.ndim != 1 or self.times.dtype != np.float64,
                ),
                ("codes are not two-dimensional uint8", self.codes.ndim != 2 or self.codes.dtype != np.uint8),
                ("times, codes and weak differ in length", not n == len(self.codes) == len(self.weak)),
                ("weak is not bool", self.weak.dtype != np.bool_),
                ("places are not (n, 4)", self.places is not None and self.places.shape != (n, 4)),
                ("the duration is not a finite number of seconds", not 0 <= self.duration < float("inf")),
            )
            if wrong
        ]
        if not problems and n:
            if not np.isfinite(self.times).all() or np.any(np.diff(self.times) < 0):
                problems.append("times do not ascend")
            elif self.times[0] < 0 or self.times[-1] > self.duration + 1e-6:
                problems.append(f"times leave 0 to {self.duration:.3f} s")
        if problems:
            raise ValueError(f"not a fingerprint of {self.algorithm}: {'; '.join(problems)}")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def width(self) -> int:
        """Bytes of one code."""
        return int(self.codes.shape[1])


@dataclass(frozen=True, slots=True)
class Query:
    """The codes of a capture, under one assumed disguise, with the projections whose signs they are.

    reliability  (n, bits) float32: bit b of code i is ``reliability[i, b] > 0``, and the further from 0 the surer
    """

    fingerprint: Fingerprint
    reliability: NDArray[np.float32] = field(repr=False)
    disguise: Disguise = PLAIN


def pack(reliability: NDArray[np.floating[Any]]) -> Codes:
    """Signs of projections (n, bits) as packed codes (n, bits / 8)."""
    return np.packbits(reliability > 0, axis=1)


def unpack(codes: Codes) -> NDArray[np.float32]:
    """Packed codes (n, width) as signs (n, 8 * width) in {-1, +1}."""
    return np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
