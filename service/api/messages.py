"""What webhooks send, for the OpenAPI document: it describes each message as a webhook of the name of its event."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from evidence.answer import Json
from service.api.answers import Answer
from service.api.stream_schemas import Event
from service.store.webhooks import EVENTS, TEST


class FoundInCapture(BaseModel):
    """What a capture holds, as the webhook's maker may see it, and the job that found it."""

    job: str
    match: Answer


class StreamEvent(Event):
    """What happened in a stream, and in which."""

    label: str
    place: str | None
    territory: str | None
    case: str | None
    page: Annotated[
        str, Field(description="The stream's page; its path alone where WHORL_PUBLIC_URL is not set.")
    ]


class Tried(BaseModel):
    """Nothing: somebody tries whether messages arrive."""

    webhook: str


class Message(BaseModel):
    """A message: ``timestamp`` is when it was put into the outbox."""

    type: str
    timestamp: str


class CaptureMessage(Message):
    """A capture was examined."""

    type: Literal["match.finished"]
    data: FoundInCapture


class StreamMessage(Message):
    """Something happened in a stream."""

    type: Literal["stream.started", "stream.continues", "stream.ended", "stream.error", "stream.note"]
    data: StreamEvent


class TestMessage(Message):
    """Asked for by POST /v1/webhooks/{webhook_id}/test."""

    type: Literal["webhook.test"]
    data: Tried


_MODELS: tuple[type[Message], ...] = (CaptureMessage, StreamMessage, TestMessage)
_OF: dict[str, type[Message]] = {"match.finished": CaptureMessage, TEST: TestMessage}
_REF = "#/components/schemas/{model}"


def described() -> tuple[Json, Json]:
    """(webhooks, schemas) of an OpenAPI document: a webhook for every event that there is."""
    _, told = models_json_schema([(model, "serialization") for model in _MODELS], ref_template=_REF)
    return {event: {"post": _sent(event, _OF.get(event, StreamMessage))} for event in (*EVENTS, TEST)}, told[
        "$defs"
    ]


def _sent(event: str, model: type[Message]) -> Json:
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    body = {"schema": {"$ref": _REF.format(model=model.__name__)}}
    return {
        "operationId": event,
        "summary": model.__doc__,
        "description": "Signed as Standard Webhooks say.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in headers
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "2XX": {"description": "It was taken."},
            "410": {"description": "Nothing more is to be sent: the webhook is switched off."},
            "default": {"description": "It is sent again."},
        },
    }
