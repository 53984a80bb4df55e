"""Which database the tests that run now are to use."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Server

NAMES = ("sqlite", "postgresql")
_server: list[Server | None] = [None]
_open: list[str] = []  # URLs of databases in use


@contextmanager
def chosen(name: str, server: Server | None) -> Iterator[None]:
    """Until the end, databases are of this kind."""
    assert name in NAMES
    _server.append(server)
    try:
        yield
    finally:
        _server.pop()
        assert not _open, (
            f"a fixture that is wider than a function serves, and did not ask for `backend`: {_open}"
        )


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of the catalog of this data directory, or of a new database on the server, dropped at the end."""
    with _made(folder, _server[-1]) as url:
        _open.append(url)
        try:
            yield url
        finally:
            _open.remove(url)


@contextmanager
def _made(folder: Path, server: Server | None) -> Iterator[str]:
    if server is None:
        folder.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{folder.absolute()}/catalog.db"
    else:
        with server.database() as url:
            yield url
