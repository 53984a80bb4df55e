"""Renders the queries of the benchmark: copies of registered titles, and what is none, in files of a cache folder.

Everything is drawn from names, so the same recipe gives the same queries; they are rendered again when the
recipe has changed.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import platformdirs

from benchmarks import compilations, renders, strangers
from benchmarks.attacks import ATTACKS
from benchmarks.copies import LENGTHS, SHORTEST, copies, usable, wanted
from benchmarks.corpus import draw, originals, registered, titles
from benchmarks.corpus import strangers as unregistered
from benchmarks.truth import Truth, read_table, write_table

RECIPE = ("attacks", "audio_attacks", "compilations", "copies", "files", "queries", "renders", "strangers",
          "truth", "turns", "video_attacks")  # fmt: skip

Job = Callable[[], list[Truth]]


def default_cache() -> Path:
    """The platform's cache folder of the benchmark."""
    return platformdirs.user_cache_path("whorl") / "benchmarks"


def recipe(media: Path) -> str:
    """What the queries depend on, as a short digest: the code that renders them, and the split."""
    code = b"".join(Path(__file__).with_name(f"{module}.py").read_bytes() for module in RECIPE)
    split = [
        [title.file for title in part(titles(media), kind)]
        for part in (originals, unregistered)
        for kind in ("audio", "video")
    ]
    return hashlib.sha256(code + repr(split).encode()).hexdigest()[:12]


def queries(media: Path, cache: Path, note: Callable[[str], None]) -> tuple[Path, list[Truth]]:
    """The folder that holds the queries, rendered if need be, and their truths."""
    folder = cache / f"queries-{recipe(media)}"
    table = folder / "truth.csv"
    if not table.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_table(table, list(_rendered(list(jobs(media, folder)), note)))
    return folder, read_table(table)


def _rendered(work: list[Job], note: Callable[[str], None]) -> Iterator[Truth]:
    """The jobs' truths in order, on all cores."""
    with get_context("spawn").Pool() as pool:
        for number, truths in enumerate(pool.imap(_done, work), 1):
            note(f"rendered {number} of {len(work)} sets of queries")
            yield from truths


def _done(job: Job) -> list[Truth]:
    return job()


def jobs(media: Path, folder: Path) -> Iterator[Job]:
    """Everything that is to be rendered, in the order of the table."""
    everything = titles(media)
    for kind, lengths in LENGTHS.items():
        known = sorted(originals(everything, kind), key=lambda t: draw(t.file + "choice"))
        for length in lengths:
            chosen = [title for title in known if usable(title, length)]
            for number, title in enumerate(chosen):
                attacks = [name for name, attack in ATTACKS.items()
                           if attack.kind == kind and wanted(name, length, number, len(chosen))]  # fmt: skip
                yield partial(copies, media, folder, title, length, attacks)
        others = unregistered(everything, kind)
        sources = {title.source for title in registered(everything) if title.kind == kind}
        for title in others:
            series = title.source if title.source in sources else ""
            yield partial(strangers.strangers, media, folder, title, series)
            if series:
                yield partial(strangers.cousins, media, folder, title, series)
        for title in known:
            if title.seconds >= SHORTEST:
                yield partial(strangers.decoys, media, folder, title)
    for kind, names in (("audio", renders.SOUNDS), ("video", renders.SCENES)):
        for name in names:
            yield partial(strangers.rendered, folder, kind, name)
    sounds, pictures = originals(everything, "audio"), originals(everything, "video")
    yield partial(compilations.plain, media, folder, sounds)
    yield partial(compilations.disguised, media, folder, sounds, unregistered(everything, "audio"))
    yield partial(compilations.pictures, media, folder, pictures, unregistered(everything, "video"))
