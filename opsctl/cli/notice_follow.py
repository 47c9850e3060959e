"""What follows a draft under `opsctl notice`: differences, reminders, bounces, confirmations."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Format, Formatted
from opsctl.cli.notice_views import Notice
from opsctl.cli.result import Result, nagios_result, outcomes_result
from opsctl.cli.workplace import Customer, select, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import UsageError
from opsctl.core.text import printable

if TYPE_CHECKING:
    from opsctl.notices.difference import Difference

MAXIMUM_BOUNCE = 25_000_000
"""Bytes; larger than any bounce that relays send."""
RevisionNumber = Annotated[int | None, typer.Option("--revision", metavar="N", min=1,
                                                    help="The revision to look at; the newest by default.")]
Since = Annotated[int | None, typer.Option("--since", metavar="N", min=1,
                                           help="Compare with this revision; the one before by default.")]


def diff(customer: Customer, notice: Notice, revision: RevisionNumber = None, since: Since = None) -> Result:
    """Show what changed since the last revision: recipients, release file, facts, and the words of each message."""
    from opsctl.notices.archive import changes

    select([customer], False)
    with workplace(acts=False) as place:
        draft, earlier, found = changes(place, customer, notice, revision, since)
    data = {"notice": notice, "revision": draft.number, "since": earlier.number if earlier else None,
            "changed": list(draft.changed), "difference": asdict(found) if found else None}
    if earlier is None or found is None:
        return Result(data, f"{notice} revision {draft.number} is the first; there is nothing to compare it with")
    title = f"{notice}: revision {draft.number} compared with {earlier.number}"
    return Result(data, "\n".join([title, *_lines(found)]))


def _lines(found: Difference) -> list[str]:
    if found.empty:
        return ["", "nothing differs but the number and the date"]
    lines: list[str] = []
    for title, changed in (("recipients", found.recipients), ("release file", found.release), ("facts", found.facts)):
        lines += ["", title, *(f"  {printable(line)}" for line in changed or ("no change",))]
    for address, text in found.texts.items():
        lines += ["", f"message to {address}", *(f"  {printable(line)}" for line in text or ("no change",))]
    return lines


def remind(output: Formatted = Format.TABLE) -> Result:
    """Show what waits for a person, and until when; exit code 8 when something is late or went wrong."""
    from opsctl.cli.each import for_each
    from opsctl.notices.reminders import remind as remind_customer

    selection = select(None, True)
    with workplace(acts=False) as place:
        outcomes = for_each(selection, Service.SOFTWARE_UPDATE_MINOR, lambda profile: remind_customer(place, profile))
    return nagios_result("REMINDERS", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)


def bounce(file: Annotated[Path, typer.Argument(metavar="FILE", help="The bounce as a file, .eml; - for standard "
                                                                     "input.")]) -> Result:
    """Record a bounce: finds the message it is about by its Message-ID; `coverage` shows it from then on."""
    from opsctl.notices.returned import record

    content = _content(file)
    selection = select(None, True)
    with workplace(acts=True) as place:
        outcome = record(place, selection.profiles, content)
    return outcomes_result((outcome,))


def _content(file: Path) -> bytes:
    try:
        if str(file) == "-":
            import sys

            content = sys.stdin.buffer.read(MAXIMUM_BOUNCE + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(MAXIMUM_BOUNCE + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "name the bounce, saved as a file") from None
    if len(content) > MAXIMUM_BOUNCE:
        raise UsageError(f"{file} is larger than {MAXIMUM_BOUNCE // 1_000_000} MB, which no bounce is",
                         "name the bounce alone, saved as a file")
    return content


def confirm(customer: Customer, notice: Notice,
            reference: Annotated[str, typer.Option("--reference", metavar="TEXT",
                                                   help="How it was confirmed, such as `ticket 4711`; no address.")]
            ) -> Result:
    """Record that the customer confirmed a notice; `remind` asks no more."""
    from opsctl.cli.each import for_each
    from opsctl.notices.confirming import confirm as confirm_notice

    selection = select([customer], False)
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.SOFTWARE_UPDATE_MINOR,
                            lambda profile: confirm_notice(place, profile, notice, reference))
    return outcomes_result(outcomes)
