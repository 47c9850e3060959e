"""The values of the notices room: what a notice is about, who gets it, and how its text is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from opsctl.profiles.parts import CalendarWish, Language
from opsctl.releases.changes import Text
from opsctl.releases.content import Content, Headline
from opsctl.releases.model import Action
from opsctl.releases.path import UpgradePath

DANISH_TIME = "Europe/Copenhagen"
"""The zone of every time and day in a notice (P32)."""


class NoticeKind(StrEnum):
    """Every kind of notice. What the contract says of each stands in `kinds`."""

    UPDATE = "update"
    MAJOR = "major"
    SECURITY = "security"
    PLANNED = "planned"
    DONE = "done"
    PLATFORM = "platform"
    MAINTENANCE_PLANNED = "maintenance-planned"
    MAINTENANCE_CHANGED = "maintenance-changed"
    MAINTENANCE_CANCELLED = "maintenance-cancelled"
    MAINTENANCE_DONE = "maintenance-done"
    END_OF_SUPPORT = "end-of-support"
    LICENCE_EXPIRY = "licence-expiry"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    MODULE_PROPOSAL = "module-proposal"


@dataclass(frozen=True)
class Withdrawn:
    """The installed release was taken back."""

    at: datetime
    reason: Text


@dataclass(frozen=True)
class Period:
    """From `start` to `end`, both aware."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Facts:
    """What every notice knows of the customer, without any language; each kind adds its own (see `matters`).

    hosted: Kamstrup hosts the system. module_titles: by module. sample: invented data, for sample customers only.
    """

    kind: NoticeKind
    customer: str
    customer_name: str
    hosted: bool
    modules: tuple[str, ...]
    module_titles: Mapping[str, Text]
    sample: bool

    @property
    def notice(self) -> str:
        """The notice's id; it has a dot, which no customer's name has. Customers who get the same share it."""
        raise NotImplementedError

    @property
    def release(self) -> str:
        """The version that the notice is about; empty when it is about none."""
        return ""

    @property
    def installed_version(self) -> str:
        """The installed version as far as the notice speaks of it; empty when it is not known."""
        return ""

    @property
    def security(self) -> bool:
        """Whether it tells of a vulnerability."""
        return False

    @property
    def happens(self) -> Period | None:
        """When something happens that belongs in a calendar."""
        return None


class OfRelease(Facts):
    """What facts about one release tell by its path and content."""

    way: UpgradePath
    content: Content

    @property
    def release(self) -> str:
        return str(self.way.target.version)

    @property
    def installed_version(self) -> str:
        return str(self.way.installed) if self.way.installed else ""

    @property
    def security(self) -> bool:
        return self.content.headline is Headline.SECURITY


@dataclass(frozen=True)
class ReleaseFacts(OfRelease):
    """An available release for a customer that installs it itself.

    support_until: of the installed release; None when it is not known. restricted: why the customer is told of the
    vulnerabilities alone; `agreement` (it has ended) or `entitlement` (majors are not in it). reported: error ids that
    this customer reported (P08).
    """

    way: UpgradePath
    content: Content
    published_at: datetime
    support_until: date | None
    out_of_support: bool
    withdrawn: Withdrawn | None
    action: Action | None
    restricted: Literal["", "agreement", "entitlement"] = ""
    reported: frozenset[str] = frozenset()

    @property
    def notice(self) -> str:
        return f"{'security' if self.restricted else 'release'}-{self.way.target.version}"


@dataclass(frozen=True)
class Recipient:
    """One contact who is told; each gets a message of its own."""

    name: str
    address: str
    language: Language
    calendar: CalendarWish = CalendarWish.ATTACH


@dataclass(frozen=True)
class Edition:
    """Which revision of a notice, when it was drafted, and what changed since the one before (part names)."""

    revision: int
    date: datetime
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """Words that lead somewhere."""

    words: str
    target: str


@dataclass(frozen=True)
class Paragraph:
    """Running text; `strong` for what must not be overlooked. language: when it is not the letter's."""

    words: str
    strong: bool = False
    language: Language | None = None
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Banner:
    """A paragraph in a frame, before everything else."""

    words: str
    kind: Literal["banner"] = "banner"


@dataclass(frozen=True)
class Item:
    """One point of a list, with lines below it."""

    words: str
    lines: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True)
class Points:
    """A list, numbered or not, with a heading of its own when `title` is not empty."""

    items: tuple[Item, ...]
    title: str = ""
    numbered: bool = False
    kind: Literal["points"] = "points"


@dataclass(frozen=True)
class Pairs:
    """Labels and what belongs to them."""

    rows: tuple[tuple[str, str | Link], ...]
    kind: Literal["pairs"] = "pairs"


@dataclass(frozen=True)
class Row:
    """A row of a table: its name, what the name means, and the value."""

    name: str
    words: str
    value: str


@dataclass(frozen=True)
class Table:
    """A table of two columns, each with a head; narrow enough for a phone."""

    caption: str
    head: tuple[str, str]
    rows: tuple[Row, ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Command:
    """Lines to type."""

    lines: tuple[str, ...]
    kind: Literal["command"] = "command"


@dataclass(frozen=True)
class Reference:
    """A link on a line of its own."""

    link: Link
    kind: Literal["reference"] = "reference"


Block = Paragraph | Banner | Points | Pairs | Table | Command | Reference


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Letter:
    """A whole notice in one language, before it is text or HTML: both are rendered from this one value.

    summary: what it says in one sentence or two, for the calendar.
    """

    kind: NoticeKind
    language: Language
    subject: str
    title: str
    summary: str
    salutation: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
