"""Where the watcher keeps what is no database's: evidence and thumbnails, below the data directory; and how much of it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


def evidence(data: Path, stream_id: str = "") -> Path:
    """The folder of a stream's evidence, or of all."""
    return data / "evidence" / stream_id


def thumbnail(data: Path, stream_id: str) -> Path:
    """The last picture of a stream, as a JPEG."""
    return data / "thumbnails" / f"{stream_id}.jpg"


def matches(data: Path, stream_id: str) -> list[Path]:
    """The folders of what was kept of a stream's matches, those that have a manifest, the first first."""
    found = evidence(data, stream_id).glob("*/match-*/manifest.json")
    return sorted((path.parent for path in found), key=airing)


def airing(folder: Path) -> int:
    """The number of the airing that was kept in a folder."""
    return int(folder.name.split("-")[1])


@dataclass(frozen=True, slots=True)
class _Match:
    folder: Path
    size: int
    last: float


def streams(data: Path) -> set[str]:
    """The ids of streams of which something is kept."""
    folder = evidence(data)
    kept = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    drawn = thumbnail(data, "").parent
    return kept | ({path.stem for path in drawn.glob("*.jpg")} if drawn.is_dir() else set())


def forget(data: Path, stream_id: str) -> None:
    """Removes all that is kept of a stream."""
    shutil.rmtree(evidence(data, stream_id), ignore_errors=True)
    thumbnail(data, stream_id).unlink(missing_ok=True)


def make_room(data: Path, most: int) -> None:
    """Removes what was kept of the oldest matches until at most so many bytes are kept."""
    kept = sorted(_kept(data), key=lambda match: match.last)
    size = sum(match.size for match in kept)
    for match in kept:
        if size <= most:
            return
        shutil.rmtree(match.folder, ignore_errors=True)
        size -= match.size


def _kept(data: Path) -> Iterator[_Match]:
    for folder in evidence(data).glob("*/*/match-*"):
        states = [found for path in folder.glob("*") if (found := _state(path))]
        yield _Match(folder, sum(size for size, _ in states), max((last for _, last in states), default=0.0))


def _state(path: Path) -> tuple[int, float] | None:
    """Bytes of a file and when it was changed; None of one that has just gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime
