"""How commands and their workers open the engine: the data directory, and the database that the environment names."""

import os
from pathlib import Path

from fingerprint.media import Limits
from index.catalog import CatalogError
from matching.engine import Engine
from service.options import print_line
from service.terminal import say


def open_engine(data: Path, limits: Limits) -> Engine:
    """The engine; its catalog lies in the data directory unless WHORL_DATABASE is a URL. Raises CatalogError."""
    return Engine(data, limits, note=say, database=os.environ.get("WHORL_DATABASE", ""))


def place(data: Path) -> str:
    """Where the catalog lies, in words: a URL may hold a password, and is not told."""
    return "the database that WHORL_DATABASE names" if os.environ.get("WHORL_DATABASE") else str(data)


def refuse_empty(engine: Engine, data: Path, as_json: bool) -> None:
    """Nothing can match an empty catalog, whatever a capture holds: a mistyped directory would clear a whole drive.

    Raises CatalogError, printed as JSON before that where answers are.
    """
    if engine.catalog.references():
        return
    message = (
        f"nothing is registered in {place(data)}, so nothing was examined: "
        "register originals first (whorl register PATH), or name another directory with --data or WHORL_DATA"
    )
    if as_json:
        print_line({"status": "error", "error": {"code": "nothing-registered", "message": message}})
    raise CatalogError(message)
