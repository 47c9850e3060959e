"""The RASCI rows of the data sheet and the validator of P55-P58.

A row gives each party a set of letters; exactly one party is accountable (A), at least one is
responsible (R). Rows that the sheet gives as prose ("Kamstrup is responsible for ...") carry A/R
for Kamstrup. Source: the tables "Agreed service levels" and "Description".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LETTERS: Mapping[str, str] = {
    "R": "responsible",
    "A": "accountable",
    "S": "supports",
    "C": "consulted",
    "I": "informed",
}


@dataclass(frozen=True)
class RasciRow:
    """One row: letters of the customer and of Kamstrup, as sets; order has no meaning (P57)."""

    id: str
    title: str
    customer: frozenset[str]
    kamstrup: frozenset[str]
    promise: str
    note: str = ""

    def who(self) -> Mapping[str, tuple[str, ...]]:
        """Parties by letter, for example {"A": ("kamstrup",), "I": ("customer",)}; empty letters left out."""
        parties = (("customer", self.customer), ("kamstrup", self.kamstrup))
        table = {letter: tuple(name for name, letters in parties if letter in letters) for letter in LETTERS}
        return {letter: names for letter, names in table.items() if names}


def letters(cell: str) -> frozenset[str]:
    """The letters of a cell such as `A/R`; ValueError naming the position of a wrong one (P57)."""
    if cell == "":
        return frozenset()
    seen: set[str] = set()
    for position, letter in enumerate(cell.split("/"), start=1):
        if letter not in LETTERS:
            raise ValueError(f"letter {position} of the cell is not one of R, A, S, C, I")
        if letter in seen:
            raise ValueError(f"letter {position} of the cell repeats {letter}")
        seen.add(letter)
    return frozenset(seen)


def _row(id: str, title: str, customer: str, kamstrup: str, promise: str, note: str = "") -> RasciRow:
    return RasciRow(id, title, letters(customer), letters(kamstrup), promise, note)


ROWS: tuple[RasciRow, ...] = (
    _row("level-a", "Level A - Critical error", "I", "A/R", "P39"),
    _row("level-b", "Level B - Serious error", "I", "A/R", "P40"),
    _row("level-c", "Level C - Non-serious error", "I", "A/R", "P41"),
    _row("level-d", "Level D - Request for assistance", "I", "A/R", "P42"),
    _row("change-documentation", "Description and documentation of changes", "I", "A/R", "P46"),
    _row("change-log", "Log-keeping of installed changes", "I", "A/R", "P47"),
    _row("access", "Provide access to customer IT infrastructure, meter data and software components",
         "A/R", "I/S", "P48", "In order for Kamstrup to perform work remotely"),
    _row("required-updates", "Installation of required updates", "I", "A/R", "P49",
         "Customer is informed via release notes"),
    _row("new-modules", "Installation of new software modules", "I", "A/R", "P50",
         "Performed upon prior agreement with the customer"),
    _row("third-party-permissions", "Third-party licences and permissions", "A/R", "I/S", "P51",
         "If work is required on customer IT infrastructure"),
    _row("operating-costs", "All communication and operating costs associated with the system", "A/R", "I", "P52",
         "Own IT, internet, telecommunication and subscriptions"),
    _row("meter-work", "Work and changes on meters, routers, concentrators and GSM installations", "A/R", "S",
         "P53", "Customer is responsible for carrying out the work and changes. "
         "Work on consumer location is carried out by Customer"),
    _row("third-party-errors", "Direct or indirect errors caused by third party or customer", "A/R", "I", "P54",
         "Kamstrup has the right to invoice for the additional time and cost spent"),
)
"""The 13 rows of the sheet that carry letters."""


def problems(rows: Iterable[RasciRow]) -> tuple[str, ...]:
    """What P55 and P56 forbid: no or two accountable parties, nobody responsible. Empty when sound."""
    found: list[str] = []
    for row in rows:
        who = row.who()
        accountable = who.get("A", ())
        if len(accountable) > 1:
            found.append(f"{row.title}: both {accountable[0]} and {accountable[1]} are accountable; one must be")
        if not accountable:
            found.append(f"{row.title}: nobody is accountable; exactly one party must be")
        if not who.get("R"):
            found.append(f"{row.title}: nobody is responsible; at least one party must be")
    return tuple(found)
