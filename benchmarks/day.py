"""A day of radio against a thousand hours of registered sound: what is found, what is told wrongly, memory, CPU.

    python -m benchmarks.day [--hours H] [--works N] [--registered HOURS] [--hunted MINUTES]

The titles that the accuracy benchmark registers are enlarged to so many hours with made codes (``benchmarks/enlarge.py``);
the stream is the sound of strangers, one after the other in a new order each time, with works among it; it is fed second
by second to what ``whorl watch`` examines sound with, faster than real time. Disguises are not tried in all of it, for
that costs most of the time, but in so many minutes at its end. Adds ``day`` to ``benchmarks/results/streams.json``.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogs import CODES, SEED
from benchmarks.copies import excerpt
from benchmarks.corpus import Title, media_folder, originals, registered, seeded, titles
from benchmarks.corpus import strangers as unregistered
from benchmarks.enlarge import STRETCH, Enlarger, real
from benchmarks.stream_rows import required
from benchmarks.streams import RESULTS
from benchmarks.taken import noted
from fingerprint.audio import FIRST, SPACING, AudioExtractor
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import open_media
from matching.airing import Airings, Change
from matching.engine import Engine

ALGORITHM = AudioExtractor.algorithm
RATE = 8000
WORK = 30.0  # seconds of each work
EARLY, LATE = 2.0, 8.0  # seconds before and after a work in which it may be told

Sound = NDArray[np.float32]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Inserted:
    """A work in the stream, from ``start`` to ``end`` (s)."""

    ref_id: int
    start: float
    end: float


def catalog(media: Path, data: Path, hours: float, note: Note) -> dict[str, int]:
    """Registers the titles and as many made references of an hour as are missing; the titles' references."""
    known = [title for title in registered(titles(media)) if title.kind == "audio"]
    names: dict[str, int] = {}
    with Engine(data) as engine:
        for number, title in enumerate(known, 1):
            note(f"registering {number} of {len(known)}")
            names[title.file] = engine.register(media / title.file, title=title.file)[0].id
        note("making codes")
        enlarger = Enlarger(list(real(media, AudioExtractor())), STRETCH["audio"], SEED)
        missing = hours - sum(title.seconds for title in known) / 3600
        for number in range(max(0, round(missing))):
            made = _made(enlarger)
            engine.catalog.add(f"made-{number}", f"{number:064x}", made.duration, [made], f"made-{number}")
            note(f"made {number + 1} of {missing:.0f} hours") if number % 100 == 99 else None
        engine.save()
    return names


def _made(enlarger: Enlarger) -> Fingerprint:
    """An hour of made codes."""
    codes = enlarger.codes(round(CODES["audio"]) // STRETCH["audio"])
    times = np.round(FIRST + SPACING * np.arange(len(codes)), 3)
    return Fingerprint(ALGORITHM, float(times[-1] + 0.64), times, codes, np.zeros(len(codes), bool))


def sound_of(path: Path) -> Sound:
    """A file's first sound track, 8 kHz, mono."""
    with open_media(path) as media:
        return np.concatenate(list(media.samples()))


def programme(
    media: Path, names: dict[str, int], seconds: float, works: int
) -> Iterator[tuple[Sound, Inserted | None]]:
    """Sound of strangers and, at even distances, of works, in pieces of less than a few minutes."""
    everything = titles(media)
    others = unregistered(everything, "audio")
    known = [t for t in originals(everything, "audio") if t.file in names and t.seconds >= WORK]
    rng, now, told = seeded("a day"), 0.0, 0
    strangers = _shuffled(others, media, rng)
    held = np.zeros(0, np.float32)
    while now < seconds:
        until = seconds if told == works else (told + 0.5) * seconds / works
        while now < until:
            held = held if len(held) else next(strangers)
            size = min(len(held), round((until - now) * RATE) + 1)
            yield held[:size], None
            held, now = held[size:], now + size / RATE
        if told < works:
            title = known[int(rng.integers(len(known)))]
            _, taken = excerpt(sound_of(media / title.file), WORK, rng, RATE)
            yield taken, Inserted(names[title.file], now, now + len(taken) / RATE)
            now, told = now + len(taken) / RATE, told + 1


def _shuffled(others: list[Title], media: Path, rng: np.random.Generator) -> Iterator[Sound]:
    while True:
        for i in rng.permutation(len(others)):
            yield sound_of(media / others[int(i)].file)


def seconds_of(pieces: Iterator[tuple[Sound, Inserted | None]], truth: list[Inserted]) -> Iterator[Sound]:
    """The stream a second at a time; notes down which works come."""
    held = np.zeros(0, np.float32)
    for piece, inserted in pieces:
        truth += [inserted] if inserted else []
        held = np.concatenate([held, piece])
        whole = len(held) // RATE * RATE
        yield from held[:whole].reshape(-1, RATE)
        held = held[whole:]


def memory() -> float:
    """MiB of this process that are its own."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024


def watched(
    engine: Engine, stream: Iterator[Sound], seconds: float, hunted: float, note: Note
) -> tuple[list[Change], dict[str, Any]]:
    """Everything that is told, and what it cost. Disguises are tried in the last ``hunted`` seconds."""
    airings, told = Airings(engine), list[Change]()
    airings.effort.hunting = False
    begun, held, spent = time.process_time(), list[float](), 0.0
    now = 0.0
    for second in stream:
        if now >= seconds - hunted and not airings.effort.hunting:
            spent, begun = time.process_time() - begun, time.process_time()
            airings.effort.hunting = True
        airings.hear(now, second)
        now += 1.0
        told += airings.changes(now)
        if now % 600 == 0:
            held.append(memory())
            note(f"{now / 3600:.1f} of {seconds / 3600:.1f} hours, {held[-1]:.0f} MiB")
    last = time.process_time() - begun
    costs = {
        "CPU seconds for each of stream": round((spent or last) / max(now - hunted, 1.0), 4),
        "CPU seconds for each of stream, disguises tried": round(last / hunted, 4) if hunted else None,
        "MiB after a tenth": round(held[len(held) // 10]),
        "MiB at the end": round(held[-1]),
    }
    return told + airings.finish(now), costs


def judged(told: list[Change], truth: list[Inserted]) -> dict[str, Any]:
    """Works found, and whatever else was said to have started."""
    started = [one for one in told if one.what == "started"]

    def fits(one: Change, work: Inserted) -> bool:
        return one.ref_id == work.ref_id and work.start - EARLY <= one.seconds <= work.end + LATE

    waits = [
        min(hits) - work.start
        for work in truth
        if (hits := [one.seconds for one in started if fits(one, work)])
    ]
    wrong = [one for one in started if not any(fits(one, work) for work in truth)]
    return {
        "works": len(truth),
        "found": len(waits),
        "started, seconds after the first": {
            "p50": round(float(np.percentile(waits, 50)), 2),
            "p95": round(float(np.percentile(waits, 95)), 2),
        },
        "wrong": len(wrong),
        "wrong ones": [
            [round(one.seconds), one.ref_id, float(f"{one.expected:.1e}"), one.verdict] for one in wrong
        ],
    }


def main() -> None:
    """Measures and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--works", type=int, default=200)
    parser.add_argument("--registered", type=float, default=1000.0)
    parser.add_argument("--hunted", type=float, default=30.0)
    given = parser.parse_args()
    media, path = media_folder(), RESULTS / "streams.json"
    seconds, hunted = 3600 * given.hours, 60 * given.hunted

    def note(text: str) -> None:
        sys.stderr.write(text + "\n")

    with tempfile.TemporaryDirectory() as folder:
        names = catalog(media, Path(folder), given.registered, note)
        truth: list[Inserted] = []
        with Engine(Path(folder)) as engine:
            stream = seconds_of(programme(media, names, seconds, given.works), truth)
            told, costs = watched(engine, stream, seconds, hunted, note)
    figures = {"hours": given.hours, "hours registered": given.registered, "minutes with disguises tried": given.hunted,
               **judged(told, truth), **costs}  # fmt: skip
    everything = json.loads(path.read_text()) if path.exists() else {}
    everything = noted(everything | {"day": figures}, "day")
    path.write_text(json.dumps({**everything, "required": required(everything)}, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
