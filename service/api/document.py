"""The OpenAPI document: what FastAPI says of the routes, and every error that they answer with, in its one form."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from service.api import messages
from service.api.matches import MatchIn
from service.api.problem import MEDIA_TYPE

Json = dict[str, Any]

_PROBLEM: Json = {
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is for programs, `detail` for people.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "description": "What is wrong, and where.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
_EVERYWHERE = {
    400: "The request cannot be read.",
    401: "No key, or none that is valid.",
    403: "The key or role lacks a scope.",
    422: "Something in the request is wrong: `errors` says what.",
    429: "Too many requests: wait as long as Retry-After says.",
    503: "The service cannot answer now.",
}
# Who comes to these has not yet shown who they are.
_OPEN = {"/v1/sessions", "/v1/login/oidc", "/v1/login/oidc/callback"}
_WITH_A_NAME = {404: "It is not there, or not the caller's."}
_WITH_A_BODY = {
    409: "What is there stands against it.",
    411: "The length of the body is not told.",
    413: "The body is too large.",
    415: "The body is of another type.",
    507: "The disk is full.",
}
_OF_A_CHANGE = {409: "What is there stands against it."}
_WITH_A_STATE = {412: "It was changed meanwhile."}
# The tus protocol's, whose clients send headers where others send a body.
_OF_AN_UPLOAD = {
    404: "It is not there, or not the caller's.",
    409: "It stands at another offset, or a job needs it.",
    412: "Another version of the protocol.",
    413: "Too large: longer than announced, than is allowed, or than there is room.",
    415: "A piece is sent as application/offset+octet-stream.",
    423: "Another request writes to it.",
    460: "The piece is not what its checksum says.",
    507: "The disk is full.",
}
_TUS_HEADERS: dict[str, dict[str, tuple[str, bool]]] = {
    "post": {
        "Tus-Resumable": ("1.0.0", True),
        "Upload-Length": ("[0-9]{1,18}", True),
        "Upload-Metadata": ("", False),
    },
    "head": {"Tus-Resumable": ("1.0.0", True)},
    "patch": {
        "Tus-Resumable": ("1.0.0", True),
        "Upload-Offset": ("[0-9]{1,18}", True),
        "Upload-Checksum": ("", False),
    },
    "delete": {"Tus-Resumable": ("1.0.0", True)},
}
_PIECE: Json = {
    "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}
_NOT_MODIFIED: Json = {"description": "Not changed since the ETag in If-None-Match."}
_KEY: Json = {"type": "http", "scheme": "bearer", "description": "An API key: whorl_…"}


def add_to(app: FastAPI) -> None:
    """Makes the app's OpenAPI document whole."""
    made = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            completed(made())
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents it so


def completed(document: Json) -> None:
    """Adds the errors to every operation of the document, and what webhooks send."""
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = _PROBLEM
    # What a route reads by itself, FastAPI does not know of.
    _, told = models_json_schema([(MatchIn, "validation")], ref_template="#/components/schemas/{model}")
    parts["schemas"] |= told["$defs"]
    document["webhooks"], sent = messages.described()
    parts["schemas"] = sent | parts["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    parts.setdefault("securitySchemes", {})["key"] = _KEY
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            if not path.startswith("/health/"):
                _complete(path, method, operation)


def _complete(path: str, method: str, operation: Json) -> None:
    if path.startswith("/v1/uploads") and method in _TUS_HEADERS:
        _complete_tus(method, operation)
    headers = {one["name"].lower() for one in operation.get("parameters", ()) if one["in"] == "header"}
    answers = operation["responses"]
    for status, description in _errors(path, method, operation, headers).items():
        known = answers.get(str(status), {})
        if MEDIA_TYPE not in known.get("content", {}):
            content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            answers[str(status)] = {"description": description, "content": content}
    if "if-none-match" in headers:
        answers["304"] = _NOT_MODIFIED
    operation["security"] = [] if path in _OPEN and method != "delete" else [{"key": []}]


def _complete_tus(method: str, operation: Json) -> None:
    for name, (form, required) in _TUS_HEADERS[method].items():
        schema = {"type": "string"} | ({"pattern": f"^{form}$"} if form else {})
        header = {"name": name, "in": "header", "required": required, "schema": schema}
        operation.setdefault("parameters", []).append(header)
    if method == "patch":
        operation["requestBody"] = _PIECE


def _errors(path: str, method: str, operation: Json, headers: set[str]) -> dict[int, str]:
    named = "{" in path or "requestBody" in operation or path in _OPEN
    return {
        **_EVERYWHERE,
        **(_WITH_A_NAME if named else {}),
        **(_OF_A_CHANGE if method != "get" else {}),
        **(_WITH_A_BODY if "requestBody" in operation else {}),
        **(_WITH_A_STATE if "if-match" in headers else {}),
        **(_OF_AN_UPLOAD if path.startswith("/v1/uploads") else {}),
    }
