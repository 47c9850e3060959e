"""The values of the notices room: what a notice is about, who gets it, and how its text is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from opsctl.profiles.parts import Language
from opsctl.releases.changes import Text
from opsctl.releases.content import Content
from opsctl.releases.model import Action
from opsctl.releases.path import UpgradePath

DANISH_TIME = "Europe/Copenhagen"
"""The zone of every time and day in a notice (P32)."""


class NoticeKind(StrEnum):
    """Kinds that can be drafted (P22, P23)."""

    UPDATE = "update"
    MAJOR = "major"


@dataclass(frozen=True)
class Withdrawn:
    """The installed release was taken back."""

    at: datetime
    reason: Text


@dataclass(frozen=True)
class Facts:
    """What a notice tells one customer, without any language.

    support_until: of the installed release; None when it is not known. module_titles: by module.
    """

    kind: NoticeKind
    customer: str
    customer_name: str
    modules: tuple[str, ...]
    module_titles: Mapping[str, Text]
    way: UpgradePath
    content: Content
    published_at: datetime
    support_until: date | None
    out_of_support: bool
    withdrawn: Withdrawn | None
    action: Action | None
    sample: bool

    @property
    def notice(self) -> str:
        """The notice's id; the same for every customer."""
        return f"release-{self.way.target.version}"


@dataclass(frozen=True)
class Recipient:
    """One contact who is told; each gets a message of its own."""

    name: str
    address: str
    language: Language


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
    """Running text; `strong` for what must not be overlooked."""

    words: str
    strong: bool = False
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
    """A whole notice in one language, before it is text or HTML: both are rendered from this one value."""

    language: Language
    subject: str
    title: str
    salutation: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
