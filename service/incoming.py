"""Bytes that come in: written, hashed meanwhile, and safe on the disk before anybody is told that they are."""

import errno
import hashlib
import os
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.settings import Settings
from service.store import uploads
from service.store.caller import Caller
from service.store.store import Store
from service.store.uploads import Upload

UNFINISHED = 1000  # uploads of an organisation that may be under way
SAFE_EVERY = 64 << 20  # bytes after which what has come is made safe, in the middle of a request too
LONGEST_NAME = 255  # characters
HASHES = 256  # unfinished uploads whose hash is kept in memory


class IncomingError(Exception):
    """Bytes cannot be taken. ``status`` is HTTP's, ``code`` is for programs."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


def named(name: str) -> str:
    """A file's name as it is kept: without folders. Raises IncomingError for what cannot be a name."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if len(last) > LONGEST_NAME:
        raise IncomingError(422, "invalid-name", f"a name of {len(last)} characters: at most {LONGEST_NAME}")
    if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in last):
        raise IncomingError(422, "invalid-name", f"{last!r} holds control characters: name it otherwise")
    return last if last not in ("", ".", "..") else "unnamed"


class Incoming:
    """The uploads of a service: rows in the store, bytes in ``uploads/`` of the data directory. For several threads."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._folder = settings.data / "uploads"
        self._hashes: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, upload_id: str) -> Path:
        """Where the bytes of an upload lie."""
        return self._folder / upload_id[:2] / upload_id

    def create(self, who: Caller, name: str, length: int) -> Upload:
        """An upload of ``length`` bytes to come. Raises IncomingError."""
        settings = self._settings
        if length > settings.max_upload:
            raise IncomingError(413, "too-large", f"{length} bytes: at most {settings.max_upload}")
        self.check_disk(length)
        try:
            made = uploads.create(self._store, who, named(name), length, settings.quota, UNFINISHED)
        except uploads.QuotaError as error:
            raise IncomingError(413, "quota", f"no room for this upload: {error}") from None
        try:
            _make(self.path(made.id))
        except OSError as error:
            uploads.remove(self._store, made.id)
            raise _disk(error) from error
        if length == 0:
            uploads.advance(self._store, made.id, 0, hashlib.sha256().hexdigest())
        return uploads.find(self._store, who, made.id) or made

    def check_disk(self, more: int) -> None:
        """Raises IncomingError where so many bytes would fill the disk."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free - more < self._settings.spare:
            raise IncomingError(507, "disk-full", "the disk has no room for this: try again later")

    def open(self, upload: Upload) -> "Writing":
        """Goes on with an upload where it stands. Raises IncomingError."""
        try:
            return Writing(self, self._store, upload)
        except OSError as error:
            raise _disk(error) from error

    def remove(self, upload_id: str) -> None:
        """Removes an upload and its bytes. Raises IncomingError where a job needs it."""
        try:
            uploads.remove(self._store, upload_id)
        except uploads.InUseError as error:
            raise IncomingError(409, "in-use", str(error)) from None
        self.path(upload_id).unlink(missing_ok=True)
        self.take_hash(upload_id, 0)

    def sweep(self) -> int:
        """Removes what was abandoned, and files that no row knows; returns how many."""
        gone = 0
        for upload_id in uploads.abandoned(self._store, self._settings.kept):
            with suppress(IncomingError):
                self.remove(upload_id)
                gone += 1
        for folder in self._folder.glob("??"):
            ids = [path.name for path in folder.iterdir()]
            for stray in set(ids) - uploads.known(self._store, ids):
                self.path(stray).unlink(missing_ok=True)
                gone += 1
        return gone

    def take_hash(self, upload_id: str, received: int) -> Any:
        """The hash of the first ``received`` bytes, if it is still known; it is the caller's from then on."""
        with self._lock:
            at, known = self._hashes.pop(upload_id, (-1, None))
        return known if at == received else None

    def keep_hash(self, upload_id: str, received: int, known: Any) -> None:
        """Keeps a hash for the next request."""
        with self._lock:
            self._hashes[upload_id] = (received, known)
            while len(self._hashes) > HASHES:
                self._hashes.popitem(last=False)


class Writing:
    """One request's bytes on their way into an upload. Blocks: call it in a thread.

    received  how many bytes of the upload are safe
    """

    def __init__(self, incoming: Incoming, store: Store, upload: Upload) -> None:
        self._incoming, self._store, self.upload = incoming, store, upload
        self.received = int(upload.received)
        self._file = incoming.path(upload.id).open("r+b", buffering=0)
        self._at: int = self.received
        self._lock = (
            threading.Lock()
        )  # a request that is broken off ends while its last bytes are being written
        # What lies beyond was never acknowledged, and may be anything after a power cut.
        self._file.truncate(self.received)
        self._file.seek(self.received)
        self._hash = incoming.take_hash(upload.id, self.received) or self._read_again()

    def _read_again(self) -> Any:
        known = hashlib.sha256()
        with self._incoming.path(self.upload.id).open("rb") as file:
            while piece := file.read(1 << 20):
                known.update(piece)
        return known

    @property
    def room(self) -> int:
        """Bytes still to come."""
        return int(self.upload.length) - self._at

    def write(self, data: bytes, safe: bool = True) -> None:
        """Adds bytes; without ``safe`` none of them is acknowledged before ``settle``. Raises IncomingError."""
        if len(data) > self.room:
            raise IncomingError(413, "too-long", f"more bytes than the {self.upload.length} announced")
        self._incoming.check_disk(len(data))
        with self._lock:
            try:
                view = memoryview(data)
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise _disk(error) from error
            self._hash.update(data)
            self._at += len(data)
            if safe and self._at - self.received >= SAFE_EVERY:
                self._settle(whole=False)

    def settle(self, whole: bool = False) -> None:
        """Makes safe and takes down what was written; ``whole``: that is all there is. Raises IncomingError."""
        with self._lock:
            self._settle(whole)

    def _settle(self, whole: bool) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _disk(error) from error
        length = self._at if whole else int(self.upload.length)
        digest = self._hash.hexdigest() if self._at == length else None
        if not uploads.advance(self._store, self.upload.id, self._at, digest, length):
            raise IncomingError(404, "not-found", f"upload {self.upload.id} was deleted meanwhile")
        self.received = self._at

    def conclude(self, keep: bool) -> None:
        """Lets go of the file, in whatever state; ``keep``: what was written is made safe, else forgotten."""
        with self._lock:
            try:
                if keep and self._at > self.received:
                    self._settle(whole=False)
                elif self._at > self.received:
                    self._hash = None
                    self._file.truncate(self.received)
            except (IncomingError, OSError):
                self._hash = None  # the disk is full, or the upload gone: what was acknowledged stands
            self._file.close()
            if self._hash is not None:
                self._incoming.keep_hash(self.upload.id, self.received, self._hash)


def _make(path: Path) -> None:
    """An empty file that is still there after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        os.fsync(file.fileno())
    for folder in (path.parent, path.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _disk(error: OSError) -> IncomingError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return IncomingError(
            507, "disk-full", "the disk is full: what was acknowledged is kept, try again later"
        )
    if error.errno == errno.ENOENT:
        return IncomingError(404, "not-found", "the upload was deleted meanwhile")
    return IncomingError(500, "disk", f"the disk does not take it: {error.strerror}")
