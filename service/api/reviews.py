"""Answers and what people make of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from service.api.access import needs, store
from service.api.answers import Answer, Answers, Status
from service.api.etags import Answered
from service.api.pages import Asked
from service.api.schemas import Id, Verdict, VerdictIn, Verdicts
from service.api.text import Moment, Search
from service.store import findings
from service.store.caller import Caller
from service.store.findings import Filter
from service.store.store import Store

router = APIRouter(prefix="/v1/matches", tags=["matches"])
Reader = Annotated[Caller, needs("matches:read")]
Reviewer = Annotated[Caller, needs("reviews")]
Held = Annotated[Store, Depends(store)]


@router.get("", response_model=Answers, response_model_exclude_unset=True)
def list_matches(
    who: Reader,
    held: Held,
    page: Asked,
    status: Status | None = None,
    case: Id | None = None,
    work: Id | None = None,
    since: Annotated[Moment | None, Query()] = None,
    review: Annotated[
        Literal["decided", "undecided"] | None,
        Query(description="Whether every match has a verdict of a person."),
    ] = None,
    q: Search = "",
) -> Any:
    """What captures hold, the last first. A page may be short and have a `next`: then go on."""
    decided = None if review is None else review == "decided"
    return findings.list_answers(held, who, page, Filter(status, case, work, since, decided, q))


@router.get("/{match_id}", response_model=Answer, response_model_exclude_unset=True)
def get_match(match_id: str, who: Reader, held: Held, response: Response, answered: Answered) -> Any:
    """What a capture holds."""
    return answered(response, findings.answer(held.rows, who, match_id))


@router.get("/{match_id}/verdicts", response_model=Verdicts)
def list_verdicts(match_id: str, who: Reader, held: Held, page: Asked) -> Any:
    """All that people made of it, in their order."""
    return findings.list_verdicts(held, who, match_id, page)


@router.post("/{match_id}/verdicts", status_code=201, response_model=Verdict)
def add_verdict(match_id: str, body: VerdictIn, who: Reviewer, held: Held) -> Any:
    """Confirms or rejects a match; the last verdict counts, all are kept."""
    return findings.add_verdict(held, who, match_id, body.reference, body.verdict, body.note)
