"""What the fleet page is made of. Nothing here knows the ledger or HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from opsctl.promises.model import Word
from opsctl.report.status import CustomerStatus


class Group(StrEnum):
    """In which part of the page a customer stands, worst first."""

    BROKEN = "broken"
    UNKNOWN = "unknown"
    WATCH = "watch"
    CALM = "calm"


@dataclass(frozen=True)
class Disk:
    """A volume. used: by day in percent of what is usable. low, estimate, high: growth in percent a day, None without.

    text: the forecast in words.
    """

    place: str
    used: tuple[tuple[date, float], ...]
    low: float | None
    estimate: float | None
    high: float | None
    text: str
    full: date | None

    @property
    def now(self) -> float:
        """Percent used at the last measurement."""
        return self.used[-1][1] if self.used else 0.0


@dataclass(frozen=True)
class Window:
    """A window of many customers: when, in their own time, and what is due in it by customer."""

    opens: datetime
    closes: datetime
    zone: str
    customers: tuple[str, ...]
    due: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ask:
    """An open request against its clock. step: 0 to 4, how much of it is used; word: the same in words."""

    id: str
    customer: str
    level: str
    state: str
    received: str
    target: str
    step: int
    word: str


@dataclass(frozen=True)
class ReleaseLine:
    """A version, and who has it. note: such as the end of its support."""

    version: str
    published: str
    until: str
    hosted: int
    own: int
    note: str
    kind: str


@dataclass(frozen=True)
class Row:
    """One customer. days: its backups of the last 30 local days. disk: the volume that matters most."""

    status: CustomerStatus
    name: str
    group: Group
    days: tuple[tuple[date, Word], ...] = ()
    disk: Disk | None = None
    requests: int = 0
    late: int = 0
    window: str = ""
    watch: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """The whole page. asks: the open requests that are shown, of `open_requests`."""

    at: datetime
    day: date
    rows: tuple[Row, ...]
    asks: tuple[Ask, ...]
    open_requests: int
    releases: tuple[ReleaseLine, ...]
    windows: tuple[Window, ...]
    problems: tuple[str, ...] = ()
    generated: bool = False

    def of(self, group: Group) -> tuple[Row, ...]:
        """The rows of one part."""
        return tuple(row for row in self.rows if row.group is group)
