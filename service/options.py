"""What commands have in common."""

import json
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def path(text: str) -> Path:
    """What an argument or an option names; an empty one is an unset variable of a shell, and not the folder one is in."""
    if not text:
        raise typer.BadParameter("'' names no file: give a path, or . for this folder")
    return Path(text)


def print_line(line: object) -> None:
    """One JSON object on stdout, for programs."""
    print(json.dumps(line, ensure_ascii=True), flush=True)
