"""What many tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# As the command line does, before anything imports a numerical library: its threads would wait for each other.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from benchmarks.corpus import media_folder  # noqa: E402

SAMPLES = Path(__file__).parents[1] / "data" / "samples"


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real media. Where it is missing, its tests skip; under CI they fail."""
    try:
        return media_folder()
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def samples() -> Path:
    """data/samples: originals, captures and the truth about them."""
    return SAMPLES


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data directory that the command line uses."""
    folder = tmp_path / "whorl-data"
    monkeypatch.setenv("WHORL_DATA", str(folder))
    yield folder
