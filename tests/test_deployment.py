"""Dockerfile and compose.yaml say what is so: files, commands, options, settings and routes that there are."""

import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("api", "workers", "watcher")


def instructions() -> list[tuple[str, str]]:
    """(name, rest) of each instruction of the Dockerfile."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def given(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def runs(command: list[str]) -> bool:
    """Whether there is such a command with such options."""
    program, *rest = command
    if program == "python":
        return rest[0] == "-c" or (rest[0] == "-m" and find_spec(rest[1]) is not None)
    options = {option for parameter in get_command(app).commands[rest[0]].params for option in parameter.opts}  # type: ignore[attr-defined]
    return program == "whorl" and {part for part in rest if part.startswith("--")} <= options


def test_the_dockerfile_copies_what_is_there_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for rest in given("COPY") for source in shlex.split(rest)[:-1]}
    assert copied == kept
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {
        "tests",
        "data",
        "training",
        "benchmarks",
    }
    assert packages <= copied


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    (base,) = given("FROM")
    assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", base)
    names = [name for name, _ in instructions()]
    assert given("USER") == ["whorl"]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    known = {"FROM", "RUN", "COPY", "USER", "ENV", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert set(names) <= known


def test_the_image_runs_what_there_is() -> None:
    (command,) = given("CMD")
    assert runs(yaml.safe_load(command))
    (health,) = given("HEALTHCHECK")
    assert "/health/live" in health
    assert f"127.0.0.1:{given('EXPOSE')[0]}/" in health
    assert given("EXPOSE") == [str(Settings.model_fields["port"].default)]


@pytest.mark.parametrize("name", OURS)
def test_services_run_what_there_is_with_settings_that_there_are(name: str) -> None:
    service = COMPOSE["services"][name]
    assert runs(service["command"])
    known = {f"WHORL_{field.upper()}" for field in Settings.model_fields}
    in_image = {pair.partition("=")[0] for rest in given("ENV") for pair in rest.split()} - {
        "OMP_NUM_THREADS"
    }
    assert set(service["environment"]) | in_image <= known
    assert service["environment"]["WHORL_DATABASE"].startswith("postgresql://whorl:")


def test_services_and_volumes_are_named_where_they_are_used() -> None:
    used = {volume.split(":")[0] for one in COMPOSE["services"].values() for volume in one["volumes"]}
    assert used == set(COMPOSE["volumes"])
    for name in OURS:
        assert set(COMPOSE["services"][name]["depends_on"]) <= set(COMPOSE["services"])
    assert "healthcheck" in COMPOSE["services"]["database"]
    assert COMPOSE["services"]["api"]["ports"] == ["127.0.0.1:8080:8080"], "open to this machine only"


def test_no_password_is_in_it() -> None:
    text = (ROOT / "compose.yaml").read_text()
    assert all(":?" in found for found in re.findall(r"\$\{WHORL_DATABASE_PASSWORD[^}]*\}", text))
    assert text.count("WHORL_DATABASE_PASSWORD:?") == 2


def test_docker_itself_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed: the tests above have read it")
    monkeypatch.setenv("WHORL_DATABASE_PASSWORD", "x")
    command = [docker, "compose", "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
