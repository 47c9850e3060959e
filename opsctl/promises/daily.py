"""What is due on every local day of a hosted customer: a full backup, a storage check, a network check. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from opsctl.contract.services import Hosting, Service
from opsctl.core.clock import day_bounds, iso, local_day
from opsctl.ledger.model import Entry
from opsctl.profiles.model import KamstrupProfile
from opsctl.promises.backups import COPIED, COPY_FAILED, KINDS, good_backups
from opsctl.promises.model import Item, Word
from opsctl.promises.view import View, left_on

STORAGE_MEASURED, NETWORK_CHECKED = "storage.measured", "network.checked"
P17_KEPT = timedelta(days=30)


def backups(view: View) -> Iterator[Item]:
    """P16: one good full backup on each local day, of every database there was on it."""
    good = good_backups(view.evidence.of(*KINDS))
    failures = _by_day(view, "backup.failed")
    for day in view.covered(Service.BACKUP, Hosting.KAMSTRUP):
        own = good.get(day, {})
        lacking = sorted(view.databases(day) - set(own))
        evidence = tuple(sorted((entry.reference for entry in own.values()), key=_place))
        if own and not lacking:
            detail = "; ".join(part for part in (_late(view, day, own), _uncopied(view, day, own)) if part)
            yield Item("P16", "full backup", Word.KEPT, detail, day, evidence)
            continue
        tried = failures.get(day, ())
        why = f"no good backup of {', '.join(lacking)}" if lacking else "no good backup"
        if tried:
            why += f"; the last try failed: {tried[-1].payload.get('reason', 'no reason recorded')}"
        found = view.missing("P16", "full backup", day, why)
        yield Item("P16", found.what, found.word, found.detail, day,
                   (*evidence, *(entry.reference for entry in tried)))


def removals(view: View) -> Iterator[Item]:
    """P17: no backup is removed before it is 30 days old, counted from the end of its taking.

    Those of a customer that has left are erased once it has signed for them.
    """
    since, until = view.bounds
    made = {str(entry.payload.get("backup_id")): entry for entry in view.evidence.of("backup.completed")}
    for entry in view.evidence.of("backup.removed"):
        if not since <= entry.recorded_at < until:
            continue
        name = str(entry.payload["backup_id"])
        day = local_day(entry.recorded_at, view.profile.zone)
        taken = made.get(name)
        if view.left(day):
            yield Item("P17", f"removal of {name}", Word.NO_EVENT, left_on(view, day), day, (entry.reference,))
            continue
        if taken is None:
            yield Item("P17", f"removal of {name}", Word.UNKNOWN, "the ledger has no record of its taking", day,
                       (entry.reference,))
            continue
        age = entry.recorded_at - datetime.fromisoformat(taken.payload["finished"])
        kept = age >= P17_KEPT
        yield Item("P17", f"removal of {name}", Word.KEPT if kept else Word.BROKEN, f"removed after {age.days} days",
                   day, (taken.reference, entry.reference))


def storage(view: View) -> Iterator[Item]:
    """P19: measured each day, and below the limits. What could not be measured is unknown."""
    words = {"ok": Word.KEPT, "warning": Word.KEPT, "critical": Word.BROKEN}
    measured = _by_day(view, STORAGE_MEASURED)
    for day in view.covered(Service.STORAGE_MANAGEMENT, Hosting.KAMSTRUP):
        if day not in measured:
            yield view.missing("P19", "storage check", day, "storage was not measured")
            continue
        last = measured[day][-1]
        level = str(last.payload.get("level", "unknown"))
        worst = [f"{found['what']}: {found['reason']}" for found in last.payload.get("findings", ())
                 if found["level"] == level and level != "ok"]
        yield Item("P19", "storage check", words.get(level, Word.UNKNOWN), "; ".join(worst[:2]), day, (last.reference,))


def network(view: View) -> Iterator[Item]:
    """P15: delivered components are checked each day. That a component was down breaks no promise: no uptime is one."""
    profile = view.profile
    delivered = [one.name for one in profile.components if one.delivered_by == "kamstrup"] \
        if isinstance(profile, KamstrupProfile) else []
    covered = tuple(view.covered(Service.NETWORK_MANAGEMENT, Hosting.KAMSTRUP))
    checked = _by_day(view, NETWORK_CHECKED)
    if covered and not delivered and not any(day in checked for day in covered):
        yield Item("P15", "network check", Word.NO_EVENT, "no component delivered by Kamstrup is in the profile")
        return
    for day in covered:
        if day not in checked:
            found = view.missing("P15", "network check", day, "delivered components were not checked")
            if found.word is Word.BROKEN and day < min(checked, default=day + timedelta(days=1)):
                found = replace(found, word=Word.UNKNOWN, detail="no network check was on record yet")
            yield found
            continue
        last = checked[day][-1]
        unknown = str(last.payload.get("level")) == "unknown"
        yield Item("P15", "network check", Word.UNKNOWN if unknown else Word.KEPT,
                   str(last.payload.get("summary", "")), day, (last.reference,))


def _by_day(view: View, kind: str) -> Mapping[date, tuple[Entry, ...]]:
    found: dict[date, tuple[Entry, ...]] = {}
    for entry in view.evidence.of(kind):
        day = local_day(entry.recorded_at, view.profile.zone)
        found[day] = (*found.get(day, ()), entry)
    return found


def _late(view: View, day: date, own: Mapping[str, Entry]) -> str:
    end = day_bounds(day, view.profile.zone)[1]
    finished = [datetime.fromisoformat(entry.payload["finished"]) for entry in own.values()
                if "finished" in entry.payload]
    return f"finished only at {iso(max(finished))}" if finished and max(finished) >= end else ""


def _uncopied(view: View, day: date, own: Mapping[str, Entry]) -> str:
    """That a second copy never came, of a backup of a day since there is a second store."""
    profile = view.profile
    if not isinstance(profile, KamstrupProfile) or profile.backup.second_store is None:
        return ""
    tries = view.evidence.of(COPIED, COPY_FAILED)
    known = {str(entry.payload.get("backup_id")) for entry in tries if entry.kind == COPIED}
    if not tries or day < local_day(tries[0].recorded_at, profile.zone):
        return ""
    lacking = [name for name, entry in sorted(own.items()) if str(entry.payload.get("backup_id")) not in known]
    return f"no second copy of {', '.join(lacking)}" if lacking else ""


def _place(reference: str) -> int:
    return int(reference.rpartition(":")[2])
