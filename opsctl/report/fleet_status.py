"""Reads the ledger for the status of many customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from opsctl.backup.rehearsals import KINDS as REHEARSALS
from opsctl.backup.rehearsals import rehearsal_states
from opsctl.contract.services import Hosting
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.fleet.nightly import last_patched
from opsctl.installs.service import known_version
from opsctl.ledger.model import Entry
from opsctl.network.decisions import watched
from opsctl.network.history import CHECKED
from opsctl.notices.planning import plan
from opsctl.notices.register import KINDS, revisions
from opsctl.profiles.model import KamstrupProfile, Profile, terms_at
from opsctl.promises.backups import COMPLETED, COPY_KINDS, copied, good_backup_days
from opsctl.promises.model import Word
from opsctl.releases.catalogue import Catalogue
from opsctl.report.status import (
    NOT_COVERED,
    CustomerStatus,
    Verdict,
    backup_verdict,
    network_verdict,
    notice_verdict,
    platform_verdict,
    rehearsal_verdict,
    storage_verdict,
)
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

RECENT = timedelta(days=60)
"""So far back the last good backup is looked for."""


def fleet_status(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError,
                 now: datetime) -> tuple[CustomerStatus, ...]:
    """One row per customer, in the order given: as the contract and the ledger stood at `now`.

    releases: the catalogue, or why it cannot be read.
    """
    return tuple(_status(workplace, profile, releases, now) for profile in profiles)


def _status(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError,
            now: datetime) -> CustomerStatus:
    today = local_day(now, profile.zone)
    ready = str((known_version(workplace, profile, now) if isinstance(profile, KamstrupProfile)
                 else profile.ready.version) or "unknown")
    running = _running(workplace, profile.customer)
    hosting = terms_at(profile, now).hosting
    if hosting is Hosting.CUSTOMER:
        return CustomerStatus(profile.customer, hosting, ready, NOT_COVERED, NOT_COVERED, NOT_COVERED, NOT_COVERED,
                              _notices(workplace, profile, releases, now), NOT_COVERED, running)
    storage = _last_run(workplace, profile.customer, "storage check", now)
    return CustomerStatus(
        profile.customer, hosting, ready,
        _backup(workplace, profile, now, today),
        platform_verdict(last_patched(workplace, profile.customer, now), now,
                         workplace.settings.policy.patch_every_days),
        storage_verdict(storage.payload if storage else None,
                        local_day(storage.recorded_at, profile.zone) if storage else None, today),
        _network(workplace, profile, now, today), NOT_COVERED, _rehearsal(workplace, profile, now, today), running)


def _backup(workplace: Workplace, profile: Profile, now: datetime, today: date) -> Verdict:
    found = backup_verdict(_backup_days(workplace, profile, now), today, _owed_since(workplace, profile, now))
    if not isinstance(profile, KamstrupProfile) or profile.backup.second_store is None:
        return found
    newest: dict[str, str] = {}
    for entry in workplace.ledger.entries(profile.customer, kinds=(COMPLETED,), since=now - RECENT, until=now):
        newest[str(entry.payload["database"])] = str(entry.payload.get("backup_id"))
    there = copied(workplace.ledger.entries(profile.customer, kinds=COPY_KINDS, since=now - RECENT, until=now))
    if not newest:
        return found
    told = "copied" if set(newest.values()) <= there else "no second copy"
    return replace(found, detail=f"{found.detail}; {told}" if found.detail else told)


def _rehearsal(workplace: Workplace, profile: Profile, now: datetime, today: date) -> Verdict:
    if not isinstance(profile, KamstrupProfile):
        return NOT_COVERED
    return rehearsal_verdict(rehearsal_states(
        [database.name for database in profile.databases],
        workplace.ledger.entries(profile.customer, kinds=REHEARSALS, until=now), today, profile.backup.rehearse_days,
        profile.zone))


def _network(workplace: Workplace, profile: Profile, now: datetime, today: date) -> Verdict:
    last = next(workplace.ledger.entries(profile.customer, kinds=(CHECKED,), newest_first=True, until=now, limit=1),
                None)
    delivered = len(watched(profile.components)[0]) if isinstance(profile, KamstrupProfile) else 0
    return network_verdict(last.payload if last else None,
                           local_day(last.recorded_at, profile.zone) if last else None, today, delivered)


def _notices(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError, now: datetime) -> Verdict:
    try:
        if isinstance(releases, OpsctlError):
            raise releases
        found = plan(profile, releases, now)
        decision = gate(profile, found.request, now, workplace.ledger)
    except OpsctlError as error:
        return Verdict(Word.UNKNOWN, error.message)
    if not decision.allowed:
        return Verdict(Word.NOT_COVERED, decision.reason)
    drafts = revisions(workplace.ledger.entries(profile.customer, kinds=KINDS, until=now))
    return notice_verdict(found.facts.release if found.facts else None, found.reason, drafts)


def _backup_days(workplace: Workplace, profile: Profile, now: datetime) -> frozenset[date]:
    databases = {database.name for database in profile.databases} if isinstance(profile, KamstrupProfile) else set()
    return good_backup_days(workplace.ledger, profile.customer, databases, now - RECENT, now)


def _owed_since(workplace: Workplace, profile: Profile, now: datetime) -> date | None:
    """The first full local day on which Kamstrup owed backups and the ledger was kept."""
    first = next(workplace.ledger.entries(profile.customer, limit=1), None)
    if first is None or first.recorded_at > now:
        return None
    begin = profile.hosting_from if local_day(now, profile.zone) >= profile.hosting_from else date.min
    return max(local_day(first.recorded_at, profile.zone) + timedelta(days=1), begin)


def _last_run(workplace: Workplace, customer: str, operation: str, now: datetime) -> Entry | None:
    for entry in workplace.ledger.entries(customer, kinds=("run.finished",), newest_first=True, until=now):
        if entry.payload["operation"] == operation:
            return entry
    return None


def _running(workplace: Workplace, customer: str) -> tuple[str, ...]:
    """Runs that hold a lease now."""
    return tuple(lease.owner for lease in workplace.ledger.leases()
                 if lease.name.startswith(f"{customer}/") and not lease.expired)
