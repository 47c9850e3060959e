"""`opsctl backup`: take, copy, list, verify, restore and prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.backup_list import list_backups
from opsctl.cli.backup_restore import rehearse, restore
from opsctl.cli.command import Kind, command, group
from opsctl.cli.custody import BackupId, Second, custody, hosted_profile, newest
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.workplace import All, Customer, Customers, DryRun, Yes, confirm, select, workplace
from opsctl.contract.services import Service
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile

app = group("Back up, list, verify, restore and prune databases.")
_BACKUP = (Service.BACKUP,)
OneBackup = Annotated[str, typer.Argument(metavar="BACKUP", help="An id of `opsctl backup list`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes to the ledger.")]
Bandwidth = Annotated[float | None, typer.Option("--bandwidth", metavar="MB/S", min=0.1,
                                                 help="At most so many megabytes a second.")]
command(app, "backup", "list", kind=Kind.ASKS, services=_BACKUP)(list_backups)
command(app, "backup", "restore", kind=Kind.ACTS, services=_BACKUP)(restore)
command(app, "backup", "rehearse", kind=Kind.ACTS, services=_BACKUP)(rehearse)


@command(app, "backup", "run", kind=Kind.ACTS, services=_BACKUP)
def run(customers: Customers = None, everyone: All = False, bandwidth: Bandwidth = None) -> Result:
    """Take a full backup of every database now, whatever there is already."""
    from opsctl.cli.each import for_each
    from opsctl.fleet.backup_run import back_up

    selection = select(customers, everyone)
    limit = int(bandwidth * 1e6) if bandwidth else None
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.BACKUP,
                            lambda found: back_up(place, hosted_profile(place, found), bandwidth=limit))
    return outcomes_result(outcomes)


@command(app, "backup", "copy", kind=Kind.ACTS, services=_BACKUP)
def copy(customers: Customers = None, everyone: All = False, bandwidth: Bandwidth = None) -> Result:
    """Bring to the second store what it lacks of the first one's good backups."""
    from opsctl.backup.copying import copy_missing
    from opsctl.cli.each import for_each

    selection = select(customers, everyone)
    limit = int(bandwidth * 1e6) if bandwidth else None
    with workplace(acts=True) as place:
        def act(found: Profile) -> Any:
            hosted = hosted_profile(place, found)
            if hosted.backup.second_store is None and not selection.explicit:
                return Outcome(hosted.customer, Service.BACKUP, Status.SKIPPED, "the profile names no second store")
            return copy_missing(place, hosted, bandwidth=limit)

        outcomes = for_each(selection, Service.BACKUP, act)
    return outcomes_result(outcomes)


@command(app, "backup", "verify", kind=Kind.ACTS, services=_BACKUP)
def verify(customer: Customer, backup: BackupId = None, second: Second = False) -> Result:
    """Read every part back and check it against the manifest, and the manifest against the ledger."""
    from opsctl.backup.verify import verify as verify_backup

    with workplace(acts=True) as place:
        found = custody(place, customer)
        outcome = verify_backup(place, found, backup or newest(place, found, second=second), second=second)
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
    verdicts = [(o.customer, v["store"], v["backup_id"], v["decision"], v["reason"]) for o in outcomes
                for v in o.data.get("verdicts", ())]
    tail = table(("customer", "store", "backup", "verdict", "why"), verdicts) if verdicts else ""
    return outcomes_result(outcomes, tail=tail)


@command(app, "backup", "clean", kind=Kind.ACTS, services=_BACKUP)
def clean(customers: Customers = None, everyone: All = False, dry_run: DryRun = False, yes: Yes = False) -> Result:
    """Remove what a broken-off run left in the store: parts without a manifest, which are no backup.

    A recorded backup whose manifest is gone is none of them: it stays, and the way back is told (exit code 8).
    """
    from opsctl.backup.cleaning import clean as clean_store
    from opsctl.cli.each import for_each

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        if not dry_run and any(found.hosting == "kamstrup" for found in selection.profiles):
            confirm("Remove what is in the stores without a manifest?", yes)
        outcomes = for_each(selection, Service.BACKUP,
                            lambda found: clean_store(place, hosted_profile(place, found), dry_run=dry_run))
    rows = [(o.customer, left["store"], left["what"], left["key"], left["since"], left["kept"] or "-")
            for o in outcomes for left in o.data.get("leftovers", ())]
    rows += [(o.customer, one["store"], "backup", one["backup_id"], "-", one["reason"]) for o in outcomes
             for one in o.data.get("lost", ())]
    return outcomes_result(outcomes, tail=table(("customer", "store", "what", "key", "since", "kept"), rows)
                           if rows else "")


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
