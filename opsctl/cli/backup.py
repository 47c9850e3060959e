"""`opsctl backup`: take, list, verify, restore and prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.backup_restore import rehearse, restore
from opsctl.cli.command import Kind, command, group
from opsctl.cli.custody import BackupId, custody, hosted_profile, newest
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.workplace import All, Customer, Customers, DryRun, Yes, confirm, select, workplace
from opsctl.contract.services import Service
from opsctl.core.clock import iso

if TYPE_CHECKING:
    from opsctl.backup.days import Day
    from opsctl.profiles.model import Profile

app = group("Back up, list, verify, restore and prune databases.")
_BACKUP = (Service.BACKUP,)
OneBackup = Annotated[str, typer.Argument(metavar="BACKUP", help="An id of `opsctl backup list`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes to the ledger.")]
command(app, "backup", "restore", kind=Kind.ACTS, services=_BACKUP)(restore)
command(app, "backup", "rehearse", kind=Kind.ACTS, services=_BACKUP)(rehearse)


@command(app, "backup", "run", kind=Kind.ACTS, services=_BACKUP)
def run(customers: Customers = None, everyone: All = False,
        bandwidth: Annotated[float | None, typer.Option("--bandwidth", metavar="MB/S", min=0.1,
                                                        help="At most so many megabytes a second.")] = None) -> Result:
    """Take a full backup of every database now, whatever there is already."""
    from opsctl.cli.each import for_each
    from opsctl.fleet.rooms import back_up

    selection = select(customers, everyone)
    limit = int(bandwidth * 1e6) if bandwidth else None
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.BACKUP,
                            lambda found: back_up(place, hosted_profile(place, found), bandwidth=limit))
    return outcomes_result(outcomes)


@command(app, "backup", "list", kind=Kind.ASKS, services=_BACKUP)
def list_backups(customer: Customer,
                 days: Annotated[int, typer.Option("--days", min=1, max=400, help="So many local days.")] = 30,
                 ) -> Result:
    """List the backups in the store and, day by day, whether the promise of a daily one was kept."""
    from opsctl.backup.listing import listing

    with workplace(acts=False) as place:
        found = listing(place, custody(place, customer), count=days)
    rows = [(b.place.database, b.place.backup_id, iso(b.modified), f"{b.size / 1e6:.1f} MB",
             b.state.value if b.good or b.state.value != "good" else b.evidence.value, b.reason or "-")
            for b in found.catalog.backups]
    heading = ("database", "backup", "stored", "size", "state", "why")
    text = [table(heading, rows) if rows else "no backups in the store", "", *_calendar(found.days)]
    text += [f"left over: {left.key} ({left.what}, since {iso(left.since)})" for left in found.catalog.leftovers]
    text += [f"missing: the ledger has {name} as completed, the store no longer has it" for name in
             found.catalog.missing]
    text += [f"rehearsal due: {found.rehearsal}; run opsctl backup rehearse {customer}"] if found.rehearsal else []
    data = {"store": found.catalog.store, "backups": [
        {"database": b.place.database, "id": b.place.backup_id, "stored": iso(b.modified), "bytes": b.size,
         "state": b.state.value, "evidence": b.evidence.value, "good": b.good, "reason": b.reason}
        for b in found.catalog.backups], "days": [_day_data(day) for day in found.days],
        "leftovers": [left.key for left in found.catalog.leftovers], "missing": list(found.catalog.missing),
        "rehearsal_due": found.rehearsal}
    return Result(data, "\n".join(text).rstrip())


@command(app, "backup", "verify", kind=Kind.ACTS, services=_BACKUP)
def verify(customer: Customer, backup: BackupId = None) -> Result:
    """Read every part back and check it against the manifest, and the manifest against the ledger."""
    from opsctl.backup.verify import verify as verify_backup

    with workplace(acts=True) as place:
        found = custody(place, customer)
        outcome = verify_backup(place, found, backup or newest(place, found))
    return outcomes_result([outcome])


@command(app, "backup", "prune", kind=Kind.ACTS, services=_BACKUP)
def prune(customers: Customers = None, everyone: All = False, dry_run: DryRun = False, yes: Yes = False) -> Result:
    """Remove backups past their time, with the reason for each kept or removed; never the newest good ones."""
    from opsctl.backup.prune import prune as prune_backups
    from opsctl.cli.each import for_each

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        def act(found: Profile) -> Any:
            return prune_backups(place, hosted_profile(place, found), dry_run=dry_run)

        if not dry_run and any(found.hosting == "kamstrup" for found in selection.profiles):
            confirm("Remove the backups that are past their time?", yes)
        outcomes = for_each(selection, Service.BACKUP, act)
    verdicts = [(o.customer, v["backup_id"], v["decision"], v["reason"]) for o in outcomes
                for v in o.data.get("verdicts", ())]
    tail = table(("customer", "backup", "verdict", "why"), verdicts) if verdicts else ""
    return outcomes_result(outcomes, tail=tail)


@command(app, "backup", "clean", kind=Kind.ACTS, services=_BACKUP)
def clean(customers: Customers = None, everyone: All = False, dry_run: DryRun = False, yes: Yes = False) -> Result:
    """Remove what a broken-off run left in the store: parts without a manifest, which are no backup."""
    from opsctl.backup.prune import clean as clean_store
    from opsctl.cli.each import for_each

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        if not dry_run and any(found.hosting == "kamstrup" for found in selection.profiles):
            confirm("Remove what is in the stores without a manifest?", yes)
        outcomes = for_each(selection, Service.BACKUP,
                            lambda found: clean_store(place, hosted_profile(place, found), dry_run=dry_run))
    rows = [(o.customer, left["what"], left["key"], left["since"]) for o in outcomes
            for left in o.data.get("leftovers", ())]
    return outcomes_result(outcomes, tail=table(("customer", "what", "key", "since"), rows) if rows else "")


@command(app, "backup", "pin", kind=Kind.ACTS, services=_BACKUP)
def pin(customer: Customer, backup: OneBackup, reason: Reason) -> Result:
    """Keep a backup beyond its time, for an audit, a dispute or a legal hold."""
    from opsctl.backup.pinning import pin as pin_backup

    with workplace(acts=True) as place:
        return outcomes_result([pin_backup(place, custody(place, customer), backup, reason)])


@command(app, "backup", "unpin", kind=Kind.ACTS, services=_BACKUP)
def unpin(customer: Customer, backup: OneBackup, reason: Reason) -> Result:
    """Let a pinned backup go when its time is over."""
    from opsctl.backup.pinning import unpin as unpin_backup

    with workplace(acts=True) as place:
        return outcomes_result([unpin_backup(place, custody(place, customer), backup, reason)])


@command(app, "backup", "keys", kind=Kind.ASKS, services=_BACKUP)
def keys(customer: Customer) -> Result:
    """List the age recipients and the backups that each opens: an identity is kept as long as its last backup."""
    from dataclasses import asdict

    from opsctl.backup.keys import keys as keys_of

    with workplace(acts=False) as place:
        found = keys_of(place, custody(place, customer))
    rows = [(one.key, one.kept, "yes" if one.in_profile else "no", str(one.backups), one.oldest or "-",
             one.newest or "-") for one in found]
    return Result({"keys": [asdict(one) for one in found]},
                  table(("recipient", "kept", "in the profile", "backups", "oldest", "newest"), rows))


def _calendar(days: tuple[Day, ...]) -> list[str]:
    """Per database a line with a letter a day, oldest first, and a line for each day that is not plainly kept."""
    lines, remarks = [], []
    for database in dict.fromkeys(day.database for day in days):
        own = sorted((day for day in days if day.database == database), key=lambda day: day.day)
        lines.append(f"{database}  {own[0].day} {''.join(_letter(day) for day in own)} {own[-1].day}")
        remarks += [f"{database} {day.day}: {_remark(day)}" for day in own
                    if _letter(day) in "Bls" or (_letter(day) == "?" and day.backups)]
    return [*lines, "k kept, l kept but late, s kept but unusual, B broken, ? unknown, . not due, - not covered",
            *remarks, ""]


def _letter(day: Day) -> str:
    if day.verdict.value == "kept":
        return "l" if day.late else "s" if day.unusual else "k"
    return {"broken": "B", "not due": ".", "not covered": "-", "unknown": "?"}[day.verdict.value]


def _remark(day: Day) -> str:
    words = (*(("late: it ended only after the day",) if day.late else ()), *(word.value for word in day.unusual))
    if day.verdict.value == "broken" and not day.backups:
        words = ("missing",)
    return ": ".join(part for part in (", ".join(words), day.reason) if part)


def _day_data(day: Day) -> dict[str, Any]:
    return {"database": day.database, "day": day.day.isoformat(), "verdict": day.verdict.value,
            "backups": list(day.backups), "late": day.late, "unusual": [word.value for word in day.unusual],
            "reason": day.reason}
