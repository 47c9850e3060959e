"""What `opsctl notice` shows: drafts and their states, one notice, who was told of a release, what waits."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Format, Formatted
from opsctl.cli.release_files import version_of
from opsctl.cli.result import Result, nagios_result, outcomes_result, table
from opsctl.cli.workplace import Customer, select, workplace
from opsctl.contract.services import Service
from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, ExitCode, UsageError

Notice = Annotated[str, typer.Argument(metavar="NOTICE", help="A notice's id, see `opsctl notice list`.")]


def list_notices(customer: Annotated[str | None, typer.Argument(metavar="[CUSTOMER]", help="One customer's.")] = None
                 ) -> Result:
    """List the newest revision of each notice with its state."""
    from opsctl.notices.approval import known
    from opsctl.notices.register import newest

    selection = select([customer] if customer else None, customer is None)
    rows = []
    with workplace(acts=False) as place:
        for profile in selection.profiles:
            drafts = known(place, profile.customer)
            for notice in dict.fromkeys(draft.notice for draft in drafts):
                if (draft := newest(drafts, notice)) is not None:
                    rows.append({"customer": profile.customer, "notice": notice, "revision": draft.number,
                                 "state": draft.state, "contacts": len(draft.contacts), "drafted_by": draft.drafter,
                                 "drafted_at": iso(draft.drafted_at), "sha256": draft.sha256,
                                 "approved_by": draft.approval.signer if draft.approval else ""})
    shown = ("customer", "notice", "revision", "state", "contacts", "drafted_by", "approved_by")
    text = table(shown, [[row[name] for name in shown] for row in rows]) if rows else "no notice is drafted"
    broken = tuple({"customer": name, "message": error.message} for name, error in selection.broken.items())
    return Result({"notices": rows}, text, ExitCode.CONFIGURATION if broken else ExitCode.OK,
                  tuple(f"{error['customer']}: {error['message']}" for error in broken), broken)


def show(customer: Customer, notice: Notice) -> Result:
    """Show the newest revision of a notice: its state, who gets it, and the text of each message."""
    from opsctl.notices import shelf
    from opsctl.notices.approval import known
    from opsctl.notices.register import newest

    select([customer], False)
    with workplace(acts=False) as place:
        draft = newest(known(place, customer), notice)
        if draft is None:
            raise UsageError(f"{customer}: no notice {notice[:60]!r} is drafted",
                             f"see `opsctl notice list {customer}`")
        folder = shelf.place(place.drafts, customer, draft.notice, draft.number)
        people = [(contact, place.ledger.personal(contact) or "erased") for contact in draft.contacts]
    contacts = [{"contact": person, "state": attempt.kind.removeprefix("notice.") if attempt else "not sent",
                 "at": iso(attempt.at) if attempt else "", "reply": attempt.reply if attempt else ""}
                for contact, person in people for attempt in [draft.attempts.get(contact)]]
    texts = _texts(folder)
    approval = f"approved by {draft.approval.signer} at {iso(draft.approval.at)}" if draft.approval else "not approved"
    head = [f"{draft.notice} revision {draft.number}, {draft.state}", f"sha256 {draft.sha256}",
            f"drafted by {draft.drafter} at {iso(draft.drafted_at)}, {approval}", f"files in {folder}", "",
            table(tuple(contacts[0]), [tuple(row.values()) for row in contacts])]
    data = {"notice": draft.notice, "revision": draft.number, "state": draft.state, "sha256": draft.sha256,
            "drafted_by": draft.drafter, "approved_by": draft.approval.signer if draft.approval else "",
            "folder": str(folder), "contacts": contacts, "texts": texts}
    return Result(data, "\n".join([*head, *(f"\n{'=' * 78}\n{text}" for text in texts)]))


def _texts(folder: Path) -> list[str]:
    try:
        return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("message*.txt"))]
    except OSError as error:
        raise ConfigurationError(f"the draft in {folder} cannot be read: {error.strerror}",
                                 "run as the user who drafts") from None


def coverage(release: Annotated[str, typer.Option("--release", metavar="VERSION", help="Such as 6.0.0.")],
             output: Annotated[Path | None, typer.Option("--csv", metavar="FILE",
                                                         help="Write there (0600), with addresses.")] = None) -> Result:
    """Show who was told of a release and when, and who was not and why."""
    from opsctl.notices import coverage as covering

    wanted = version_of(release)
    selection = select(None, True)
    with workplace(acts=False) as place:
        covering.require_known(place, wanted)
        rows = [*covering.coverage(place, selection.profiles, release),
                *(covering.Row(name, "", release, "no", "its profile cannot be read") for name in selection.broken)]
    if output is not None:
        _write(output, covering.table_text(rows).encode())
    text = table(("customer", "informed", "when", "message", "contact", "why not"),
                 [(row.customer, row.informed, row.at, f"{row.notice} r{row.revision}" if row.notice else "",
                   row.contact, row.reason) for row in rows])
    return Result({"rows": [asdict(row) for row in rows]}, text)


def _write(path: Path, content: bytes) -> None:
    """Private: the file holds addresses."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file") from None


def check(output: Formatted = Format.TABLE) -> Result:
    """Render every template for every kind and language, and check what waits for a person; exit code 8 for what is
    wrong: a template, a missing translation, a refused or unknown delivery."""
    from opsctl.cli.each import for_each
    from opsctl.notices.reminders import check as check_notices
    from opsctl.notices.trial import check as check_templates
    from opsctl.releases.catalogue import load

    selection = select(None, True)
    with workplace(acts=False) as place:
        releases = load(place.settings.releases)
        outcomes = (check_templates(place.settings, [profile.customer for profile in selection.profiles]),
                    *for_each(selection, Service.SOFTWARE_UPDATE_MINOR,
                              lambda profile: check_notices(place, profile, releases)))
    return nagios_result("NOTICES", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)
