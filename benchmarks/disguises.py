"""Whether the disguise that is told of a copy is the one that it was given.

    python -m benchmarks.disguises [--cache FOLDER]

Of copies of the benchmark that are matched in their place: how fast and high they are played, mirrored, turned, how much of
the picture is shown or how small it is. And of each copy, that nothing of this is told that was not done. Prints a table and
writes ``disguises.json`` into ``benchmarks/results``.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from benchmarks.accuracy import RESULTS, print_figures
from benchmarks.attacks import ATTACKS, VideoAttack
from benchmarks.corpus import media_folder
from benchmarks.metrics import Count, counted
from benchmarks.outcomes import Claim, Note, Outcome, catalog, outcomes
from benchmarks.queries import default_cache, queries
from benchmarks.required import at_least
from benchmarks.taken import noted
from benchmarks.truth import Truth
from evidence.answer import segment_json
from evidence.words import disguise
from matching.segment import Segment

LENGTHS = (10.0, 5.0)
EACH = 12  # copies of each attack and length at most, of as many titles
# What is told is right within so much: of time scale, semitones, and of the size that is shown.
SCALE, SEMITONES, SIZE = 0.02, 0.25, 0.15
LEAST = 0.9  # of the copies, of which each is to be told right
NOT_DONE = "nothing else"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to copies beside their time scale, as it is to be told.

    pitch     semitones
    rotation  degrees clockwise by which they are turned
    size      the shown frame's sides as parts of the original's, above 1 where that is shown small
    """

    pitch: float = 0.0
    rotation: int = 0
    size: float = 1.0


DONE = {
    **{name: Done() for name in ("audio-none", "audio-32-kbit", "audio-phone", "audio-music-3-dB")},
    **{
        f"audio-speed-{name}": Done(pitch=12 * math.log2(ATTACKS[f"audio-speed-{name}"].time_scale))
        for name in ("up-4", "down-4", "up-16", "down-16", "up-25", "down-20", "room")
    },
    **{f"audio-tempo-{name}": Done() for name in ("up-7", "down-7", "up-25", "down-20")},
    **{
        f"audio-pitch-{way}-{step}": Done(pitch=step * sign)
        for way, step, sign in (("up", 1, 1), ("down", 2, -1), ("up", 3, 1), ("down", 3, -1), ("up", 4, 1))
    },
    "audio-quarter-tone": Done(pitch=0.5),
    "audio-quarter-tones-down-3": Done(pitch=-1.5),
    **{
        name: Done()
        for name in ("video-none", "video-240p-crf-38", "video-logo-caption", "video-colour-gamma")
    },
    **{f"video-speed-{name}": Done() for name in ("up-5", "down-5", "up-25", "down-20")},
    "video-mirror": Done(),
    "video-mirror-speed": Done(),
    "video-quarter-turn": Done(rotation=270),
    "video-crop-20": Done(size=0.8),
    "video-crop-20-off-centre": Done(size=0.8),
    "video-crop-30-off-centre": Done(size=0.7),
    "video-crop-40-off-centre": Done(size=0.6),
    "video-inset-50": Done(size=2.0),
    "video-inset-40": Done(size=2.5),
}


def chosen(truths: Iterable[Truth]) -> list[Truth]:
    """The copies that are examined."""
    number: Counter[tuple[str, float]] = Counter()
    kept = []
    for truth in truths:
        if truth.group in DONE and truth.length in LENGTHS:
            number[truth.group, truth.length] += 1
            if number[truth.group, truth.length] <= EACH:
                kept.append(truth)
    return kept


def told(claim: Claim, truth: Truth) -> dict[str, bool]:
    """Of each thing that was done to a copy, whether it is told as it was; and whether nothing else is told (NOT_DONE)."""
    done, attack, found = DONE[truth.group], ATTACKS[truth.group], claim.disguise
    mirror = isinstance(attack, VideoAttack) and attack.mirror
    sides = found.crop[2:] if found.crop else (1.0, 1.0)
    facts = {
        "speed": (truth.time_scale != 1, abs(found.time_scale / truth.time_scale - 1) <= SCALE),
        "pitch": (done.pitch != 0, abs(found.pitch - done.pitch) <= SEMITONES),
        "mirroring": (mirror, found.mirror == mirror),
        "turning": (done.rotation != 0, found.rotation == done.rotation),
        "framing": (done.size != 1, all(abs(side / done.size - 1) <= SIZE for side in sides)),
    }
    told_right = {fact: right for fact, (was_done, right) in facts.items() if was_done}
    return told_right | {NOT_DONE: all(right for was_done, right in facts.values() if not was_done)}


def in_words(claim: Claim, kind: str) -> str:
    """The disguise of a claim, as people read it."""
    s = claim.span
    segment = Segment(kind, s.query_start, s.query_end, s.ref_start, s.ref_end, claim.disguise, claim.score)
    return disguise(segment_json(segment))


def report(found: Iterable[Outcome]) -> dict[str, Any]:
    """The required figures, each attack's, and in words what was told of those that were told wrongly."""
    copies = [(o.truth, o.copy, told(o.copy, o.truth)) for o in found if o.copy is not None]

    def counts(part: Callable[[Truth], str]) -> dict[tuple[str, str, float], Count]:
        """By a part of the copies, what is told of them, and their length, the longest first."""
        rights = defaultdict[tuple[str, str, float], list[bool]](list)
        for truth, _, facts in copies:
            for fact, right in facts.items():
                rights[part(truth), fact, truth.length].append(right)
        order = sorted(rights, key=lambda key: (*key[:2], -key[2]))
        return {key: counted(rights[key]) for key in order}

    figures = {
        "required": [
            asdict(
                at_least(
                    f"{kind}, {fact} told{'' if fact == NOT_DONE else ' right'}, {length:g} s", count, LEAST
                )
            )
            for (kind, fact, length), count in counts(lambda truth: truth.kind).items()
        ],
        "attacks": [
            {"attack": group, "told": fact, "length": length, "right": count.hits, "copies": count.total}
            for (group, fact, length), count in counts(lambda truth: truth.group).items()
        ],
        "told_wrongly": [
            {"query": truth.query, "told": in_words(claim, truth.kind), "right": facts}
            for truth, claim, facts in copies
            if not all(facts.values())
        ],
    }
    return noted(figures, "disguises")


def measure(cache: Path, note: Note) -> dict[str, Any]:
    """Examines the copies."""
    media = media_folder()
    folder, truths = queries(media, cache, note)
    data, by_id = catalog(media, cache, note)
    return report(list(outcomes(data, by_id, folder, chosen(truths), note)))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.disguises", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for copies and catalogs")
    arguments = parser.parse_args()
    with Status("starting", console=Console(stderr=True)) as status:
        made = measure(arguments.cache, status.update)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "disguises.json").write_text(json.dumps(made, indent=1) + "\n")
    print_figures(made["required"])


if __name__ == "__main__":
    main()
