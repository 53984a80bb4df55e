"""Pictures of what was matched: frames side by side, and spectrograms one above the other."""

from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence.answer import Json
from fingerprint.media import SAMPLE_RATE, Limits, MediaError, open_media, picture
from fingerprint.spectrum import band_powers

WIDTH = 300  # pixels of a frame
LONGEST = 12.0  # seconds of sound that are drawn


def along(segment: Json, seconds: float) -> float:
    """The reference's second at a query's second: ``time_scale * (seconds - query_start) + ref_start``."""
    return float(segment["ref_start"] + (seconds - segment["query_start"]) * segment["time_scale"])


def frame_times(segment: Json, count: int = 3) -> list[float]:
    """Seconds of the query, spread evenly inside the segment."""
    start, end = segment["query_start"], segment["query_end"]
    return [start + (end - start) * (i + 0.5) / count for i in range(count)]


def drawn_seconds(segment: Json) -> float:
    """Seconds of the query that a spectrogram of the segment shows: neither side of it more than LONGEST."""
    seconds = segment["query_end"] - segment["query_start"]
    return float(min(seconds, LONGEST / max(1.0, segment["time_scale"])))


def frame(path: Path, seconds: float) -> bytes:
    """The frame shown at a second, as a JPEG. Raises MediaError."""
    pixels = picture(path, seconds, WIDTH)
    return _encoded(path, ".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 78])


def still(luma: NDArray[np.uint8]) -> bytes:
    """A picture as it is examined (128, 128), drawn as wide as most pictures are, as a JPEG."""
    wide = cv2.resize(luma, (256, 144), interpolation=cv2.INTER_LINEAR)
    return bytes(cv2.imencode(".jpg", wide, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes())


def spectrogram(path: Path, start: float, seconds: float, track: int = 1) -> bytes:
    """The sound of a track from ``start`` on, low frequencies at the bottom, as a PNG. Raises MediaError."""
    powers = band_powers(_samples(path, start, min(seconds, LONGEST), track))[0]
    level = np.log(powers + np.median(powers) * 0.1 + 1e-12)
    low, high = np.percentile(level, (5, 99.5))
    grey = (np.clip((level - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    drawn = cv2.applyColorMap(np.ascontiguousarray(grey.T[::-1]), cv2.COLORMAP_VIRIDIS)
    return _encoded(path, ".png", np.asarray(cv2.resize(drawn, (600, 96)), np.uint8), [])


def _samples(path: Path, start: float, seconds: float, track: int) -> NDArray[np.float32]:
    """The sound of a file from ``start`` on, at SAMPLE_RATE; silence behind its end; 0.2 s at least.

    It may be 20 ms off, a pixel of the drawing: only the packets of the stretch are decoded, else the end of a film would
    take minutes.
    """
    wanted = int(max(seconds, 0.2) * SAMPLE_RATE)
    with open_media(path, Limits.from_environment()) as media:
        found = media.part(start, wanted / SAMPLE_RATE, min(track, media.tracks) - 1)[:wanted]
    return np.pad(found, (0, wanted - len(found)))


def data_url(kind: str, data: bytes) -> str:
    """A picture of a kind ("jpeg", "png") for a page that must not need another file."""
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def _encoded(path: Path, suffix: str, pixels: NDArray[np.uint8], options: list[int]) -> bytes:
    """The drawing as a file of that suffix. Raises MediaError."""
    done, data = cv2.imencode(suffix, np.ascontiguousarray(pixels), options)
    if not done:
        raise MediaError("corrupt", path.name, f"gives a picture of {pixels.shape[1]} x {pixels.shape[0]}")
    return bytes(data.tobytes())
