"""How commands and their workers open the engine: the data directory, and the database that the environment names."""

import os
from pathlib import Path

from fingerprint.media import Limits
from matching.engine import Engine
from service.terminal import say


def open_engine(data: Path, limits: Limits) -> Engine:
    """The engine; its catalog lies in the data directory unless WHORL_DATABASE is a URL. Raises CatalogError."""
    return Engine(data, limits, note=say, database=os.environ.get("WHORL_DATABASE", ""))
