"""Files at hand, by what is in them: uploads that are kept, and a folder of originals that the operator names."""

from functools import lru_cache
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI

from evidence.answer import Json, printable
from fingerprint.media import MediaError, sha256
from service.store.held import reference_file, upload_of


class Media(Protocol):
    """Where the very bytes lie that were examined or registered, if they are at hand."""

    def capture(self, query: Json) -> Path | None:
        """The file of an answer's ``query``."""

    def original(self, reference: Json) -> Path | None:
        """The file of a match's ``reference``."""


class Shelf:
    """The files of a service. A file of the right name and other bytes is not shown: what is seen is evidence."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def capture(self, query: Json) -> Path | None:
        """The file of an answer's ``query``."""
        return self._uploaded(query["sha256"])

    def original(self, reference: Json) -> Path | None:
        """The file of a match's ``reference``."""
        registered = reference_file(self._app.state.store, reference["id"])
        if registered is None:
            return None
        return self._uploaded(registered.sha256) or self._in_folder(registered.name, registered.sha256)

    def _uploaded(self, digest: str) -> Path | None:
        upload = upload_of(self._app.state.store, digest)
        path: Path | None = self._app.state.incoming.path(upload) if upload else None
        return path if path is not None and path.is_file() else None

    def _in_folder(self, name: str, digest: str) -> Path | None:
        folder = self._app.state.settings.originals
        named = (path for path in Path(folder).rglob("*") if printable(path.name) == name) if folder else ()
        return next((path for path in named if _digest_of(path) == digest), None)


def _digest_of(path: Path) -> str | None:
    """The SHA-256 of a file, None of what cannot be read; a film is read once, until it changes."""
    try:
        state = path.stat()
        return _digest(path, state.st_mtime_ns, state.st_size)
    except (OSError, MediaError):
        return None


@lru_cache(maxsize=4096)
def _digest(path: Path, changed: int, size: int) -> str:
    return sha256(path)
