"""Sections of what is done on hosted systems: backups, changes, platform, storage, network. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from opsctl.backup.rehearsals import REHEARSAL_FAILED, REHEARSED
from opsctl.fleet import changelog as log
from opsctl.ledger.model import Entry
from opsctl.profiles.model import KamstrupProfile
from opsctl.promises.backups import COPY_KINDS, KINDS, copied, damaged, good_backups
from opsctl.promises.daily import NETWORK_CHECKED, STORAGE_MEASURED
from opsctl.promises.model import Word
from opsctl.report.service.facts import Facts, megabytes
from opsctl.report.service.model import Day, Row, Section

RESTORED = ("backup.restored", REHEARSED)


def backups(facts: Facts) -> Section:
    """4: a calendar of days, the trend of sizes, the oldest one kept, restores."""
    items = [item for item in facts.items("P16") if item.day]
    days = tuple(Day(item.day.day, item.word, item.detail, item.evidence) for item in items if item.day)
    good = good_backups(facts.view.evidence.of(*KINDS))
    rows: list[Row] = []
    for database in sorted({name for item in items if item.day for name in facts.view.databases(item.day)}):
        own = [(day, good[day][database]) for day in facts.view.days if database in good.get(day, {})]
        if own:
            (first_day, first), (last_day, last) = own[0], own[-1]
            rows.append(Row((f"{database}: size", f"{megabytes(first.payload['bytes'])} on {first_day}, "
                             f"{megabytes(last.payload['bytes'])} on {last_day}"),
                            (first.reference, last.reference)))
        else:
            rows.append(Row((f"{database}: size", "unknown: no good backup in this month"), word=Word.UNKNOWN))
    rows += [*_oldest(facts), *_copies(facts, kept_on(good)), *_restores(facts)]
    blank = items[0].day.weekday() if items and items[0].day else 0
    return Section(4, "backups", "Backups", (
        "A day is the customer's local day on which the backup was started. Only what the ledger proves is kept.",),
        ("What", "Figure"), tuple(rows), days, blank)


def _oldest(facts: Facts) -> list[Row]:
    gone = {entry.payload.get("backup_id") for entry in facts.until_end("backup.removed")}
    gone |= damaged(facts.until_end(*KINDS))
    kept = [entry for entry in facts.until_end("backup.completed") if entry.payload.get("backup_id") not in gone]
    if not kept:
        return [Row(("Oldest backup kept", "unknown: none is recorded"), word=Word.UNKNOWN)]
    return [Row(("Oldest backup kept", f"of {kept[0].payload['day']}; {len(kept)} kept at the end of the month"),
                (kept[0].reference,))]


def kept_on(good: Mapping[date, Mapping[str, Entry]]) -> Mapping[str, date]:
    """The local day by id of every good backup."""
    return {str(entry.payload["backup_id"]): day for day, own in good.items() for entry in own.values()
            if "backup_id" in entry.payload}


def _copies(facts: Facts, good: Mapping[str, date]) -> list[Row]:
    """How many of the month's good backups have a copy in the second store; no row without one."""
    profile, days = facts.view.profile, facts.view.days
    if not isinstance(profile, KamstrupProfile) or profile.backup.second_store is None:
        return []
    there = copied(facts.until_end(*COPY_KINDS))
    own = [name for name, day in good.items() if days[0] <= day <= days[-1]]
    lacking = sorted(name for name in own if name not in there)
    told = f"{len(own) - len(lacking)} of {len(own)} backups of the month"
    return [Row(("Second copies", f"{told}; none of {', '.join(lacking)}" if lacking else told))]


def _restores(facts: Facts) -> list[Row]:
    failures = [Row(("Restore test", f"{entry.payload.get('backup_id', '')} failed on "
                     f"{facts.local(entry.recorded_at)}: {entry.payload.get('reason', '')}"), (entry.reference,),
                    Word.BROKEN)
                for entry in facts.in_month(REHEARSAL_FAILED)]
    return [*_succeeded(facts, none_tried=not failures), *failures]


def _succeeded(facts: Facts, *, none_tried: bool) -> list[Row]:
    found = facts.in_month(*RESTORED)
    if not found and not none_tried:
        return []
    if not found:
        return [Row(("Restore test", "none is recorded in this month"), word=Word.NO_EVENT)]
    return [Row(("Restore test", f"{entry.payload.get('backup_id', '')} on {facts.local(entry.recorded_at)}"
                 f"{_seconds(entry.payload)}"), (entry.reference,), Word.KEPT) for entry in found]


def _seconds(payload: Mapping[str, Any]) -> str:
    seconds = payload.get("seconds")
    taken = sum(seconds.values()) if isinstance(seconds, Mapping) else seconds
    return f", {taken:.0f} seconds" if isinstance(taken, int | float) else ""


def changes(facts: Facts) -> Section:
    """5: what was installed, from the change log."""
    entries = {f"C{entry.sequence}": entry.reference for entry in facts.in_month(*log.KINDS)}
    rows = tuple(Row((facts.local(one.when), one.system, one.description, one.result), (entries[one.id],))
                 for one in log.changes(facts.in_month(*log.KINDS)))
    notes = () if rows else ("No installed change is on record in this month.",)
    return Section(5, "changes", "Changes installed", notes, ("When", "Where", "What", "Result"), rows)


def platform(facts: Facts) -> Section:
    """6: how current OS and middleware are."""
    rows = [Row((item.what, item.detail), item.evidence, item.word) for item in facts.items("P10")]
    last: dict[str, Entry] = {str(entry.payload["host"]): entry for entry in facts.until_end("patch.applied")}
    for host, entry in sorted(last.items()):
        reboot = entry.payload.get("reboot_needed", entry.payload["result"] == "patched, reboot left undone")
        state = f"{entry.payload['result']} on {facts.local(entry.recorded_at)}"
        rows.append(Row((host, f"{state}; a reboot is pending" if reboot else state), (entry.reference,)))
    return Section(6, "platform", "Platform: OS and middleware", (
        "The data sheet promises ongoing maintenance without a cadence; the interval is the operator's policy.",),
        ("What", "State"), tuple(rows))


def storage(facts: Facts) -> Section:
    """7: used, growth, days to full, by the last measurement of the month."""
    found = facts.in_month(STORAGE_MEASURED)
    if not found:
        return Section(7, "storage", "Storage", ("Not measured in this month: the state is unknown.",))
    last = found[-1]
    rows = tuple(Row((f"{volume['host']}:{volume['mount']}", *_volume(volume)), (last.reference,))
                 for volume in last.payload.get("volumes", ()))
    days = len({facts.local(entry.recorded_at)[:10] for entry in found})
    measured = f"Measured on {days} of {len(facts.view.days)} days"
    return Section(7, "storage", "Storage", (f"{measured}; the figures are those of {facts.local(last.recorded_at)}.",),
        ("Volume", "Used", "Growth", "Full"), rows)


def _volume(volume: Mapping[str, Any]) -> tuple[str, str, str]:
    if volume.get("error"):
        return f"unknown: {volume['error']}", "unknown", "unknown"
    used = f"{volume['used_percent']:g} % of {megabytes(volume['bytes_used'] + volume['bytes_available'])}"
    forecast = volume.get("forecast") or {}
    growth = volume.get("growth_bytes_per_day")
    grows = "not enough data" if growth is None else f"{megabytes(growth)} a day"
    return used, grows, str(forecast.get("text", "not enough data" if growth is None else "not forecast"))


def network(facts: Facts) -> Section:
    """8: the delivered components, by the last check of the month."""
    found = facts.in_month(NETWORK_CHECKED)
    if not found:
        nothing = all(item.word is Word.NO_EVENT for item in facts.items("P15"))
        return Section(8, "network", "Network components", (
            "No component delivered by Kamstrup is in the profile." if nothing else
            "Not checked in this month: the state is unknown.",))
    rows = [Row((str(one["name"]), str(one["state"]), str(one.get("detail", ""))), (found[-1].reference,))
            for one in found[-1].payload.get("components", ())]
    rows += [Row((str(name), "not covered", "not delivered by Kamstrup"), (found[-1].reference,), Word.NOT_COVERED)
             for name in found[-1].payload.get("skipped", ())]
    alarms = [entry for entry in found if entry.payload.get("level") == "critical"]
    return Section(8, "network", "Network components", (
        f"{len(found)} checks, {len(alarms)} of them with an alarm; no availability is promised. Last check "
        f"{facts.local(_recorded(found))}.",), ("Component", "State", "Detail"), tuple(rows))


def _recorded(found: tuple[Entry, ...]) -> datetime:
    return found[-1].recorded_at
