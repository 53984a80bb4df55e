"""What is registered, as a search needs it: an index of each algorithm's codes, and the fingerprints of late."""

from collections.abc import Callable
from pathlib import Path

from fingerprint.extractor import CONFIRMED_BY, WIDTHS
from fingerprint.fingerprint import Fingerprint
from index.catalog import Catalog, CatalogError
from index.index import Index
from index.segments import load_index

KEPT = 512  # fingerprints
NAMED = 5  # references that an error names


class Held:
    """Follows the catalog, whichever process changes it."""

    def __init__(self, catalog: Catalog, folder: Path, note: Callable[[str], None]) -> None:
        """``folder`` is where the indexes are saved; ``note`` is told where one does not fit and is built anew."""
        self._catalog, self._folder, self._note = catalog, folder, note
        self._indexes: dict[str, Index] = {}
        self._ids: dict[str, set[int]] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._fingerprints: dict[tuple[str, int], Fingerprint] = {}

    def index(self, algorithm: str) -> Index:
        """The index of all that is registered, whichever process did it. Raises CatalogError."""
        if algorithm not in self._indexes:
            self._load(algorithm)
        elif self._seen[algorithm] != self._catalog.state():
            self._follow(algorithm)
        return self._indexes[algorithm]

    def follow(self) -> None:
        """Takes over at once what was registered and removed since."""
        for algorithm in self._indexes:
            self._follow(algorithm)

    def fingerprint(self, algorithm: str, ref_id: int) -> Fingerprint:
        """A reference's codes. Raises CatalogError."""
        stored = self._stored(algorithm, ref_id)
        if stored is None:
            raise CatalogError(f"reference {ref_id} was removed while it was searched: try again")
        return stored

    def confirming(self, algorithm: str, ref_id: int) -> Fingerprint | None:
        """What confirms a line of these codes in a reference, if there is such a thing and it was stored."""
        confirming = CONFIRMED_BY.get(algorithm)
        return self._stored(confirming, ref_id) if confirming else None

    def _stored(self, algorithm: str, ref_id: int) -> Fingerprint | None:
        key = (algorithm, ref_id)
        if key not in self._fingerprints:
            stored = self._catalog.fingerprint(ref_id, algorithm)
            if stored is None:
                return None
            if len(self._fingerprints) >= KEPT:
                self._fingerprints.pop(next(iter(self._fingerprints)))
            self._fingerprints[key] = stored
        return self._fingerprints[key]

    def _load(self, algorithm: str) -> None:
        self._refuse_superseded(algorithm)
        before: tuple[int, int] | None = None
        while before != (
            before := self._catalog.state()
        ):  # again, if another process was registering meanwhile
            self._ids[algorithm] = set(self._catalog.ids(algorithm))
            self._indexes[algorithm] = load_index(
                self._catalog, algorithm, WIDTHS[algorithm], self._folder, self._note
            )
        self._seen[algorithm] = before

    def _refuse_superseded(self, algorithm: str) -> None:
        """Raises CatalogError where another version made codes: "no match" would say that these works were searched for."""
        others = self._catalog.superseded(algorithm)
        if others:
            few = ", ".join(str(ref_id) for ref_id in others[:NAMED])
            more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
            raise CatalogError(
                f"{len(others)} registered with another version's codes than {algorithm}, which cannot be searched for "
                f"(references {few}{more}): remove them and register their files again, or register all in another "
                "data directory"
            )

    def _follow(self, algorithm: str) -> None:
        self._seen[algorithm] = self._catalog.state()
        index, held, live = self._indexes[algorithm], self._ids[algorithm], set(self._catalog.ids(algorithm))
        for ref_id in held - live:
            index.remove(ref_id)
            held.remove(ref_id)
            for name in (algorithm, CONFIRMED_BY.get(algorithm, "")):
                self._fingerprints.pop((name, ref_id), None)
        for ref_id in sorted(live - held):
            index.add(ref_id, self.fingerprint(algorithm, ref_id))
            held.add(ref_id)
