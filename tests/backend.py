"""Which database the tests that run now are to use."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Server

NAMES = ("sqlite", "postgresql")
_server: list[Server | None] = [None]


@contextmanager
def chosen(name: str, server: Server | None) -> Iterator[None]:
    """Until the end, databases are of this kind."""
    assert name in NAMES
    _server.append(server)
    try:
        yield
    finally:
        _server.pop()


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of the catalog of this data directory, or of a new database on the server, dropped at the end."""
    server = _server[-1]
    if server is None:
        folder.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{folder.absolute()}/catalog.db"
    else:
        with server.database() as url:
            yield url
