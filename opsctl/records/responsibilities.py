"""Who does what, by name: the RASCI rows with the persons behind the parties, and what tells the informed (P55-P60)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO

from opsctl.contract.rasci import ROWS, RasciRow, letters, problems
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.model import Profile
from opsctl.profiles.parts import ContactRole
from opsctl.profiles.settings import KamstrupRole

PARTIES = ("customer", "kamstrup")

_BY_ROW: Mapping[str, tuple[ContactRole, KamstrupRole]] = {
    "level-a": (ContactRole.TECHNICAL, KamstrupRole.SERVICE_DESK),
    "level-b": (ContactRole.TECHNICAL, KamstrupRole.SERVICE_DESK),
    "level-c": (ContactRole.TECHNICAL, KamstrupRole.SERVICE_DESK),
    "level-d": (ContactRole.TECHNICAL, KamstrupRole.SERVICE_DESK),
    "change-documentation": (ContactRole.NOTICES, KamstrupRole.OPERATIONS),
    "change-log": (ContactRole.NOTICES, KamstrupRole.OPERATIONS),
    "access": (ContactRole.TECHNICAL, KamstrupRole.OPERATIONS),
    "required-updates": (ContactRole.NOTICES, KamstrupRole.OPERATIONS),
    "new-modules": (ContactRole.CONTRACT, KamstrupRole.OPERATIONS),
    "third-party-permissions": (ContactRole.CONTRACT, KamstrupRole.OPERATIONS),
    "operating-costs": (ContactRole.CONTRACT, KamstrupRole.CONTRACTS),
    "meter-work": (ContactRole.TECHNICAL, KamstrupRole.SERVICE_DESK),
    "third-party-errors": (ContactRole.CONTRACT, KamstrupRole.CONTRACTS),
}
"""The role that acts for each party; A at the customer is always its one contact with the role accountable."""


class How(StrEnum):
    """How a message reaches who is informed."""

    SENT = "sent by"
    TEXT = "sent by hand, its text from"
    RECORD = "on record by"
    HAND = "written by hand"


@dataclass(frozen=True)
class Message:
    """What tells a party that is informed. by: the command; empty when it is written by hand."""

    to: str
    what: str
    how: How = How.HAND
    by: str = ""


_LEVEL = (Message("customer", "request received, with level and deadline", How.TEXT, "support open"),
          Message("customer", "level changed", How.TEXT, "support level"),
          Message("customer", "handling started", How.TEXT, "support start"),
          Message("customer", "request closed", How.TEXT, "support close"))
MESSAGES: Mapping[str, tuple[Message, ...]] = {
    "level-a": _LEVEL, "level-b": _LEVEL, "level-c": _LEVEL, "level-d": _LEVEL,
    "change-documentation": (Message("customer", "notice of a release, a maintenance or an installation, with what "
                                     "changes and why", How.SENT, "notice send"),),
    "change-log": (Message("customer", "extract of what was changed on its system", How.TEXT, "ledger export"),),
    "access": (Message("kamstrup", "access granted, from when to when", How.RECORD, "access add"),
               Message("kamstrup", "access taken back", How.RECORD, "access revoke")),
    "required-updates": (Message("customer", "release notes, before", How.SENT, "notice send"),),
    "new-modules": (Message("customer", "proposal of a module", How.SENT, "notice send"),
                    Message("customer", "what was agreed, and until when it holds", How.TEXT, "agreement show")),
    "third-party-permissions": (Message("kamstrup", "what the customer confirmed it holds", How.RECORD,
                                        "permission add"),),
    "operating-costs": (Message("kamstrup", "a change of line or subscription, told by the customer"),),
    "third-party-errors": (Message("kamstrup", "cause of the error, with its request", How.RECORD, "support cause"),),
}
"""Each row where a party has I, and what informs it (P60)."""


@dataclass(frozen=True)
class Duty:
    """One row with the persons: party, letter, role and names. messages: what informs who has I."""

    row: RasciRow
    persons: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    messages: tuple[Message, ...]


def duties(profile: Profile | None, people: Mapping[KamstrupRole, str]) -> tuple[Duty, ...]:
    """All rows; without a profile the customer's side has roles and no names."""
    return tuple(Duty(row, tuple(_persons(row, profile, people)), messages_of(row)) for row in ROWS)


def messages_of(row: RasciRow) -> tuple[Message, ...]:
    """What informs the parties of `row` that have I."""
    informed = row.who().get("I", ())
    return tuple(message for message in MESSAGES.get(row.id, ()) if message.to in informed)


def uninformed(rows: Iterable[RasciRow]) -> tuple[str, ...]:
    """Where a party has I and no message tells it anything."""
    return tuple(f"{row.title}: {party} is informed, and no message does it" for row in rows
                 for party in row.who().get("I", ()) if party not in {message.to for message in messages_of(row)})


def _persons(row: RasciRow, profile: Profile | None,
             people: Mapping[KamstrupRole, str]) -> Iterable[tuple[str, str, str, tuple[str, ...]]]:
    theirs, ours = _BY_ROW[row.id]
    for letter, parties in row.who().items():
        for party in parties:
            if party == "kamstrup":
                yield party, letter, ours.value, (people[ours],) if ours in people else ()
            else:
                role = ContactRole.ACCOUNTABLE if letter == "A" else theirs
                yield party, letter, role.value, _named(profile, role)


def _named(profile: Profile | None, role: ContactRole) -> tuple[str, ...]:
    return () if profile is None else tuple(one.name for one in profile.contacts if role in one.roles)


def unnamed(profile: Profile, people: Mapping[KamstrupRole, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What keeps "one person" from being true: (the customer's profile, the operator's settings)."""
    accountable = _named(profile, ContactRole.ACCOUNTABLE)
    theirs = () if len(accountable) == 1 else (
        f"{profile.customer}: {len(accountable)} contacts have the role accountable ({', '.join(accountable) or '-'}); "
        "exactly one person is accountable (P55, P59)",)
    missing = sorted({role.value for _, role in _BY_ROW.values()} - {role.value for role in people})
    ours = (f"opsctl.yml names nobody under `people` for: {', '.join(missing)} (P59)",) if missing else ()
    return theirs, ours


def read_matrix(text: str) -> tuple[tuple[RasciRow, ...], tuple[str, ...]]:
    """A matrix as CSV with the columns row, customer, kamstrup: its sound rows, and what is wrong by line (P55-P58).

    ConfigurationError when it has other columns or no row.
    """
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, line) for line in reader]
    except csv.Error as error:
        raise ConfigurationError(f"line {reader.line_num} of the matrix is no CSV: {error}", "quote cells with commas"
                                 ) from None
    if list(reader.fieldnames or ()) != ["row", *PARTIES] or not lines:
        raise ConfigurationError("the matrix needs the columns row,customer,kamstrup in the first line, and rows below",
                                 "write it so, for example `Log-keeping,I,A/R`")
    rows: list[RasciRow] = []
    wrong: list[str] = []
    for number, line in lines:
        cells, errors = _cells(line, number)
        wrong += errors
        if not errors:
            rows.append(RasciRow(str(number), f"line {number}: {line['row']}", cells[0], cells[1], ""))
    return tuple(rows), (*wrong, *problems(rows))


def _cells(line: Mapping[str, str | None], number: int) -> tuple[Sequence[frozenset[str]], list[str]]:
    cells, errors = [], []
    for party in PARTIES:
        try:
            cells.append(letters((line[party] or "").strip()))
        except ValueError as error:
            errors.append(f"line {number}, {party}: {error}")
    if None in line or not (line["row"] or "").strip():
        errors.append(f"line {number}: a row has a name and two cells")
    return cells, errors
