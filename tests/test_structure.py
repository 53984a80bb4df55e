"""The flow of the design, held by walking the imports: each house knows only those before it.

fingerprint <- index <- matching <- evidence <- service
"""

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each house may import of the others.
MAY_IMPORT = {
    "fingerprint": set[str](),
    "index": {"fingerprint"},
    "matching": {"fingerprint", "index"},
    "evidence": {"fingerprint", "index", "matching"},
    "service": {"fingerprint", "index", "matching", "evidence"},
    "training": {"fingerprint"},
    # training.split says which titles are held out: who did not ask might judge by what was learned.
    "benchmarks": {"fingerprint", "index", "matching", "evidence", "training.split"},
}

# Where a library may be imported: files, or folders with all that is in them.
ONLY_IN = {
    # Benchmarks read and write the files that they made themselves, and time a bare decode as the peer.
    "av": ["fingerprint/decoding/", "benchmarks/"],
    "faiss": ["index/"],
    "sqlalchemy": ["index/", "service/store/"],
    "fastapi": ["service/"],
    "starlette": ["service/"],
    "matplotlib": ["benchmarks/", "evidence/"],
    "torch": ["training/"],
    # Only the fetcher touches the network; the decoder's server and its children talk over sockets of one process.
    "socket": [
        "service/streams/",
        "fingerprint/sandbox.py",
        "fingerprint/decoding/worker.py",
        "service/serve.py",
        "benchmarks/",
    ],
    "ssl": ["service/streams/"],
    "http": ["service/streams/transport.py", "service/api/", "benchmarks/"],
    "pickle": [],
}
# What runs in the child process that decodes: hostile bytes must not meet FFmpeg anywhere else.
IN_THE_CHILD = {
    f"fingerprint.decoding.{module}"
    for module in ("worker", "decoder", "container", "sound", "channels", "frames")
}

# What takes long to import must not be imported before it is used: `whorl --help` would wait for it.
SLOW = {
    "av",
    "cv2",
    "faiss",
    "fastapi",
    "matplotlib",
    "onnxruntime",
    "pydantic",
    "scipy",
    "sqlalchemy",
    "torch",
    "uvicorn",
}

LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def sources() -> list[Path]:
    """The project's own modules, tests and scripts of data/ not among them."""
    return sorted(chain.from_iterable((ROOT / house).rglob("*.py") for house in MAY_IMPORT))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, functions included, by its full name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports by a relative name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, allowed: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def wrong_houses(path: Path) -> list[str]:
    """Modules of the project that this file imports and may not."""
    house = name(path).split("/")[0]
    allowed = {house, *MAY_IMPORT[house]}
    ours = [module for module in imports(path) if module.split(".")[0] in {*MAY_IMPORT, "tests", "data"}]
    return [module for module in ours if not within(module, allowed)]


def wrong_libraries(path: Path) -> list[str]:
    """Libraries that this file imports and may not."""
    used = {module.split(".")[0] for module in imports(path)}
    return sorted(
        library
        for library, places in ONLY_IN.items()
        if library in used and not name(path).startswith(tuple(places))
    )


@pytest.mark.parametrize("path", sources(), ids=name)
def test_a_house_imports_only_those_before_it(path: Path) -> None:
    assert wrong_houses(path) == []


@pytest.mark.parametrize("path", sources(), ids=name)
def test_a_library_has_one_door(path: Path) -> None:
    assert wrong_libraries(path) == []


@pytest.mark.parametrize("path", sources(), ids=name)
def test_only_the_child_decodes(path: Path) -> None:
    if not name(path).startswith(tuple(ONLY_IN["av"])):
        assert [module for module in imports(path) if within(module, IN_THE_CHILD)] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of the file and its length in lines, from its first decorator on."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, (node.end_lineno or first) - first + 1


@pytest.mark.parametrize("path", sources(), ids=name)
def test_functions_and_files_stay_small(path: Path) -> None:
    assert [(function, lines) for function, lines in functions(path) if lines > LONGEST_FUNCTION] == []
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def reached_at_once(module: str, seen: set[str]) -> None:
    """Adds to ``seen`` what is imported, directly or not, as soon as ``module`` is."""
    stem = ROOT / module.replace(".", "/")
    path = next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.exists()), None)
    if module in seen:
        return
    seen.add(module)
    for node in ast.parse(path.read_text()).body if path else []:
        if isinstance(node, ast.Import):
            for alias in node.names:
                reached_at_once(alias.name, seen)
        elif isinstance(node, ast.ImportFrom) and node.module:
            reached_at_once(node.module, seen)
            for alias in node.names:
                reached_at_once(f"{node.module}.{alias.name}", seen)


def test_help_waits_for_no_slow_library() -> None:
    seen: set[str] = set()
    reached_at_once("service.cli", seen)
    assert {module.split(".")[0] for module in seen} & SLOW == set()


def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: str) -> Path:
    """A file of an imaginary project that holds only it."""
    monkeypatch.setattr("tests.test_structure.ROOT", tmp_path)
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("place", "text", "wrong"),
    [
        ("fingerprint/audio.py", "from index.hits import Hits", ["index.hits.Hits"]),
        ("index/catalog.py", "def f():\n    import matching.engine", ["matching.engine"]),
        ("matching/engine.py", "import numpy\nfrom index import catalog", []),
        ("training/audio.py", "from index.catalog import Catalog", ["index.catalog.Catalog"]),
        ("benchmarks/corpus.py", "from training.split import held_out", []),
        ("benchmarks/corpus.py", "from training import audio", ["training.audio"]),
        ("benchmarks/speed.py", "from service.cli import main", ["service.cli.main"]),
        ("evidence/report.py", "from tests.conftest import media", ["tests.conftest.media"]),
        ("service/jobs.py", "from benchmarks import speed", ["benchmarks.speed"]),
    ],
)
def test_the_walk_sees_a_wrong_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: str, wrong: list[str]
) -> None:
    assert wrong_houses(written(tmp_path, monkeypatch, place, text)) == wrong


@pytest.mark.parametrize(
    ("place", "text", "wrong"),
    [
        ("fingerprint/audio.py", "import av", ["av"]),
        ("fingerprint/decoding/worker.py", "import av.error", []),
        ("fingerprint/media.py", "import av.error", ["av"]),
        ("matching/engine.py", "def f():\n    from faiss import IndexFlat", ["faiss"]),
        ("index/catalog.py", "import pickle, sqlalchemy as sa", ["pickle"]),
        ("service/cli.py", "from matplotlib import pyplot", ["matplotlib"]),
    ],
)
def test_the_walk_sees_a_wrong_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: str, wrong: list[str]
) -> None:
    assert wrong_libraries(written(tmp_path, monkeypatch, place, text)) == wrong


def test_the_walk_sees_a_slow_import_through_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = written(
        tmp_path, monkeypatch, "service/cli.py", "from service import other\ndef f():\n    import av"
    )
    (cli.parent / "other.py").write_text("import scipy.signal")
    seen: set[str] = set()
    reached_at_once("service.cli", seen)
    assert {module.split(".")[0] for module in seen} & SLOW == {"scipy"}
