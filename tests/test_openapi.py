"""The OpenAPI document tells the truth: of every operation it names every answer, and no request breaks the service."""

import json
import re
from pathlib import Path

from tests.fuzzing import ROLES, fuzzed
from tests.service import client, served

BACKENDS = ("sqlite",)  # what is asked of the database is tested on both by the tests of each route


def test_no_request_breaks_the_service_and_every_answer_is_documented(tmp_path: Path) -> None:
    with served(tmp_path, requests_a_minute=10**9) as app:
        outcomes = fuzzed(app, examples=1)
    assert [(role, wrong) for role, outcome in outcomes.items() for wrong in outcome.failures.items()] == []
    assert tuple(outcomes) == ROLES
    assert all(outcome.statuses.total() >= 50 for outcome in outcomes.values())
    assert outcomes["administrator"].statuses[200] >= 10


def test_every_error_has_one_form(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        document = client(app).get("/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    errors = [e for one in operations for status, e in one["responses"].items() if status >= "4"]
    assert len(errors) > 100
    assert {kind for error in errors for kind in error["content"]} == {"application/problem+json"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_operation_is_called_what_it_does(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        document = client(app).get("/openapi.json").json()
    called = [one["summary"] for path in document["paths"].values() for one in path.values()]
    assert len(called) > 50
    assert [summary for summary in called if len(summary.split()) < 2] == []


def test_every_reference_of_the_document_leads_somewhere(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        document = client(app).get("/openapi.json").json()
    named = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert "MatchIn" in named and named - document["components"]["schemas"].keys() == set()
