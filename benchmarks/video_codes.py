"""What the video codes are worth by themselves: disguised excerpts looked up by exhaustive alignment.

Every clip that no model was trained on is a reference; an excerpt of each, disguised in every way, is
compared with all of them at every offset. Matching has no part in it, so that two networks can be told apart.

    python -m benchmarks.video_codes [MEDIA_FOLDER]
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks import VIDEO, VideoAttack
from benchmarks.corpus import media_folder, titles
from fingerprint.fingerprint import Query, unpack
from fingerprint.media import FRAME_SIZE, Clip, Frame, open_media
from fingerprint.video import QUERY_RATE, REFERENCE_RATE, VideoExtractor

Scores = NDArray[np.float64]

EXCERPT = 4.0  # seconds looked up
BEGINNING = 0.55  # seconds into a clip at which its excerpt begins: between two stored codes
HELD = 20.0  # seconds kept of a clip
JPEG_QUALITY = 40  # a copy is always compressed anew
# The codes know nothing of time: what an attack does to the clock is a matter of matching.
ATTACKS = {name: attack for name, attack in VIDEO.items() if attack.time_scale == 1 and not attack.rate}


@dataclass(frozen=True)
class Sample:
    """A clip that no model was trained on: its file, its source, and its pictures at QUERY_RATE."""

    file: str
    source: str
    frames: list[Frame]


def samples(media: Path) -> list[Sample]:
    """The clips that are long enough to take an excerpt of."""
    chosen = [title for title in titles(media) if title.kind == "video" and title.held_out]
    found = [Sample(title.file, title.source, _frames(media / title.file)) for title in chosen]
    return [one for one in found if one.frames and one.frames[-1].time >= BEGINNING + EXCERPT]


def _frames(path: Path) -> list[Frame]:
    frames = []
    with open_media(path) as media:
        for frame in media.frames(QUERY_RATE):
            if frame.time >= HELD:
                break
            frames.append(frame)
    return frames


class References:
    """All references' signs on one grid of 1 / REFERENCE_RATE seconds, end to end."""

    def __init__(self, chosen: list[Sample]) -> None:
        signs, owners = [], []
        for number, one in enumerate(chosen):
            stored = VideoExtractor().reference(Clip(one.file, HELD, frames=one.frames))
            grid = np.arange(int(stored.times[-1] * REFERENCE_RATE) + 1) / REFERENCE_RATE
            nearest = np.abs(stored.times[None] - grid[:, None]).argmin(axis=1)
            signs.append(unpack(stored.codes[nearest]))
            owners.append(np.full(len(grid), number))
        self._signs, self._owners = np.concatenate(signs), np.concatenate(owners)

    def scores(self, query: Query) -> Scores:
        """(references,): how well the query fits each of them where it fits best, from -1 to 1.

        s = mean over codes of sum(bit * tanh(z)) / sum |tanh(z)|
        """
        sure = np.tanh(query.reliability)
        similar = sure @ self._signs.T / np.abs(sure).sum(axis=1, keepdims=True)
        steps = np.round(query.fingerprint.times * REFERENCE_RATE).astype(int)
        starts = len(self._signs) - int(steps[-1])
        aligned = [row[step : step + starts] for row, step in zip(similar, steps, strict=True)]
        begins, ends = self._owners[:starts], self._owners[steps[-1] :]
        within = begins == ends
        best = np.full(int(self._owners[-1]) + 1, -1.0)
        np.maximum.at(best, begins[within], np.mean(aligned, axis=0)[within])
        return best


def _disguised(one: Sample, attack: VideoAttack) -> Clip:
    """The excerpt as a capture shows it."""
    taken = [frame for frame in one.frames if 0 <= frame.time - BEGINNING < EXCERPT]
    frames = []
    for frame in taken:
        time = frame.time - BEGINNING
        shown = attack.change(np.dstack([frame.luma] * 3), time, np.random.default_rng(0))
        luma = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(luma, (FRAME_SIZE, FRAME_SIZE), interpolation=cv2.INTER_AREA)
        encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        decoded = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        frames.append(Frame(time, np.asarray(decoded, np.uint8)))
    return Clip(one.file, EXCERPT, frames=frames)


def _best(references: References, capture: Clip) -> Scores:
    """(references,): the better of the capture as seen and mirrored."""
    scores = [references.scores(query) for query in islice(VideoExtractor().queries(capture), 2)]
    return np.asarray(np.max(scores, axis=0))


def table(chosen: list[Sample]) -> Scores:
    """(attacks, queries, references): the score of each disguised excerpt with each reference."""
    references = References(chosen)
    rows = [[_best(references, _disguised(one, attack)) for one in chosen] for attack in ATTACKS.values()]
    return np.array(rows)


def figures(scores: Scores, sources: list[str], attacks: Iterable[str]) -> dict[str, object]:
    """Per cent of the queries in (attacks, queries, references) ``scores``; ``sources`` are the clips'.

    found        score higher with their own clip than any query does with a clip of another source
    above_series score higher than any query does with any other clip
    right_first  score highest with their own clip
    """
    names = np.array(sources)
    same = names[:, None] == names[None]
    own = np.diagonal(scores, axis1=1, axis2=2)
    foreign = np.where(same, -1, scores).max(axis=2)
    other = np.where(np.eye(len(names), dtype=bool), -1, scores).max(axis=2)
    found = own > foreign.max()
    return {
        "queries": own.size,
        "threshold": round(float(foreign.max()), 3),
        "found": _percent(found),
        "above_series": _percent(own > other.max()),
        "right_first": _percent(own > other),
        "right_first_among_other_sources": _percent(own > foreign),
        "found_by_attack": {name: _percent(row) for name, row in zip(attacks, found, strict=True)},
    }


def _percent(truths: NDArray[np.bool_]) -> float:
    return round(100 * float(truths.mean()), 1)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description="Judges the video codes by themselves.")
    parser.add_argument("media", type=Path, nargs="?", help="folder with MANIFEST.csv")
    chosen = samples(parser.parse_args().media or media_folder())
    print(json.dumps(figures(table(chosen), [one.source for one in chosen], ATTACKS), indent=2))


if __name__ == "__main__":
    main()
