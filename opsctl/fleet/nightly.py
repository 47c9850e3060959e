"""The nightly run: for each customer what is due, going on past one that fails.

Order for a vendor-hosted customer: storage and network check, backup, copies that the second store lacks, patch (only
with today's backup good and the window open), the READY release that is due, removal of backups past their time, the
restore for the exercise that is due. For a customer-hosted one: the draft of
the release notice; what the contract does not cover is listed as such. For both: drafts of the other notices that
are due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.outcome import Outcome, Status, combined_exit_code
from opsctl.fleet.due import Due, backup_due, check_due, patch_due
from opsctl.fleet.failures import failed, guarded, jointly
from opsctl.fleet.sealing import published
from opsctl.fleet.starting import require_resolved, require_whole, window
from opsctl.network.history import CHECKED
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, Profile
from opsctl.promises.backups import good_backup_days
from opsctl.promises.cadence import GOOD_RUN
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace
from opsctl.storage.history import MEASURED

OPERATOR = "operator"
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
    install: Callable[[Workplace, KamstrupProfile, Catalogue, bool], Outcome] | None = None
    """Installs the release that is due; the last argument: whether the platform was patched in this night."""
    copy: Callable[[Workplace, KamstrupProfile], Outcome] | None = None
    """Brings to the second store what it lacks; asked for only where the profile names one."""
    rehearse: Callable[[Workplace, KamstrupProfile], Iterable[Outcome]] = _nothing
    """Restores for the exercise what is due."""
    draft_due: Callable[[Workplace, Profile, Catalogue], Iterable[Outcome]] = _nothing
    """The notices that are due besides the release notice."""


def nightly(workplace: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError],
            releases: Catalogue | OpsctlError, rooms: Rooms) -> tuple[Outcome, ...]:
    """Do what is due for `profiles`; `broken` profiles are rows of their own with exit code 3.

    releases: the catalogue, or why it cannot be read, which keeps nobody from anything but a draft.
    The run itself is recorded in the chain `operator`, so that a night without one is visible.
    """
    workplace.ledger.append(OPERATOR, "nightly.started", {"customers": [p.customer for p in profiles]},
                            actor=workplace.actor)
    outcomes: list[Outcome] = []
    changed = None if isinstance(releases, OpsctlError) else published(workplace, releases)
    if changed is not None:
        # What was edited after it was published is neither installed nor announced.
        outcomes.append(failed(OPERATOR, "releases", changed))
        releases = changed
    status = "failed"
    try:
        for outcome in _night(workplace, profiles, broken, releases, rooms):
            outcomes.append(outcome)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        ended = guarded(OPERATOR, "nightly", partial(_finish, workplace, outcomes, status))
    return (*outcomes, ended) if ended.code is not ExitCode.OK else tuple(outcomes)


def _night(workplace: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError],
           releases: Catalogue | OpsctlError, rooms: Rooms) -> Iterator[Outcome]:
    for customer, error in broken.items():
        yield replace(failed(customer, "profile", error), summary=(error.details or (error.message,))[0],
                      resolution="run `opsctl profile validate` and correct the lines it names")
    hosted = [profile for profile in profiles if isinstance(profile, KamstrupProfile)]
    storage = _by_customer(_checked(workplace, hosted, Service.STORAGE_MANAGEMENT, MEASURED, rooms.check_storage))
    network = _by_customer(_checked(workplace, hosted, Service.NETWORK_MANAGEMENT, CHECKED, rooms.check_network))
    for profile in profiles:
        if isinstance(profile, KamstrupProfile):
            yield storage[profile.customer]
            yield from (network[name] for name in (profile.customer,) if name in network)
            yield from _hosted(workplace, profile, releases, rooms)
        else:
            yield from _customer_hosted(workplace, profile, releases, rooms)
        if not isinstance(releases, OpsctlError):
            yield from rooms.draft_due(workplace, profile, releases)


def _finish(workplace: Workplace, outcomes: Sequence[Outcome], status: str) -> Outcome:
    """Record how the night ended. One that did not come to its end is a failure, whatever was done until then."""
    code = combined_exit_code(outcomes) if status == "done" else ExitCode.FAILED
    workplace.ledger.append(
        OPERATOR, "nightly.finished",
        {"status": status, "exit_code": int(code), "outcomes": len(outcomes),
         "failed": [f"{o.customer} {o.service}" for o in outcomes if o.code is not ExitCode.OK]},
        actor=workplace.actor)
    return Outcome(OPERATOR, "nightly", Status.DONE, "recorded")


def _by_customer(outcomes: Iterable[Outcome]) -> Mapping[str, Outcome]:
    return {outcome.customer: outcome for outcome in outcomes}


def _checked(workplace: Workplace, hosted: Sequence[KamstrupProfile], service: Service, kind: str,
             check: Check | None) -> Iterator[Outcome]:
    """One run over all customers whose check is due; the others say when theirs was. kind: what a check records."""
    due: list[KamstrupProfile] = []

    def sort(profile: KamstrupProfile) -> Outcome:
        request = Request(service, Purpose.PROTECT, Delivery.WORK)
        gate(profile, request, workplace.clock.now(), workplace.ledger).require(profile.customer)
        last = workplace.ledger.last(profile.customer, kind)
        decision = check_due(local_day(last.recorded_at, profile.zone) if last else None, _today(workplace, profile),
                               str(last.payload.get("level", "")) if last else "")
        if decision.due:
            due.append(profile)
        return _skipped(profile, service, decision)

    if check is None:
        return
    for profile in hosted:
        row = guarded(profile.customer, service, partial(sort, profile))
        if profile not in due:
            yield row
    if due:
        yield from jointly(due, service, partial(check, workplace))


def _hosted(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue | OpsctlError,
            rooms: Rooms) -> Iterator[Outcome]:
    backup = guarded(profile.customer, Service.BACKUP, lambda: _backup(workplace, profile, rooms))
    yield backup
    yield from _copied(workplace, profile, rooms, backup)
    patched = guarded(profile.customer, Service.IT_SYSTEM_MAINTENANCE, lambda: _patch(workplace, profile, rooms))
    yield patched
    install = rooms.install
    if install is not None and not isinstance(releases, OpsctlError):
        yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, lambda: install(
            workplace, profile, releases, patched.status in {Status.DONE, Status.WARNING, Status.PARTIAL}))
    # A second copy that is missing keeps nothing from being removed: the backup itself is there.
    if backup.status in {Status.DONE, Status.WARNING} or (backup.status is Status.PARTIAL
                                                          and not backup.data.get("failed", True)):
        pruned = guarded(profile.customer, Service.BACKUP, lambda: rooms.prune(workplace, profile))
        if pruned.status is not Status.UNCHANGED:
            yield pruned
    # Last, so that a long one costs no window.
    yield from rooms.rehearse(workplace, profile)


def _copied(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms, backup: Outcome) -> Iterator[Outcome]:
    """A row when the second store lacked something; not right after a run that has just told so."""
    copy = rooms.copy
    if copy is None or profile.backup.second_store is None or backup.status not in {Status.DONE, Status.SKIPPED}:
        return
    copied = guarded(profile.customer, Service.BACKUP, lambda: copy(workplace, profile))
    if copied.status is not Status.UNCHANGED:
        yield copied


def _backup(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms) -> Outcome:
    decision = backup_due(_backed_up(workplace, profile, rooms), _today(workplace, profile))
    return rooms.back_up(workplace, profile) if decision.due else _skipped(profile, Service.BACKUP, decision)


def _patch(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms) -> Outcome:
    now = workplace.clock.now()
    decision = patch_due(last_patched(workplace, profile.customer), now, workplace.settings.policy.patch_every_days,
                         window(workplace, profile, "patch apply",
                                timedelta(minutes=workplace.settings.policy.patch_minutes)),
                         _today(workplace, profile) in _backed_up(workplace, profile, rooms))
    if not decision.due:
        return _skipped(profile, Service.IT_SYSTEM_MAINTENANCE, decision)
    require_resolved(workplace, profile.customer)
    require_whole(workplace, profile.customer)
    return rooms.patch(workplace, profile)


def _customer_hosted(workplace: Workplace, profile: CustomerProfile, releases: Catalogue | OpsctlError,
                     rooms: Rooms) -> Iterator[Outcome]:
    for service in (Service.BACKUP, Service.STORAGE_MANAGEMENT):
        yield _the_customer_s(workplace, profile, service)

    def draft() -> Outcome:
        if isinstance(releases, OpsctlError):
            # The gate speaks first, also when the release files are wrong.
            request = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)
            gate(profile, request, workplace.clock.now(), workplace.ledger).require(profile.customer)
            raise releases
        return rooms.draft(workplace, profile, releases)

    yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, draft)


def _the_customer_s(workplace: Workplace, profile: CustomerProfile, service: Service) -> Outcome:
    decision = gate(profile, Request(service, Purpose.PROTECT, Delivery.WORK), workplace.clock.now(), workplace.ledger)
    if decision.allowed:
        return Outcome(profile.customer, service, Status.FAILED,
                       f"the contract of today has Kamstrup do this ({decision.cell.promise}), but the profile is "
                       "already one of a system that the customer hosts", "keep the earlier profile until hosting_from",
                       exit_code=ExitCode.CONFIGURATION)
    return Outcome(profile.customer, service, Status.NOT_COVERED,
                   f"the customer is responsible ({decision.cell.promise})")


def last_patched(workplace: Workplace, customer: str, until: datetime | None = None) -> datetime | None:
    """When a patch run last ended well (before `until`), whether it changed something or found nothing to do."""
    for entry in workplace.ledger.entries(customer, kinds=("run.finished",), newest_first=True, until=until):
        if entry.payload["operation"] == "patch apply" and entry.payload["status"] in GOOD_RUN:
            return entry.recorded_at
    return None


def _backed_up(workplace: Workplace, profile: KamstrupProfile, rooms: Rooms) -> frozenset[date]:
    """The days with a good backup by the ledger; today only when the store has it too."""
    names = {database.name for database in profile.databases}
    since, today = workplace.clock.now() - RECENT, _today(workplace, profile)
    days = good_backup_days(workplace.ledger, profile.customer, names, since)
    if today not in days:
        return days
    of_today = [entry.payload for entry in workplace.ledger.entries(profile.customer, kinds=("backup.completed",),
                                                                    since=since)
                if entry.payload["day"] == today.isoformat()]
    there = {payload["database"] for payload in rooms.stored(profile, of_today)}
    return days if names <= there else days - {today}


def _today(workplace: Workplace, profile: Profile) -> date:
    return local_day(workplace.clock.now(), profile.zone)


def _skipped(profile: Profile, service: Service, decision: Due) -> Outcome:
    return Outcome(profile.customer, service, Status.SKIPPED, decision.reason)
