"""Which workers live: each holds a lock on a file of its own, and the kernel lets go of it the moment the worker dies.

No clock is asked and no heartbeat missed: a worker that is merely slow is never taken for dead, and a killed one is known
to be dead at once. All workers of a service share its data directory, for the uploads lie there.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Lease:
    """This process's sign of life, under a name that no other process ever had."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = secrets.token_hex(8)
        self._path = folder / self.name
        # Locked before it can be seen: nobody finds it unlocked.
        hidden = folder / f".{self.name}"
        self._descriptor = os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        hidden.rename(self._path)

    def end(self) -> None:
        """The worker has nothing in hand any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextmanager
def dead(folder: Path) -> Iterator[list[str]]:
    """The names of workers that died with their lease; it is ended when the block is left without an error.

    Two processes never get the same name at the same time.
    """
    taken: list[tuple[Path, int]] = []
    try:
        for path in _leases(folder):
            descriptor = _taken(path)
            if descriptor is not None:
                taken.append((path, descriptor))
        yield [path.name for path, _ in taken]
        for path, _ in taken:
            path.unlink(missing_ok=True)
    finally:
        for _, descriptor in taken:
            os.close(descriptor)


def living(folder: Path) -> int:
    """How many workers live."""
    count = 0
    for path in _leases(folder):
        descriptor = _taken(path)
        if descriptor is None:
            count += 1
        else:
            os.close(descriptor)
    return count


def _leases(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _taken(path: Path) -> int | None:
    """The locked file, unless its worker lives."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
