"""`whorl backup` and `whorl restore`: everything that cannot be made again, in one file.

A backup is a tar: an SQLite copy of the database, whichever kind that is, the uploads that it tells of, and a note of
what made it. It is taken while the service runs, and restored into an empty database of either kind. Left out are the
indexes and the queue, which are made again from the database.
"""

import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

from index.database import CatalogError
from service.settings import Settings
from service.store.copying import copy
from service.store.store import Store, now
from service.store.uploads import received

_NOTE, _DATABASE, _UPLOADS = "backup.json", "catalog.db", "uploads"
_UPLOAD = re.compile(rf"{_UPLOADS}/([A-Za-z0-9_-]{{1,80}})")


def backup(settings: Settings, target: Path, with_uploads: bool = True) -> dict[str, int]:
    """Writes the backup, whole or not at all; {table: rows}. Raises CatalogError, OSError."""
    if target.exists():
        raise CatalogError(f"{target} exists: name another file, or remove it")
    part = target.with_name(f"{target.name}.part")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".whorl-backup-") as folder:
        copied = Path(folder) / _DATABASE
        rows = copy(settings.database_url, f"sqlite:///{copied}")
        try:
            _write(settings, part, copied, with_uploads)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return rows


def restore(settings: Settings, source: Path) -> dict[str, int]:
    """Restores a backup into the data directory and the database, which hold nothing yet; {table: rows}.

    The database comes last: interrupted before, it can be run again. Raises CatalogError, OSError.
    """
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data, prefix=".whorl-restore-") as folder:
        copied = Path(folder) / _DATABASE
        try:
            with tarfile.open(source, "r:") as tar:
                _extract(tar, copied, settings.data)
        except tarfile.TarError as error:
            raise CatalogError(f"{source} is no backup of Whorl, or is damaged ({error})") from error
        if not copied.exists():
            raise CatalogError(f"{source} is no backup of Whorl: it holds no {_DATABASE}")
        return copy(f"sqlite:///{copied}", settings.database_url)


def _place(data: Path, upload_id: str) -> Path:
    """Where the bytes of an upload lie, as `Incoming.path` has it."""
    return data / _UPLOADS / upload_id[:2] / upload_id


def _write(settings: Settings, part: Path, copied: Path, with_uploads: bool) -> None:
    with open(part, "xb", opener=_private) as file, tarfile.open(fileobj=file, mode="w:") as tar:
        _add_note(tar)
        tar.add(copied, _DATABASE)
        for upload_id, size in _uploads(copied) if with_uploads else ():
            _add_upload(tar, _place(settings.data, upload_id), size)
    with part.open("rb") as written:
        os.fsync(written.fileno())


def _private(path: str, flags: int) -> int:
    """Digests of keys, secrets of webhooks, seized media: nobody else on this machine is to read them."""
    return os.open(path, flags, 0o600)


def _add_note(tar: tarfile.TarFile) -> None:
    note = json.dumps({"whorl": version("whorl"), "made": now()}).encode()
    told = tarfile.TarInfo(_NOTE)
    told.size = len(note)
    tar.addfile(told, io.BytesIO(note))


def _uploads(copied: Path) -> list[tuple[str, int]]:
    store = Store(f"sqlite:///{copied}")
    try:
        return received(store)
    finally:
        store.close()


def _add_upload(tar: tarfile.TarFile, path: Path, size: int) -> None:
    """The bytes that the database knows of: more may have come since, and an upload may be gone."""
    try:
        with path.open("rb") as file:
            told = tar.gettarinfo(arcname=f"{_UPLOADS}/{path.name}", fileobj=file)
            told.size = min(size, told.size)
            tar.addfile(told, file)
    except FileNotFoundError:
        return


def _extract(tar: tarfile.TarFile, copied: Path, data: Path) -> None:
    """Takes what a backup holds and nothing else, whatever names and links are in it."""
    for member in tar:
        upload = _UPLOAD.fullmatch(member.name)
        target = copied if member.name == _DATABASE else _place(data, upload[1]) if upload else None
        held = tar.extractfile(member) if member.isreg() and target else None
        if held is None or target is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with held, target.open("wb") as file:
            shutil.copyfileobj(held, file, 1 << 20)
