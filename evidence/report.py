"""Reports: a registry of what turns answers into a document, and where they find the media to show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from evidence.answer import Json, printable
from fingerprint.media import MediaError, sha256
from index.catalog import Reference

Find = Callable[
    [Json], Path | None
]  # a query or a reference, as in an answer -> the file of exactly its bytes
# SHA-256 of registered files by their id and name: answers carry that of the capture alone, and may be of another catalog.
Digests = Mapping[tuple[str, str], str]
Report = Callable[[Sequence[Json], Find, Digests], str]


class Sources:
    """Finds the file of a query or a reference among the files of folders: by name, then by digest.

    A file of the right name and other bytes is not shown: a picture in a report is evidence.
    """

    def __init__(self, folders: Iterable[Path], digests: Digests) -> None:
        self.digests = digests
        self._files: dict[str, list[Path]] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._files.setdefault(printable(path.name), []).append(path)

    def __call__(self, thing: Json) -> Path | None:
        """The file, or None."""
        digest = thing.get("sha256") or digest_of(thing, self.digests)
        candidates = self._files.get(thing["name"], []) if digest else []
        return next((path for path in candidates if _digest(path) == digest), None)


def digest_of(reference: Json, digests: Digests) -> str:
    """The sha256 of a reference, as in an answer; empty where it is not known."""
    return digests.get((reference.get("id", ""), reference["name"]), "")


def digests_of(references: Iterable[Reference]) -> Digests:
    """Those of all these references."""
    return {(str(one.id), printable(one.name)): one.sha256 for one in references}


def _digest(path: Path) -> str:
    """The file's sha256; empty for one that cannot be read, which is not the one that is sought."""
    try:
        return sha256(path)
    except MediaError:
        return ""


def _html(answers: Sequence[Json], find: Find, digests: Digests) -> str:
    from evidence.html_report import page

    return page(answers, find, digests)


REPORTS: dict[str, Report] = {"html": _html}
