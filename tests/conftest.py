"""What many tests share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# As the command line does, before anything imports a numerical library: its threads would wait for each other.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from benchmarks.corpus import media_folder  # noqa: E402
from tests import backend as backends  # noqa: E402
from tests import serving  # noqa: E402
from tests.command import whorl  # noqa: E402
from tests.postgres import NoPostgres, Server  # noqa: E402

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


@pytest.fixture
def song(samples: Path) -> Path:
    return samples / "originals" / "harbour-lights.m4a"


@pytest.fixture
def registered(data: Path, song: Path) -> Path:
    """A data directory in which a song is registered: nothing is looked for in an empty one."""
    assert whorl("register", song).exit_code == 0
    return data


def missing(what: str) -> None:
    """Skips a test that lacks what it needs; under CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own."""
    try:
        server = Server()
    except NoPostgres as error:
        missing(str(error))
        raise
    yield server
    server.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of what is stored run on each database: those that ask for `backend`, and all in modules that serve."""
    if hasattr(metafunc.module, "served") and "backend" not in metafunc.fixturenames:
        metafunc.fixturenames.append("backend")
    if "backend" in metafunc.fixturenames:
        names = getattr(metafunc.module, "BACKENDS", backends.NAMES)
        metafunc.parametrize("backend", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the database that is tested: sqlite, then postgresql. A wider fixture that serves must ask for it."""
    name: str = request.param
    with backends.chosen(name, request.getfixturevalue("postgres") if name == "postgresql" else None):
        yield name


@pytest.fixture
def database(backend: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the kind that is tested."""
    with backends.database(tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from tests.page import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def troubles() -> list[str]:
    """What the browser's console complained of."""
    return []


@pytest.fixture
def opened(browser: "Browser", troubles: list[str], request: pytest.FixtureRequest) -> Iterator["Page"]:
    """A new browser window, on a phone or a desk, dark or light; a complaint of its console fails the test."""
    from tests.page import window

    with window(browser, troubles, getattr(request, "param", {})) as page:
        yield page
    assert troubles == []


@pytest.fixture
def server() -> Iterator[serving.Server]:
    """A web server on this machine, for a test of its own."""
    with serving.serving() as started:
        yield started
