"""The deliverer: one process that sends what lies in the outbox. Any number of them may run, on any number of machines."""

import json
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from index.database import CatalogError
from service import logs
from service.settings import Settings
from service.store import outbox
from service.store.outbox import Taken
from service.store.store import Store
from service.streams.addresses import Addresses
from service.streams.errors import StreamError
from service.streams.posting import post
from service.webhooks.signing import headers

AT_ONCE = 16  # messages that are sent at a time, each to another webhook
ANSWER = 15.0  # seconds that a receiver has to answer
POLL = 0.5  # seconds between two looks into the outbox
CLEAN = 600.0  # seconds between two looks for what may be forgotten
SPREAD = 0.2  # part by which delays are varied, so that what failed together does not come back together
GONE = 410

log = logging.getLogger("whorl.webhooks")
Post = Callable[[str, dict[str, str], bytes], int]  # url, headers, body -> status. Raises StreamError


def addresses(settings: Settings) -> Addresses:
    """Where messages may be sent to: what is public, and what the operator names."""
    return Addresses(settings.allowed_hosts)


def poster(where: Addresses) -> Post:
    """What sends a message to a checked address."""
    return lambda url, sent, body: post(where, url, sent, body, ANSWER)


@dataclass(slots=True)
class Deliverer:
    """Sends messages of a store. ``clock`` tells the time, ``jitter`` gives the factor of a delay, about 1.

    ``site`` is where browsers reach the service, empty where nobody said.
    """

    store: Store
    post: Post
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = lambda: random.uniform(1 - SPREAD, 1 + SPREAD)
    site: str = ""

    def run(self, over: Callable[[], bool]) -> None:
        """Sends what comes until it is over; what is being sent then is sent to its end."""
        sending: dict[Future[None], str] = {}
        cleaned = float("-inf")
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send") as pool:
            while not over():
                try:
                    for one in self.take(set(sending.values()), AT_ONCE - len(sending)):
                        sending[pool.submit(self.deliver, one)] = one.webhook_id
                    if time.monotonic() - cleaned > CLEAN:
                        cleaned = time.monotonic()
                        self.clean()
                except CatalogError as error:  # a locked or unreachable database: the next turn will do
                    log.error("the outbox cannot be read", extra={"told": {"reason": str(error)}})
                sending = _left(sending)

    def take(self, busy: set[str], most: int) -> list[Taken]:
        """What is to be sent now, to none of the ``busy`` webhooks."""
        return outbox.take(self.store, self.clock(), busy, most) if most else []

    def clean(self) -> None:
        """Ends what was lost at its last attempt, and forgets what was over long ago."""
        for message_id in outbox.give_up(self.store, self.clock()):
            log.error("a message was given up", extra={"told": {"delivery": message_id}})
        outbox.sweep(self.store, self.clock())

    def deliver(self, one: Taken) -> None:
        """Sends a message once, and takes down what became of it."""
        at = self.clock()
        body = linked(one.body, self.site)
        signed = headers(one.secret, one.id, int(at.timestamp()), body)
        try:
            status = self.post(one.url, signed, body)
        except StreamError as error:
            self._failed(one, None, error.code, reason(error))
            return
        if 200 <= status < 300:
            outbox.delivered(self.store, one, self.clock(), status)
        elif status == GONE:
            message = "the receiver answered that it is gone: set the webhook active when it is back"
            outbox.switch_off(self.store, one, self.clock(), status, {"code": "gone", "message": message})
            log.error(
                "a webhook was switched off", extra={"told": {"webhook": one.webhook_id, "status": status}}
            )
        else:
            moved = ": redirects are not followed" if 300 <= status < 400 else ""
            self._failed(one, status, "status", f"answers with status {status}{moved}")

    def _failed(self, one: Taken, status: int | None, code: str, reason: str) -> None:
        error = {"code": code, "message": reason}
        state = outbox.failed(self.store, one, self.clock(), status, error, self.jitter())
        told = {"webhook": one.webhook_id, "delivery": one.id, "attempt": one.attempt, **error}
        if state == "failed":
            log.error("a message was given up", extra={"told": told})
        else:
            log.warning("a message was not delivered", extra={"told": told})


def linked(body: bytes, site: str) -> bytes:
    """The message with its ``page``, where it has one, as a whole address: what puts it in knows only the path of it."""
    message = json.loads(body) if site else {}
    if "page" not in message.get("data", ()):
        return body
    message["data"]["page"] = site.rstrip("/") + message["data"]["page"]
    return json.dumps(message, separators=(",", ":")).encode()


def _left(sending: dict[Future[None], str]) -> dict[Future[None], str]:
    """Those that are not done after a while, or as soon as one is."""
    if not sending:
        time.sleep(POLL)
        return sending
    done = wait(sending, POLL, FIRST_COMPLETED).done
    for one in done:
        if error := one.exception():  # the message is due again in a while
            log.error("what became of a message is not known", exc_info=error)
    return {one: webhook for one, webhook in sending.items() if one not in done}


def reason(error: StreamError) -> str:
    """Why it was not sent, without what a name of the operator's network stands for."""
    if error.code == "refused-address":
        return "leads to an address that is not public: an operator may let its host through by WHORL_ALLOW_HOSTS"
    return error.reason


def main() -> None:
    """`python -m service.webhooks.deliverer`: settings come from the environment."""
    logs.to_stderr()
    from_environment: dict[str, Any] = {}
    settings = Settings(**from_environment)
    # Who started it says so: it may have died before this line was reached.
    parent = int(os.environ.get("WHORL_PARENT") or os.getppid())
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    store = Store(settings.database_url)
    try:
        deliverer = Deliverer(store, poster(addresses(settings)), site=settings.public_url)
        deliverer.run(lambda: told.is_set() or os.getppid() != parent)
    finally:
        store.close()


if __name__ == "__main__":
    main()
