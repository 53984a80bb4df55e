"""ETags: who asks again is told when nothing changed; who changes something may say which state they have seen."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from evidence.answer import Json
from service.api.problem import Problem


def etag(body: Json) -> str:
    """A strong tag of what an answer says."""
    said = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _named(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}


def _known(
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
) -> Callable[[Response, Json], Any]:
    def answered(response: Response, body: Json) -> Any:
        tag = etag(body)
        response.headers["ETag"] = tag
        if if_none_match and _named(if_none_match) & {tag, "*"}:
            return Response(status_code=304, headers={"ETag": tag})
        return body

    return answered


def _seen(if_match: Annotated[str | None, Header(max_length=2000)] = None) -> Callable[[Json], None]:
    def check(body: Json) -> None:
        # A weak tag never matches here: RFC 9110 asks for a strong comparison.
        if if_match and not {part.strip() for part in if_match.split(",")} & {etag(body), "*"}:
            detail = "it was changed since you read it: read it again, and send the ETag that it has then"
            raise Problem(412, "stale", detail, {"ETag": etag(body)})

    return check


# A dependency that makes the answer, with its ETag, or 304: ``return answered(response, body)``.
Answered = Annotated[Callable[[Response, Json], Any], Depends(_known)]
# A dependency that refuses a change of something else than the caller has seen, with 412: ``check(body)``.
Seen = Annotated[Callable[[Json], None], Depends(_seen)]
