"""Measuring whole programs: what they and those they leave behind cost.

In a process of its own, for it waits for all children of the one that asks.
"""

import json
import subprocess
import sys

BURN = "import time; all(iter(lambda: time.process_time() < 0.5, False))"
ASK = """
import json, sys
from benchmarks.processes import run
done = run(json.loads(sys.argv[1]), sys.argv[2])
print(json.dumps([done.code, done.wall, done.cpu, done.peak]))
"""


def measured(command: list[str], given: str = "") -> tuple[int, float, float, int]:
    asked = [sys.executable, "-c", ASK, json.dumps(command), given]
    code, wall, cpu, peak = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return code, wall, cpu, peak


def test_exit_status_and_input_reach_the_program() -> None:
    assert measured([sys.executable, "-c", "exit(int(input()))"], "7\n")[0] == 7


def test_cpu_of_a_process_that_outlives_its_parent_is_counted() -> None:
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])"
    assert 0.5 <= measured([sys.executable, "-c", leave])[2] < 3


def test_memory_of_children_is_added_up() -> None:
    hold = "import time; held = bytes(range(256)) * 400_000; time.sleep(0.5)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert measured([sys.executable, "-c", start])[3] > 100e6
