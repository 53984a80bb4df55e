"""Requests that schemathesis makes up from the OpenAPI document: none breaks the service, every answer is told of.

`python -m tests.fuzzing 100` sends a hundred right and a hundred wrong requests to each operation as each role and prints
what came back; the test sends a few. What the tool's own command finds at the limits of each parameter is tried by
`schemathesis run http://HOST:PORT/openapi.json -H "Authorization: Bearer KEY"` against a running `whorl serve`.
"""

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.store.caller import SCOPES_OF
from tests.answers import answer, keep, match, register
from tests.service import client, key_of, served

NOBODY = "nobody"
_numbers = count(1)
ROLES = (*SCOPES_OF, NOBODY)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
# Of these a client reads as long as it likes.
ENDLESS = ("/v1/jobs/{job_id}/events", "/v1/streams/events/live", "/v1/streams/{stream_id}/events/live")
UNENDING = "/v1/streams/events/live"  # which never ends for whoever may listen
PIECE = "application/offset+octet-stream"
HOOK = {"url": "https://decla.example/", "events": ["match.finished"]}
FINGERPRINT = "application/vnd.whorl.fingerprint"


@schemathesis.serializer(PIECE, FINGERPRINT)
def _piece(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclass
class Outcome:
    """What came back: how often each status, and what is wrong, by operation."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


class Visitors:
    """Keys of every role, and things that are there to be asked for; new ones where a request did away with the old."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._keys: dict[str, str] = {}
        self._there: dict[str, str] = {}

    def headers(self, role: str) -> dict[str, str]:
        """The headers by which one of this role is known."""
        if role == NOBODY:
            return {}
        if role not in self._keys:
            self._keys[role] = key_of(self._app, role)
        return {"Authorization": f"Bearer {self._keys[role]}"}

    def there(self) -> dict[str, str]:
        """Ids of things that are there, by the name of the parameter that means one."""
        self._there = self._there or objects(self._app)
        return self._there

    def learn(self, role: str, case: Case[Any], status: int) -> None:
        """Takes note of what a request did away with."""
        if status == 401:
            self._keys.pop(role, None)
        if case.method == "DELETE" and status == 204:
            self._there = {}


def objects(app: FastAPI) -> dict[str, str]:
    """New things in the app, by the name of the parameter that means one."""
    holder, admin = client(app, "holder"), client(app)
    work = holder.post("/v1/works", json={"title": f"Work {next(_numbers)}"}).json()["id"]
    ref_id = register(app, work, int(work))
    upload = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
    return {
        "work_id": work,
        "reference_id": str(ref_id),
        "case_id": admin.post("/v1/cases", json={"name": "Market stall"}).json()["id"],
        "match_id": keep(app, answer(match(ref_id))),
        "upload_id": admin.post("/v1/uploads", headers=upload).headers["Location"].rsplit("/", 1)[-1],
        "live_id": holder.post("/v1/live", json={"push": True, "work": work}).json()["id"],
        "stream_id": admin.post("/v1/streams", json={"url": "https://tv.example/a"}).json()["id"],
        "webhook_id": (hook := admin.post("/v1/webhooks", json=HOOK).json()["id"]),
        "delivery_id": admin.post(f"/v1/webhooks/{hook}/test").json()["id"],
        "org_id": admin.get("/v1/orgs").json()["items"][0]["id"],
    }


def fuzzed(app: FastAPI, examples: int) -> dict[str, Outcome]:
    """Sends ``examples`` right and as many wrong requests to every operation as every role. The same ones each time."""
    load_all_checks()
    outcomes = {role: Outcome() for role in ROLES}
    visitors = Visitors(app)
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        assert isinstance(found, Ok), found
        for mode in GenerationMode:
            for number, case in enumerate(_cases(found.ok(), mode, examples)):
                if mode == GenerationMode.POSITIVE and number % 3 == 0 and case.operation.path not in ENDLESS:
                    there = visitors.there()
                    case.path_parameters.update({n: there[n] for n in case.path_parameters if n in there})
                for role, outcome in outcomes.items():
                    if case.operation.path == UNENDING and role not in (NOBODY, "reviewer"):
                        continue
                    visitors.learn(role, case, _send(case, visitors.headers(role), outcome))
    return outcomes


def _cases(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, examples: int
) -> Iterator[Case[Any]]:
    made: list[Case[Any]] = []
    checks = list(HealthCheck)
    generate = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=checks,
    )

    @seed(1)
    @generate
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case[Any]) -> None:
        made.append(case)

    try:
        collect()
    except Exception as error:  # an operation without parameters has no wrong request
        if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "InvalidArgument"):
            raise
    yield from made


def _send(case: Case[Any], headers: dict[str, str], outcome: Outcome) -> int:
    response = case.call(headers=headers, timeout=120)  # a process may have to start first
    outcome.statuses[response.status_code] += 1
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as failed:
        wrong = "; ".join(f"{type(one).__name__}: {one.message}" for one in failed.exceptions)
        outcome.failures.setdefault(
            case.operation.label, f"{response.status_code} {wrong}\n{case.as_curl_command()}"
        )
    return response.status_code


def main() -> None:
    """Fuzzes a new service as every role."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), requests_a_minute=10**9) as app:
        outcomes = fuzzed(app, examples)
    for role, outcome in outcomes.items():
        print(f"{role}: {outcome.statuses.total()} requests, {dict(sorted(outcome.statuses.items()))}")
        for label, wrong in outcome.failures.items():
            print(f"  {label}: {wrong}")
    sys.exit(any(outcome.failures for outcome in outcomes.values()))


if __name__ == "__main__":
    main()
