"""`whorl serve`: the API, the page and the workers, in one command that ends them together."""

import logging
import os
import signal
import socket
from types import FrameType

import uvicorn

from index.database import CatalogError
from service import logs
from service.api.app import create_app
from service.crew import DELIVERER, WATCHER, WORKER, Crew
from service.settings import Settings
from service.store.accounts import add_key, first_key, org_named
from service.store.store import Store

PATIENCE = 30  # seconds that requests under way have left when the service is told to end

log = logging.getLogger("whorl.serve")


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises CatalogError when the database or the port cannot be used."""
    os.umask(0o077)  # seized media, keys' digests: nobody else on this machine is to read them
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # uvicorn hands the signal on once the requests under way are answered
    logs.to_stderr()
    _welcome(settings)
    listening = _listen(settings.host, settings.port)
    log.info(f"listening on {_url(listening)}", extra={"told": {"workers": settings.workers}})
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,  # requests are logged by the app, with their ids
        timeout_graceful_shutdown=PATIENCE,
        server_header=False,
    )
    try:
        crew = [DELIVERER] + [WORKER] * settings.workers + [WATCHER] * settings.watchers
        with listening, Crew(crew, _environment(settings)):
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        log.info("ended")


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
        log.info("the administrator's key is printed, this once; `whorl key` makes another")
        print(made.text, flush=True)
    else:
        log.info("the administrator's key was printed at the first start; `whorl key` makes another")


def _opened(settings: Settings) -> Store:
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
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


def _environment(settings: Settings) -> dict[str, str]:
    """What gives a worker the same settings."""
    given = settings.model_dump(exclude={"workers", "oidc_client_secret"})
    told = {f"WHORL_{name.upper()}": str(value) for name, value in given.items()}
    return {**os.environ, **told, "WHORL_PARENT": str(os.getpid())}
