"""Fits what is stored beside codes says to a stretch that codes have found (``matching/confirm.py``): peaks, cells.

Copies of titles that are not held out, under attacks drawn by lot, are searched for among all of these: the right stretch
of each says what is shown of a copy, the likeliest wrong ones, and those found when the title itself is taken out,
what chance shows. Other titles of its series are among these where they are told apart: a reader's same words in the same
voice are, another scene on the same set is not. A logistic regression on the deviations tells the two apart; without the
shares of the two it is the ratio of their densities.

    python -m benchmarks.confirm --kind audio
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy.optimize
import scipy.signal
from numpy.typing import NDArray

from benchmarks.attacks import AUDIO, VIDEO, AudioAttack
from benchmarks.audio_attacks import RATE, Sound, mix
from benchmarks.copies import disguised, excerpt, write_sound
from benchmarks.copies import shown as pictures
from benchmarks.corpus import SPEECH, Title, draw, media_folder, same, seeded, titles
from benchmarks.files import read_sound, write_mp4
from fingerprint.clip import Clip
from fingerprint.extractor import CONFIRMED_BY, EXTRACTORS, Extractor
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import SAMPLE_RATE, open_media, windows
from index.index import INDEXES
from matching.confirm import LOOKS
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
TELLS_SIBLINGS = {"audio": True, "video": False}
WRONG = 3  # stretches of a query, the likeliest of as many works, that stand for chance
LIKELIEST = 1e3  # expected false matches up to which a stretch is taken
NEAR = 0.5  # seconds from the true place, within which a stretch is right
RIDGE = 1e-5  # of the squared slope: keeps it finite where nothing overlaps
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)  # that are told
SMALLEST, LARGEST = 1e-6, 100.0
MODELS = Path("matching/models")

Array = NDArray[np.float64]
Seen = tuple[float, float]  # deviations, and the seconds of the excerpt


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
    """What is shown of copies and of chance."""

    copies: list[Seen]
    chance: list[Seen]

    def __add__(self, other: "Told") -> "Told":
        return Told(self.copies + other.copies, self.chance + other.chance)


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
    total = Told([], [])
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
    total = Told([], [])
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

    ``own`` are references of the copy's title. Nothing is taken of what is heard over it, nor of titles of the same series
    where these are not told apart.
    """
    extractor, clip = _search.extractor, copy.clip
    model, look = calibration(extractor.algorithm), LOOKS[extractor.kind](clip)
    left = [i for i, one in enumerate(_known) if copy.over and same(copy.over, one.title.file)]
    if not TELLS_SIBLINGS[extractor.kind]:
        left += [i for i, one in enumerate(_known) if one.title.source == _known[own[0]].title.source]

    def expected(found: Found) -> float:
        return model.expected_false_matches(found.score, found.stage, clip.duration, len(_search.index))

    candidates = [f for f in _search.candidates(clip, expected)[0] if expected(f) <= LIKELIEST]
    copies, chance = list[Seen](), dict[int, Seen]()
    for found in sorted(candidates, key=expected):
        aligned, confirming = found.stretch, _known[found.stretch.ref_id].confirming
        deviations = look.deviations(confirming, aligned, found.disguise)
        if deviations is None:
            continue
        if aligned.ref_id in own:
            if not copies and _off(aligned, copy) < NEAR:
                copies = [(deviations, clip.duration)]
        elif aligned.ref_id not in left and len(chance) < WRONG:
            chance.setdefault(aligned.ref_id, (deviations, clip.duration))
    return Told(copies, list(chance.values()))


def _off(aligned: Stretch, copy: Copy) -> float:
    """Seconds of reference by which a stretch is off the true place, at its middle."""
    middle = (aligned.query_start + aligned.query_end) / 2
    return abs((aligned.time_scale - copy.time_scale) * middle + aligned.offset - copy.start)


def _clip(sound: Sound) -> Clip:
    samples = scipy.signal.resample_poly(sound, SAMPLE_RATE, RATE)
    return Clip("copy", len(samples) / SAMPLE_RATE, samples=np.asarray(samples, np.float32))


def fit(copies: Array, chance: Array, lengths: tuple[float, ...]) -> tuple[float, float]:
    """Slope and intercept of the logarithm of chance's density over that of copies, by deviations.

    ``copies`` (n, 2) and ``chance`` (m, 2): deviations, and the seconds of the excerpt. At each of the lengths both count
    the same, however many there are of each. (A third parameter, for the logarithm of seconds, came out as 0.07: no matter.)
    """
    deviations = np.concatenate([copies[:, 0], chance[:, 0]])
    signs = np.concatenate([np.ones(len(copies)), -np.ones(len(chance))])
    weights = np.concatenate([_even(seen[:, 1], lengths) for seen in (copies, chance)])

    def loss(parameters: Array) -> float:
        margins = signs * (parameters[0] * deviations - parameters[1])
        return float((weights * np.logaddexp(0, -margins)).sum() + RIDGE * parameters[0] ** 2)

    slope, intercept = scipy.optimize.minimize(loss, np.array([1.0, 4.0])).x
    return float(slope), float(intercept)


def _even(seconds: Array, lengths: tuple[float, ...]) -> Array:
    """Weights that sum to 1 at each of the lengths."""
    nearest = np.digitize(seconds, lengths, right=True)
    return np.asarray(1 / np.bincount(nearest)[nearest])


def card(found: Told, extractor: Extractor) -> dict[str, object]:
    """The fit and what it was made from."""
    lengths = LENGTHS[extractor.kind]
    copies, chance = (np.array(seen) for seen in (found.copies, found.chance))
    slope, intercept = fit(copies, chance, lengths)
    return {
        "algorithm": CONFIRMED_BY[extractor.algorithm],
        "slope": slope,
        "intercept": intercept,
        "smallest": SMALLEST,
        "largest": LARGEST,
        "siblings": TELLS_SIBLINGS[extractor.kind],
        "seed": SEED,
        "copies": _quantiles(copies, lengths),
        "chance": _quantiles(chance, lengths),
    }


def _quantiles(seen: Array, lengths: tuple[float, ...]) -> dict[str, object]:
    """Deviations by the seconds of the excerpts, for whoever wants to see how far apart they are."""
    told: dict[str, object] = {}
    for length, shorter in zip(lengths, (0.0, *lengths), strict=False):
        some = seen[(seen[:, 1] > shorter) & (seen[:, 1] <= length), 0]
        told[f"{length:g} s"] = {"number": len(some)} | {
            f"{q:g}": round(float(np.quantile(some, q)), 2) for q in QUANTILES
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
