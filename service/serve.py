"""`whorl serve`: the API, the page and the workers, in one command that ends them together."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType

import uvicorn

from index.database import CatalogError
from service.api.app import create_app
from service.settings import Settings
from service.store.accounts import add_key, first_key, org_named
from service.store.store import Store
from service.terminal import say

_PATIENCE = 30  # seconds that requests and jobs under way have left when the service is told to end

_LOOK = 2.0  # seconds between two looks whether the workers live


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises CatalogError when the database or the port cannot be used."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn hands the signal on once the requests under way are answered
    _welcome(settings)
    listening = _listen(settings.host, settings.port)
    say(f"listening on {_url(listening)}, with {settings.workers} workers")
    with listening, _workers(settings):
        config = uvicorn.Config(
            create_app(settings),
            log_level="warning",
            timeout_graceful_shutdown=_PATIENCE,
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[listening])


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def make_key(settings: Settings, label: str, role: str, organisation: str) -> str:
    """The text of a new key of the organisation, which is made if need be. Raises CatalogError."""
    store = _opened(settings)
    try:
        return add_key(store, org_named(store, organisation), role, label).text
    finally:
        store.close()


def _welcome(settings: Settings) -> None:
    """The key of the first start: on stdout, once, and nowhere else."""
    store = _opened(settings)
    try:
        made = first_key(store)
    finally:
        store.close()
    if made:
        say("the administrator's key, shown this once; `whorl key` makes another:")
        print(made.text, flush=True)


def _opened(settings: Settings) -> Store:
    settings.data.mkdir(parents=True, exist_ok=True)
    return Store(settings.database_url)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CatalogError(
            f"cannot listen on {host} port {port}: {error.strerror}: choose another --port"
        ) from error


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _workers(settings: Settings) -> Iterator[None]:
    """Processes that do jobs; one that dies is replaced, and all are told to end when the service ends."""
    many = settings.workers if find_spec("service.jobs") else 0
    command, environment = [sys.executable, "-m", "service.jobs.worker"], _environment(settings)
    running = [subprocess.Popen(command, env=environment) for _ in range(many)]
    ending = threading.Event()

    def replace_the_dead() -> None:
        while not ending.wait(_LOOK):
            for i, one in enumerate(running):
                if one.poll() is not None and not ending.is_set():
                    say(f"a worker ended with status {one.returncode}: another one starts")
                    running[i] = subprocess.Popen(command, env=environment)

    watching = threading.Thread(target=replace_the_dead, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ending.set()
        watching.join()
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            _ended(one)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:  # its job is taken up by the next start
        process.kill()
        process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """What gives a worker the same settings."""
    given = settings.model_dump(exclude={"workers"})
    return {**os.environ, **{f"WHORL_{name.upper()}": str(value) for name, value in given.items()}}
