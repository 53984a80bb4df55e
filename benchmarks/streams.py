"""How soon a work in a stream is told, how exactly, and what is told wrongly.

    python -m benchmarks.streams [--titles N] [--registered N]

The stream's media are fed second by second to what ``whorl watch`` examines them with, faster than real time; times are
those of the stream: to them come the length of its segments and what fetching takes. ``benchmarks.on_air`` measures the
command itself against the clock. Writes ``streams.json`` into ``benchmarks/results``.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audio_attacks import RATE, Change, Sound, chained, noisy, pitch, plain
from benchmarks.copies import LINES, excerpt
from benchmarks.corpus import Title, draw, media_folder, originals, registered, seeded, titles
from benchmarks.corpus import strangers as unregistered
from benchmarks.files import read_pictures, read_sound, write_mp4, write_wav
from benchmarks.stream_rows import required
from benchmarks.taken import noted
from benchmarks.video_attacks import Change as PictureChange
from benchmarks.video_attacks import logo_and_caption
from benchmarks.video_attacks import plain as unchanged
from fingerprint.media import Frame, open_media
from matching.airing import Airings
from matching.airing import Change as Told
from matching.engine import Engine

RESULTS = Path(__file__).parent / "results"
BEFORE, DURING, AFTER = 12.0, 20.0, 16.0  # seconds of nobody's, of a work, of nobody's
SOUNDS: dict[str, Change] = {"clean": plain, "pitch +1, noise 5 dB": chained(pitch(1), noisy(5))}
PICTURES: dict[str, PictureChange] = {"clean": unchanged, "logo + 360p": logo_and_caption}


@dataclass
class Tally:
    """What came of a row of works in streams: seconds from a work's first second to "started", and so on."""

    asked: int = 0
    started: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    wrong: int = 0

    def figures(self) -> dict[str, Any]:
        """As plain data."""
        made: dict[str, Any] = {"asked": self.asked, "found": len(self.started), "wrong": self.wrong}
        for name in ("started", "ended", "starts", "ends"):
            values = np.abs(getattr(self, name)) if name in ("starts", "ends") else getattr(self, name)
            if len(values):
                made[name] = {"p50": round(float(np.percentile(values, 50)), 2),
                              "p95": round(float(np.percentile(values, 95)), 2)}  # fmt: skip
        made["ends within 1 s"] = sum(
            abs(a) <= 1 and abs(b) <= 1 for a, b in zip(self.starts, self.ends, strict=True)
        )
        return made


def watched(path: Path, engine: Engine, hunting: bool = True) -> list[Told]:
    """Everything that is told of a file that is fed second by second."""
    airings = Airings(engine)
    airings.effort.hunting = hunting
    told: list[Told] = []
    with open_media(path) as media:
        sound = np.concatenate(list(media.samples())) if "audio" in media.kinds else None
        frames = list(media.frames(8.0)) if "video" in media.kinds else []
        duration = media.duration
    for second in range(int(duration) + 1):
        if sound is not None:
            airings.hear(float(second), sound[second * 8000 : (second + 1) * 8000])
        seen = [Frame(f.time, f.luma) for f in frames if second <= f.time < second + 1]
        if seen:
            airings.see(seen)
        told += airings.changes(min(second + 1.0, duration))
    return told + airings.finish(duration)


def judged(tally: Tally, told: list[Told], ref_id: int, start: float, end: float) -> None:
    """Adds what was told of one work, and of others."""
    tally.asked += 1
    mine = [one for one in told if one.ref_id == ref_id]
    begun = next((one for one in mine if one.what == "started"), None)
    over = next((one for one in mine if one.what == "ended"), None)
    tally.wrong += sum(one.what == "started" and one.ref_id != ref_id for one in told)
    if begun is not None and over is not None:
        best = max(over.segments, key=lambda s: s.query_end - s.query_start)
        tally.started.append(begun.seconds - start)
        tally.ended.append(over.seconds - end)
        tally.starts.append(best.query_start - start)
        tally.ends.append(best.query_end - end)


def radio(media: Path, title: Title, others: list[Title], change: Change, path: Path) -> float:
    """Writes nobody's sound, an attacked excerpt, nobody's sound; gives where the excerpt ends."""
    rng = seeded(title.file, "stream")
    _, taken = excerpt(read_sound(media / title.file), DURING, rng)
    parts = [_some(media, others, BEFORE, rng), change(taken, rng), _some(media, others, AFTER, rng)]
    write_wav(path, np.concatenate(parts))
    return BEFORE + len(parts[1]) / RATE


def _some(media: Path, others: list[Title], seconds: float, rng: np.random.Generator) -> Sound:
    other = read_sound(media / others[int(rng.integers(len(others)))].file)
    return np.resize(excerpt(other, seconds, rng)[1], round(seconds * RATE))


def television(media: Path, title: Title, others: list[Title], change: PictureChange, path: Path) -> float:
    """The same of pictures."""
    rng = seeded(title.file, "stream")
    length = min(DURING, title.seconds)
    start = float(rng.uniform(0, title.seconds - length)) if title.seconds > length else 0.0
    first, last = (others[int(rng.integers(len(others)))] for _ in range(2))
    shown: list[tuple[float, Any]] = []
    shown += _shifted(read_pictures(media / first.file, LINES, 0, BEFORE), 0.0, 0.0)
    begin = BEFORE if shown else 0.0
    taken = read_pictures(media / title.file, LINES, start, start + length)
    pictures = [change(picture, t - start, rng) for t, picture in taken]
    shown += [(begin + t - start, p) for (t, _), p in zip(taken, pictures, strict=True)]
    shown += _shifted(read_pictures(media / last.file, LINES, 0, AFTER), begin + length, 0.0)
    height, width = shown[len(shown) // 2][1].shape[:2]
    fitted = ((t, _fitted(p, height, width)) for t, p in shown)
    write_mp4(path, fitted, 30)
    return begin + length


def _shifted(pictures: list[tuple[float, Any]], by: float, start: float) -> list[tuple[float, Any]]:
    return [(t - start + by, p) for t, p in pictures]


def _fitted(picture: Any, height: int, width: int) -> Any:
    import cv2

    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def events(
    media: Path, engine: Engine, names: dict[str, int], count: int, note: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sound and pictures, clean and attacked."""
    everything = titles(media)
    for kind, changes in (("audio", SOUNDS), ("video", PICTURES)):
        known = [t for t in originals(everything, kind) if t.file in names and t.seconds >= 12]
        known = sorted(known, key=lambda t: draw(t.file + "stream"))[:count]
        others = [t for t in unregistered(everything, kind) if t.seconds >= 8]
        for name, change in changes.items():
            tally = Tally()
            for number, title in enumerate(known, 1):
                note(f"{kind}, {name}: {number} of {len(known)}")
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / ("stream.wav" if kind == "audio" else "stream.mp4")
                    made: Any = radio if kind == "audio" else television
                    end = made(media, title, others, change, path)
                    judged(tally, watched(path, engine), names[title.file], BEFORE, end)
            yield f"{kind}, {name}", tally.figures()


def catalog(media: Path, data: Path, most: int, note: Callable[[str], None]) -> dict[str, int]:
    """Registers titles, those that copies are made of first; their references."""
    everything = titles(media)
    first = [t for kind in ("audio", "video") for t in _drawn(originals(everything, kind))[: most // 3]]
    rest = [t for t in _drawn(registered(everything)) if t not in first][: max(most - len(first), 0)]
    names: dict[str, int] = {}
    with Engine(data) as engine:
        for number, title in enumerate([*first, *rest], 1):
            note(f"registering {number} of {len(first) + len(rest)}")
            names[title.file] = engine.register(media / title.file, title=title.file)[0].id
        engine.save()
    return names


def _drawn(some: Iterable[Title]) -> list[Title]:
    return sorted(some, key=lambda t: draw(t.file + "stream"))


def main() -> None:
    """Measures and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=16)
    parser.add_argument("--registered", type=int, default=120)
    given = parser.parse_args()
    media = media_folder()

    def note(text: str) -> None:
        sys.stderr.write(text + "\n")

    made: dict[str, Any] = {}
    path = RESULTS / "streams.json"
    if path.exists():
        made = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as folder:
        names = catalog(media, Path(folder), given.registered, note)
        with Engine(Path(folder)) as engine:
            made["registered"] = {"titles": len(names)}
            made["events"] = dict(events(media, engine, names, given.titles, note))
    made = noted(made, "events")
    _write(path, made)
    print(json.dumps(made, indent=1))


def _write(path: Path, made: dict[str, Any]) -> None:
    path.write_text(json.dumps({**made, "required": required(made)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
