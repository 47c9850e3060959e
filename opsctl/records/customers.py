"""The life of a customer: its profile made, and moved to another hosting from a day on (P02).

Ledger: `customer.added`, `customer.moved`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.contract.records import facts
from opsctl.core.clock import day_bounds, local_day
from opsctl.core.errors import UsageError
from opsctl.ledger import held
from opsctl.profiles.inventory import hosts_yaml
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.profiles.places import PROFILE
from opsctl.profiles.writing import create, former_path, profile_text, supersede, validated_text
from opsctl.records.drafting import AgreementAnswers, moved
from opsctl.runs.installed import MOVED, stand
from opsctl.runs.service import LEASE_SECONDS, events_of
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import HeldLease

ADDED = "customer.added"


@dataclass(frozen=True)
class Change:
    """A profile that is about to be written: its text, what it means, and what somebody should know first."""

    profile: Profile
    text: str
    warnings: tuple[str, ...] = ()


def plan_new(customer: str, document: Mapping[str, Any]) -> Change:
    """The new profile; ConfigurationError with every problem at once."""
    text = profile_text({"schema_version": 1, "customer": customer, **document})
    return Change(validated_text(customer, text), text)


def add(workplace: Workplace, change: Change) -> Path:
    """Write the new profile and record it; UsageError when there is one, or the name belonged to who has left."""
    customer = change.profile.customer
    with held(workplace.ledger, f"{customer}/customer", workplace.actor, LEASE_SECONDS) as lease:
        ends = facts(events_of(workplace.ledger, customer)).service_ends
        if ends is not None:
            raise UsageError(f"{customer} was a customer until {ends}, and its evidence stays under that name",
                             "choose another name")
        path = create(workplace.settings.inventories, customer, change.text)
        _write_inventory(workplace, change.profile)
        workplace.ledger.append(customer, ADDED, {"hosting": change.profile.hosting, "profile_sha256": _hash(change)},
                                actor=workplace.actor, lease=lease)
    return path


def plan_move(workplace: Workplace, profile: Profile, hosting: str, day: date, *,
              agreement: AgreementAnswers | None = None, system: Mapping[str, Any] | None = None) -> Change:
    """The profile under the other hosting from `day` on; UsageError for a day in the future or before the last change.

    A profile says how things are: until the day comes the hosts are still operated as they are now.
    """
    today = local_day(workplace.clock.now(), profile.zone)
    if hosting == profile.hosting:
        raise UsageError(f"{profile.customer} is hosted by {hosting} already", "see `opsctl customers show`")
    if day > today:
        raise UsageError(f"--from {day} lies in the future; until then the system is operated as it is now",
                         "run it on that day")
    if day <= profile.hosting_from:
        raise UsageError(f"--from {day} does not lie after {profile.hosting_from}, when the present hosting began",
                         "correct the day, or the profile")
    document = moved(profile.model_dump(mode="json", exclude_unset=True), hosting, day, agreement, system or {})
    text = profile_text(document, f"Until {day} the system was hosted otherwise: profile-until-{day}.yml.")
    return Change(validated_text(profile.customer, text), text, tuple(_concerns(workplace, profile, day)))


def move(workplace: Workplace, before: Profile, change: Change, reason: str) -> Path:
    """Write the planned profile and record the move; returns where the old profile is kept."""
    if not reason.strip():
        raise UsageError("a move needs a reason", "say what was agreed, for example the reference of the new contract")
    customer, day = change.profile.customer, change.profile.hosting_from
    with held(workplace.ledger, f"{customer}/customer", workplace.actor, LEASE_SECONDS) as lease:
        kept = supersede(workplace.settings.inventories, customer, change.text, day)
        _finish(workplace, before.hosting, change.profile, kept, reason, lease)
    return kept


def resume_move(workplace: Workplace, profile: Profile, hosting: str, day: date, reason: str) -> Path | None:
    """Record a move whose profile was written by a run that was cut off before it could; None when there is none."""
    kept = former_path(workplace.settings.inventories, profile.customer, day)
    recorded = {str(entry.payload["effective_from"])
                for entry in workplace.ledger.entries(profile.customer, kinds=[MOVED])}
    if (profile.hosting, profile.hosting_from) != (hosting, day) or not kept.is_file() or day.isoformat() in recorded:
        return None
    with held(workplace.ledger, f"{profile.customer}/customer", workplace.actor, LEASE_SECONDS) as lease:
        _finish(workplace, profile.earlier[0].hosting.value, profile, kept, reason, lease)
    return kept


def _finish(workplace: Workplace, before: str, profile: Profile, kept: Path, reason: str, lease: HeldLease) -> None:
    _write_inventory(workplace, profile)
    written = (workplace.customer_folder(profile.customer) / PROFILE).read_bytes()
    workplace.ledger.append(profile.customer, MOVED, {
        "from": before, "to": profile.hosting, "effective_from": profile.hosting_from.isoformat(),
        "profile_sha256": hashlib.sha256(written).hexdigest(), "former": kept.name, "reason": reason.strip()},
        actor=workplace.actor, lease=lease)


def _concerns(workplace: Workplace, profile: Profile, day: date) -> list[str]:
    since, _ = day_bounds(day, profile.zone)
    runs = sum(1 for _ in workplace.ledger.entries(profile.customer, kinds=["run.finished"], since=since))
    found = [f"runs since {day}, done under the hosting that then no longer held: {runs}"] if runs else []
    left = stand(workplace, profile.customer).open
    if left is not None:
        found.append(f"the installation of READY {left.payload['to']} by {left.run} is unfinished; after the move "
                     f"nothing takes it back: `opsctl release rollback {profile.customer}` comes before it")
    if isinstance(profile, KamstrupProfile):
        found.append("backups made until then stay in custody under the old profile; nobody makes new ones for the "
                     "customer (P26)")
        if profile.api is not None:
            found.append("Kamstrup API Access ends with the hosting (P27): take the customer's key from the hosts")
    return found


def _write_inventory(workplace: Workplace, profile: Profile) -> None:
    path = workplace.customer_folder(profile.customer) / "hosts.yml"
    if isinstance(profile, KamstrupProfile):
        path.write_text(hosts_yaml(profile), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _hash(change: Change) -> str:
    return hashlib.sha256(change.text.encode()).hexdigest()
