"""`whorl bench`: benchmarks import everything and nothing imports them, so they run as programs of their own."""

import sys

import typer

bench_app = typer.Typer(help="Measure recall, false matches and speed on real media.", no_args_is_help=True)
_ANY = {"allow_extra_args": True, "ignore_unknown_options": True}


@bench_app.command("accuracy", context_settings=_ANY)
def bench_accuracy(context: typer.Context) -> None:
    """Recall under attack, false matches and localisation, on the benchmark's media."""
    _bench("accuracy", context.args)


@bench_app.command("speed", context_settings=_ANY)
def bench_speed(context: typer.Context) -> None:
    """Throughput beside a bare decode, memory, bytes stored, time to an answer."""
    _bench("speed", context.args)


@bench_app.command("scale", context_settings=_ANY)
def bench_scale(context: typer.Context) -> None:
    """Time, recall, memory and disk of the index against the size of a catalog, to 10,000 hours."""
    _bench("scale", context.args)


@bench_app.command("durability", context_settings=_ANY)
def bench_durability(context: typer.Context) -> None:
    """Kills at every write, damaged files: what is lost, and what is answered wrongly."""
    _bench("durability", context.args)


@bench_app.command("streams", context_settings=_ANY)
def bench_streams(context: typer.Context) -> None:
    """Streams: time from a work's first and last second to its events."""
    _bench("streams", context.args)


def _bench(name: str, arguments: list[str]) -> None:
    import subprocess
    from importlib.util import find_spec

    missing = [library for library in ("librosa", "matplotlib", "imagehash") if find_spec(library) is None]
    if missing:
        needed = f"benchmarks need {', '.join(missing)}"
        raise typer.BadParameter(f"{needed}: run pip install '.[bench]' in the clone of Whorl")
    raise typer.Exit(subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *arguments]))
