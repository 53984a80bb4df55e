"""The documents say what is so: commands run, all are described, figures are those that were measured."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from benchmarks.figures import filled
from service.cli import app
from tests.serving import answer, serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def commands() -> list[list[str]]:
    """The command lines in README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_commands_of_the_readme_run(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with serving() as server:
        for path in (ROOT / "data" / "samples" / "captures").iterdir():
            server.pages[f"/{path.name}"] = answer(path.read_bytes())
        for program, *arguments in commands():
            if program == "whorl":
                served = [part.replace("http://127.0.0.1:8000", server.url("")) for part in arguments]
                result = CliRunner().invoke(app, served)
                assert result.exit_code == 0, f"whorl {arguments}: {result.output}"
            elif program != "python":  # that is the server, which is ours here
                assert (ROOT / program).stat().st_mode & 0o100, f"{program} cannot be run"


def test_what_the_readme_says_of_serving_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    (tmp_path / "data").symlink_to(ROOT / "data")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {"PATH": path, "PYTHONPATH": str(ROOT), "WHORL_DATA": str(tmp_path / "whorl"), "WHORL_PORT": port}
    script = "set -e\n" + block.replace("8080", port) + "wait\n"
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "administrator.key").read_text().startswith("whorl_")
    for secret in ("administrator.key", "whorl-backup.tar"):
        assert (tmp_path / secret).stat().st_mode & 0o777 == 0o600
        assert f"/{secret}" in (ROOT / ".gitignore").read_text().splitlines()
    with tarfile.open(tmp_path / "whorl-backup.tar") as backup:
        assert "catalog.db" in backup.getnames()


def test_every_command_is_described() -> None:
    group = get_command(app)
    names = [f"{name} {part}" for name in ("bench",) for part in group.commands[name].commands]  # type: ignore[attr-defined]
    names += [name for name in group.commands if name != "bench"]  # type: ignore[attr-defined]
    assert len(names) >= 8
    assert [name for name in names if f"| `whorl {name}" not in README] == []


def test_figures_are_those_measured() -> None:
    assert filled(README) == README, "run `python -m benchmarks.figures`"


def test_nobody_is_sent_to_a_package_index_where_the_name_is_anothers() -> None:
    folders = ("benchmarks", "docs", "fingerprint", "index", "scripts", "service", "tests", "training")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = {path: path.read_bytes() for path in (*files, *ROOT.glob("*.md"), ROOT / "Dockerfile")}
    assert len(texts) > 100
    assert [
        path for path, text in texts.items() if re.search(rb"pip install '?whorl\b|whorl\[[a-z]", text)
    ] == []


@pytest.mark.parametrize("document", [p.relative_to(ROOT).as_posix() for p in ROOT.glob("*.md")])
def test_links_and_files_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)
    named = re.findall(
        r"`((?:benchmarks|evidence|fingerprint|index|matching|service|tests|data|scripts)/[\w./-]+)`", text
    )
    assert [path for path in links + named if "://" not in path and not (ROOT / path).exists()] == []
