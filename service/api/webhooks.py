"""Webhooks: where the caller's organisation is told of events, and what became of the messages.

A message is JSON, {"type": event, "timestamp": time, "data": {...}}, signed as Standard Webhooks say, and sent until it is
taken (any status 2xx), for about a day.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from service.api.access import needs, store
from service.api.answers import Failure
from service.api.pages import Asked
from service.api.problem import Problem
from service.api.schemas import Body, Next
from service.api.text import SEEN
from service.store import webhooks
from service.store.caller import Caller
from service.store.errors import Unfit
from service.store.store import Store
from service.store.webhooks import EVENTS
from service.streams.errors import StreamError
from service.webhooks.deliverer import addresses, reason
from service.webhooks.signing import new_secret

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Who = Annotated[Caller, needs("webhooks")]
Held = Annotated[Store, Depends(store)]

Event = Literal[
    "match.finished", "stream.started", "stream.continues", "stream.ended", "stream.error", "stream.note"
]
Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=SEEN),
    Field(description="http or https, at a public address.", examples=["https://example.org/whorl"]),
]
Events = Annotated[list[Event], Field(min_length=1, max_length=len(EVENTS))]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=SEEN)]
State = Literal["waiting", "delivered", "failed"]


class WebhookIn(Body):
    """Where to tell of which events."""

    url: Url
    events: Events
    label: Label = ""


class WebhookChange(Body):
    """What is to be changed of a webhook. One that is not active gets no messages, and none are kept for it."""

    url: Url | None = None
    events: Events | None = None
    label: Label | None = None
    active: bool | None = None


class Webhook(BaseModel):
    """A webhook. It tells what the role of its maker may see; ``error`` is why the service switched it off."""

    id: str
    org: str
    created_by: str
    role: str
    label: str
    url: str
    events: list[Event]
    active: bool
    error: Failure | None
    created: str
    waiting: Annotated[int, Field(description="Messages that are still to be delivered.")]
    failed: Annotated[int, Field(description="Messages that were given up.")]


class NewWebhook(Webhook):
    """A webhook that was just made: the secret by which its messages are signed is told this once."""

    secret: Annotated[str, Field(description="whsec_ and the key of the HMAC in base64.")]


class Webhooks(BaseModel):
    """A page of webhooks, the last first."""

    items: list[Webhook]
    next: Next


class Delivery(BaseModel):
    """A message. ``id`` is sent as webhook-id, the same at each attempt; ``status`` and ``error`` are of the last one."""

    id: str
    event: str
    state: State
    attempts: int
    next: Annotated[str | None, Field(description="When it is sent next, null when that is over.")]
    created: str
    ended: str | None
    status: Annotated[int | None, Field(description="What the receiver answered, if it did.")]
    error: Failure | None


class Deliveries(BaseModel):
    """A page of messages, the last first."""

    items: list[Delivery]
    next: Next


@router.get("", response_model=Webhooks)
def list_webhooks(who: Who, held: Held, page: Asked) -> Any:
    """The organisation's webhooks that callers of this role made, the last first."""
    return webhooks.list_webhooks(held, who, page)


@router.post("", status_code=201, response_model=NewWebhook)
def create_webhook(body: WebhookIn, who: Who, held: Held, request: Request, response: Response) -> Any:
    """Makes a webhook, and tells its secret, this once."""
    _check_events(who, body.events)
    _check_url(request, body.url)
    secret = new_secret()
    made = webhooks.create(held, who, body.model_dump(), secret)
    response.headers["Location"] = f"/v1/webhooks/{made['id']}"
    response.headers["Cache-Control"] = "no-store"  # it holds a secret
    return {**made, "secret": secret}


@router.get("/{webhook_id}", response_model=Webhook)
def get_webhook(webhook_id: str, who: Who, held: Held) -> Any:
    """A webhook."""
    return webhooks.webhook(held.rows, who, webhook_id)


@router.patch("/{webhook_id}", response_model=Webhook)
def change_webhook(webhook_id: str, body: WebhookChange, who: Who, held: Held, request: Request) -> Any:
    """Changes a webhook, or switches it off and on."""
    found = webhooks.webhook(held.rows, who, webhook_id)
    _check_events(who, body.events or found["events"])
    if body.url is not None:
        _check_url(request, body.url)
    return webhooks.change(held, who, webhook_id, body.model_dump(exclude_none=True))


@router.delete("/{webhook_id}", status_code=204)
def delete_webhook(webhook_id: str, who: Who, held: Held) -> None:
    """Removes a webhook, and what was still to be sent to it."""
    webhooks.remove(held, who, webhook_id)


@router.post("/{webhook_id}/test", status_code=202, response_model=Delivery)
def test_webhook(webhook_id: str, who: Who, held: Held) -> Any:
    """Sends a message of the type webhook.test; what becomes of it is among the deliveries."""
    return webhooks.send_test(held, who, webhook_id)


@router.get("/{webhook_id}/deliveries", response_model=Deliveries)
def list_deliveries(webhook_id: str, who: Who, held: Held, page: Asked, state: State | None = None) -> Any:
    """What was and is to be sent, the last first; what is over is kept for 30 days."""
    return webhooks.list_deliveries(held, who, webhook_id, state, page)


@router.post("/{webhook_id}/deliveries/{delivery_id}/again", status_code=202, response_model=Delivery)
def deliver_again(webhook_id: str, delivery_id: str, who: Who, held: Held) -> Any:
    """Has a message sent again, now and under the same id, whatever became of it."""
    return webhooks.again(held, who, webhook_id, delivery_id)


def _check_events(who: Caller, events: Sequence[str]) -> None:
    """Raises a Problem 403 for events that the caller may not know of."""
    lacking = sorted({EVENTS[event] for event in events} - who.scopes)
    if lacking:
        raise Problem(403, "forbidden", f"these events need the scopes {', '.join(lacking)}")


def _check_url(request: Request, url: str) -> None:
    """Raises Unfit for what may not be connected to, as far as it is known: a name may stand for another address later."""
    where = addresses(request.app.state.settings)
    try:
        where.glance(url)
    except StreamError as error:
        raise Unfit(f"url: {error}") from None
    try:
        where.target(url)
    except StreamError as error:
        if error.code == "refused-address":
            raise Unfit(f"url: {reason(error)}") from None  # a name that is not known may be known later
