"""Is the process alive, and can it serve? Two questions: a restart helps only where the first is denied."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from index.database import CatalogError
from service.api.access import store
from service.api.problem import Problem
from service.store.store import Store

router = APIRouter(prefix="/health", tags=["operation"])


class Health(BaseModel):
    """The answer of both."""

    status: Literal["ok"] = "ok"


@router.get("/live")
def is_live() -> Health:
    """The process answers."""
    return Health()


@router.get("/ready")
def is_ready(held: Annotated[Store, Depends(store)]) -> Health:
    """The database answers too."""
    try:
        held.ping()
    except CatalogError as error:
        raise Problem(503, "not-ready", str(error)) from None
    return Health()
