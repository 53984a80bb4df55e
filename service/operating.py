"""Commands of whoever runs the service: serve, key, backup, restore."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.options import path

if TYPE_CHECKING:
    from service.settings import Settings

Database = Annotated[
    str | None,
    typer.Option(
        envvar="WHORL_DATABASE", help="postgresql+psycopg://…", show_default="SQLite in the data directory"
    ),
]


def add_to(app: typer.Typer, data: Callable[[], Path]) -> None:
    """Adds the commands to the command line, whose data directory ``data`` tells."""
    add_fingerprint_to(app)

    @app.command()
    def serve(
        host: Annotated[
            str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
        ] = None,
        port: Annotated[
            int | None, typer.Option(help="Port to listen on; 0: any free one.", show_default="8080")
        ] = None,
        workers: Annotated[
            int | None, typer.Option(help="Processes that do jobs; 0: none.", show_default="1")
        ] = None,
        database: Database = None,
    ) -> None:
        """Serve the API and the page; the first start prints an administrator's key."""
        settings = _settings(data(), host=host, port=port, workers=workers, database=database)
        from service.serve import serve as run

        run(settings)

    @app.command()
    def key(
        label: Annotated[str, typer.Argument(help="What it is for, or who holds it.")],
        role: Annotated[str, typer.Option(help="holder, investigator, reviewer or administrator.")],
        organisation: Annotated[
            str, typer.Option(help="Whose objects it sees; made if need be.")
        ] = "Administration",
        database: Database = None,
    ) -> None:
        """Make an API key, here on the machine itself: also when the administrator's key was lost."""
        settings = _settings(data(), database=database)
        from service.serve import make_key
        from service.store.caller import SCOPES_OF

        if role not in SCOPES_OF:
            raise typer.BadParameter(f"no role {role!r}: one of {', '.join(SCOPES_OF)}")
        print(make_key(settings, label, role, organisation))

    _add_keeping_to(app, data)


def _add_keeping_to(app: typer.Typer, data: Callable[[], Path]) -> None:
    @app.command()
    def backup(
        file: Annotated[Path, typer.Argument(help="The tar to write.", parser=path)],
        uploads: Annotated[bool, typer.Option(help="With the files that were uploaded.")] = True,
        database: Database = None,
    ) -> None:
        """Back up the database and the uploads into one file, while the service runs."""
        from service.keeping import backup as back_up

        _told(lambda: back_up(_settings(data(), database=database), file, uploads), file)

    @app.command()
    def restore(
        file: Annotated[Path, typer.Argument(help="What `whorl backup` wrote.", exists=True, dir_okay=False)],
        database: Database = None,
    ) -> None:
        """Restore a backup into an empty data directory and database, SQLite or PostgreSQL."""
        from service.keeping import restore as put_back

        _told(lambda: put_back(_settings(data(), database=database), file), data())


def _told(run: Callable[[], dict[str, int]], place: Path) -> None:
    from evidence.words import counted

    try:
        rows = run()
    except OSError as error:
        from index.database import CatalogError

        raise CatalogError(f"{error.filename or place}: {error.strerror}") from error
    nouns = {"refs": "reference", "works": "work", "answers": "answer", "uploads": "upload"}
    print(f"{place}: {', '.join(counted(rows[name], noun) for name, noun in nouns.items())}")


def add_fingerprint_to(app: typer.Typer) -> None:
    """Adds `whorl fingerprint` to the command line."""

    @app.command()
    def fingerprint(
        file: Annotated[
            Path, typer.Argument(help="A file of sound or pictures.", show_default=False, parser=path)
        ],
        query: Annotated[
            bool,
            typer.Option("--query", help="Add the codes that are asked with, not only those to register."),
        ] = False,
        output: Annotated[
            Path | None,
            typer.Option(
                "--output",
                "-o",
                parser=path,
                help="Where to write it.",
                show_default="FILE.whorl in the current folder",
            ),
        ] = None,
    ) -> None:
        """Make the fingerprint of a file: it is sent in its place, so that the content never leaves its owner.

        To a service: POST /v1/matches/fingerprint with what --query made, or POST /v1/references, as
        Content-Type: application/vnd.whorl.fingerprint.
        """
        from fingerprint.exchange import packed
        from fingerprint.media import Limits, MediaError
        from service.fingerprinting import fingerprinted
        from service.terminal import progress, say

        place = output or Path(f"{file.name}.whorl")  # not beside the file: evidence is not written to
        try:
            with progress(1, "reading") as show:
                made = fingerprinted(
                    file, query, Limits.from_environment(), lambda part: show(0, part, file.name)
                )
            place.write_bytes(packed(made))
        except MediaError as error:
            say(f"error: {error}")
            raise typer.Exit(1) from None
        except OSError as error:
            say(f"error: {place} cannot be written: {error.strerror}")
            raise typer.Exit(1) from None
        print(place)


def _check_libraries() -> None:
    """Raises wrong usage where the service's libraries are not installed: registering and matching need none of them."""
    missing = [
        library for library in ("dbos", "fastapi", "pydantic_settings", "uvicorn") if not find_spec(library)
    ]
    if missing:
        needed = f"the service needs {', '.join(missing)}"
        raise typer.BadParameter(f"{needed}: run pip install '.[service]' in the clone of Whorl")


def _settings(data: Path, **given: object) -> "Settings":
    """What the options say; what they leave out the environment says."""
    _check_libraries()
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings.model_validate(
            {"data": data, **{name: value for name, value in given.items() if value is not None}}
        )
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise typer.BadParameter("; ".join(wrong)) from None
