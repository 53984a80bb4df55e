"""What a page loads besides itself: our style and scripts, and htmx from its wheel. Each address names its content."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from service.api.problem import not_found

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

router = APIRouter(include_in_schema=False)


@cache
def contents() -> dict[str, bytes]:
    """All files by their name."""
    ours = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}
    return ours | {"htmx.js": _htmx().read_bytes()}


@cache
def url_of(name: str) -> str:
    """The address of a file, another one whenever its content is another."""
    return f"/static/{hashlib.sha256(contents()[name]).hexdigest()[:12]}/{name}"


@router.get("/static/{version}/{name}")
def static(version: str, name: str) -> Response:
    """One of the files."""
    if name not in contents():
        raise not_found("file", name)
    return Response(contents()[name], headers=FOREVER, media_type=TYPES[Path(name).suffix])


def _htmx() -> Path:
    """The file in the wheel, found without importing the package, which wants Django."""
    found = find_spec("django_htmx")
    assert found is not None and found.submodule_search_locations, (
        "run pip install '.[service]' in the clone of Whorl"
    )
    return Path(found.submodule_search_locations[0], "static", "django_htmx", "htmx-2.min.js")
