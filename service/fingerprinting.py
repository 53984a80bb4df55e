"""`whorl fingerprint`: what of a file may leave its owner's house; no catalog is needed for it."""

from collections.abc import Callable
from pathlib import Path

from fingerprint.exchange import Exchange
from fingerprint.extractor import EXTRACTORS
from fingerprint.fingerprint import PLAIN, Fingerprint, Query
from fingerprint.media import Limits, MediaError, MediaFile, open_media, sha256, unchanged, windows
from matching.engine import OVERLAP


def fingerprinted(
    path: Path, query: bool, limits: Limits, progress: Callable[[float], None] = lambda _: None
) -> Exchange:
    """The fingerprints of a file: for registering, and with ``query`` those for asking too. Raises MediaError."""
    with unchanged(path), open_media(path, limits) as media:
        digest = sha256(path)
        extractors = [e for e in (make() for make in EXTRACTORS.values()) if e.kind in media.kinds]
        references: list[Fingerprint] = []
        queries: list[tuple[float, Query]] = []
        for i, extractor in enumerate(extractors):
            references += extractor.references(media)
            progress((i + 0.5) / len(extractors))
            for start, clip in (
                windows(media, extractor.kind, extractor.window, extractor.rate, OVERLAP) if query else ()
            ):
                queries.append((start, extractor.query(clip, PLAIN)))
            progress((i + 1) / len(extractors))
        return _checked(media, Exchange(path.name, digest, media.duration, tuple(references), tuple(queries)))


def _checked(media: MediaFile, made: Exchange) -> Exchange:
    if not any(map(len, made.references)):
        raise MediaError("too-short", media.name, f"{media.duration:.2f} s are too short for a fingerprint")
    return made
