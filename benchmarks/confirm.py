"""Fits what is stored beside codes says to a stretch that codes have found (``matching/confirm.py``): peaks, details.

Copies of titles that are not held out, under attacks drawn by lot, are searched for among all of these: the right stretch
of each says what is shown of a copy, the likeliest wrong ones, and those found when the title itself is taken out,
what chance shows. Of a few copies nothing is shown, such as of what beats, where later shows what now shows: they are taken
to be there, and say nothing of the others.

Other titles of its series are fitted apart, by those readings that tell them apart: another scene on the
same set has its cells where they were, and moves otherwise; but for the few that move in step, of which nothing can be said
(``benchmarks.calibrate``). In sound one fit is for both. A logistic regression on the readings tells copies from chance;
without the shares of the two it is the ratio of their densities.

    python -m benchmarks.confirm --kind audio
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy.optimize
import scipy.signal
from numpy.typing import NDArray

from benchmarks.attacks import AUDIO, VIDEO, AudioAttack
from benchmarks.audio_attacks import RATE, Sound, mix
from benchmarks.calibrate import move_as_one
from benchmarks.copies import disguised, excerpt, write_sound
from benchmarks.copies import shown as pictures
from benchmarks.corpus import SPEECH, Title, draw, media_folder, same, seeded, titles
from benchmarks.files import read_sound, write_mp4
from fingerprint.clip import Clip
from fingerprint.extractor import CONFIRMED_BY, EXTRACTORS, Extractor
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import SAMPLE_RATE, open_media, windows
from index.index import INDEXES
from matching.confirm import LOOKS, Confirmation
from matching.decoys import decoys
from matching.found import Found
from matching.score import calibration
from matching.search import Search
from matching.verify import Stretch

SEED = 20261126
LENGTHS = {"audio": (2.0, 3.0, 5.0, 10.0), "video": (2.0, 5.0, 10.0)}
# Of a title, drawn by lot: of pictures there are more titles, and they cost more.
ATTACKS_EACH = {"audio": 6, "video": 1}
TAKEN_OUT = {"audio": 2, "video": 1}  # of these are also searched for without the title
# The reading that tells titles of a series from copies; None where these are as all others.
OF_SIBLINGS: dict[str, int | None] = {"audio": None, "video": 1}
WRONG = 3  # stretches of a query, the likeliest of as many works, that stand for chance
LIKELIEST = 1e3  # expected false matches up to which a stretch is taken
NEAR = 0.5  # seconds from the true place, within which a stretch is right
FEWEST = 20  # excerpts in which a reading is missing, under which it is not known what that says
# Share of copies of which no more is shown than chance shows. Of sound this one, of 0 to 0.05, foretells best what a fifth
# shows from what four fifths show: with none, the slope was two thirds of what it is. Not tried of pictures.
MUTE = {"audio": 0.02, "video": 0.0}
RIDGE = 1e-5  # of the squared slope: keeps it finite where nothing overlaps
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)  # that are told
SMALLEST, LARGEST = 1e-6, 100.0
# The same of titles of a series, where they are fitted apart: a few of them move nearly as one.
SIBLING_LIMITS = (0.03, 4.0)
MODELS = Path("matching/models")

Array = NDArray[np.float64]
Seen = tuple[float, ...]  # readings, NaN where there is none, and the seconds of the excerpt


@dataclass(frozen=True)
class Known:
    """A title that models have seen: its codes, and what confirms them."""

    title: Title
    codes: Fingerprint
    confirming: Fingerprint


@dataclass(frozen=True)
class Copy:
    """A disguised excerpt: where in its title it begins, and reference seconds for each of its own.

    over  the file of what is heard over it, if anything
    """

    clip: Clip
    start: float
    time_scale: float
    over: str = ""


@dataclass(frozen=True)
class Told:
    """What is shown of copies, of chance, and of titles of the series where they are fitted apart."""

    copies: list[Seen]
    chance: list[Seen]
    siblings: list[Seen]

    def __add__(self, other: "Told") -> "Told":
        parts = zip(self._parts, other._parts, strict=True)
        return Told(*(mine + theirs for mine, theirs in parts))

    @property
    def _parts(self) -> tuple[list[Seen], ...]:
        return self.copies, self.chance, self.siblings


_known: list[Known]
_search: Search


def known_titles(media: Path, extractor: Extractor) -> Iterator[Known]:
    """The titles of a kind that are not held out and long enough for a code."""
    for title in titles(media):
        if title.kind == extractor.kind and not title.held_out:
            with open_media(media / title.file) as opened:
                codes, confirming = extractor.references(opened)
            if len(codes):
                yield Known(title, codes, confirming)


def shown(media: Path, extractor: Extractor) -> Told:
    """What is shown of copies of all titles, and of chance, on all cores."""
    global _known, _search
    _known = list(known_titles(media, extractor))
    index = INDEXES["faiss"](extractor.algorithm, _known[0].codes.width)
    for ref_id, one in enumerate(_known):
        index.add(ref_id, one.codes)
    model = calibration(extractor.algorithm)
    _search = Search(
        extractor, index, lambda i: _known[i].codes, decoys(extractor.algorithm), model.exactness
    )
    total = Told([], [], [])
    with get_context("fork").Pool() as pool:
        for number, part in enumerate(pool.imap(_of_title, range(len(_known))), 1):
            total += part
            if number % 10 == 0:
                print(f"{number} of {len(_known)} titles", file=sys.stderr, flush=True)
    return total


def _of_title(number: int) -> Told:
    """Copies of one title, looked for with it and without it."""
    title, kind = _known[number].title, _search.extractor.kind
    rng = seeded(title.file, SEED)
    attacks, lengths = (AUDIO, LENGTHS["audio"]) if kind == "audio" else (VIDEO, LENGTHS["video"])
    names = [str(name) for name in rng.permutation(sorted(attacks))[: ATTACKS_EACH[kind]]]
    own = [i for i, one in enumerate(_known) if same(title.file, one.title.file)]
    total = Told([], [], [])
    for rank, name in enumerate(names):
        copy = COPIES[kind](title, name, lengths[(number + rank) % len(lengths)], rng)
        total += _told(copy, own)
        if rank < TAKEN_OUT[kind]:
            for ref_id in own:
                _search.index.remove(ref_id)
            total += _told(copy, own)
            for ref_id in own:
                _search.index.add(ref_id, _known[ref_id].codes)
    return total


def _heard(title: Title, name: str, seconds: float, rng: np.random.Generator) -> Copy:
    """An excerpt of sound under an attack; what is heard over it is not held out either."""
    attack = AUDIO[name]
    start, taken = excerpt(read_sound(media_folder() / title.file), seconds, rng)
    over = ""
    if attack.over:
        over = _fitting(title, attack, rng)
        _, heard = excerpt(read_sound(media_folder() / over), len(taken) / RATE, rng)
        taken = mix(taken, np.resize(heard, len(taken)), attack.decibels)
    with TemporaryDirectory() as folder:
        file = write_sound(Path(folder), "copy", attack.change(taken, rng), attack)
        return Copy(_clip(read_sound(Path(folder) / file)), start, attack.time_scale, over)


def _fitting(title: Title, attack: AudioAttack, rng: np.random.Generator) -> str:
    """The file of something that is to be heard over a title."""
    others = [one.title for one in _known if not same(one.title.file, title.file)]
    fitting = [one for one in others if (SPEECH in one.source) == (attack.over == "speech")]
    return fitting[int(rng.integers(len(fitting)))].file


def _seen(title: Title, name: str, seconds: float, _: np.random.Generator) -> Copy:
    """An excerpt of pictures under an attack; of a short title, all of it."""
    attack = VIDEO[name]
    taken = pictures(media_folder(), title, seconds, f"{name} {SEED}")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "copy.mp4"
        write_mp4(file, disguised(taken, attack, draw(f"{title.file} {name} {SEED}")), attack.crf)
        with open_media(file) as opened:
            extractor = _search.extractor
            clips = [clip for _, clip in windows(opened, "video", extractor.window, extractor.rate)]
    return Copy(clips[0], taken[0][0], attack.time_scale)


COPIES = {"audio": _heard, "video": _seen}


def _told(copy: Copy, own: list[int]) -> Told:
    """What is shown of the right stretch of a copy, if it is found, and of the likeliest wrong ones.

    ``own`` are references of the copy's title. Nothing is taken of what is heard over it.
    """
    extractor, clip = _search.extractor, copy.clip
    model, look = calibration(extractor.algorithm), LOOKS[extractor.kind](clip)
    left = [i for i, one in enumerate(_known) if copy.over and same(copy.over, one.title.file)]

    def expected(found: Found) -> float:
        return model.expected_false_matches(found.score, found.stage, clip.duration, len(_search.index))

    candidates = [f for f in _search.candidates(clip, expected)[0] if expected(f) <= LIKELIEST]
    copies, chance, siblings = list[Seen](), dict[int, Seen](), dict[int, Seen]()
    for found in sorted(candidates, key=expected):
        aligned = found.stretch
        readings = look.readings(_known[aligned.ref_id].confirming, aligned, found.disguise)
        if aligned.ref_id in left or all(reading is None for reading in readings):
            continue
        seen = (*(np.nan if reading is None else reading for reading in readings), clip.duration)
        if aligned.ref_id in own:
            if not copies and _off(aligned, copy) < NEAR:
                copies = [seen]
        elif OF_SIBLINGS[extractor.kind] is None or not _of_series(aligned.ref_id, own[0]):
            if len(chance) < WRONG:
                chance.setdefault(aligned.ref_id, seen)
        elif len(siblings) < WRONG and not move_as_one(readings):
            siblings.setdefault(aligned.ref_id, seen)
    return Told(copies, list(chance.values()), list(siblings.values()))


def _of_series(one: int, other: int) -> bool:
    return _known[one].title.source == _known[other].title.source


def _off(aligned: Stretch, copy: Copy) -> float:
    """Seconds of reference by which a stretch is off the true place, at its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    return abs((aligned.time_scale - copy.time_scale) * middle + aligned.offset - copy.start)


def _clip(sound: Sound) -> Clip:
    samples = scipy.signal.resample_poly(sound, SAMPLE_RATE, RATE)
    return Clip("copy", len(samples) / SAMPLE_RATE, samples=np.asarray(samples, np.float32))


def fit(copies: Array, chance: Array, lengths: tuple[float, ...], mute: float = 0.0) -> Confirmation:
    """How readings tell copies from chance.

    ``copies`` (n, k + 1) and ``chance`` (m, k + 1): readings, and the seconds of the excerpt. At each of the lengths both
    count the same, however many there are of each. Of a share ``mute`` of copies nothing is shown: no reading can make
    chance likelier than one over it. (A parameter for the logarithm of seconds came out as 0.07: no matter.)
    """
    both = np.concatenate([copies, chance])
    signs = np.concatenate([np.ones(len(copies)), -np.ones(len(chance))])
    weights = np.concatenate([_even(seen[:, -1], lengths) for seen in (copies, chance)])
    missing = np.isnan(both[:, :-1])
    seen = np.concatenate([np.where(missing, 0.0, both[:, :-1]), missing], axis=1)

    def loss(parameters: Array) -> float:
        ratios = np.logaddexp(seen @ parameters[:-1] - parameters[-1], np.log(mute) if mute else -np.inf)
        margins = signs * ratios
        return float((weights * np.logaddexp(0, -margins)).sum() + RIDGE * (parameters[:-1] ** 2).sum())

    *found, intercept = scipy.optimize.minimize(loss, np.array([*[1.0] * seen.shape[1], 4.0])).x
    slopes, instead = np.array(found).reshape(2, -1).tolist()
    rare = missing.sum(0) < FEWEST
    told = (None if few else one for one, few in zip(instead, rare, strict=True))
    largest = 1 / mute if mute else LARGEST
    return Confirmation(tuple(slopes), tuple(told), float(intercept), SMALLEST, largest)


def fit_one(copies: Array, siblings: Array, lengths: tuple[float, ...], reading: int) -> Confirmation:
    """The same by one reading alone, which says nothing where it is missing."""
    mine, theirs = (seen[~np.isnan(seen[:, reading])][:, [reading, -1]] for seen in (copies, siblings))
    found = fit(mine, theirs, lengths)
    slopes = np.zeros(copies.shape[1] - 1)
    slopes[reading] = found.slopes[0]
    missing = (None if one == reading else 0.0 for one in range(len(slopes)))
    return Confirmation(tuple(slopes.tolist()), tuple(missing), found.intercept, *SIBLING_LIMITS)


def _even(seconds: Array, lengths: tuple[float, ...]) -> Array:
    """Weights that sum to 1 at each of the lengths."""
    nearest = np.digitize(seconds, lengths, right=True)
    return np.asarray(1 / np.bincount(nearest)[nearest])


def card(found: Told, extractor: Extractor) -> dict[str, object]:
    """The fits and what they were made from."""
    lengths, reading = LENGTHS[extractor.kind], OF_SIBLINGS[extractor.kind]
    copies, chance, siblings = (np.array(seen) for seen in (found.copies, found.chance, found.siblings))
    unrelated = fit(copies, chance, lengths, MUTE[extractor.kind])
    related = unrelated if reading is None else fit_one(copies, siblings, lengths, reading)
    shown = {"copies": copies, "chance": chance} | ({"siblings": siblings} if found.siblings else {})
    return {
        "algorithm": CONFIRMED_BY[extractor.algorithm],
        "unrelated": asdict(unrelated),
        "siblings": asdict(related),
        "seed": SEED,
        "readings": [
            {name: _quantiles(seen[:, [reading, -1]], lengths) for name, seen in shown.items()}
            for reading in range(copies.shape[1] - 1)
        ],
    }


def _quantiles(seen: Array, lengths: tuple[float, ...]) -> dict[str, object]:
    """A reading by the seconds of the excerpts, for whoever wants to see how far apart they are."""
    told: dict[str, object] = {}
    for length, shorter in zip(lengths, (0.0, *lengths), strict=False):
        some = seen[(seen[:, 1] > shorter) & (seen[:, 1] <= length), 0]
        there = some[~np.isnan(some)]
        told[f"{length:g} s"] = {"number": len(there), "missing": len(some) - len(there)} | {
            f"{q:g}": round(float(np.quantile(there, q)), 2) for q in QUANTILES if len(there)
        }
    return told


def main() -> None:
    """Writes the fit of one kind into matching/models."""
    parser = argparse.ArgumentParser(description="Fits what confirms codes.")
    parser.add_argument("--kind", choices=sorted(LENGTHS), required=True)
    arguments = parser.parse_args()
    extractor = next(e for e in (make() for make in EXTRACTORS.values()) if e.kind == arguments.kind)
    made = card(shown(media_folder(), extractor), extractor)
    written = json.dumps(made, indent=2) + "\n"
    (MODELS / f"{str(made['algorithm']).replace('/', '-')}.json").write_text(written)
    print(written)


if __name__ == "__main__":
    main()
