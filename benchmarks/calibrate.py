"""Makes what calibrates the scores: the decoys, and the null model fitted on real unrelated alignments.

Every title that is not held out is a query in windows of ten seconds, and in the first seconds of these, against
all the others, those of its own series among them: what it scores there is chance. The excess of the scores over a high
quantile is exponential with the mean that is fitted, for each length (``matching/score.py``).

    python -m benchmarks.calibrate --kind audio
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import media_folder, same, titles
from benchmarks.tails import SECONDS, Scores, fit, mirrored_alike
from fingerprint.extractor import EXTRACTORS, Extractor
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import SAMPLE_RATE, Clip, open_media, windows
from index.columns import Columns, join, seeds
from index.index import INDEXES
from matching.confirm import LOOKS, Readings
from matching.decoys import made_of
from matching.found import Found
from matching.search import Search

SEED = 20261124
# Seconds of queries, shortest first. What chance gives pictures of two seconds is what it gives those of ten.
LENGTHS = {"audio": (2.0, 3.0, 5.0, SECONDS), "video": (SECONDS,)}
QUERIES, DISGUISED = (
    10,
    2,
)  # windows of a title, at most, and how many of them are searched for under every disguise
EXACTNESS = {
    "audio": 0.0,
    "video": 1.0,
}  # measured on copies and their cousins: see ``matching.rate.score``
# What is less like its original than this may be spoken or played anew: readings of one reader reach 0.59, and 0.70 in a
# second and a half. Copies less alike than that whose peaks do not speak for them are few. A film is no such thing.
ANEW = {"audio": 0.62, "video": -1.0}
BEATS = 64
# Shares of the expected false matches that the stages may have: sound is disguised in 178 ways, of which chance makes much;
# pictures are taken to be cropped more often than cropped and mirrored.
WEIGHTS = {"audio": (0.94, 0.03, 0.03), "video": (0.58, 0.02, 0.3, 0.1)}
REPORTED = 10  # titles between lines of progress
REMARKABLE = 10.0  # scores from here on are printed: two titles may share what nobody knew of
IN_STEP = 0.8  # of the correlation of their moves, from which pictures move in step (``matching.by_moves``)
MODELS = Path("matching/models")

Random = np.random.Generator
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Known:
    """A title that models have seen: its codes, what confirms them, and its windows of SECONDS."""

    file: str
    source: str
    fingerprint: Fingerprint
    confirming: Fingerprint
    clips: list[Clip]


def known_titles(media: Path, extractor: Extractor, rng: Random) -> Iterator[Known]:
    """The titles that are not held out and long enough for a code."""
    for title in titles(media):
        if title.kind != extractor.kind or title.held_out:
            continue
        with open_media(media / title.file) as opened:
            fingerprint, confirming = extractor.references(opened)
            parts = [clip for _, clip in windows(opened, extractor.kind, SECONDS, extractor.rate)]
        whole = [clip for clip in parts if clip.duration >= 4]
        chosen = rng.permutation(len(whole))[:QUERIES]
        if len(fingerprint):
            yield Known(title.file, title.source, fingerprint, confirming, [whole[i] for i in chosen])


def monotonous(rng: Random) -> Iterator[Clip]:
    """Sounds that resemble many others: beats, held tones, wind, rain."""
    time = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    # Codes tell two beats apart from some 2 % of tempo on: this many leave none without its like.
    for period in np.geomspace(0.25, 1.2, BEATS):
        beat = np.exp(-(time % period) * rng.uniform(20, 90))
        yield _clip(beat * sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(300, 2500, 3)))
    for _ in range(8):
        yield _clip(
            sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(150, 2500, int(rng.integers(1, 5))))
        )
        swell = np.interp(time, np.linspace(0, SECONDS, 12), rng.uniform(0.1, 1, 12))
        yield _clip(np.cumsum(rng.standard_normal(len(time))) % 7 * swell)
        yield _clip(rng.standard_normal(len(time)) * (rng.random(len(time)) < rng.uniform(0.002, 0.1)))


def _clip(sound: NDArray[np.floating]) -> Clip:
    return Clip("monotonous", SECONDS, samples=np.asarray(0.3 * sound / np.abs(sound).max(), np.float32))


def decoys(found: list[Known], extractor: Extractor, rng: Random) -> Columns:
    """One stretch of SECONDS of each title, and for sound the monotonous ones."""
    parts = []
    for title in found:
        times = title.fingerprint.times
        begin = rng.uniform(0, max(times[-1] - SECONDS, 0) + 1e-9)
        parts.append(_excerpt(title.fingerprint, begin))
    if extractor.kind == "audio":
        parts += [extractor.reference(clip) for clip in monotonous(rng)]
    kept = [seeds(i, part) for i, part in enumerate(parts, 1)]
    return join([columns for columns in kept if len(columns)])


def _excerpt(fingerprint: Fingerprint, begin: float) -> Fingerprint:
    """Its codes of SECONDS from ``begin`` on, their times counted from there."""
    rows = np.flatnonzero((fingerprint.times >= begin) & (fingerprint.times < begin + SECONDS))
    times = np.round(fingerprint.times[rows] - begin, 3)
    return Fingerprint(fingerprint.algorithm, SECONDS, times, fingerprint.codes[rows], fingerprint.weak[rows])


@dataclass(frozen=True)
class Chance:
    """What windows score in titles that they are not of.

    unrelated  (windows, stages): best score of each stage in other sources' titles; NaN where a stage was not searched
    siblings   likewise in other titles of the window's own source, where there are any
    in_step    likewise in those of them that move in step
    searched   (windows,): seconds of the window times codes of the index
    """

    unrelated: Scores
    siblings: Scores
    in_step: Scores
    searched: Scores

    @classmethod
    def empty(cls, stages: int) -> "Chance":
        """Of no windows yet."""
        none = np.zeros((0, stages))
        return cls(none, none, none, np.zeros(0))

    def __add__(self, other: "Chance") -> "Chance":
        """Of the windows of both."""
        return Chance(
            np.concatenate([self.unrelated, other.unrelated]),
            np.concatenate([self.siblings, other.siblings]),
            np.concatenate([self.in_step, other.in_step]),
            np.concatenate([self.searched, other.searched]),
        )


_hall: tuple[
    list[Known], Search
]  # of the forked processes: each takes a title out of its own copy of the index


def chance_scores(found: list[Known], extractor: Extractor, columns: Columns) -> list[Chance]:
    """Every window of every title against all the others, for each of LENGTHS, on all cores."""
    index = INDEXES["faiss"](extractor.algorithm, columns.codes.shape[1])
    for ref_id, title in enumerate(found):
        index.add(ref_id, title.fingerprint)
    global _hall
    _hall = (
        found,
        Search(
            extractor,
            index,
            lambda ref_id: found[ref_id].fingerprint,
            made_of(extractor.algorithm, columns),
            EXACTNESS[extractor.kind],
        ),
    )
    scored = [Chance.empty(1 + len(extractor.stages))] * len(LENGTHS[extractor.kind])
    with get_context("fork").Pool() as pool:
        for number, parts in enumerate(pool.imap(_title_chance, range(len(found))), 1):
            scored = [earlier + part for earlier, part in zip(scored, parts, strict=True)]
            if number % REPORTED == 0:
                print(f"{number} of {len(found)} titles", file=sys.stderr, flush=True)
    return scored


def _title_chance(number: int) -> list[Chance]:
    """Every window of one title against all the others, for each of LENGTHS."""
    found, search = _hall
    title = found[number]
    own = [ref_id for ref_id, other in enumerate(found) if same(title.file, other.file)]
    has_siblings = sum(other.source == title.source for other in found) > len(own)
    for ref_id in own:
        search.index.remove(ref_id)
    scored = [
        _windows_chance(title, [clip.part(0.0, seconds) for clip in title.clips], has_siblings)
        for seconds in LENGTHS[search.extractor.kind]
    ]
    for ref_id in own:
        search.index.add(ref_id, found[ref_id].fingerprint)
    return scored


def _windows_chance(title: Known, clips: list[Clip], has_siblings: bool) -> Chance:
    """Windows of one title against all others."""
    found, search = _hall
    scored = Chance.empty(1 + len(search.extractor.stages))
    for rank, clip in enumerate(clips):
        last = None if rank < DISGUISED else 0
        strangers = search.candidates(clip, _never_certain, stages=last)[0]
        scored += _told(title, clip, strangers, has_siblings, last)
        for f in sorted(strangers, key=lambda f: -f.score)[:1]:
            _remark(title.file, found[f.stretch.ref_id].file, f.score)
    return scored


def _told(title: Known, clip: Clip, strangers: list[Found], has_siblings: bool, last: int | None) -> Chance:
    """What a window scores, stage by stage up to the ``last``, in the strangers that were found."""
    found, search = _hall
    look, extractor = LOOKS[search.extractor.kind](clip), search.extractor
    related = [f for f in strangers if found[f.stretch.ref_id].source == title.source]
    steps = [
        f
        for f in related
        if extractor.kind == "video"
        and move_as_one(look.readings(found[f.stretch.ref_id].confirming, f.stretch, f.disguise))
    ]
    others = [f for f in related if f not in steps]

    def best(some: list[Found], there: bool = True) -> Scores:
        return np.array([_best(some, extractor, last)] if there else []).reshape(
            -1, 1 + len(extractor.stages)
        )

    return Chance(
        best([f for f in strangers if f not in related]),
        best(others, has_siblings),
        best(steps, has_siblings),
        np.array([clip.duration * len(search.index)]),
    )


def move_as_one(readings: Readings) -> bool:
    """Whether pictures move as one with others; sound has no such reading."""
    together = readings[1] if len(readings) > 1 else None
    return together is not None and together >= IN_STEP


def _best(strangers: list[Found], extractor: Extractor, searched: int | None) -> list[float]:
    """The best score of each stage; NaN for stages after the ``searched`` ones."""
    best = [
        max((f.score for f in strangers if f.stage == stage), default=0.0)
        for stage in range(1 + len(extractor.stages))
    ]
    return best if searched is None else best[: searched + 1] + [np.nan] * (len(best) - searched - 1)


def _never_certain(found: Found) -> float:
    """So that every disguise is tried; still the better the smaller."""
    return 1 + 1 / (1 + found.score)


def _remark(query: str, likest: str, score: float) -> None:
    if score > REMARKABLE:
        print(f"{score:6.1f} {query} ~ {likest}", file=sys.stderr, flush=True)


def card(extractor: Extractor, titles_: int, chances: list[Chance]) -> dict[str, object]:
    """What is written beside the decoys; what is of windows is of those of each of LENGTHS."""
    lengths = LENGTHS[extractor.kind]
    fits = [
        [
            fit(extractor.kind, seconds, *scores, chance.searched)
            for scores in zip(chance.unrelated.T, chance.siblings.T, chance.in_step.T, strict=True)
        ]
        for seconds, chance in zip(lengths, chances, strict=True)
    ]
    if extractor.kind == "video":
        fits = [mirrored_alike(stages, WEIGHTS["video"]) for stages in fits]
    return {
        "algorithm": extractor.algorithm,
        "exactness": EXACTNESS[extractor.kind],
        "weights": WEIGHTS[extractor.kind],
        "anew": ANEW[extractor.kind],
        "stages": [list(stage) for stage in zip(*fits, strict=True)],
        "seed": SEED,
        "titles": titles_,
        "measured": [
            {"seconds": seconds} | _measured(chance) for seconds, chance in zip(lengths, chances, strict=True)
        ],
    }


def _measured(chance: Chance) -> dict[str, object]:
    """What the fits of one length were made from, by stage."""
    return {
        "windows": [int((~np.isnan(scores)).sum()) for scores in chance.unrelated.T],
        "windows_with_siblings": [int((~np.isnan(scores)).sum()) for scores in chance.siblings.T],
        "seconds_times_codes": round(float(chance.searched.sum())),
        "quantiles_unrelated": [_quantiles(scores) for scores in chance.unrelated.T],
        "quantiles_siblings": [_quantiles(scores) for scores in chance.siblings.T],
        "windows_in_step": [int((scores > 0).sum()) for scores in chance.in_step.T],
    }


def _quantiles(scores: Scores) -> dict[str, float]:
    return {f"{q:g}": round(float(np.nanquantile(scores, q)), 2) for q in (0.5, 0.8, 0.9, 0.99, 1)}


def main() -> None:
    """Writes the decoys and the null model of one kind into matching/models."""
    parser = argparse.ArgumentParser(description="Fits what chance scores.")
    parser.add_argument("--kind", choices=("audio", "video"), required=True)
    arguments = parser.parse_args()
    extractor = next(e for e in (make() for make in EXTRACTORS.values()) if e.kind == arguments.kind)
    rng = np.random.default_rng(SEED)
    found = list(known_titles(media_folder(), extractor, rng))
    columns = decoys(found, extractor, rng)
    name = extractor.algorithm.replace("/", "-")
    MODELS.mkdir(exist_ok=True)
    np.savez_compressed(
        MODELS / f"{name}-decoys.npz",
        ref_ids=columns.ref_ids,
        counts=columns.counts,
        times=columns.times,
        codes=columns.codes,
    )
    chance = chance_scores(found, extractor, columns)
    written = json.dumps(card(extractor, len(found), chance), indent=2) + "\n"
    (MODELS / f"{name}.json").write_text(written)
    print(written)


if __name__ == "__main__":
    main()
