"""The command line. Commands import the heavy libraries they need: ``whorl --help`` must not wait."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import listing, operating
from service.benches import bench_app
from service.options import AsJson, Commands, interrupted, path, print_line
from service.process import end, interrupt, let_go_of_stdout, with_streams

if TYPE_CHECKING:
    from evidence.answer import Json
    from fingerprint.media import Limits
    from matching.engine import Engine
    from service.inputs import Details

app = typer.Typer(
    name="whorl",
    cls=Commands,
    help="Finds copyrighted works inside captured media.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bench_app, name="bench")


Paths = Annotated[
    list[Path], typer.Argument(help="Files or folders.", show_default=False, parser=path, metavar="PATHS...")
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST[:PORT]", help="May be private or loopback, and datagrams' own; repeatable."),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", parser=path, envvar="WHORL_DATA", help="Data directory.", show_default="the platform's"
    ),
]

# The products here are small: threads of a numerical library would wait for each other longer than they work, and on a busy
# machine cost many times what they save. Cores are for several files at once.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

_data: Path | None = None
_command: str | None = None


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    data: Data = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    global _data, _command
    _data, _command = data, context.invoked_subcommand
    if version:
        from importlib.metadata import version as installed

        print(f"whorl {installed('whorl')}")
        raise typer.Exit


def _data_directory() -> Path:
    if _data is not None:
        return _data
    from platformdirs import user_data_path

    return user_data_path("whorl", appauthor=False)


def _limits() -> "Limits":
    from fingerprint.media import Limits

    try:
        return Limits.from_environment()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _engine() -> "Engine":
    from service.opening import open_engine

    return open_engine(_data_directory(), _limits())


def _start_decoder() -> None:
    """The decoder's process starts while this one imports its libraries."""
    from fingerprint.media import start_decoder

    start_decoder()


@app.command()
def register(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders.", show_default=False, parser=path)
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the work; the file's name unless given.")] = "",
    owner: Annotated[str, typer.Option(help="Who holds the rights.")] = "",
    kind: Annotated[str, typer.Option(help="What it is: film, episode, song.")] = "",
    identifiers: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="SCHEME:VALUE", help="Such as isrc:USRC17607839; repeatable."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(parser=path, help="CSV with the columns file, title, owner, kind, identifiers."),
    ] = None,
    live: Annotated[
        str,
        typer.Option(metavar="URL", help="A stream that is the original, registered while it is on the air."),
    ] = "",
    drop: Annotated[bool, typer.Option("--drop", help="Forget what was live when it ends.")] = False,
    allow_host: AllowHost = None,
    as_json: AsJson = False,
) -> None:
    """Register originals: files, or folders with all that is in them; or a stream that is on the air."""
    from service.inputs import Details, DetailsTable, InputError, identifier_pairs, note_unchecked, read_table

    try:
        given = Details(title, owner, kind, identifier_pairs(identifiers or []))
        details = read_table(table, given) if table else DetailsTable({}, given)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    if bool(paths) == bool(live):
        lacking = (
            f"--table {table} tells of files and names none to register: " if table and not paths else ""
        )
        raise typer.BadParameter(f"{lacking}give files or folders, or --live URL")
    _start_decoder()
    note_unchecked(details)
    if live:
        _register_live(live, given, not drop, allow_host or [], as_json)
    from evidence.words import harmless
    from service.registering import register as registered
    from service.terminal import say

    failed = False
    with _engine() as engine:
        for one in registered(engine, _data_directory(), _limits(), paths or [], details):
            failed = failed or one.failed
            print_line(one.line) if as_json else print(harmless(one.text), flush=True)
        engine.save()
    for row in details.unused:
        say(f"table {table}: no file of this run is named {row!r}")
    raise typer.Exit(1 if failed else 0)


def _register_live(url: str, details: "Details", keep: bool, allowed: list[str], as_json: bool) -> None:
    from evidence.answer import reference_json
    from evidence.words import clock, harmless
    from service.streams.recording import record
    from service.streams.telling import reason
    from service.streams.watching import Options
    from service.terminal import say

    with _engine() as engine:
        options = Options(allowed=allowed, limits=_limits())
        failed = False
        for reference in record(url, engine, options, details, keep, say):
            if isinstance(reference, Exception):
                say(f"{url}: {reason(str(reference), url)}")
                failed = True
            elif as_json:
                print_line(reference_json(reference, engine.reference(reference.id)[1]))
            elif reference.id < 0:
                title = engine.reference(reference.id)[1].title
                print(harmless(f"on the air, to be found as {title}: {reference.name}"), flush=True)
            else:
                print(harmless(f"registered #{reference.id}: {reference.name}, {clock(reference.duration)}"))
        engine.save()
    raise typer.Exit(1 if failed else 0)


@app.command()
def match(paths: Paths, as_json: AsJson = False) -> None:
    """Find registered works in captures: files, or folders with all that is in them."""
    _start_decoder()
    from index.names import printable
    from service.examining import for_people
    from service.opening import refuse_empty
    from service.terminal import show_answers

    failed, shown = False, list["Json"]()
    with _engine() as engine:
        refuse_empty(engine, _data_directory(), as_json)
        try:
            for file, answer in _answers(engine, paths):
                failed = failed or answer["status"] == "error"
                if as_json:
                    print_line(answer | {"path": printable(str(file))})
                else:
                    shown.append(for_people(answer, file, engine))
        finally:  # what was found before an interruption is shown
            show_answers(shown)
    raise typer.Exit(1 if failed else 0)


def _answers(engine: "Engine", paths: list[Path]) -> Iterator[tuple[Path, "Json"]]:
    from service.examining import told
    from service.inputs import found_files, refused
    from service.terminal import progress, say
    from service.workers import problem

    files = found_files(paths, say)
    with progress(len(files), "matching") as show:
        for number, found in enumerate(files):
            file = found.path

            def tell(part: float, number: int = number, name: str = file.name) -> None:
                show(number, part, name)

            try:
                answer = told(engine, engine.examine(found.checked(), tell))
            except Exception as error:  # also a fault of ours, which this file brought out
                answer = told(engine, refused(file, problem(error, file.name)))
            for warning in answer.get("warnings", ()):
                say(f"{file.name}: {warning}")
            yield file, answer


@app.command()
def scan(
    folders: Paths,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=path,
            help="Folder for results.csv, results.jsonl and a page with pictures.",
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Examine everything in full, not only leads.")] = False,
    exclude_hashes: Annotated[
        list[Path] | None,
        typer.Option(
            parser=path, help="Hashes of files known as good, one a line, or NSRLFile.txt; repeatable."
        ),
    ] = None,
    media: Annotated[
        list[Path] | None,
        typer.Option(parser=path, help="Folder of originals to draw in the page; repeatable."),
    ] = None,
) -> None:
    """Search a seized drive: whatever is media, by content; run it again to go on where it stopped."""
    from service.inputs import InputError
    from service.known import KnownFiles
    from service.scanning import scan

    try:
        known = KnownFiles(exclude_hashes or [])
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    failed = scan(folders, _data_directory(), _limits(), known, full, as_json, output, media or [])
    raise typer.Exit(1 if failed else 0)


@app.command()
def watch(
    urls: Annotated[
        list[str],
        typer.Argument(
            help="HLS, DASH, media over HTTP, radio, udp://, rtp://; - for a pipe.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    allow_host: AllowHost = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", parser=path, help="Folder for evidence: segments, playlists, manifests."
        ),
    ] = None,
) -> None:
    """Find registered works in streams while they are on the air; run it again to go on after a stop."""
    if "-" in urls and len(urls) > 1:
        raise typer.BadParameter("a pipe (-) is watched alone")
    _start_decoder()
    from service.streams.supervisor import supervise
    from service.streams.telling import teller
    from service.streams.watching import Options

    options = Options(allowed=allow_host or [], output=output)
    failed = supervise(urls, _data_directory(), _limits(), options, teller(as_json))
    raise typer.Exit(1 if failed else 0)


listing.add_to(app, _engine, _data_directory)


@app.command()
def report(
    answers: Annotated[
        Path, typer.Argument(help="What `whorl match --json` printed.", show_default=False, parser=path)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", parser=path, help="The page to write; a table on the screen unless given."
        ),
    ] = None,
    media: Annotated[
        list[Path] | None,
        typer.Option(parser=path, help="Folder of captures or originals to draw from; repeatable."),
    ] = None,
) -> None:
    """Show answers again, or write a page with timelines, and pictures where the media are at hand."""
    from service.inputs import InputError, read_answers
    from service.terminal import show_answers

    try:
        lines = read_answers(answers)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    if output is None:
        show_answers([_by_path(line) for line in lines])
    else:
        _write_page(lines, output, media or [])


def _by_path(answer: "Json") -> "Json":
    """The answer under its file's path, where the line has it: many files of a drive have one name."""
    path = answer.get("path")
    return answer | {"query": answer["query"] | {"name": path}} if isinstance(path, str) else answer


def _write_page(answers: "list[Json]", output: Path, media: list[Path]) -> None:
    from evidence.answer import printable
    from evidence.report import REPORTS, Sources

    _start_decoder()
    page = REPORTS["html"](answers, Sources(media))
    try:
        output.write_text(printable(page), encoding="utf-8")  # JSON can hold what no text does
    except OSError as error:
        end(f"error: {output} cannot be written: {error.strerror}", 1)
    print(output)


operating.add_to(app, _data_directory)


def main() -> None:
    """Runs the command line: 0 done, 1 something could not be examined, 2 wrong usage, 130 interrupted."""
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # in the background it is ignored, and stays so
        signal.signal(signal.SIGINT, interrupt)
    with_streams()
    try:
        _run()
    except (KeyboardInterrupt, SystemExit) as ended:
        # The library under this one turns an interruption into a silent exit.
        if isinstance(ended, SystemExit) and ended.code != 130:
            raise
        end(interrupted(_command), 130)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; the shell expects silence.
        let_go_of_stdout()
        raise SystemExit(1) from None
    except OSError as error:
        # Files that are read tell of their errors themselves; what is left is mostly an output on a full disk.
        let_go_of_stdout()
        end(f"error: {error.filename or 'the output cannot be written'}: {error.strerror}", 1)
    except Exception as error:
        # Only these are expected here, and their modules are too heavy to import for --help.
        if type(error).__name__ not in ("CatalogError", "WorkerError"):
            raise
        end(f"error: {error}", 1)


def _run() -> None:
    """Runs the command, and writes out all that was printed while an error can still be told."""
    try:
        app()
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
