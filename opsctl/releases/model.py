"""One file per READY release, drives both installs and notices. Closed schema.

A published file is immutable: an edit raises `revision`, and those who were told get a correction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, field_validator, model_validator

from opsctl.profiles.parts import Identifier, Language, Part
from opsctl.releases.changes import Change, KnownIssue, Text
from opsctl.releases.version import RangeField, Step, VersionField

MinimumVersion = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$", description="Oldest version that will do.")]
_DEBIAN_REVISION = re.compile(r"(-[0-9A-Za-z.+~]+)?")


class ReleaseStatus(StrEnum):
    """Where a release stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Withdrawal(Part):
    """When and why a release was taken back."""

    at: AwareDatetime
    reason: Text
    replaced_by: VersionField | None = Field(default=None, description="Leave out while nothing replaces it.")


class Support(Part):
    """Until when fixes are made for the branch; the day is inclusive."""

    until: date
    branch: str = Field(pattern=r"^[0-9]+\.[0-9]+$", description="In quotes, such as \"5.4\".")


class Artifact(Part):
    """One file to download."""

    os: Identifier
    url: str = Field(pattern=r"^https://[^/@\s]+/\S+$", description="TLS only.")
    size: int = Field(ge=1, description="Bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    signature: str | None = Field(default=None, pattern=r"^https://[^/@\s]+/\S+$")


class AptPackage(Part):
    """The package in the signed apt repository, whose index carries size and SHA-256."""

    package: str = Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")
    version: str = Field(pattern=r"^[0-9][0-9A-Za-z.+~-]*$")


class OperatingSystem(Part):
    """An operating system the release runs on."""

    name: Identifier
    min: MinimumVersion


class DatabaseEngine(Part):
    """A database engine the release runs on."""

    engine: Identifier
    min: MinimumVersion


class Middleware(Part):
    """Middleware the release needs."""

    name: Identifier
    min: MinimumVersion


class Requirements(Part):
    """What must be there before the release is installed. One of `os` and one of `database` is enough."""

    os: tuple[OperatingSystem, ...] = Field(min_length=1)
    database: tuple[DatabaseEngine, ...] = Field(min_length=1)
    middleware: tuple[Middleware, ...] = ()
    free_space_mb: int = Field(ge=0, description="Megabytes free on the application host.")
    third_party_licences: tuple[str, ...] = ()


class Module(Part):
    """A module in the release. A new one stays off until it is agreed with the customer (P50)."""

    title: Text | None = Field(default=None, description="Its name in notices; left out: its identifier.")
    licensed: bool = False
    new: bool = False


class Restart(StrEnum):
    """What restarts while installing, in rising order of disturbance."""

    NONE = "none"
    SERVICE = "service"
    HOST = "host"


class Install(Part):
    """How the release is installed. `playbook` names one of the catalogue, without its suffix."""

    playbook: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    restart: Restart
    downtime_minutes: int = Field(ge=0, le=1440)
    db_migration: bool
    reversible_until: Literal["always", "migration", "never"] = Field(description="The point of no return.")

    @model_validator(mode="after")
    def _migration_exists(self) -> Install:
        if self.reversible_until == "migration" and not self.db_migration:
            raise ValueError("reversible_until: migration needs db_migration: true; otherwise write always or never")
        return self


class Rollback(Part):
    """How to get back to the version before."""

    supported: bool
    method: Literal["reinstall", "restore-backup"]
    minutes: int = Field(ge=0, le=1440)


class Upgrade(Part):
    """From which versions the release installs; a stop may not be skipped on the way to a later release."""

    from_versions: RangeField = Field(alias="from")
    stop: bool = False


class Action(Part):
    """What a customer has to do itself, and by the end of which day."""

    by: date
    text: Text


class ActionRequired(Part):
    """Actions by hosting."""

    customer_hosted: Action | None = None


class Release(Part):
    """One release of READY."""

    schema_version: Literal[1]
    version: VersionField
    kind: Step = Field(description="Must equal the step from `previous`.")
    previous: VersionField = Field(description="The final release that this one was developed from.")
    status: ReleaseStatus
    sample: bool = Field(default=False, description="True marks an invented release of the lab.")
    revision: int = Field(default=1, ge=1, description="Raised by each edit after publication.")
    correction: Text | None = Field(default=None, description="What a revision above 1 corrects, for those who were "
                                                              "told before.")
    published_at: AwareDatetime | None = None
    withdrawn: Withdrawal | None = None
    translated_by: dict[Language, str] = Field(default={}, description="Who answers for a translation.")
    summary: Text
    support: Support
    artifacts: tuple[Artifact, ...] = ()
    apt: AptPackage | None = None
    requires: Requirements
    modules: dict[Identifier, Module] = Field(min_length=1)
    install: Install
    rollback: Rollback
    upgrade: Upgrade
    changes: tuple[Change, ...] = Field(min_length=1)
    known_issues: tuple[KnownIssue, ...] = ()
    action_required: ActionRequired = ActionRequired()

    @field_validator("published_at", mode="after")
    @classmethod
    def _whole_seconds(cls, value: datetime | None) -> datetime | None:
        return value if value is None else value.replace(microsecond=0)

    @model_validator(mode="after")
    def _consistent(self) -> Release:
        for problem in (*_version_problems(self), *_status_problems(self), *_module_problems(self)):
            raise ValueError(problem)
        return self


def _version_problems(release: Release) -> Iterator[str]:
    if release.previous.pre:
        yield "previous: name the final release before this one, not a pre-release"
    elif release.version.core <= release.previous.core:
        yield "previous: must lie below `version`"
    elif release.kind is not release.version.step_from(release.previous):
        yield f"kind: must be {release.version.step_from(release.previous)}, the step from `previous`"
    if release.support.branch != release.version.branch:
        yield f'support.branch: must be "{release.version.branch}", as the version says'
    if release.version in release.upgrade.from_versions:
        yield "upgrade.from: must not contain the release itself; close the range below it"


def _status_problems(release: Release) -> Iterator[str]:
    if release.status is not ReleaseStatus.DRAFT and release.published_at is None:
        yield "published_at: is missing; only a draft has none"
    if release.revision == 1 and release.correction is not None:
        yield "correction: belongs to a revision above 1; raise `revision`"
    if (release.status is ReleaseStatus.WITHDRAWN) != (release.withdrawn is not None):
        yield "withdrawn: belongs to status withdrawn, and only to it; add or remove it"
    if release.status is not ReleaseStatus.DRAFT and not release.artifacts and release.apt is None:
        yield "artifacts: is missing; name at least one file to download, or the package under `apt`"
    if release.apt is not None:
        upstream = str(release.version).replace("-", "~")
        rest = release.apt.version.removeprefix(upstream)
        if rest == release.apt.version or not _DEBIAN_REVISION.fullmatch(rest):
            yield f"apt.version: must be {upstream}, with a Debian revision such as -1 or without"


def _module_problems(release: Release) -> Iterator[str]:
    named = {name for change in release.changes for name in change.modules}
    named.update(name for issue in release.known_issues for name in issue.modules)
    if named - set(release.modules):
        yield "changes and known_issues: a module they name is not listed under `modules`; add it there"


ADAPTER: TypeAdapter[Release] = TypeAdapter(Release)
