"""A sample of ``python -m benchmarks.durability``: killed or damaged anywhere, nothing is lost and no answer is wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.durability import held, preloaded

SAMPLE = (
    "import json; from benchmarks.durability import measure; print(json.dumps(measure(every=61, damages=6)))"
)


def test_what_must_be_registered_after_steps() -> None:
    assert held((("add", 1), ("load", 0), ("add", 2), ("remove", 1))) == {2}


@pytest.mark.skipif(shutil.which("cc") is None, reason="the library that kills is compiled from C")
def test_killed_or_damaged_anywhere_nothing_is_lost_and_no_answer_is_wrong(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SAMPLE],
        cwd=Path(__file__).parents[1],
        env=preloaded(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for tally in json.loads(ran.stdout).values():
        assert tally["kills"] >= 3
        assert (tally["flips"], tally["truncations"]) == (3, 3)
        assert (tally["lost"], tally["half"], tally["wrong_answers"]) == (0, 0, 0)
