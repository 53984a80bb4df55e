"""The engine: one data directory of registered works, and what captures hold of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self

from fingerprint.clip import blank
from fingerprint.exchange import Exchange
from fingerprint.extractor import EXTRACTORS, WIDTHS, Extractor
from fingerprint.fingerprint import PLAIN, Disguise, Fingerprint
from fingerprint.media import Limits, Media, MediaError, MediaFile, open_media, sha256, unchanged, windows
from index.catalog import Catalog, CatalogError, Reference, Work
from index.live import LiveStore
from matching import bare
from matching.confirm import Witness
from matching.content import EMPTY, Content
from matching.decoys import decoys
from matching.eclipse import without_eclipsed
from matching.glance import Glance, glance
from matching.held import Held
from matching.join import Placed, joined, line_of, of_track, place
from matching.judge import Judge, borne_out
from matching.on_air import with_live
from matching.pitch import tuned
from matching.progress import Progress, Watched, hashing
from matching.relate import matches
from matching.score import NO_MATCH, REVIEW, Calibration, calibration
from matching.search import CERTAIN, Search
from matching.segment import Answer, Failure, Match, QueryInfo
from matching.taken import UNMATCHABLE, Taken, unmatchable

OVERLAP = 10.0  # seconds that windows share: an excerpt this short lies whole in one of them
LONG = 1800.0  # seconds from which on a capture is not searched for disguises in every window
SEARCHED = 4  # windows of a long capture, about, that are searched for every disguise
SHORTEST = 1.0  # seconds of a capture, under which "no match" would only say that it is short


def _silent(_: object) -> None:
    return None


def _nothing(told: Sequence[Match]) -> bool:
    return all(match.verdict == NO_MATCH for match in told)


def _remarks(told: Sequence[Match], contents: dict[str, Content]) -> tuple[str, ...]:
    """What explains that nothing was found, where that is told by what there is in the capture's streams."""
    empty = sorted(kind for kind, content in contents.items() if content.empty)
    return tuple(EMPTY[kind] for kind in empty) if _nothing(told) else ()


def _refuse_too_short(name: str, seconds: float, told: Sequence[Match]) -> None:
    """Raises MediaError where nothing was found in a capture in which hardly anything can be."""
    if seconds < SHORTEST and _nothing(told):
        reason = f"{seconds:.2f} s are too short to be told from chance: hand in {SHORTEST:g} s or more"
        raise MediaError("too-short", name, reason)


class Engine:
    """Registers works, removes them, and examines captures. Use it in a ``with`` block."""

    def __init__(
        self,
        data: Path,
        limits: Limits | None = None,
        note: Callable[[str], None] = _silent,
        faintest: float = REVIEW,
        database: str = "",
    ) -> None:
        """Opens the data directory, or makes it. ``note`` is told what a user should know and need not act on.

        Answers tell of what chance would give at most ``faintest`` times; what lies beyond review is there to be counted
        by a benchmark, not to be shown to a user. ``database`` is the SQLAlchemy URL of the catalog where it is not the
        SQLite file of the directory; indexes are kept in the directory in any case.
        Raises CatalogError when the directory or its catalog cannot be used.
        """
        try:
            data.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogError(
                f"data directory {data} cannot be made ({error.strerror}): choose another with --data"
            ) from error
        self.catalog = Catalog(database or data / "catalog.db")
        self._data, self._limits, self._note = data, limits or Limits(), note
        self._faintest = faintest
        self._live: LiveStore | None = None
        self._held = Held(self.catalog, data / "index", note)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the catalog."""
        self.catalog.close()
        if self._live is not None:
            self._live.close()

    @cached_property
    def _extractors(self) -> dict[str, Extractor]:
        return {algorithm: make() for algorithm, make in EXTRACTORS.items()}

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The names of the codes that this engine makes."""
        return tuple(EXTRACTORS)

    def register(
        self,
        path: Path,
        title: str | None = None,
        kind: str = "",
        owner: str = "",
        identifiers: frozenset[tuple[str, str]] = frozenset(),
        progress: Progress = _silent,
    ) -> tuple[Reference, bool]:
        """Registers a file and returns its reference, with True; with False where its bytes are registered already.

        The title is the file's name unless given. Raises MediaError for a file that cannot be read, CatalogError when
        the catalog cannot take it: then nothing has changed.
        """
        taken = self.take(path, progress)
        return self.store(taken, title or path.stem, kind, owner, identifiers)

    def take(self, path: Path, progress: Progress = _silent) -> Taken:
        """What ``store`` needs of a file; of bytes that are registered already, that alone. Changes nothing.

        Raises MediaError.
        """
        hashed, read = hashing(progress)
        with unchanged(path):
            digest = sha256(path, hashed)
            if self.catalog.find(digest) is not None:
                return Taken(path.name, digest)
            return Taken(path.name, digest, *self._fingerprinted(path, read))

    def store(
        self,
        taken: Taken,
        title: str,
        kind: str = "",
        owner: str = "",
        identifiers: frozenset[tuple[str, str]] = frozenset(),
    ) -> tuple[Reference, bool]:
        """Registers what was taken of a file, as ``register`` does. Raises CatalogError."""
        existing = self.catalog.find(taken.sha256)
        if existing is not None:
            return existing, False
        if not taken.fingerprints:
            raise CatalogError(
                f"the reference of {taken.name} was removed while it was registered: try again"
            )
        reference = self.catalog.add(
            taken.name, taken.sha256, taken.duration, taken.fingerprints, title, kind, owner, identifiers
        )
        self._held.follow()
        return reference, True

    def _fingerprinted(self, path: Path, progress: Progress) -> tuple[float, tuple[Fingerprint, ...]]:
        with open_media(path, self._limits) as media:
            wanted = [e for e in self._extractors.values() if e.kind in media.kinds]
            made: list[Fingerprint] = []
            for i, extractor in enumerate(wanted):
                watched = Watched(media, lambda part, i=i: progress((i + part) / len(wanted)))  # type: ignore[misc]  # a default
                made += extractor.references(watched)
            kept = [fingerprint for fingerprint in made if len(fingerprint)]
            if not kept:
                reason = f"{media.duration:.2f} s are too short for a fingerprint"
                raise MediaError("too-short", path.name, reason)
            if unmatchable(kept):
                self._note(f"{path.name}: {UNMATCHABLE}")
            return media.duration, tuple(kept)

    def remove(self, ref_id: int) -> None:
        """Removes a reference at once and for good. Raises KeyError."""
        self.catalog.remove(ref_id)
        self._held.follow()

    def save(self) -> None:
        """Saves the indexes beside the catalog, so that the next start is fast."""
        for algorithm in self.algorithms:
            self._held.index(algorithm)

    def warm(self) -> None:
        """Loads the indexes and models, so that the next capture does not wait for them.

        What is wrong with the catalog is noted: each capture's answer will say it, too.
        """
        for algorithm, extractor in self._extractors.items():
            try:
                self._search(algorithm, extractor).candidates(blank(2.0), lambda _: 0.0)
            except CatalogError as error:
                self._note(str(error))

    def glance(self, path: Path, progress: Progress = _silent) -> Glance:
        """What a first look at the capture at ``path`` finds, at a fraction of the cost. Raises MediaError, CatalogError."""
        with open_media(path, self._limits) as media:
            searches = self.searches()
            return glance(media, [searches[kind] for kind in searches if kind in media.kinds], progress)

    def searches(self, live: bool = False) -> dict[str, tuple[Search, Calibration]]:
        """What searches each kind of stream in all that is registered now, and what its scores mean.

        ``live``: also in what is still on the air. Raises CatalogError.
        """
        return {
            extractor.kind: (
                with_live(
                    self._search(algorithm, extractor),
                    self.live if live else None,
                    algorithm,
                    WIDTHS[algorithm],
                ),
                calibration(algorithm),
            )
            for algorithm, extractor in self._extractors.items()
        }

    @property
    def live(self) -> LiveStore | None:
        """The references on the air, if there ever were any here."""
        path = self._data / "live.db"
        if self._live is None and path.exists():
            self._live = LiveStore(path, self._note)
        return self._live

    def on_air(self) -> LiveStore:
        """The references on the air, to add to."""
        if self._live is None:
            self._live = LiveStore(self._data / "live.db", self._note)
        return self._live

    def extractors(self) -> dict[str, Extractor]:
        """What makes the codes of each kind of stream."""
        return {extractor.kind: extractor for extractor in self._extractors.values()}

    def reference(self, ref_id: int) -> tuple[Reference, Work]:
        """A reference, on the air or not, and its work. Raises KeyError."""
        if ref_id < 0:
            on_air = self.live.references()[ref_id] if self.live is not None else None
            if on_air is None:
                raise KeyError(ref_id)
            return on_air.reference, on_air.work
        reference = self.catalog.reference(ref_id)
        return reference, self.catalog.work(reference.work_id)

    def examine(
        self, path: Path, progress: Progress = _silent, digest: str = "", thorough: bool = True
    ) -> Answer:
        """What the capture at ``path`` holds. A file that cannot be examined gives an answer with its error.

        ``digest`` is its SHA-256, where that is known. What is not examined ``thorough``ly is searched for as it is alone.
        """
        begun = time.monotonic()
        hashed, read = hashing(progress)
        duration, kinds = 0.0, ()
        warnings: tuple[str, ...] = ()
        try:
            with unchanged(path):
                digest = digest or sha256(path, hashed)
                with open_media(path, self._limits) as media:
                    duration, kinds = media.duration, tuple(sorted(media.kinds))
                    found, remarks = self._matched(media, read, thorough)
                    duration, warnings = media.duration, media.warnings
                    if warnings:  # a stream that is damaged was not replaced
                        found = tuple(replace(match, replaced=()) for match in found)
                    if media.damaged and _nothing(found):
                        # What could not be read may hold a work: "no match" would say that it does not.
                        reason = (
                            f"nothing found in what could be read, but it is damaged: {'; '.join(warnings)}"
                        )
                        raise MediaError("damaged", path.name, reason)
                    warnings, error = warnings + remarks, None
        except (MediaError, CatalogError) as failed:
            found, error = (), Failure(getattr(failed, "code", "catalog"), str(failed))
        query = QueryInfo(path.name, digest, duration, kinds)
        return Answer(query, found, error, warnings, time.monotonic() - begun)

    def _matched(
        self, media: MediaFile, progress: Progress, thorough: bool
    ) -> tuple[tuple[Match, ...], tuple[str, ...]]:
        """The matches in all its streams, and what is to be said where there are none."""
        wanted = [(a, e, t) for a, e in self._extractors.items() for t in range(media.streams(e.kind))]
        placed: list[Placed] = []
        contents: dict[str, Content] = {}
        for i, (algorithm, extractor, track) in enumerate(wanted):
            watched = Watched(media, lambda part, i=i: progress((i + part) / len(wanted)), track)  # type: ignore[misc]  # a default
            found, content = self._placed(watched, algorithm, extractor, placed, thorough)
            contents.setdefault(extractor.kind, Content()).join(content)
            placed = placed + (of_track(found, track, placed) if track else found)
        if not any(map(len, contents.values())):
            reason = f"{media.duration:.2f} s are too short for a fingerprint"
            raise MediaError("too-short", media.name, reason)
        told = self._told(placed, contents)
        _refuse_too_short(media.name, media.duration, told)
        return told, _remarks(told, contents)

    def match(self, made: Exchange) -> Answer:
        """What a capture holds of which only the fingerprint is at hand: copies that are not disguised, found quickly.

        Raises ValueError for codes that are not this engine's.
        """
        begun = time.monotonic()
        codes = {query.fingerprint.algorithm: query.fingerprint.width for _, query in made.queries}
        for algorithm, width in codes.items():
            if algorithm not in EXTRACTORS or width != WIDTHS[algorithm]:
                raise ValueError(f"codes of {algorithm} are not among {', '.join(EXTRACTORS)}")
        placed: list[Placed] = []
        contents: dict[str, Content] = {}
        for algorithm, extractor in self._extractors.items():
            if algorithm in codes:
                search, model = self._search(algorithm, extractor), calibration(algorithm)
                found, contents[extractor.kind] = bare.stretches(
                    made, extractor, search, model, placed, lambda i: self.catalog.reference(i).duration
                )
                placed = placed + found
        query = QueryInfo(made.name, made.sha256, made.duration, tuple(sorted(contents)))
        told, error = self._told(placed, contents), None
        try:
            _refuse_too_short(made.name, made.duration, told)
        except MediaError as failed:
            told, error = (), Failure(failed.code, str(failed))
        remarks = () if error else _remarks(told, contents)
        return Answer(query, told, error, remarks, time.monotonic() - begun)

    def _told(self, placed: list[Placed], contents: dict[str, Content]) -> tuple[Match, ...]:
        """The matches that stretches come to. ``contents``: what there is in the capture's streams, by kind."""

        def filled(kind: str, ref_id: int | None, first: float, last: float) -> bool:
            content = contents.get(kind, Content()) if ref_id is None else self._content(ref_id, kind)
            return content.filled(first, last)

        return matches(placed, self.catalog.reference, filled, self._faintest)

    def _content(self, ref_id: int, kind: str) -> Content:
        """What a reference has in its stream of a kind; nothing where it has no such stream."""
        made = next(a for a, extractor in self._extractors.items() if extractor.kind == kind)
        content = Content()
        if made in self.catalog.algorithms(ref_id):
            content.add(self._held.fingerprint(made, ref_id), 0.0)
        return content

    def _placed(
        self, media: Media, algorithm: str, extractor: Extractor, others: Sequence[Placed], thorough: bool
    ) -> tuple[list[Placed], Content]:
        """Stretches of all windows, on the capture's time axis and rated, and what there is to compare.

        ``others`` are those of other streams: whether picture and sound run together depends on both.
        """
        search, model = self._search(algorithm, extractor), calibration(algorithm)
        placed: list[Placed] = []
        known: dict[Disguise, None] = {}
        content = Content()
        # A disguise is mostly that of a whole capture: of a long one some windows are searched for all, the others for what
        # these had and, unless it is very long or they are but one, for the likeliest.
        every = max(1, round(media.duration / (extractor.window - OVERLAP) / SEARCHED))
        for number, (start, clip) in enumerate(
            windows(media, extractor.kind, extractor.window, extractor.rate, OVERLAP)
        ):
            seconds = max(media.duration, start + clip.duration)
            witness = Witness(clip, extractor, search.confirming)
            judge = Judge(model, seconds, len(search.index), witness)
            # What it would bring to seek pictures further that their details deny was not measured.
            sought = judge.unless_denied if extractor.kind == "audio" else judge.by_codes
            expected, confirmed = borne_out(sought, others, start), judge.confirmed
            stages = None if number % every == 0 else int(media.duration < LONG or extractor.stages[0] == 1)
            stages = stages if thorough else 0
            candidates, plain = search.candidates(clip, expected, list(known), stages, confirmed)
            content.add(plain, start)
            found = without_eclipsed(candidates, confirmed)
            known |= {f.disguise: None for f in found if confirmed(f) <= CERTAIN and f.disguise != PLAIN}
            disguised = cache(partial(extractor.query, clip))
            for f in found:
                lines = [line for other in others if (line := line_of(other, f, start))]
                length, chance = self.catalog.reference(f.stretch.ref_id).duration, confirmed(f)
                told = f
                if chance <= REVIEW:
                    told = tuned(search, clip, witness.straightened(f, lines))
                settled = search.settled(disguised, told, lines)
                placed.append(place(settled, extractor, start, clip.duration, chance, length))
        return joined(placed), content

    def _search(self, algorithm: str, extractor: Extractor) -> Search:
        def reference(ref_id: int) -> Fingerprint:
            return self._held.fingerprint(algorithm, ref_id)

        def confirming(ref_id: int) -> Fingerprint | None:
            return self._held.confirming(algorithm, ref_id)

        exactness = calibration(algorithm).exactness
        index = self._held.index(algorithm)
        return Search(extractor, index, reference, decoys(algorithm), exactness, confirming)
