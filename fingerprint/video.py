"""Video codes "video/1": 256 bits that a small network makes of one picture, bars removed."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.fingerprint import PLAIN, Disguise, Fingerprint, Query, Times, pack
from fingerprint.media import Frame, Media
from fingerprint.picture import Array, Pictures, borders, is_cut, normalised, resized, weak

REFERENCE_RATE = 4.0  # stored codes a second: 128 bytes
QUERY_RATE = 8.0
SHOT_FRAMES = 80  # a longer shot is looked at in parts, so that memory stays flat
BATCH = 32  # pictures shown to the network at once


@lru_cache(maxsize=1)
def _session() -> Any:
    """The network: "pictures" (n, 1, 64, 64) -> "projections" (n, 256)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: a pip-installed program has no business with its warnings
    model = (files("fingerprint") / "models" / "video-1.onnx").read_bytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def project(inputs: Array) -> Array:
    """The projections (n, 256) whose signs are the codes of normalised pictures (n, 1, 64, 64)."""
    parts = [
        _session().run(["projections"], {"pictures": np.ascontiguousarray(inputs[i : i + BATCH])})[0]
        for i in range(0, len(inputs), BATCH)
    ]
    return np.concatenate([np.zeros((0, 256), np.float32), *parts])


def shots(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames in order, as shots of at most SHOT_FRAMES."""
    held: list[Frame] = []
    for frame in frames:
        if held and (len(held) == SHOT_FRAMES or is_cut(held[-1].luma, frame.luma)):
            yield held
            held = []
        held.append(frame)
    if held:
        yield held


def _prepared(frames: Iterable[Frame]) -> Iterator[tuple[Times, Pictures]]:
    """Shot by shot: times (n,), and small pictures (n, 64, 64) without their bars."""
    for shot in shots(frames):
        pictures = np.stack([frame.luma for frame in shot])
        times = np.array([frame.time for frame in shot], np.float64)
        yield times, resized(borders(pictures).of(pictures))


class VideoExtractor:
    """Pictures to codes: the time of each code is its picture's.

    rate       codes a second of a query
    tolerance  how far a copy's time scale may be from the assumed one: codes know nothing of speed
    """

    algorithm = "video/1"
    kind = "video"
    span = 1 / REFERENCE_RATE
    window = 60.0
    rate = QUERY_RATE
    tolerance = 0.12

    def reference(self, media: Media) -> Fingerprint:
        """A code every 250 ms at most."""
        times, codes = [np.zeros(0)], [np.zeros((0, 32), np.uint8)]
        flat = [np.zeros(0, np.bool_)]
        for moments, pictures in _prepared(media.frames(REFERENCE_RATE)):
            times.append(moments)
            codes.append(pack(project(normalised(pictures))))
            flat.append(weak(pictures))
        return _fingerprint(media, np.concatenate(times), np.concatenate(codes), np.concatenate(flat))

    def queries(self, media: Media) -> Iterator[Query]:
        """A code every 125 ms at most: as seen, then mirrored."""
        prepared = list(_prepared(media.frames(QUERY_RATE)))
        times = np.concatenate([np.zeros(0), *(moments for moments, _ in prepared)])
        pictures = np.concatenate([np.zeros((0, 64, 64), np.uint8), *(part for _, part in prepared)])
        flat = weak(pictures)
        for disguise in (PLAIN, Disguise(mirror=True)):
            shown = pictures[:, :, ::-1] if disguise.mirror else pictures
            reliability = project(normalised(shown))
            yield Query(_fingerprint(media, times, pack(reliability), flat), reliability, disguise)


def _fingerprint(
    media: Media, times: Times, codes: NDArray[np.uint8], flat: NDArray[np.bool_]
) -> Fingerprint:
    """Times are kept to the millisecond, as they are stored."""
    times = np.minimum(np.round(times, 3), media.duration)
    return Fingerprint(VideoExtractor.algorithm, media.duration, times, codes, flat)
