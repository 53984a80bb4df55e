"""The process that decodes: a small server that forks one limited child for each file.

The server imports the decoder library once, so that a child costs milliseconds. It never decodes itself,
and ends with its children when the process that started it goes away.
"""

import json
import os
import resource
import select
import signal
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import av

# The library imports these two when it first needs them, and then a child can open no file.
import av.subtitles.codeccontext
import av.subtitles.stream

from fingerprint.decoding.container import Bounds, File, Pipe, RefusedError
from fingerprint.decoding.decoder import Decoder
from fingerprint.decoding.live import Live
from fingerprint.decoding.message import HEADER, Message, failure

ALLOWED = 60.0  # seconds of an endless stream for which CPU time is allowed at once


def main(descriptor: int) -> None:
    """Serve the control socket ``descriptor`` until its other end closes."""
    av.logging.set_level(av.logging.PANIC)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: set[int] = set()
    # A parent that is interrupted may leave an answer unread: that resets the connection and ends it as well.
    with suppress(ConnectionError), socket.socket(fileno=descriptor) as control:
        while True:
            line, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 2)
            if not line:
                break
            request = json.loads(line)
            if "stop" in request:
                answer = {"status": _stop(children, request["stop"], request["patience"])}
            else:
                answer = {"pid": _fork(children, request, descriptors, control)}
            control.sendall(json.dumps(answer).encode())
    for child in tuple(children):
        _stop(children, child)


def _stop(children: set[int], child: int, patience: float = 0.0) -> int:
    """End a child; the wait status it had by itself, waiting ``patience`` seconds for that, or 0.

    It is reaped only here, so its id cannot be another's.
    """
    if child not in children:  # of a server that died before this one
        return 0
    children.remove(child)
    deadline = time.monotonic() + patience
    ended, status = os.waitpid(child, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(0.002)
        ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        return status
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 0


def _fork(children: set[int], request: dict[str, Any], descriptors: list[int], control: socket.socket) -> int:
    child = os.fork()
    if child == 0:
        control.close()
        status = 1
        try:
            _serve(request, *descriptors)
            status = 0
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)
    children.add(child)
    return child


def _serve(limits: dict[str, Any], data: int, file: int) -> None:
    """The life of a child: limit itself, probe the file, answer requests until the parent hangs up."""
    _limit(limits)
    connection = socket.socket(fileno=data)
    requests = connection.makefile("rb")
    try:
        decoder: Decoder | None = None
        for line in requests:
            request = json.loads(line)
            if request["do"] == "live":
                _follow(connection, limits, file, *request["with"])
                return
            decoder = decoder or Decoder(File(file), Bounds(limits["max_pixels"], limits["max_duration"]))
            _allow_cpu(limits, decoder.duration)
            for message in getattr(decoder, request["do"])(*request["with"]):
                _send(connection, message)
    except BrokenPipeError:
        pass  # the parent wants no more
    except RefusedError as error:
        _send(connection, failure(error.code, error.reason))
    except MemoryError:
        _send(connection, failure("limit", f"needs more memory than {limits['memory'] >> 20} MiB"))
    except Exception as error:  # a fault of the decoder or of its use here: an error of this file alone
        _send(
            connection, failure("decoder-crashed", f"could not be decoded ({type(error).__name__}: {error})")
        )


def _follow(connection: socket.socket, limits: dict[str, Any], file: int, rate: float, mode: str) -> None:
    """Decode what arrives until it ends; CPU time is allowed as media come."""
    regular = stat.S_ISREG(os.fstat(file).st_mode)
    live = Live(File(file) if regular else Pipe(file), limits["max_pixels"], rate, mode)
    allowed = -1.0
    for message in live.read():
        _send(connection, message)
        if live.reached > allowed:
            allowed = live.reached + ALLOWED
            _allow_cpu(limits, ALLOWED)
        if select.select([connection], [], [], 0)[0]:
            asked = connection.recv(1 << 12)
            if not asked:
                return
            live.mode = json.loads(asked.splitlines()[-1])["do"]


def _limit(limits: dict[str, Any]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    space = _address_space() + limits["memory"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (0, 0)
    )  # what is open stays open; nothing further can be opened
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    _allow_cpu(limits, 0.0)


def _address_space() -> int:
    """Bytes of address space that this process has before it decodes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except FileNotFoundError:
        return 0
    return pages * resource.getpagesize()


def _allow_cpu(limits: dict[str, Any], duration: float) -> None:
    """CPU time from now on, in proportion to what there is to decode."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = usage.ru_utime + usage.ru_stime + limits["cpu_seconds"] + limits["cpu_per_second"] * duration
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, resource.RLIM_INFINITY))


def _send(connection: socket.socket, message: Message) -> None:
    kind, payload = message
    connection.sendall(HEADER.pack(kind, len(payload)))
    connection.sendall(payload)
