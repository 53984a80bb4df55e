"""Kinds of text that requests hold, as types: checked where they come in, so that nothing behind has to."""

from datetime import UTC
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from service.identifiers import identifier
from service.rights import COUNTRIES, host, utc

# Control characters, line ends, and those that turn the direction of what follows them: a name with one is shown as another.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
SEEN = rf"^[^{_HIDDEN}]*$"
# A note may have several lines.
_LINES = rf"^([^{_HIDDEN}]|[\t\n\r])*$"

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=SEEN)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=SEEN)]
Note = Annotated[str, StringConstraints(max_length=4000, pattern=_LINES)]
Search = Annotated[str, Field(max_length=200, pattern=SEEN, description="Text that it must hold.")]


def _identifier(text: str) -> str:
    return ":".join(identifier(text))


def _country(text: str) -> str:
    if text.upper() not in COUNTRIES:
        raise ValueError(f"{text!r} is no country of ISO 3166-1 alpha-2, such as DE")
    return text.upper()


def _place(text: str) -> str:
    found = host(text)
    if not found:
        raise ValueError(
            f"{text!r} names no place: give a host name, such as video.example.org, or a channel"
        )
    return found


def moment(text: str) -> str:
    """The moment in UTC, as the tables hold it; without a zone it is UTC. Raises ValueError."""
    try:
        found = utc(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time of ISO 8601, such as 2026-05-01T20:15:00Z") from None
    return found.isoformat(timespec="milliseconds")


Identifier = Annotated[
    str,
    StringConstraints(max_length=240, pattern=SEEN),
    AfterValidator(_identifier),
    Field(description="SCHEME:VALUE, such as isrc:USRC17607839.", examples=["isrc:USRC17607839"]),
]
Country = Annotated[
    str,
    StringConstraints(pattern="^[A-Za-z]{2}$"),
    AfterValidator(_country),
    Field(description="ISO 3166-1 alpha-2."),
]
Place = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=SEEN),
    AfterValidator(_place),
    Field(description="A host name, a URL, of which the host counts, or the name of a channel."),
]
Moment = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(moment),
    Field(description="ISO 8601; without a zone it is UTC.", examples=["2026-05-01T20:15:00Z"]),
]
