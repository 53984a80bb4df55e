"""Events as people and programs see them: a line each."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from evidence.answer import Json, printable
from evidence.words import clock, disguise, harmless
from service.streams.addresses import shown
from service.terminal import say


def teller(as_json: bool) -> Callable[[Json], None]:
    """What shows an event: events of works and errors on stdout, what happens to a stream on stderr."""
    return _as_json if as_json else _as_text


def _as_json(event: Json) -> None:
    if event["event"] == "note":
        say(line(event))
    else:
        print(json.dumps(event, ensure_ascii=True), flush=True)


def _as_text(event: Json) -> None:
    if event["event"] in ("note", "error"):
        say(line(event))
    else:
        print(harmless(line(event)), flush=True)


def utc(seconds: float) -> str:
    """Unix time as events tell it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def failure(url: str, code: str, message: str) -> Json:
    """Why a stream cannot be watched, where no watching told that."""
    stream, text = printable(url), printable(message)
    told = text if text.startswith(stream.split("?")[0]) else f"{stream}: {text}"
    return {
        "event": "error",
        "at": utc(time.time()),
        "stream": stream,
        "error": {"code": code, "message": told},
    }


def line(event: Json) -> str:
    """An event in words."""
    what, stream = event["event"], event["stream"]
    if what == "note":
        return f"{stream}: {reason(event['note']['message'], stream)}"
    if what == "error":
        return f"{stream}: cannot be watched any further: {reason(event['error']['message'], stream)}"
    segment, reference = event["segment"], event["reference"]
    there = f"{clock(segment['query_start'])} to {clock(segment['query_end'])}"
    here = f"{clock(segment['ref_start'])} to {clock(segment['ref_end'])}"
    return (
        f"{event['at']}  {what:9}  {reference['title']}  ({event['verdict']}, {segment['kind']})  "
        f"{there} of the stream are {here} of {reference['name']}; disguise: {disguise(segment)}; "
        f"expected false a day: {event['expected_false_matches']:.0e}; {stream}"
    )


def reason(message: str, stream: str) -> str:
    """A message without the name of the stream, or of its main track, before it: who reads it is told that already."""
    return message.removeprefix(f"{shown(stream)}: ").removeprefix("main: ")
