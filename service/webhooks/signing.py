"""How a message is signed: the Standard Webhooks scheme, which receivers have libraries for.

signature = "v1," + base64(HMAC-SHA256(key, id + "." + timestamp + "." + body)), where the secret is "whsec_" + base64(key).
"""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
KEY = 32  # random bytes


def new_secret() -> str:
    """A secret that nobody else has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message; ``timestamp`` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a message is sent with."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
