"""Audio codes "audio/3": 512 bits of a learned projection of 1.28 s of spectrogram."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from fingerprint import peaks
from fingerprint.fingerprint import PLAIN, Codes, Disguise, Fingerprint, Query, pack
from fingerprint.media import Media
from fingerprint.spectrum import (
    BINS,
    HOP,
    PATCH,
    SAMPLE_RATE,
    Array,
    band_powers,
    contrast,
    filter_bank,
    frame_time,
    patches,
    spectra,
)

REFERENCE_STEP = peaks.SLOT  # frames between stored codes: 640 ms, 100 bytes a second
QUERY_STEP = (
    2  # frames between a query's codes: 40 ms, for the error of a code doubles with 16 ms of misalignment
)
# Frames between the codes of disguised queries: of three of these one is within 20 ms of a stored one.
GLANCE_STEP = 6
BEYOND = 32  # frames of a query's patch that may lie outside it: its ends are worth codes too, the more the shorter it is
BLOCK = 94 * REFERENCE_STEP * HOP  # samples of a reference worked on at once: 60 s
MARGIN = 4 * REFERENCE_STEP * HOP  # samples around a block that its frames' context reaches into: 2.6 s
# Seconds from a stored code to the next, and from the start of what is registered to its first one.
SPACING, FIRST = REFERENCE_STEP * HOP / SAMPLE_RATE, float(frame_time((PATCH - 1) / 2))
WEAK_POWER = 2e-9  # mean band power of a patch (noise of -60 dBFS) under which it counts as silence
# Codes hold to a third of a semitone and some 3 % of tempo on either side; beyond that the query's side tries others.
PITCH_STEP, MOST_PITCH = 0.5, 4.5  # semitones
TEMPO_STEP, MOST_TEMPO = 0.06, 0.24  # of the logarithm: 0.79 to 1.27
SPEED_STEP = 0.03  # likewise; half a semitone

Rows = NDArray[np.int64]


def _grid(steps: float, most: float) -> list[float]:
    """0, then +-steps, +-2 steps, ... up to ``most``: the mildest first."""
    count = round(most / steps)
    return [0.0, *(sign * i * steps for i in range(1, count + 1) for sign in (1, -1))]


def _hypotheses() -> Iterator[Disguise]:
    """What a query's side tries, likeliest first: one change alone, then two at once."""
    pitches = _grid(PITCH_STEP, MOST_PITCH)
    tempos = [float(np.exp(step)) for step in _grid(TEMPO_STEP, MOST_TEMPO)]
    for speed in _grid(SPEED_STEP, MOST_TEMPO)[1:]:  # played faster: pitch and tempo rise together
        yield Disguise(pitch=float(12 * speed / np.log(2)), time_scale=float(np.exp(speed)))
    for pitch in pitches[1:]:
        yield Disguise(pitch=pitch)
    for tempo in tempos[1:]:
        yield Disguise(time_scale=tempo)
    for tempo in tempos[1:]:
        for pitch in pitches[1:]:
            disguise = Disguise(pitch=pitch, time_scale=tempo)
            if not _is_speed(disguise):
                yield disguise


def _is_speed(disguise: Disguise) -> bool:
    """Whether pitch and tempo rise together, or nearly."""
    return disguise.is_speed(disguise.time_scale, PITCH_STEP / 2)


HYPOTHESES: tuple[Disguise, ...] = tuple(_hypotheses())
LIKELY = sum(
    d.pitch == 0 or d.time_scale == 1 or _is_speed(d) for d in HYPOTHESES
)  # one change alone: they come first


@lru_cache(maxsize=1)
def _model() -> tuple[Array, Array]:
    """Mean patch (PATCH_SIZE,) through the projection, and the projection (PATCH_SIZE, 512)."""
    with (files("fingerprint") / "models" / "audio-3.npz").open("rb") as stored, np.load(stored) as arrays:
        projection = arrays["projection"].astype(np.float32)
        return arrays["mean"] @ projection, projection


def project(bands: Array, starts: Rows) -> Array:
    """The projections (n, 512) whose signs are the codes of the patches that start at the given frames."""
    offset, projection = _model()
    return np.asarray(patches(bands, starts) @ projection - offset)


def _quiet(powers: Array, starts: Rows) -> NDArray[np.bool_]:
    """Which patches, as far as they lie inside, are silence."""
    total = np.concatenate([[0.0], np.cumsum(powers.mean(1), dtype=np.float64)])
    first, last = (np.clip(edge, 0, len(powers)) for edge in (starts, starts + PATCH))
    return np.asarray((total[last] - total[first]) / (last - first) < WEAK_POWER)


def _starts(frames: int, step: int) -> Rows:
    return np.arange(0, max(frames - PATCH + 1, 0), step)


def _blocks(chunks: Iterable[Array]) -> Iterator[tuple[int, Array, bool]]:
    """Stretches of BLOCK samples with MARGIN on both sides (the first and the last: what is there), each with the number of
    its first sample, and whether it is the last.
    """
    pieces, size, first, complete = [np.zeros(0, np.float32)], 0, 0, BLOCK + MARGIN
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        while size > complete:
            held = np.concatenate(pieces)
            yield first, held[:complete], False
            drop = complete - 2 * MARGIN
            pieces, size, first, complete = [held[drop:]], size - drop, first + drop, BLOCK + 2 * MARGIN
    yield first, np.concatenate(pieces), True


class AudioExtractor:
    """Sound to codes: the middle of each code is its time."""

    algorithm = "audio/3"
    kind = "audio"
    span = ((PATCH - 1) * HOP) / SAMPLE_RATE
    window = 60.0
    rate = 0.0
    tolerance = 0.03
    sparse = 0.12  # of three of these one is within 20 ms of a stored one
    stages: tuple[int, ...] = (LIKELY, len(HYPOTHESES) - LIKELY)

    def reference(self, media: Media) -> Fingerprint:
        """A code every 640 ms."""
        return self.references(media)[0]

    def references(self, media: Media) -> tuple[Fingerprint, ...]:
        """A code and the peaks of every 640 ms; no peaks of what is too short for a code."""
        begun: list[Rows] = []
        codes: list[Codes] = []
        weak: list[NDArray[np.bool_]] = []
        rows: list[Codes] = []
        done = 0
        for first, samples, is_last in _blocks(media.samples()):
            spectrum = spectra(samples)
            powers = spectrum @ filter_bank()[:BINS]
            slots = np.arange(0, len(powers), REFERENCE_STEP)
            # All but the last block leave their last MARGIN to the next one, which sees it with its context.
            last = np.inf if is_last else first + len(samples) - MARGIN
            whole = slots + first // HOP
            slots = slots[(whole >= done) & (whole * HOP < last)]
            starts = slots[slots <= len(powers) - PATCH]
            done = int(slots[-1]) + first // HOP + REFERENCE_STEP if len(slots) else done
            begun.append(slots + first // HOP)
            codes.append(pack(project(contrast(powers), starts)))
            weak.append(_quiet(powers, starts))
            rows.append(peaks.rows(spectrum, slots))
        every = np.concatenate(begun)
        made = np.concatenate(codes)
        kept = _fingerprint(media.duration, _middles(every[: len(made)]), made, np.concatenate(weak))
        return (
            (kept, peaks.fingerprint(media.duration, every, np.concatenate(rows))) if len(made) else (kept,)
        )

    def queries(self, media: Media) -> Iterator[Query]:
        """A code every 40 ms as heard; then one every 120 ms with each pitch and tempo undone."""
        samples = _whole(media)
        yield self.query(media, PLAIN)
        for scale, disguises in itertools.groupby(HYPOTHESES, key=lambda d: d.time_scale):
            together = list(disguises)
            powers = band_powers(samples, tuple(d.pitch for d in together), scale)
            for heard, disguise in zip(powers, together, strict=True):
                yield _query(heard, media.duration, disguise, GLANCE_STEP)

    def closer(self, media: Media, query: Query) -> Query:
        """A code every 40 ms."""
        return self.query(media, query.disguise)

    def query(self, media: Media, disguise: Disguise) -> Query:
        """A code every 40 ms with this pitch and tempo undone."""
        return self._every(media, disguise, QUERY_STEP)

    def densest(self, media: Media, disguise: Disguise) -> Query:
        """A code every 20 ms: 20 ms off, the true turn of a loop is less like the original than another one."""
        return self._every(media, disguise, 1)

    def _every(self, media: Media, disguise: Disguise, step: int) -> Query:
        powers = band_powers(_whole(media), (disguise.pitch,), disguise.time_scale)[0]
        return _query(powers, media.duration, disguise, step)

    def refined(self, media: Media, disguises: Sequence[Disguise], fit: Callable[[Query], float]) -> Query:
        """The query whose pitch, near one of those assumed, ``fit`` finds best."""
        samples = _whole(media)
        queries: list[Query] = []
        for disguise in disguises:
            near = [
                replace(disguise, pitch=disguise.pitch + change)
                for change in _grid(PITCH_STEP / 3, PITCH_STEP / 3)
            ]
            powers = band_powers(samples, tuple(d.pitch for d in near), disguise.time_scale)
            queries += [_query(heard, media.duration, d) for heard, d in zip(powers, near, strict=True)]
        return max(queries, key=fit)


def _whole(media: Media) -> Array:
    return np.concatenate([np.zeros(0, np.float32), *media.samples()])


def _query(powers: Array, duration: float, disguise: Disguise, step: int = QUERY_STEP) -> Query:
    # Of less than half a patch no code would have seen more than it guessed.
    starts = _starts(len(powers) + 2 * BEYOND if len(powers) >= PATCH // 2 else 0, step)
    reliability = project(np.pad(contrast(powers), ((BEYOND, BEYOND), (0, 0))), starts)
    starts = starts - BEYOND
    times = _middles(starts, disguise.time_scale)
    return Query(
        _fingerprint(duration, times, pack(reliability), _quiet(powers, starts)), reliability, disguise
    )


def _middles(starts: Rows, time_scale: float = 1.0) -> NDArray[np.float64]:
    """Seconds of the middles of patches."""
    return frame_time(starts + (PATCH - 1) / 2, time_scale)


def _fingerprint(
    duration: float, times: NDArray[np.float64], codes: Codes, weak: NDArray[np.bool_]
) -> Fingerprint:
    """Times are kept to the millisecond, as they are stored."""
    return Fingerprint(
        AudioExtractor.algorithm, duration, np.minimum(np.round(times, 3), duration), codes, weak
    )
