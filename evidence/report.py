"""Reports: a registry of what turns answers into a document, and where they find the media to show."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evidence.answer import Json, printable
from fingerprint.media import MediaError, sha256

Find = Callable[
    [Json], Path | None
]  # a query or a reference, as in an answer -> the file of exactly its bytes
Report = Callable[[Sequence[Json], Find], str]


class Sources:
    """Finds the file of a query or a reference among the files of folders: by name, then by digest.

    A file of the right name and other bytes is not shown: a picture in a report is evidence.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._files: dict[str, list[Path]] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._files.setdefault(printable(path.name), []).append(path)

    def __call__(self, thing: Json) -> Path | None:
        """The file; None where there is none, or where the answer does not say what bytes it was of."""
        digest = thing.get("sha256")
        candidates = self._files.get(thing["name"], []) if digest else []
        return next((path for path in candidates if _digest(path) == digest), None)


def _digest(path: Path) -> str:
    """The file's sha256; empty for one that cannot be read, which is not the one that is sought."""
    try:
        return sha256(path)
    except MediaError:
        return ""


def _html(answers: Sequence[Json], find: Find) -> str:
    from evidence.html_report import page

    return page(answers, find)


REPORTS: dict[str, Report] = {"html": _html}
