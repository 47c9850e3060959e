"""What each kind of notice is about, apart from an available release: pure values without any language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from opsctl.notices.by_hand import InstallSource, MaintenanceSource, ModuleSource
from opsctl.notices.model import Facts, NoticeKind, OfRelease, Period
from opsctl.profiles.parts import Licence
from opsctl.releases.content import Content
from opsctl.releases.model import Release
from opsctl.releases.path import UpgradePath
from opsctl.releases.platform import PlatformAdvisory

IN_CALENDARS = frozenset({NoticeKind.PLANNED, NoticeKind.MAINTENANCE_PLANNED, NoticeKind.MAINTENANCE_CHANGED,
                          NoticeKind.MAINTENANCE_CANCELLED, NoticeKind.MAINTENANCE_DONE})
"""Kinds with something for a calendar; a cancelled one takes it out again."""


@dataclass(frozen=True)
class InstallFacts(OfRelease):
    """A release that Kamstrup installs, before (planned) or after (done) (P49)."""

    way: UpgradePath
    content: Content
    source: InstallSource
    reported: frozenset[str] = frozenset()

    @property
    def notice(self) -> str:
        return f"{self.kind.value}-{self.release}"

    @property
    def happens(self) -> Period | None:
        return Period(self.source.start, self.source.end) if self.kind in IN_CALENDARS else None


@dataclass(frozen=True)
class MaintenanceFacts(Facts):
    """Work on the platform. was: the times that were told before, when they are others."""

    source: MaintenanceSource
    was: Period | None

    @property
    def notice(self) -> str:
        return f"maintenance.{self.source.id}"

    @property
    def happens(self) -> Period | None:
        return Period(self.source.start, self.source.end) if self.kind in IN_CALENDARS else None


@dataclass(frozen=True)
class SupportFacts(Facts):
    """The end of support of the installed release. stage: the reminder's number of days before it.

    way: to the release that is supported; None when nothing newer is published.
    """

    installed: Release
    stage: int
    way: UpgradePath | None

    @property
    def notice(self) -> str:
        return f"end-of-support-{self.installed.version}.d{self.stage}"

    @property
    def release(self) -> str:
        return str(self.installed.version)


@dataclass(frozen=True)
class LicenceFacts(Facts):
    """A third-party licence that ends. stage: as in SupportFacts.

    others: more entries of the same licence with the same end, such as by another metric.
    """

    licence: Licence
    identity: str
    until: date
    stage: int
    others: tuple[Licence, ...] = ()

    @property
    def notice(self) -> str:
        return f"licence.{self.identity}.{self.until.isoformat()}.d{self.stage}"


@dataclass(frozen=True)
class PlatformFacts(Facts):
    """What runs under READY: supported versions, their end of support, required patches (P21)."""

    advisory: PlatformAdvisory
    installed: str

    @property
    def notice(self) -> str:
        return f"platform.{self.advisory.id}"


@dataclass(frozen=True)
class RecallFacts(Facts):
    """A release that customers were told of was withdrawn, or its file was corrected.

    told_at: when the customer was told. told: the release file's revision then. installed: as the profile says.
    """

    subject: Release
    told: int
    told_at: datetime
    installed: str

    @property
    def notice(self) -> str:
        version = self.subject.version
        return (f"withdrawal-{version}" if self.kind is NoticeKind.WITHDRAWAL
                else f"correction-{version}.r{self.subject.revision}")

    @property
    def release(self) -> str:
        return str(self.subject.version)


@dataclass(frozen=True)
class ModuleFacts(Facts):
    """A new module that is proposed; it is installed only after an agreement (P50)."""

    subject: Release
    source: ModuleSource

    @property
    def notice(self) -> str:
        return f"module.{self.source.module}"

    @property
    def release(self) -> str:
        return str(self.subject.version)
