"""What lists have in common: which page is asked for."""

from typing import Annotated

from fastapi import Depends, Query

from service.store.paging import Page


def _page(
    limit: Annotated[int, Query(ge=1, le=200, description="Items of a page at most.")] = 50,
    after: Annotated[str | None, Query(max_length=500, description="The `next` of the page before.")] = None,
) -> Page:
    return Page(limit, after)


Asked = Annotated[Page, Depends(_page)]
