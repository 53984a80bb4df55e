"""The command line, called in this process."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from service.cli import app


def whorl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(*arguments: object) -> list[Any]:
    """The JSON objects that a command prints."""
    return [json.loads(line) for line in whorl(*arguments, "--json").stdout.splitlines()]
