"""One HTTP request over one connection to one checked address, with limits on time, bytes and headers.

The standard library speaks HTTP; what is ours is where it connects and how long it may take: a server that sends a byte
a minute ends with our deadline and not with its own patience.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress

from service.streams.addresses import Target, shown
from service.streams.errors import StreamError

HEADERS = 1 << 18  # bytes of an answer before its body
CONNECTING = 10.0  # seconds until a connection stands
AGENT = "whorl"


class _Timed(io.RawIOBase):
    """A socket's incoming bytes under a deadline, which may move."""

    def __init__(self, connected: socket.socket, deadline: float, headers: int) -> None:
        self._socket = connected
        self.deadline = deadline
        self.patience = float("inf")  # seconds without a byte that are waited for
        self.left: float = headers  # bytes still allowed
        self._ahead = b""
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # every buffer is one
        if not self._begun:
            self._begin()
        size = min(len(buffer), max(1, int(min(self.left, 1 << 20))))
        data, self._ahead = (self._ahead or self._receive(size))[:size], self._ahead[size:]
        self.left -= len(data)
        if self.left < 0:
            raise _LimitError("too-large", "answers with more headers than are read")
        buffer[: len(data)] = data
        return len(data)

    def _begin(self) -> None:
        """Shoutcast answers "ICY 200 OK", which is HTTP but for its name."""
        self._begun = True
        while len(self._ahead) < 4 and (more := self._receive(4 - len(self._ahead))):
            self._ahead += more
        if self._ahead == b"ICY ":
            self._ahead = b"HTTP/1.0 "

    def _receive(self, size: int) -> bytes:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _LimitError("timeout", "takes longer to answer than is waited for")
        self._socket.settimeout(min(left, self.patience))
        try:
            return self._socket.recv(size)
        except TimeoutError:
            if time.monotonic() >= self.deadline:
                raise _LimitError("timeout", "takes longer to answer than is waited for") from None
            raise _LimitError("stalled", f"sent nothing for {self.patience:.0f} s") from None


class _LimitError(Exception):
    """A limit was reached: the code, and the reason in words that follow the URL."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class _Socket:
    """What the standard library wants of a socket that it reads an answer from."""

    def __init__(self, raw: _Timed) -> None:
        self._raw = raw

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self._raw, 1 << 16)


class Exchange:
    """A request and its answer: status and headers at once, the body as it is read. Close it.

    status   HTTP status
    headers  in order, names as sent
    """

    def __init__(
        self,
        target: Target,
        headers: Mapping[str, str],
        seconds: float,
        context: ssl.SSLContext | None = None,
        body: bytes | None = None,
    ) -> None:
        """Sends a GET, or a POST of ``body``, to the target's address and reads the answer's head within ``seconds``.

        Raises StreamError.
        """
        self._target = target
        deadline = time.monotonic() + seconds
        self._socket = _connected(target, deadline, context)
        self._raw = _Timed(self._socket, deadline, HEADERS)
        try:
            self._answer = http.client.HTTPResponse(_Socket(self._raw), method=_method(body))  # type: ignore[arg-type]  # a reader
            with self._explained():
                self._socket.sendall(_request(target, headers, body))
                self._answer.begin()
        except BaseException:
            self.close()
            raise
        self.status, self.headers = self._answer.status, self._answer.getheaders()
        self._raw.left = float("inf")

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        return self._answer.getheader(name) or ""

    def endless(self, patience: float) -> None:
        """From now on the body may last for ever, if only it never pauses longer than ``patience`` seconds."""
        self._raw.deadline, self._raw.patience = float("inf"), patience

    def read(self, size: int) -> bytes:
        """The next bytes of the body, at most ``size``, as they come; empty at its end. Raises StreamError."""
        with self._explained():
            return self._answer.read1(size)

    def close(self) -> None:
        """Ends the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that is reading
        with suppress(OSError):
            self._socket.close()

    def _explained(self) -> "_Explained":
        return _Explained(self._target.url)


class _Explained:
    """Turns what can go wrong between two machines into a StreamError."""

    def __init__(self, url: str) -> None:
        self._name = shown(url)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _LimitError):
            raise StreamError(error.code, self._name, error.reason) from None
        if isinstance(error, http.client.HTTPException | ValueError):
            raise StreamError(
                "bad-answer", self._name, f"does not answer in HTTP ({type(error).__name__})"
            ) from None
        if isinstance(error, OSError):
            raise StreamError("unreachable", self._name, f"breaks off ({_words(error)})") from None


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _method(body: bytes | None) -> str:
    return "GET" if body is None else "POST"


def _request(target: Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    given = {
        "Host": target.authority,
        "User-Agent": AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **({} if body is None else {"Content-Length": str(len(body))}),
        **headers,
    }
    lines = [
        f"{_method(body)} {target.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in given.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + (body or b"")


def _connected(target: Target, deadline: float, context: ssl.SSLContext | None) -> socket.socket:
    """A socket to the very address that was checked; with TLS for the name. Raises StreamError."""
    name, left = shown(target.url), min(CONNECTING, deadline - time.monotonic())
    try:
        plain = socket.create_connection((target.address, target.port), timeout=max(left, 0.001))
    except OSError as error:
        raise StreamError(
            "unreachable", name, f"cannot be connected to at {target.address} ({_words(error)})"
        ) from None
    if target.scheme != "https":
        return plain
    try:
        return (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=target.host)
    except (OSError, ValueError) as error:
        plain.close()
        reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
        raise StreamError("tls", name, f"does not prove to be {target.host} ({reason})") from None
