"""Beside each figure stands when, where and from what it was taken."""

import json
import re
from typing import Any

import pytest

from benchmarks import taken
from benchmarks.accuracy import RESULTS
from benchmarks.figures import FILES

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(("changed", "commit"), [("", COMMIT), (" M benchmarks/speed.py", f"{COMMIT}+")])
def test_a_note_names_the_commit_the_seed_and_the_machine(
    monkeypatch: pytest.MonkeyPatch, changed: str, commit: str
) -> None:
    monkeypatch.setattr(taken, "_git", lambda command, *_: COMMIT if command == "rev-parse" else changed)
    note = taken.taken(7)
    assert (note["commit"], note["seed"]) == (commit, 7)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", note["date"])
    assert note["machine"]["cores"] >= 1 and note["machine"]["processor"] and note["machine"]["memory"] >= 1


def test_a_part_taken_anew_leaves_the_notes_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taken, "_git", lambda command, *_: COMMIT if command == "rev-parse" else "")
    report: dict[str, Any] = {
        "memory": 1,
        "taken": {"memory": {"commit": "before"}, "extraction": {"commit": "before"}},
    }
    told = taken.noted(report, "memory")
    assert told["taken"]["extraction"] == {"commit": "before"} and told["taken"]["memory"]["commit"] == COMMIT
    assert report["taken"]["memory"] == {"commit": "before"} and told["memory"] == 1


@pytest.mark.parametrize("name", [*FILES, "durability.json"])
def test_every_result_has_such_notes(name: str) -> None:
    notes = json.loads((RESULTS / name).read_text())["taken"]
    assert notes
    for note in notes.values():
        assert {"commit", "date", "seed", "machine"} <= set(note)
