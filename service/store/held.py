"""Which bytes are at hand: uploads that are whole, by their SHA-256, and what files were registered."""

import sqlalchemy as sa

from index.database import refs
from service.store.paging import number
from service.store.store import Store
from service.store.tables import uploads


def upload_of(store: Store, sha256: str) -> str | None:
    """The id of an upload of exactly these bytes. Whether somebody may see them is the caller's to know."""
    row = store.row(sa.select(uploads.c.id).where(uploads.c.sha256 == sha256))
    return row and str(row.id)


def reference_file(store: Store, ref_id: str) -> sa.Row[tuple[str, str]] | None:
    """The name and SHA-256 that a reference's file was registered with."""
    return store.row(sa.select(refs.c.name, refs.c.sha256).where(refs.c.id == number(ref_id)))
