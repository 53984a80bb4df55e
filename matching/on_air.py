"""Searching what is still on the air beside what is registered."""

from dataclasses import replace

from fingerprint.fingerprint import Fingerprint
from index.catalog import CatalogError
from index.live import Both, LiveStore
from matching.search import Search


def with_live(search: Search, store: LiveStore | None, algorithm: str) -> Search:
    """The same search, also in the references on the air, whose ids are below zero; as it is where there are none."""
    more = store.index(algorithm) if store is not None else None
    if store is None or more is None:
        return search

    def reference(ref_id: int) -> Fingerprint:
        made = store.fingerprint(ref_id, algorithm) if ref_id < 0 else search.reference(ref_id)
        if made is None:
            raise CatalogError(f"what was on the air as {ref_id} is so no longer")
        return made

    return replace(search, index=Both(search.index, more), reference=reference)  # type: ignore[arg-type]  # it is only searched in
