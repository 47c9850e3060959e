"""The facts of a notice that a person drafts: closed schemas, read with every error by file, line and column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from opsctl.core.errors import UsageError
from opsctl.notices.model import NoticeKind
from opsctl.profiles.document import Problem, configuration_error, read_document
from opsctl.profiles.parts import Identifier, OneLine, Part
from opsctl.profiles.validation import validate_document
from opsctl.releases.changes import Text
from opsctl.releases.version import VersionField

Impact = Literal["no-impact", "reduced-redundancy", "degraded", "outage"]
"""What users notice at worst; the words of the calendar part's X-MAINTNOTE-IMPACT."""


class _Times(Part):
    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> _Times:
        if self.end <= self.start:
            raise ValueError("end must lie after start")
        return self


class MaintenanceSource(_Times):
    """Work on the platform: planned, changed, cancelled or done. The same `id` all the way."""

    schema_version: Literal[1]
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40, description="Such as 2026-12-database.")
    impact: Impact
    systems: tuple[Annotated[str, OneLine, Field(min_length=1, max_length=60)], ...] = Field(
        min_length=1, description="What it is about, such as READY or readings API.")
    summary: Text = Field(description="What is done, in one or two sentences.")
    reason: Text | None = Field(default=None, description="Why it is changed or cancelled.")
    result: Text | None = Field(default=None, description="How it ended.")


class InstallSource(_Times):
    """A release that Kamstrup installs, or has installed."""

    schema_version: Literal[1]
    release: VersionField
    before: VersionField | None = Field(default=None, description="The version that was there before; for `done`.")
    result: Text | None = Field(default=None, description="How it ended.")
    outcome: Literal["taken-back"] | None = Field(default=None, description="For `done`: it did not succeed, and "
                                                                            "`before` runs again.")
    run: str | None = Field(default=None, description="The run whose evidence proves how it ended; opsctl writes it.")


class ModuleSource(Part):
    """A module that is proposed."""

    schema_version: Literal[1]
    release: VersionField
    module: Identifier
    summary: Text = Field(description="What it does for the customer.")
    terms: Text | None = Field(default=None, description="Price and conditions, when they are known.")
    answer_by: date


Source = MaintenanceSource | InstallSource | ModuleSource

_ADAPTERS: Mapping[NoticeKind, TypeAdapter[Any]] = {
    **dict.fromkeys((NoticeKind.MAINTENANCE_PLANNED, NoticeKind.MAINTENANCE_CHANGED, NoticeKind.MAINTENANCE_CANCELLED,
                     NoticeKind.MAINTENANCE_DONE), TypeAdapter(MaintenanceSource)),
    **dict.fromkeys((NoticeKind.PLANNED, NoticeKind.DONE), TypeAdapter(InstallSource)),
    NoticeKind.MODULE_PROPOSAL: TypeAdapter(ModuleSource),
}
_NEEDS: Mapping[NoticeKind, tuple[str, ...]] = {
    NoticeKind.MAINTENANCE_CHANGED: ("reason",), NoticeKind.MAINTENANCE_CANCELLED: ("reason",),
    NoticeKind.MAINTENANCE_DONE: ("result",), NoticeKind.DONE: ("result",),
}
_TELLABLE = {NoticeKind.MAINTENANCE_CHANGED: {"reason"}, NoticeKind.MAINTENANCE_CANCELLED: {"reason"},
             NoticeKind.MAINTENANCE_DONE: {"reason", "result"}, NoticeKind.DONE: {"result", "before", "outcome"}}


def read(path: Path, kind: NoticeKind) -> Source:
    """The facts in `path`; ConfigurationError with every problem as file:line:column."""
    if kind not in _ADAPTERS:
        raise UsageError(f"{kind.value} is drafted from release files and profiles, not from a file of facts",
                         f"give --file only with --kind {', '.join(sorted(one.value for one in _ADAPTERS))}")
    document = read_document(path, path.parent)
    source: Source = validate_document(_ADAPTERS[kind], document)
    problems = list(_misfits(kind, source, document.position))
    if problems:
        raise configuration_error(document.file, problems)
    return source


def _misfits(kind: NoticeKind, source: Source, position: Any) -> Iterator[Problem]:
    for name in _NEEDS.get(kind, ()):
        if getattr(source, name) is None:
            yield Problem(position(()), (name,), f"is missing; a notice of kind {kind.value} says it")
    if getattr(source, "outcome", None) is not None and getattr(source, "before", None) is None:
        yield Problem(position(("outcome",)), ("outcome",), "needs `before`, the version that runs again")
    for name in ("reason", "result", "before", "outcome", "run"):
        if getattr(source, name, None) is not None and name not in _TELLABLE.get(kind, set()):
            yield Problem(position((name,)), (name,), f"is not told by a notice of kind {kind.value}; remove it")


def dumped(source: Source) -> dict[str, Any]:
    """The source as the ledger keeps it."""
    return source.model_dump(mode="json", exclude_none=True)


def recalled(kind: NoticeKind, data: Mapping[str, Any]) -> Source:
    """A source as the ledger kept it."""
    found: Source = _ADAPTERS[kind].validate_json(json.dumps(data), strict=True)
    return found


def texts(source: Source) -> Iterator[tuple[str, Text]]:
    """Each text by its key."""
    for name in ("summary", "reason", "result", "terms"):
        text = getattr(source, name, None)
        if text is not None:
            yield name, text
