"""Codes that an encoder pushes: checked, and put on the air beside those that are recorded here."""

from dataclasses import replace

import numpy as np

from evidence.answer import Json
from fingerprint.exchange import unpacked
from fingerprint.extractor import CONFIRMED_BY, EXTRACTORS, WIDTHS
from fingerprint.fingerprint import Fingerprint
from index.catalog import Catalog
from index.live import LiveStore
from service.settings import Settings
from service.store.errors import Conflict
from service.store.lives import Live
from service.store.store import Store
from service.watcher import live

LONGEST = 7 * 86400.0  # seconds of a reference on the air


class OnAir:
    """The references on the air, for who adds to them without an engine. Close it."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises CatalogError."""
        self._store, self._url = store, settings.database_url
        self._held = LiveStore(settings.data / "live.db")

    def close(self) -> None:
        """Lets go of it."""
        self._held.close()

    def begin(self, org_id: int, about: Json) -> int:
        """Puts a reference on the air; its number."""
        return -live.begin(self._held, self._store, org_id, about)

    def checked(self, body: bytes, begin: float) -> tuple[Fingerprint, ...]:
        """The codes to register in a fingerprint of what was aired from ``begin`` (s) of a reference. Raises ValueError."""
        made = tuple(one for one in unpacked(body).references if one.algorithm not in CONFIRMED_BY.values())
        if not made:
            raise ValueError("it holds nothing to register: make it by `whorl fingerprint`")
        for codes in made:
            if codes.algorithm not in EXTRACTORS or codes.width != WIDTHS[codes.algorithm]:
                raise ValueError(f"codes of {codes.algorithm} are not among {', '.join(EXTRACTORS)}")
            if begin + codes.duration > LONGEST:
                raise ValueError(f"it leads beyond the {LONGEST:.0f} s that a reference on the air may last")
        return made

    def add(self, row: Live, made: tuple[Fingerprint, ...], begin: float, at: float) -> float:
        """Stores the codes of what was aired from ``begin`` (s) of the reference on, unix time ``at``; its duration then.

        Raises ValueError where what is there already cannot be gone on with.
        """
        begin = round(begin, 3)  # as codes are stored
        ends = [codes.times[-1] for codes in made if len(codes)] + [codes.duration for codes in made]
        seconds = max(float(row.duration), begin + max(map(float, ends)))
        later = [self._later(-row.number, codes, begin, seconds) for codes in made]
        try:
            self._held.add(-row.number, later, seconds, at - begin)
        except KeyError:
            raise Conflict("gone", f"{row.id} is on the air no longer: begin a new one") from None
        return seconds

    def _later(self, ref_id: int, codes: Fingerprint, begin: float, seconds: float) -> Fingerprint:
        """What is later than what is there already: a kill between two writes doubles nothing."""
        times = np.round(codes.times + begin, 3)
        new = times > self._held.last(ref_id, codes.algorithm)
        return replace(
            codes, duration=seconds, times=times[new], codes=codes.codes[new], weak=codes.weak[new]
        )

    def conclude(self, row: Live) -> None:
        """Registers what was pushed, or forgets it."""
        catalog = Catalog(self._url)
        try:
            live.conclude(catalog, self._held, self._store, row)
        finally:
            catalog.close()
