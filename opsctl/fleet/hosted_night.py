"""One vendor-hosted customer's night, and the services' use cases that a night is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.due import Due, backup_due, patch_due
from opsctl.fleet.failures import guarded, rows
from opsctl.fleet.rings import PATCHES, Rings
from opsctl.fleet.starting import require_resolved, require_whole, window
from opsctl.maintenance.service import request
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, Profile
from opsctl.promises.backups import good_backup_days
from opsctl.promises.cadence import GOOD_RUN, security_alone
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

RECENT = timedelta(days=3)
"""Within this lie all backups of the present local day, in any zone."""
Check = Callable[[Workplace, Sequence[KamstrupProfile]], tuple[Outcome, ...]]
"""A check of many customers at once."""


def _nothing(*_: object) -> tuple[Outcome, ...]:
    return ()


@dataclass(frozen=True)
class Rooms:
    """The services' use cases, handed in by the command so that this module loads none of their libraries."""

    check_storage: Check
    back_up: Callable[[Workplace, KamstrupProfile], Outcome]
    prune: Callable[[Workplace, KamstrupProfile], Outcome]
    patch: Callable[[Workplace, KamstrupProfile], Outcome]
    draft: Callable[[Workplace, CustomerProfile, Catalogue], Outcome]
    stored: Callable[[KamstrupProfile, Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]
    """Of payloads of `backup.completed`, those whose manifest the store still has."""
    check_network: Check | None = None
    install: Callable[[Workplace, KamstrupProfile, Catalogue, bool, Rings], Outcome] | None = None
    """Installs the release that is due; the last arguments: whether the platform was patched in this night, and
    the rings."""
    put_right: Callable[[Workplace, KamstrupProfile, Catalogue | OpsctlError], Outcome | None] | None = None
    """Takes back an installation that was broken off."""
    copy: Callable[[Workplace, KamstrupProfile], Outcome] | None = None
    """Brings to the second store what it lacks; asked for only where the profile names one."""
    rehearse: Callable[[Workplace, KamstrupProfile], Iterable[Outcome]] = _nothing
    """Restores for the exercise what is due."""
    draft_due: Callable[[Workplace, Profile, Catalogue], Iterable[Outcome]] = _nothing
    """The notices that are due besides the release notice."""


def hosted_night(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue | OpsctlError,
                 rooms: Rooms, rings: Rings) -> Iterator[Outcome]:
    """Everything but the checks and the notices. First of all READY is brought back where an installation was broken
    off: it may be stopped, and nothing else waits for that."""
    yield from _put_right(workplace, profile, releases, rooms)
    backup = guarded(profile.customer, Service.BACKUP, lambda: _backup(workplace, profile, rooms))
    yield backup
    yield from _copied(workplace, profile, rooms, backup)
    patched = guarded(profile.customer, Service.IT_SYSTEM_MAINTENANCE, lambda: _patch(
        workplace, profile, rooms, rings))
    yield patched
    install = rooms.install
    if install is not None and not isinstance(releases, OpsctlError):
        yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, lambda: install(
            workplace, profile, releases, patched.status in {Status.DONE, Status.WARNING, Status.PARTIAL}, rings))
    # A second copy that is missing keeps nothing from being removed: the backup itself is there.
    if backup.status in {Status.DONE, Status.WARNING} or (backup.status is Status.PARTIAL
                                                          and not backup.data.get("failed", True)):
        pruned = guarded(profile.customer, Service.BACKUP, lambda: rooms.prune(workplace, profile))
        if pruned.status is not Status.UNCHANGED:
            yield pruned
    # Last, so that a long one costs no window.
    yield from rows(profile.customer, Service.BACKUP, lambda: rooms.rehearse(workplace, profile))


def _put_right(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue | OpsctlError,
               rooms: Rooms) -> Iterator[Outcome]:
    put_right = rooms.put_right
    if put_right is None:
        return
    nothing = Outcome(profile.customer, Service.SOFTWARE_UPDATE_MINOR, Status.SKIPPED, "nothing was broken off")
    found = guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR,
                    lambda: put_right(workplace, profile, releases) or nothing)
    if found is not nothing:
        yield found


def _copied(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms, backup: Outcome) -> Iterator[Outcome]:
    """A row when the second store lacked something; not right after a run that has just told so."""
    copy = rooms.copy
    if copy is None or profile.backup.second_store is None or backup.status not in {Status.DONE, Status.SKIPPED}:
        return
    copied = guarded(profile.customer, Service.BACKUP, lambda: copy(workplace, profile))
    if copied.status is not Status.UNCHANGED:
        yield copied


def _backup(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms) -> Outcome:
    decision = backup_due(_backed_up(workplace, profile, rooms), local_today(workplace, profile))
    return rooms.back_up(workplace, profile) if decision.due else skipped(profile, Service.BACKUP, decision)


def _patch(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms, rings: Rings) -> Outcome:
    now = workplace.clock.now()
    # After security fixes alone the other updates are still due, to the customer and to whoever waits for its ring.
    mine = last_patched(workplace, profile.customer, updates=_gets_updates(workplace, profile))
    decision = patch_due(mine, now, workplace.settings.policy.patch_every_days,
                         window(workplace, profile, "patch apply",
                                timedelta(minutes=workplace.settings.policy.patch_minutes)),
                         local_today(workplace, profile) in _backed_up(workplace, profile, rooms))
    if not decision.due:
        return skipped(profile, Service.IT_SYSTEM_MAINTENANCE, decision)
    require_resolved(workplace, profile.customer)
    require_whole(workplace, profile.customer)
    # Each round the earlier rings go first: one of theirs was patched since this customer was, and is not due itself.
    recent = now - timedelta(days=workplace.settings.policy.patch_every_days)
    since = max(mine or recent, recent)
    waits = rings.unproven(
        profile, PATCHES, lambda one: rings.fact("patching", one, partial(_gets_updates, workplace)),
        lambda one: (rings.fact("patched", one, lambda known: last_patched(workplace, known.customer, updates=True))
                     or since) > since)
    return skipped(profile, Service.IT_SYSTEM_MAINTENANCE, Due(False, waits)) if waits else rooms.patch(
        workplace, profile)


def _gets_updates(workplace: Workplace, profile: KamstrupProfile) -> bool:
    """All of them: who gets security fixes alone, since its agreement has ended, shows nothing of the others."""
    return gate(profile, request(security_only=False), workplace.clock.now(), workplace.ledger).allowed


def last_patched(workplace: Workplace, customer: str, until: datetime | None = None, *,
                 updates: bool = False) -> datetime | None:
    """When a patch run last ended well (before `until`), whether it changed something or found nothing to do.

    updates: only one that brought all of them, not security fixes alone.
    """
    for entry in workplace.ledger.entries(customer, kinds=("run.finished",), newest_first=True, until=until):
        if entry.payload["operation"] == "patch apply" and entry.payload["status"] in GOOD_RUN and not (
                updates and security_alone(entry.payload)):
            return entry.recorded_at
    return None


def _backed_up(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms) -> frozenset[date]:
    """The days with a good backup by the ledger; today only when the store has it too."""
    names = {database.name for database in profile.databases}
    since, today = workplace.clock.now() - RECENT, local_today(workplace, profile)
    days = good_backup_days(workplace.ledger, profile.customer, names, since)
    if today not in days:
        return days
    of_today = [entry.payload for entry in workplace.ledger.entries(profile.customer, kinds=("backup.completed",),
                                                                    since=since)
                if entry.payload["day"] == today.isoformat()]
    there = {payload["database"] for payload in rooms.stored(profile, of_today)}
    return days if names <= there else days - {today}


def local_today(workplace: Workplace, profile: Profile) -> date:
    """The customer's local day of now."""
    return local_day(workplace.clock.now(), profile.zone)


def skipped(profile: Profile, service: Service, decision: Due) -> Outcome:
    """The row of what is not due."""
    return Outcome(profile.customer, service, Status.SKIPPED, decision.reason)
