"""Commands on what is registered: list, show, remove."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.options import AsJson, print_line

if TYPE_CHECKING:
    from evidence.answer import Json
    from matching.engine import Engine


def add_to(app: typer.Typer, engine_of: Callable[[], "Engine"], data_of: Callable[[], Path]) -> None:
    """Adds the commands to the command line; ``engine_of`` opens its engine, whose directory is ``data_of()``."""

    @app.command("list")
    def list_references(as_json: AsJson = False) -> None:
        """List what is registered."""
        from evidence.answer import reference_json
        from evidence.words import clock, harmless
        from service.opening import place
        from service.terminal import table

        with engine_of() as engine:
            works = engine.catalog.works()
            rows = [(r, works[r.work_id]) for r in engine.catalog.references()]
        if as_json:
            for reference, work in rows:
                print_line({**reference_json(reference, work), "duration": round(reference.duration, 3)})
        elif rows:
            cells = [
                (f"#{r.id}", w.title, w.owner, r.name, clock(r.duration), f"{r.added:%Y-%m-%d}")
                for r, w in rows
            ]
            table(("id", "title", "owner", "file", "length", "added"), cells)
        else:
            print(harmless(f"nothing is registered in {place(data_of())}: whorl register PATH"))

    @app.command()
    def show(
        reference: Annotated[str, typer.Argument(help="Its id, as in `whorl list`.")], as_json: AsJson = False
    ) -> None:
        """Show one registered file: its work, identifiers and fingerprints."""
        from service.inputs import described

        with engine_of() as engine:
            about = described(engine, _reference_id(engine, reference))
        if as_json:
            print_line(about)
            return
        from evidence.words import harmless

        for name, text in card(about):
            print(f"{name:13}{harmless(text)}")

    @app.command()
    def remove(references: Annotated[list[str], typer.Argument(help="Ids, as in `whorl list`.")]) -> None:
        """Remove registered files, at once and for good."""
        from evidence.words import harmless

        with engine_of() as engine:
            for ref_id in dict.fromkeys([_reference_id(engine, reference) for reference in references]):
                name = engine.catalog.reference(ref_id).name
                engine.remove(ref_id)
                print(harmless(f"removed #{ref_id}: {name}"))


def card(about: "Json") -> Iterator[tuple[str, str]]:
    """What is known of a registered file, for people: (what, in words), and nothing where nothing is known."""
    from evidence.words import clock, counted

    yield "id", f"#{about['id']}"
    for name, key in (("title", "title"), ("owner", "owner"), ("kind", "kind"), ("file", "name")):
        yield name, about[key] or "not given"
    yield "identifiers", ", ".join(about["identifiers"]) or "none"
    yield "length", clock(about["duration"])
    yield "registered", f"{datetime.fromisoformat(about['added']):%Y-%m-%d %H:%M:%S UTC}"
    yield "sha256", about["sha256"]
    for made in about["fingerprints"]:
        weak = f", {made['weak']} of them silent or blank" if made.get("weak") else ""
        size = f", {made['bytes'] / 1000:.1f} kB" if "bytes" in made else ""
        yield "fingerprint", f"{made['algorithm']}: {counted(made['codes'], 'code')}{weak}{size}"


def _reference_id(engine: "Engine", text: str) -> int:
    number = text.removeprefix("#")
    try:  # an id has 19 digits at most
        return engine.catalog.reference(int(number) if number.isdecimal() and len(number) < 20 else -1).id
    except KeyError:
        raise typer.BadParameter(f"no reference {text!r}: `whorl list` shows them all") from None
