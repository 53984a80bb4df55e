"""Posting to an address that somebody gave: checked like all that is fetched, and no redirect is followed."""

import ssl
from collections.abc import Mapping
from contextlib import suppress

from service.streams.addresses import Addresses
from service.streams.errors import StreamError
from service.streams.transport import Exchange

READ = 1 << 16  # bytes of an answer's body that are read, so that the server sees its answer taken
PIECE = 1 << 12


def post(
    addresses: Addresses,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    seconds: float,
    context: ssl.SSLContext | None = None,
) -> int:
    """The status that a POST is answered with, within ``seconds``; its body is forgotten. Raises StreamError."""
    exchange = Exchange(addresses.target(url), headers, seconds, context, body)
    try:
        with suppress(StreamError):  # the status has come: that is the answer
            left = READ
            while left > 0 and (piece := exchange.read(PIECE)):
                left -= len(piece)
        return exchange.status
    finally:
        exchange.close()
