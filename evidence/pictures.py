"""Pictures of what was matched, as data URLs: frames side by side, and spectrograms one above the other."""

from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence.answer import Json
from fingerprint.media import SAMPLE_RATE, Limits, open_media, picture
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


def frame(path: Path, seconds: float) -> str:
    """The frame shown at a second, as a JPEG. Raises MediaError."""
    pixels = picture(path, seconds, WIDTH)
    return _data_url(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 78])


def spectrogram(path: Path, start: float, seconds: float) -> str:
    """The sound from ``start`` on, low frequencies at the bottom, as a PNG. Raises MediaError."""
    powers = band_powers(_samples(path, start, min(seconds, LONGEST)))[0]
    level = np.log(powers + np.median(powers) * 0.1 + 1e-12)
    low, high = np.percentile(level, (5, 99.5))
    grey = (np.clip((level - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    drawn = cv2.applyColorMap(np.ascontiguousarray(grey.T[::-1]), cv2.COLORMAP_VIRIDIS)
    return _data_url(".png", np.asarray(cv2.resize(drawn, (600, 96)), np.uint8), [])


def _samples(path: Path, start: float, seconds: float) -> NDArray[np.float32]:
    """The sound of a file from ``start`` on, at SAMPLE_RATE; silence behind its end; 0.2 s at least."""
    first, wanted, read = int(start * SAMPLE_RATE), int(max(seconds, 0.2) * SAMPLE_RATE), 0
    parts: list[NDArray[np.float32]] = []
    with open_media(path, Limits.from_environment()) as media:
        for chunk in media.samples():
            parts.append(chunk[max(0, first - read) : max(0, first + wanted - read)])
            read += len(chunk)
            if read >= first + wanted:
                break
    found = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return np.pad(found, (0, wanted - len(found)))


def _data_url(suffix: str, pixels: NDArray[np.uint8], options: list[int]) -> str:
    _, data = cv2.imencode(suffix, np.ascontiguousarray(pixels), options)
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    return f"data:image/{kind};base64,{b64encode(data.tobytes()).decode()}"
