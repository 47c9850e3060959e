"""`opsctl customer offboard`: the last day, what is handed over and erased, and the checklist."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.customer_answers import day
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.workplace import Customer, Yes, confirm, profile, settings, workplace
from opsctl.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from opsctl.core.outcome import Outcome
    from opsctl.profiles.model import KamstrupProfile, Profile
    from opsctl.runs.workplace import Workplace


def offboard(customer: Customer,
             last_day: Annotated[str | None, typer.Option("--last-day", metavar="DATE", help="Start: the last day of "
                                                          "service.")] = None,
             reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays on record.")] = "",
             cancel: Annotated[bool, typer.Option("--cancel", help="The customer stays.")] = False,
             return_backups: Annotated[Path | None, typer.Option("--return-backups", metavar="FOLDER", help="Copy all "
                                       "backups there, checked part by part, with SHA256SUMS.")] = None,
             done: Annotated[str | None, typer.Option("--done", metavar="STEP", help="A step that a person has done.")]
             = None, by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Who has done it.")] = "",
             evidence: Annotated[Path | None, typer.Option("--evidence", metavar="FILE", help="What proves it; "
                                                           "its SHA-256 is recorded.")] = None,
             erase_backups: Annotated[bool, typer.Option("--erase-backups", help="Erase them for good, with proof.")]
             = False, erase_personal: Annotated[bool, typer.Option("--erase-personal", help="Erase names, addresses "
                                                                   "and drafts of notices.")] = False,
             yes: Yes = False) -> Result:
    """Let a customer go: without an option the checklist; exit code 8 when something is long overdue."""
    asked = [name for name, given in (
        ("--last-day", last_day), ("--cancel", cancel), ("--return-backups", return_backups), ("--done", done),
        ("--erase-backups", erase_backups), ("--erase-personal", erase_personal)) if given]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} are steps of their own", "give one at a time")
    found = profile(customer)
    with workplace(acts=True) as place:
        from opsctl.fleet import offboarding
        from opsctl.fleet.personal import drafts_of

        outcome: Outcome | None = None
        if last_day is not None:
            starts = day(last_day, "--last-day")
            assert starts is not None  # noqa: S101 - it was given
            outcome = offboarding.start(place, found, starts, reason)
        elif cancel:
            return outcomes_result([offboarding.cancel(place, found, reason)])
        elif return_backups is not None:
            outcome = _return(place, found, return_backups)
        elif done is not None:
            if evidence is None:
                raise UsageError("--done needs --evidence", "name the file that proves it")
            outcome = offboarding.done(place, found, done, by, evidence)
        elif erase_backups:
            outcome = _erase(place, found, yes)
        elif erase_personal:
            offboarding.require_after_last_day(place, found)
            folder = drafts_of(place, customer)
            confirm(f"Erase every name and address in the evidence of {customer}"
                    f"{f', and the drafts of its notices in {folder}' if folder else ''}?", yes)
            outcome = offboarding.erase_personal(place, found, _hosted(found), reason)
        return _with_checklist(place, found, outcome)


def _with_checklist(place: Workplace, found: Profile, outcome: Outcome | None) -> Result:
    from opsctl.fleet.checklist import checklist, facts_of, overdue, stays
    from opsctl.fleet.personal import drafts_of

    told = outcomes_result([outcome]) if outcome is not None else None
    if told is not None and told.exit_code:
        return told
    former = _hosted(found)
    lines = checklist(place, found, former)
    ends = facts_of(place, found).service_ends
    assert ends is not None  # noqa: S101 - it is leaving
    kept = stays(found, ends, former is not None, drafts_of(place, found.customer))
    late = overdue(place, found, lines)
    text = [told.text, ""] if told is not None else []
    text += [f"{found.customer}: last day {ends}", "",
             table(("step", "done", "evidence, or what to do"),
                   [(one.step.value, one.done or "open", one.evidence if one.done else one.todo) for one in lines]),
             "", "What stays:", *(f"  {what}: {how}" for what, how in kept)]
    data: dict[str, Any] = {"customer": found.customer, "last_day": ends.isoformat(), "overdue": late,
                            "steps": [asdict(line) for line in lines], "stays": dict(kept),
                            **(told.data if told is not None else {})}
    code = ExitCode.CHECK_FAILED if late else ExitCode.OK
    errors = ({"message": "steps are open long after the last day", "resolution": "do what the checklist says"},)
    return Result(data, "\n".join(text), code, told.warnings if told is not None else (), errors if late else ())


def _return(place: Workplace, found: Profile, folder: Path) -> Outcome:
    from opsctl.fleet.checklist import require_leaving
    from opsctl.fleet.returning import hand_over

    require_leaving(place, found)
    return hand_over(place, _required(found), folder)


def _erase(place: Workplace, found: Profile, yes: bool) -> Outcome:
    from opsctl.fleet.offboarding import require_after_last_day, require_receipt
    from opsctl.fleet.returning import erase

    require_after_last_day(place, found)
    require_receipt(place, found)
    confirm(f"Erase every backup of {found.customer} for good?", yes)
    return erase(place, _required(found))


def _hosted(found: Profile) -> KamstrupProfile | None:
    from opsctl.profiles.model import KamstrupProfile
    from opsctl.profiles.writing import former_hosted

    return found if isinstance(found, KamstrupProfile) else former_hosted(settings().inventories, found)


def _required(found: Profile) -> KamstrupProfile:
    hosted = _hosted(found)
    if hosted is None:
        raise UsageError(f"Kamstrup never hosted {found.customer}, so there are no backups of it (P26)",
                         "nothing is to be handed over or erased")
    return hosted
