"""Templates, and the headers that keep a page from running or loading anything that is not ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evidence.answer import Json
from evidence.timeline import SCALE
from evidence.words import chance, clock, counted, disguise, gigabytes, harmless
from service.web.assets import url_of
from service.web.visitor import Visitor

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",  # a page shows what only its visitor may see
}
STATUSES = {
    "match": "match",
    "review": "to review",
    "licensed": "licensed",
    "no-match": "no match",
    "error": "not examined",
}
STATES = {
    "queued": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
SECTIONS = (
    ("/", "New", "uploads"),
    ("/review", "Review", "reviews"),
    ("/answers", "Answers", "matches:read"),
    ("/works", "Works", "works:read"),
    ("/streams", "Streams", "streams"),
    ("/jobs", "Jobs", "jobs"),
    ("/cases", "Cases", "cases"),
    ("/admin", "Administration", "accounts"),
)  # fmt: skip


@cache
def environment() -> Environment:
    """Everything is escaped, and what is not defined is an error."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"clock": clock, "harmless": shown, "disguise": disguise, "chance": chance, "size": gigabytes,
                     "counted": counted, "day": day, "second": second, "lately": lately}  # fmt: skip
    made.globals |= {"asset": url_of, "scale": SCALE, "statuses": STATUSES, "states": STATES}
    return made


def page(
    request: Request, template: str, visitor: Visitor | None, code: int = 200, **context: Any
) -> HTMLResponse:
    """A page, or the part of one that htmx asked for. A change's part may say in ``X-`` headers what else is due."""
    sections = [one for one in SECTIONS if visitor is not None and visitor.may(one[2])]
    common: Mapping[str, Any] = {"visitor": visitor, "sections": sections, "path": request.url.path}
    text = environment().get_template(template).render(**common, **context)
    return HTMLResponse(text, code, HEADERS)


def shown(text: object) -> str:
    """What others named, as it is: nothing in it acts on the screen, turns it around or hides."""
    return harmless(str(text))


def second(moment: str | datetime | None) -> str:
    """A time as people write it where seconds count: "26 Nov 2026, 10:20:05" (in UTC, which the page says once)."""
    if not moment:
        return ""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{at:%-d %b %Y, %H:%M:%S}"


def lately(moment: str | datetime) -> str:
    """A time of today without its day: "10:20:05"; of another day "25 Nov, 10:20:05" (in UTC, which the page says once)."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{at:%H:%M:%S}" if at.date() == datetime.now(UTC).date() else f"{at:%-d %b, %H:%M:%S}"


def day(moment: str | None) -> Json | str:
    """A time of the API as people write it: "26 Nov 2026, 10:20" (in UTC, which the page says once)."""
    if not moment:
        return ""
    return f"{datetime.fromisoformat(moment):%-d %b %Y, %H:%M}"
