"""From statuses and entries to the fleet page: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import iso, local_day
from opsctl.promises.backups import complete_days, good_backups
from opsctl.promises.databases import owed
from opsctl.promises.model import Word
from opsctl.releases.version import Version
from opsctl.report.fleet.model import Ask, Disk, Group, ReleaseLine, Row, Window
from opsctl.report.outline import Outline
from opsctl.report.status import CustomerStatus
from opsctl.support.request import Request, State, Urgency

if TYPE_CHECKING:
    from opsctl.ledger import Entry
    from opsctl.releases.catalogue import Catalogue

DAYS = 30
SOON = timedelta(days=30)
_STEPS = (Urgency.OPEN, Urgency.HALF, Urgency.NEAR, Urgency.DUE, Urgency.LATE)
_WORDS = {Urgency.OPEN: "less than half used", Urgency.HALF: "half used", Urgency.NEAR: "three quarters used",
          Urgency.DUE: "used up", Urgency.LATE: "late"}


def row(status: CustomerStatus, outline: Outline, entries: Sequence[Entry], begins: datetime | None,
        asked: Sequence[Request], now: datetime) -> Row:
    """One customer. entries: its backups, also failed ones, and storage checks of the last month. begins: its first
    entry."""
    today = local_day(now, outline.zone)
    days = backup_days(outline, entries, begins, today, status)
    disk = worst_disk(outline, [entry for entry in entries if entry.kind == "storage.measured"])
    late = sum(1 for one in asked if one.start is None and one.urgency(now) is Urgency.LATE)
    watch = tuple(_watch(status, disk, today, late))
    return Row(status, outline.name, group(status, watch), days, disk, len(asked), late, "", watch)


def group(status: CustomerStatus, watch: Sequence[str]) -> Group:
    """The gravest of what is said of the customer."""
    words = {verdict.word for verdict in status.verdicts.values()}
    if Word.BROKEN in words:
        return Group.BROKEN
    if Word.UNKNOWN in words:
        return Group.UNKNOWN
    return Group.WATCH if watch else Group.CALM


def in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Worst first: the group, how much is broken, late requests, the disk that is full first, the name."""
    def key(one: Row) -> tuple[Any, ...]:
        words = Counter(verdict.word for verdict in one.status.verdicts.values())
        full = one.disk.full if one.disk and one.disk.full else date.max
        return (list(Group).index(one.group), -words[Word.BROKEN], -words[Word.UNKNOWN], -one.late, full,
                one.status.customer)

    return tuple(sorted(rows, key=key))


def _watch(status: CustomerStatus, disk: Disk | None, today: date, late: int) -> Iterable[str]:
    if late:
        yield f"{late} request{'s' if late > 1 else ''} past the time to start"
    if status.storage.detail.startswith("warning"):
        yield "storage above its warning"
    elif disk and disk.full and disk.full <= today + SOON:
        yield f"{disk.place} full {disk.text}"
    if any(f" {word}:" in status.network.detail for word in ("down", "flapping")):
        yield "a component is down"


def backup_days(outline: Outline, entries: Sequence[Entry], begins: datetime | None, today: date,
                status: CustomerStatus) -> tuple[tuple[date, Word], ...]:
    """The last 30 local days up to today: kept, broken, not due, not covered or unknown (before the records begin)."""
    if not outline.databases:
        return ()
    good = complete_days(good_backups(entries), owed(entries, outline.databases, today, outline.zone))
    first = local_day(begins, outline.zone) + timedelta(days=1) if begins else date.max
    found: list[tuple[date, Word]] = []
    for back in reversed(range(DAYS)):
        day = today - timedelta(days=back)
        if day in good:
            word = Word.KEPT
        elif outline.hosting(day) != status.hosting or (status.ends is not None and day > status.ends):
            word = Word.NOT_COVERED
        elif day == today:
            word = Word.NOT_DUE
        else:
            word = Word.UNKNOWN if day < first else Word.BROKEN
        found.append((day, word))
    return tuple(found)


def worst_disk(outline: Outline, measured: Sequence[Entry]) -> Disk | None:
    """The volume that is full first by its forecast, else the fullest one; None where nothing was measured."""
    if not measured:
        return None
    series: dict[str, dict[date, float]] = {}
    for entry in measured:
        day = local_day(entry.recorded_at, outline.zone)
        for one in entry.payload["volumes"]:
            if not one["error"] and one["used_percent"] is not None:
                own = series.setdefault(f"{one['host']}:{one['mount']}", {})
                own[day] = max(own.get(day, 0.0), float(one["used_percent"]))
    found = [_disk(one, series) for one in measured[-1].payload["volumes"] if not one["error"]]
    return min(found, key=lambda one: (one.full or date.max, -one.now), default=None)


def _disk(one: Mapping[str, Any], series: Mapping[str, Mapping[date, float]]) -> Disk:
    place = f"{one['host']}:{one['mount']}"
    usable = (one["bytes_used"] + one["bytes_available"]) or 1
    growth, interval = one.get("growth_bytes_per_day"), one.get("growth_interval")
    forecast = one.get("forecast") or {}
    low, high = (100 * part / usable for part in interval) if interval else (None, None)
    full = forecast.get("full")
    return Disk(place, tuple(sorted(series.get(place, {}).items()))[-DAYS:], low,
                None if growth is None else 100 * growth / usable, high, str(forecast.get("text", "not enough data")),
                date.fromisoformat(full) if full else None)


def asks(requests: Iterable[Request], now: datetime) -> tuple[Ask, ...]:
    """Open requests, those to start soonest first."""
    found = []
    for one in requests:
        urgency = one.urgency(now)
        waits = one.start is None and one.state is not State.WAITING
        word = _WORDS[urgency] if one.start is None else "started"
        found.append(Ask(one.id, one.customer, one.level, one.state.value, iso(one.received), iso(one.clock.target),
                         _STEPS.index(urgency) if waits or urgency is Urgency.LATE else 0, word))
    return tuple(found)


def releases(rows: Sequence[Row], catalogue: Catalogue | None, today: date) -> tuple[ReleaseLine, ...]:
    """Every version that somebody has, and every published one, newest first."""
    hosted = Counter(one.status.ready for one in rows if one.status.hosting == "kamstrup")
    own = Counter(one.status.ready for one in rows if one.status.hosting != "kamstrup")
    known = {str(one.version): one for one in catalogue.published()} if catalogue else {}
    found = []
    for text in sorted({*hosted, *own, *known} - {"unknown"}, key=Version.parse, reverse=True):
        release = known.get(text)
        until = release.support.until if release else None
        note = "not among the published releases" if release is None else \
            f"out of support since {until}" if until and until < today else \
            "support ends within 90 days" if until and until < today + timedelta(days=90) else ""
        published = f"{release.published_at:%Y-%m-%d}" if release and release.published_at else ""
        found.append(ReleaseLine(text, published, str(until or ""), hosted[text], own[text], note,
                                 release.kind.value if release else ""))
    unknown = hosted["unknown"] + own["unknown"]
    return (*found, *([ReleaseLine("unknown", "", "", hosted["unknown"], own["unknown"], "record it in the profile",
                                   "")] if unknown else []))


def windows(upcoming: Iterable[tuple[str, datetime, datetime, str, str]]) -> tuple[Window, ...]:
    """Equal windows of many customers as one, by opening. upcoming: customer, opens, closes, zone, what is due."""
    together: dict[tuple[datetime, datetime, str], list[tuple[str, str]]] = {}
    for customer, opens, closes, zone, due in upcoming:
        together.setdefault((opens, closes, zone), []).append((customer, due))
    return tuple(Window(opens, closes, zone, tuple(name for name, _ in own), tuple(one for one in own if one[1]))
                 for (opens, closes, zone), own in sorted(together.items()))
