"""What commands have in common."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


KEEPING = ("register", "scan", "watch", "serve")  # commands that go on where they were


def interrupted(command: str | None) -> str:
    """What becomes of what a command did that is interrupted."""
    kept = "what was finished is kept" if command in KEEPING else "nothing is kept but what was printed"
    return f"interrupted: {kept}"


class Commands(TyperGroup):
    """The commands; to one that is given an option of all of them it is said where that goes."""

    def invoke(self, ctx: Any) -> Any:
        """Runs what was typed. Raises wrong usage."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if getattr(error, "option_name", None) != "--data":
                raise
            raise typer.BadParameter(
                f"--data goes before the command: whorl --data DIR {ctx.invoked_subcommand} ..."
            ) from None


def path(text: str) -> Path:
    """What an argument or an option names; an empty one is an unset variable of a shell, and not the folder one is in."""
    if not text:
        raise typer.BadParameter("'' names no file: give a path, or . for this folder")
    return Path(text)


def print_line(line: object) -> None:
    """One JSON object on stdout, for programs."""
    print(json.dumps(line, ensure_ascii=True), flush=True)
