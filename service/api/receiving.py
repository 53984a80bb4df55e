"""Bodies on their way to the disk: at most one request writes to an upload, and a broken line loses nothing."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.api.problem import Problem
from service.incoming import Incoming, IncomingError
from service.store.uploads import Upload

GATHERED = 1 << 20  # bytes handed to the disk at once
SILENCE = 60.0  # seconds without a byte after which a line is taken for broken
PATIENCE = 10.0  # seconds that a new request waits for an older one to let go
CHECKSUM_MISMATCH = 460  # of the tus protocol; no other status may mean it

Proof = tuple[Any, bytes] | None  # a hash to be filled, and what it must come to


def incoming(request: Request) -> Incoming:
    """The uploads of the app that was asked."""
    found: Incoming = request.app.state.incoming
    return found


def refused(error: IncomingError) -> Problem:
    """What could not be taken, as an answer."""
    return Problem(error.status, error.code, error.detail)


class Line:
    """A request whose body is being read; whoever wants its upload tells it to leave."""

    def __init__(self, request: Request) -> None:
        self._stream = request.stream().__aiter__()
        self._reading: asyncio.Timeout | None = None
        self._told = False

    def leave(self) -> None:
        """Has it behave as if the line had broken."""
        self._told = True
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body in pieces of about GATHERED bytes; when the line breaks, what came before and then ClientDisconnect."""
        held: list[bytes] = []
        size, going_on = 0, True
        while going_on:
            try:
                data = await self._next()
            except (ClientDisconnect, TimeoutError):
                data, going_on = b"", False
            else:
                going_on = data is not None
            held.append(data or b"")
            size += len(data or b"")
            if size and (size >= GATHERED or not going_on):
                yield b"".join(held)
                held, size = [], 0
        if data is not None:
            raise ClientDisconnect

    async def _next(self) -> bytes | None:
        """What comes next; None at the end. Raises ClientDisconnect, TimeoutError."""
        if self._told:
            raise TimeoutError
        try:
            async with asyncio.timeout(SILENCE) as self._reading:
                return await anext(self._stream, None)
        finally:
            self._reading = None


class Receiving:
    """Which uploads are being written to, and by whom."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @classmethod
    def of(cls, request: Request) -> Self:
        """That of the app that was asked."""
        if not hasattr(request.app.state, "receiving"):
            request.app.state.receiving = cls()
        found: Self = request.app.state.receiving
        return found

    @asynccontextmanager
    async def alone(self, upload_id: str) -> AsyncIterator[None]:
        """The right to write, taken from whoever has it: who asks anew has lost the old line. Raises a Problem 423."""
        if upload_id in self._lines:
            self._lines[upload_id].leave()
        lock = self._locks.setdefault(upload_id, asyncio.Lock())
        try:
            async with asyncio.timeout(PATIENCE):
                await lock.acquire()
        except TimeoutError:
            raise Problem(423, "locked", f"another request writes to upload {upload_id}: try again") from None
        try:
            yield
        finally:
            lock.release()
            if not lock.locked() and upload_id not in self._lines:
                self._locks.pop(upload_id, None)

    async def piece(self, request: Request, files: Incoming, upload: Upload, proof: Proof = None) -> None:
        """Writes a request's body to an upload. Raises IncomingError, a Problem 460, ClientDisconnect."""
        writing = await asyncio.to_thread(files.open, upload)
        line = self._lines[upload.id] = Line(request)
        try:
            async for data in line.pieces():
                if proof is not None:
                    proof[0].update(data)
                await asyncio.to_thread(writing.write, data, proof is None)
            if proof is not None and not hmac.compare_digest(proof[0].digest(), proof[1]):
                raise Problem(
                    CHECKSUM_MISMATCH, "checksum", "the piece is not what its checksum says: send it again"
                )
            await asyncio.to_thread(writing.settle)
        finally:
            # However it ended: what came is kept, but for what has not yet been proved.
            del self._lines[upload.id]
            await asyncio.shield(asyncio.to_thread(writing.conclude, proof is None))
