"""Fits what spectral peaks say to a stretch of sound that codes have found (``matching/confirm.py``).

Copies of titles that are not held out, under attacks drawn by lot, are searched for among all of these: the right stretch
of each says what peaks show of a copy, the likeliest wrong ones, and those found when the title itself is taken out,
what chance shows. Other titles of its series are among these: a reader's same words in the same voice. A logistic regression
on the deviations tells the two apart; without the shares of the two it is the ratio of their densities.

    python -m benchmarks.confirm
"""

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

from benchmarks.attacks import AUDIO, AudioAttack
from benchmarks.audio_attacks import RATE, Sound, mix
from benchmarks.copies import excerpt, write_sound
from benchmarks.corpus import SPEECH, Title, media_folder, same, seeded, titles
from benchmarks.files import read_sound
from fingerprint.audio import AudioExtractor
from fingerprint.clip import Clip
from fingerprint.fingerprint import Fingerprint
from fingerprint.media import SAMPLE_RATE
from fingerprint.peaks import ALGORITHM
from index.index import INDEXES
from matching.confirm import Witness
from matching.decoys import decoys
from matching.found import Found
from matching.score import calibration
from matching.search import Search

SEED = 20261126
LENGTHS = (2.0, 3.0, 5.0, 10.0)
ATTACKS_EACH = 6  # of a title, drawn by lot
TAKEN_OUT = 2  # of these are also searched for without the title
WRONG = 3  # stretches of a query, the likeliest of as many works, that stand for chance
LIKELIEST = 1e3  # expected false matches up to which a stretch is taken
NEAR = 0.5  # seconds from the true place, within which a stretch is right
RIDGE = 1e-5  # of the squared slope: keeps it finite where nothing overlaps
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)  # that are told
SMALLEST, LARGEST = 1e-6, 100.0
MODEL = Path("matching/models/audio-peaks-1.json")

Array = NDArray[np.float64]
Seen = tuple[float, float]  # deviations, and the seconds of the excerpt


@dataclass(frozen=True)
class Known:
    """A title that models have seen: its codes and its peaks."""

    title: Title
    codes: Fingerprint
    peaks: Fingerprint


@dataclass(frozen=True)
class Told:
    """What peaks show of copies and of chance."""

    copies: list[Seen]
    chance: list[Seen]

    def __add__(self, other: "Told") -> "Told":
        return Told(self.copies + other.copies, self.chance + other.chance)


_known: list[Known]
_search: Search


def known_titles(media: Path) -> Iterator[Known]:
    """The titles that are not held out and long enough for a code."""
    extractor = AudioExtractor()
    for title in titles(media):
        if title.kind == "audio" and not title.held_out:
            sound = read_sound(media / title.file)
            codes, peaks = extractor.references(_clip(sound))
            if len(codes):
                yield Known(title, codes, peaks)


def shown(media: Path) -> Told:
    """What peaks show of copies of all titles, and of chance, on all cores."""
    global _known, _search
    _known = list(known_titles(media))
    extractor = AudioExtractor()
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
    title = _known[number].title
    sound = read_sound(media_folder() / title.file)
    rng = seeded(title.file, SEED)
    names = rng.permutation(sorted(AUDIO))[:ATTACKS_EACH]
    total = Told([], [])
    own = [i for i, one in enumerate(_known) if same(title.file, one.title.file)]
    for rank, name in enumerate(names):
        attack = AUDIO[str(name)]
        start, taken = excerpt(sound, LENGTHS[(number + rank) % len(LENGTHS)], rng)
        heard, over = _attacked(title, taken, attack, rng)
        clip, over_it = (
            _clip(heard),
            [i for i, one in enumerate(_known) if over and same(over, one.title.file)],
        )
        total += _told(clip, own, over_it, start, attack.time_scale)
        if rank < TAKEN_OUT:
            for ref_id in own:
                _search.index.remove(ref_id)
            total += _told(clip, own, over_it, start, attack.time_scale)
            for ref_id in own:
                _search.index.add(ref_id, _known[ref_id].codes)
    return total


def _attacked(title: Title, taken: Sound, attack: AudioAttack, rng: np.random.Generator) -> tuple[Sound, str]:
    """A copy, and the file of what is heard over it, if anything: a title that is not held out either."""
    over = ""
    if attack.over:
        others = [one.title for one in _known if not same(one.title.file, title.file)]
        fitting = [one for one in others if (SPEECH in one.source) == (attack.over == "speech")]
        over = fitting[int(rng.integers(len(fitting)))].file
        _, heard = excerpt(read_sound(media_folder() / over), len(taken) / RATE, rng)
        taken = mix(taken, np.resize(heard, len(taken)), attack.decibels)
    with TemporaryDirectory() as folder:
        file = write_sound(Path(folder), "copy", attack.change(taken, rng), attack)
        return read_sound(Path(folder) / file), over


def _told(clip: Clip, own: list[int], over: list[int], start: float, time_scale: float) -> Told:
    """What peaks show of the right stretch of a copy, if it is found, and of the likeliest wrong ones.

    ``own`` are references of the copy's title, ``over`` those of what is heard over it, of which nothing is taken.
    """
    model = calibration(_search.extractor.algorithm)
    witness = Witness(clip, lambda i: _known[i].peaks)

    def expected(found: Found) -> float:
        return model.expected_false_matches(found.score, found.stage, clip.duration, len(_search.index))

    candidates = [f for f in _search.candidates(clip, expected)[0] if expected(f) <= LIKELIEST]
    copies, chance = list[Seen](), dict[int, Seen]()
    for found in sorted(candidates, key=expected):
        deviations = witness.deviations(found.stretch, found.disguise.pitch)
        aligned = found.stretch
        if deviations is None or aligned.ref_id in over:
            continue
        if aligned.ref_id not in own:
            if len(chance) < WRONG:
                chance.setdefault(aligned.ref_id, (deviations, clip.duration))
        elif not copies:
            middle = (aligned.query_start + aligned.query_end) / 2
            off = aligned.time_scale * middle + aligned.offset - (time_scale * middle + start)
            copies = [(deviations, clip.duration)] if abs(off) < NEAR else []
    return Told(copies, list(chance.values()))


def _clip(sound: Sound) -> Clip:
    samples = scipy.signal.resample_poly(sound, SAMPLE_RATE, RATE)
    return Clip("copy", len(samples) / SAMPLE_RATE, samples=np.asarray(samples, np.float32))


def fit(copies: Array, chance: Array) -> tuple[float, float]:
    """Slope and intercept of the logarithm of chance's density over that of copies, by deviations.

    ``copies`` (n, 2) and ``chance`` (m, 2): deviations, and the seconds of the excerpt. At each of LENGTHS both count the
    same, however many there are of each. (A third parameter, for the logarithm of seconds, came out as 0.07: no matter.)
    """
    deviations = np.concatenate([copies[:, 0], chance[:, 0]])
    signs = np.concatenate([np.ones(len(copies)), -np.ones(len(chance))])
    weights = np.concatenate([_even(seen[:, 1]) for seen in (copies, chance)])

    def loss(parameters: Array) -> float:
        margins = signs * (parameters[0] * deviations - parameters[1])
        return float((weights * np.logaddexp(0, -margins)).sum() + RIDGE * parameters[0] ** 2)

    slope, intercept = scipy.optimize.minimize(loss, np.array([1.0, 4.0])).x
    return float(slope), float(intercept)


def _even(seconds: Array) -> Array:
    """Weights that sum to 1 at each of LENGTHS."""
    lengths = np.digitize(seconds, LENGTHS, right=True)
    return np.asarray(1 / np.bincount(lengths)[lengths])


def card(found: Told) -> dict[str, object]:
    """The fit and what it was made from."""
    copies, chance = (np.array(seen) for seen in (found.copies, found.chance))
    slope, intercept = fit(copies, chance)
    return {
        "algorithm": ALGORITHM,
        "slope": slope,
        "intercept": intercept,
        "smallest": SMALLEST,
        "largest": LARGEST,
        "seed": SEED,
        "copies": _quantiles(copies),
        "chance": _quantiles(chance),
    }


def _quantiles(seen: Array) -> dict[str, object]:
    """Deviations by the seconds of the excerpts, for whoever wants to see how far apart they are."""
    told: dict[str, object] = {}
    for length, shorter in zip(LENGTHS, (0.0, *LENGTHS), strict=False):
        some = seen[(seen[:, 1] > shorter) & (seen[:, 1] <= length), 0]
        told[f"{length:g} s"] = {"number": len(some)} | {
            f"{q:g}": round(float(np.quantile(some, q)), 2) for q in QUANTILES
        }
    return told


def main() -> None:
    """Writes the fit into matching/models."""
    written = json.dumps(card(shown(media_folder())), indent=2) + "\n"
    MODEL.write_text(written)
    print(written)


if __name__ == "__main__":
    main()
