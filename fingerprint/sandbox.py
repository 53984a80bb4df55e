"""The parent's end of decoding: starts the server of ``fingerprint.decoding``, talks to its children."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fingerprint.decoding.message import HEADER, Message

LARGEST = 256 << 20  # bytes of a message; one that announces more does not come from our own code
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from fingerprint.decoding.worker import main; main(int(sys.argv[1]))"
)
# Frames are larger than what glibc maps anew for each allocation, and faulting the pages in cost a fifth of decoding sound.
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}
_PATH = [str(Path(__file__).resolve().parent.parent), *(entry for entry in sys.path if entry)]


class ChildError(Exception):
    """The child cannot answer: ``code`` and the reason, in words that follow the file's name."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class _Server:
    """One server for this process, started on first use and again if it should die."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._lock:
            self._started()

    def ask(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """One request and its answer; raises ``ChildError`` when the server died.

        An interruption between the two closes the server, whose next answer would be to the wrong request.
        """
        with self._lock:
            control = self._started()
            try:
                socket.send_fds(control, [json.dumps(request).encode()], descriptors)
                answer = control.recv(4096)
            except OSError:
                answer = b""
            except BaseException:
                self._close()
                raise
            if not answer:
                self._close()
                raise ChildError(
                    "decoder-crashed", "could not be decoded: the decoding server died; run it again"
                )
            return dict(json.loads(answer))

    def stop(self, pid: int, patience: float) -> int:
        """End a child after ``patience`` seconds; the wait status it had by itself, or 0.

        A server that died took its children along.
        """
        try:
            return (
                int(self.ask({"stop": pid, "patience": patience}, [])["status"])
                if self._control is not None
                else 0
            )
        except ChildError:
            return 0

    def disown(self) -> None:
        """In a forked process: let go of the parent's server without ending it."""
        if self._control is not None:
            self._control.close()

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                # A session of its own: Ctrl-C reaches the parent alone, and that ends the children.
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _COMMAND, str(theirs.fileno()), *_PATH],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, **_MEMORY},
                    start_new_session=True,
                )
        return self._control

    def _close(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.wait()
        self._control = self._process = None


_server = _Server()


def start_decoder() -> None:
    """Start the decoding server without waiting: it loads while the caller does other things."""
    _server.start()


def _forget() -> None:
    """After a fork: the server belongs to the process that started it."""
    global _server
    _server.disown()
    _server = _Server()


os.register_at_fork(after_in_child=_forget)


class Child:
    """A process that has one file open; it sends the messages of ``fingerprint.decoding.message``."""

    def __init__(self, descriptor: int, limits: dict[str, Any]) -> None:
        self._limits = limits
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(limits["silence"])
        with theirs:
            try:
                self.pid = int(_server.ask(limits, [theirs.fileno(), descriptor])["pid"])
            except BaseException:
                self._socket.close()
                raise
        self._server = _server
        self._stream = self._socket.makefile("rb", buffering=1 << 16)
        self.closed = False

    def request(self, do: str, *arguments: Any) -> None:
        """Ask for something; ``answer`` yields what comes back."""
        with suppress(BrokenPipeError):  # it died; the answer says why
            self._socket.sendall(json.dumps({"do": do, "with": arguments}).encode() + b"\n")

    def answer(self) -> Iterator[Message]:
        """Messages up to and with the closing one, ``E``.

        Raises ``ChildError`` when the child reports an error, dies, or is silent too long.
        """
        kind = b""
        while kind != b"E":
            kind, size = HEADER.unpack(self._read(HEADER.size))
            if size > LARGEST:
                self.close()
                raise ChildError("decoder-crashed", f"made the decoder send nonsense ({size} bytes at once)")
            payload = self._read(size)
            if kind == b"X":
                self.close()
                raise ChildError(*json.loads(payload))
            if kind != b"P":
                yield kind, payload

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except TimeoutError:
            self.close()
            raise ChildError(
                "timeout", f"gave no sign of decoding for {self._limits['silence']:.0f} s"
            ) from None
        except (ConnectionResetError, ValueError):  # of a stream that another thread closed
            data = b""
        if len(data) < size:
            raise self._death()
        return data

    def _death(self) -> ChildError:
        """Why the child died."""
        status = self.close(patience=1.0)  # it hung up, so it is about to end
        name = ""
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
        if name == "SIGXCPU":
            return ChildError("limit", "takes more CPU time to decode than is allowed")
        return ChildError("decoder-crashed", f"crashed the decoder ({name or f'status {status}'})")

    def close(self, patience: float = 0.0) -> int:
        """End the child and wait for it; the wait status it had by itself, or 0."""
        if self.closed:
            return 0
        self.closed = True
        self._stream.close()
        self._socket.close()
        if self._server is not _server:
            return 0  # in a forked process: the child is not ours
        return _server.stop(self.pid, patience)
