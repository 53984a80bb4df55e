"""A PostgreSQL server of the tests' own: started when a test first asks for it, ended with them, reached by a socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

# PostgreSQL does not run as root; the package makes this user.
_USER = "postgres" if os.geteuid() == 0 else None
# What a test stores need not outlive a power cut.
_SETTINGS = "fsync=off synchronous_commit=off full_page_writes=off max_connections=200 listen_addresses="


class NoPostgres(Exception):  # noqa: N818
    """No server is installed."""


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises NoPostgres."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    if found is None:
        raise NoPostgres("PostgreSQL is not installed: on Debian, apt install postgresql")
    return Path(found).parent


class Server:
    """A running server."""

    def __init__(self) -> None:
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="whorl-pg-", dir="/tmp"))  # a socket's path must be short
        if _USER:
            os.chown(self._folder, pwd.getpwnam(_USER).pw_uid, -1)
        self._run(
            "initdb",
            "-A",
            "trust",
            "-U",
            "whorl",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
            "data",
        )
        options = " ".join(f"-c {setting}" for setting in _SETTINGS.split(" "))
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", f"-k {self._folder} {options}", "start")

    def stop(self) -> None:
        """Ends it and removes what it stored."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, which is dropped at the end."""
        name = f"test_{uuid4().hex}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield f"postgresql://whorl@/{name}?host={self._folder}"
        with self._connection() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._folder), user="whorl", dbname="postgres", autocommit=True)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits what it prints to: a pipe would never end.
        with (self._folder / "said").open("w+") as said:
            ended = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self._folder,
                stdout=said,
                stderr=said,
                user=_USER,
                check=False,
            )
            said.seek(0)
            assert ended.returncode == 0, said.read()
