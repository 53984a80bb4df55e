"""Searching what is still on the air beside what is registered."""

from dataclasses import replace

from fingerprint.fingerprint import Fingerprint
from index.catalog import CatalogError
from index.live import Both, LiveStore
from matching.search import Search


def with_live(search: Search, store: LiveStore | None, algorithm: str, width: int) -> Search:
    """The same search, also in the references on the air, whose ids are below zero; as it is where there are none.

    It searches in what they are now: one that is dropped meanwhile is still found.
    """
    more = store.codes(algorithm, width) if store is not None else None
    if more is None:
        return search
    index, held = more

    def reference(ref_id: int) -> Fingerprint:
        if ref_id < 0 and ref_id not in held:
            raise CatalogError(f"what was on the air as {ref_id} is so no longer")
        return held[ref_id] if ref_id < 0 else search.reference(ref_id)

    return replace(search, index=Both(search.index, index), reference=reference)  # type: ignore[arg-type]  # it is only searched in
