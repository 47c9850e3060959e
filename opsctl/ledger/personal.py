"""Personal data beside the chain: evidence names it by a salted hash, so it can be erased alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, insert, select, update

from opsctl.core.errors import EvidenceDamaged, UsageError
from opsctl.ledger import schema
from opsctl.ledger.canonical import personal_reference, require_label, require_unicode

_table = schema.personal
ERASED = "personal.erased"
_REFERENCES = re.compile(r'"reference":"([0-9a-f]{64})"')
_AT_ONCE = 500
"""References in one query: databases take a limited number of parameters."""


def put(connection: Connection, chain: str, text: str, recorded_at: str) -> str:
    """Store `text`; returns its reference, 64 hexadecimal digits. The same text twice gives two references."""
    if not isinstance(text, str):
        raise TypeError(f"personal data is text, not {type(text).__name__}")
    if "\0" in require_unicode(text, "personal data"):
        raise ValueError("personal data holds a NUL character, which a database cannot store as text")
    salt = secrets.token_hex(16)
    reference = personal_reference(salt, text)
    connection.execute(insert(_table).values(reference=reference, chain=require_label(chain, "chain"), salt=salt,
                                             text=text, recorded_at=recorded_at))
    return reference


def get(connection: Connection, reference: str) -> str | None:
    """The text, None when it was erased or never stored; EvidenceDamaged when it was changed."""
    return get_many(connection, [reference]).get(reference)


def get_many(connection: Connection, references: Collection[str]) -> dict[str, str]:
    """The texts by reference, without those that were erased or never stored; EvidenceDamaged for a changed one."""
    wanted = sorted(set(references))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(_table.c.reference, _table.c.salt, _table.c.text).where(
            _table.c.reference.in_(wanted[start:start + _AT_ONCE]), _table.c.text.is_not(None))
        for row in connection.execute(query):
            if personal_reference(str(row.salt), str(row.text)) != row.reference:
                raise EvidenceDamaged(f"The personal data {row.reference[:12]} is not what was recorded.",
                                      "Somebody changed it in the database; the entries that name it are unharmed.")
            found[row.reference] = str(row.text)
    return found


def of_chain(connection: Connection, chain: str) -> list[str]:
    """The references of one chain whose text is there, oldest first."""
    return [str(one) for one in connection.scalars(select(_table.c.reference).where(
        _table.c.chain == chain, _table.c.text.is_not(None)).order_by(_table.c.recorded_at, _table.c.reference))]


def changed(connection: Connection, chain: str | None) -> Iterator[tuple[str, str]]:
    """What is not as it was recorded, as (chain, what): a text that its reference does not fit, or one that is gone.

    A text goes only by `erase`, which records that. A row that was deleted as a whole leaves no trace here.
    """
    query = select(_table.c.chain, _table.c.reference, _table.c.salt, _table.c.text).order_by(_table.c.recorded_at)
    told = select(schema.entry.c.payload).where(schema.entry.c.kind == ERASED)
    if chain is not None:
        query, told = query.where(_table.c.chain == chain), told.where(schema.entry.c.chain == chain)
    erased = {reference for payload in connection.scalars(told) for reference in _REFERENCES.findall(str(payload))}
    for row in connection.execute(query):
        who = f"The personal data {str(row.reference)[:12]}"
        if row.text is not None and personal_reference(str(row.salt), str(row.text)) != row.reference:
            yield str(row.chain), f"{who} is not what was recorded."
        elif row.text is None and str(row.reference) not in erased:
            yield str(row.chain), f"{who} is gone, and no entry says that it was erased."


def erase(connection: Connection, reference: str, erased_at: str) -> str:
    """Remove text and salt; returns the chain it belongs to. UsageError when there is nothing to erase."""
    row = connection.execute(select(_table.c.chain, _table.c.erased_at)
                             .where(_table.c.reference == reference).with_for_update()).one_or_none()
    if row is None:
        raise UsageError(f"There is no personal data with the reference {reference[:64]!r}.",
                         "Take the reference from the entry that names it.")
    if row.erased_at is not None:
        raise UsageError(f"The personal data {reference[:12]} was erased at {row.erased_at} already.")
    connection.execute(update(_table).where(_table.c.reference == reference)
                       .values(text=None, salt=None, erased_at=erased_at))
    return str(row.chain)
