"""A small HTTP server for tests, that also lies, drips, stalls and redirects."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATES = Path(__file__).parent / "certificates"

Writer = Callable[[bytes], None]
Answer = bytes | Callable[[Writer], None]


def answer(
    body: bytes = b"", status: int = 200, kind: str = "application/octet-stream", **headers: str
) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(place: str) -> bytes:
    """An answer that sends the client elsewhere."""
    return answer(status=302, Location=place)


def ranged(body: bytes, request: "Request") -> bytes:
    """The bytes that the request's Range asks for."""
    first, last = request.headers["range"].removeprefix("bytes=").split("-")
    return answer(body[int(first) : int(last) + 1], status=206)


@dataclass(frozen=True)
class Request:
    """What a client asked for; header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes = b""


Page = bytes | Callable[[Request], Answer]


@dataclass
class Server:
    """Answers paths from ``pages``: bytes, or a function of the request that gives bytes or one that writes."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    scheme: str = "http"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(tls: bool = False) -> Iterator[Server]:
    """A server on a loopback port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = Server(listening.getsockname()[1], scheme="https" if tls else "http")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "stream.test.pem", CERTIFICATES / "stream.test.key")
    open_now: set[socket.socket] = set()

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(client,), daemon=True).start()

    def handle(client: socket.socket) -> None:
        open_now.add(client)
        with suppress(OSError, ValueError):
            if tls:
                client = context.wrap_socket(client, server_side=True)
                open_now.add(client)
            _serve(server, client)
        with suppress(OSError):
            client.close()
        open_now.discard(client)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for client in tuple(open_now):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def _serve(server: Server, client: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := client.recv(65536)):
            return
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    path = first.split(" ")[1]
    headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in rest) if n}
    while len(body) < int(headers.get("content-length", 0)):
        if not (more := client.recv(65536)):
            return
        body += more
    server.asked.append(path)
    page = server.pages.get(path, server.pages.get(path.split("?")[0], answer(b"not here", 404)))
    made = page(Request(path, headers, body)) if callable(page) else page
    if callable(made):
        made(client.sendall)
    else:
        client.sendall(made)


def fixed(table: dict[str, str | Sequence[str]]) -> Callable[[str, int], list[str]]:
    """A resolver that knows these names; of several answers to one name it gives one each time."""
    times: dict[str, int] = {}

    def resolver(host: str, port: int) -> list[str]:
        if host not in table:
            raise OSError("no such name")
        known = table[host]
        if isinstance(known, str):
            return [known]
        turn = times[host] = times.get(host, -1) + 1
        return [known[min(turn, len(known) - 1)]]

    return resolver
