"""What the ledger says of what lies in a store, and what to do about a backup there that has lost its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opsctl.backup.naming import Place
from opsctl.backup.shelves import SECOND, Shelf

if TYPE_CHECKING:
    from opsctl.ledger import Entry, Ledger


def standing(ledger: Ledger, customer: str, shelf: Shelf) -> Mapping[str, Entry]:
    """By backup id the last that was recorded of it on the shelf: stored, its removal begun, or removed."""
    return {str(entry.payload.get("backup_id")): entry
            for entry in ledger.entries(chain=customer, kinds=[shelf.stored, shelf.removing, shelf.removed])}


def way_back(place: Place, shelf: Shelf, sha256: str) -> str:
    """How a backup that has lost its manifest becomes one again."""
    check = f"opsctl backup verify {place.customer} {place.backup_id}"
    hashed = f" with the SHA-256 {sha256}" if sha256 else ""
    if shelf.name == SECOND:
        return (f"`opsctl backup copy {place.customer}` makes the copy anew while the first store has the backup; or "
                f"bring back {place.manifest}{hashed} from its older version, then `{check} --second`")
    return (f"bring back {place.manifest}{hashed}: from its older version (remove the delete marker before it), or "
            f"from the second store, whose copy has the same; then `{check}`")
