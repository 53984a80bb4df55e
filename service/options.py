"""What commands have in common."""

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def print_line(line: object) -> None:
    """One JSON object on stdout, for programs."""
    print(json.dumps(line, ensure_ascii=True), flush=True)
