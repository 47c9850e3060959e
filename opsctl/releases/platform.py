"""Platform advisories: one file each in `releases/platform/`, for customers that run the machines themselves (P21).

What operating systems, databases and middleware are supported under which versions of READY, until when their makers
support them, and which patches are required.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from opsctl.core.errors import ConfigurationError
from opsctl.profiles.document import Problem, read_document
from opsctl.profiles.parts import Identifier, OneLine, Part
from opsctl.profiles.validation import validate_document
from opsctl.releases.changes import CveId, Text
from opsctl.releases.version import RangeField

PlainVersion = Annotated[str, Field(pattern=r"^[0-9]+([.:+~-]?[0-9a-z]+)*$", max_length=40)]


class Supported(Part):
    """One product that READY runs on. until: its maker's last day of support; left out when it is not known."""

    name: Identifier
    version: PlainVersion
    until: date | None = None


class RequiredPatch(Part):
    """A patch that has to be installed. min: the first version that has it. by: the last day."""

    name: Annotated[str, OneLine] = Field(min_length=1, max_length=60)
    min: PlainVersion
    cve: tuple[CveId, ...] = ()
    by: date | None = None
    text: Text


class PlatformAdvisory(Part):
    """One advisory. `id` is the file's name; `ready`: the installed versions it is for."""

    schema_version: Literal[1]
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)
    sample: bool = False
    issued_at: AwareDatetime
    ready: RangeField
    summary: Text
    os: tuple[Supported, ...] = Field(min_length=1)
    database: tuple[Supported, ...] = Field(min_length=1)
    middleware: tuple[Supported, ...] = ()
    patches: tuple[RequiredPatch, ...] = ()


_ADAPTER: TypeAdapter[PlatformAdvisory] = TypeAdapter(PlatformAdvisory)


def load(folder: Path) -> tuple[PlatformAdvisory, ...]:
    """All advisories of `folder`, oldest first; none when there is no folder. ConfigurationError with all errors."""
    found: list[PlatformAdvisory] = []
    details: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            document = read_document(path, folder)
            advisory = validate_document(_ADAPTER, document)
        except ConfigurationError as error:
            details.extend(error.details or (error.message,))
            continue
        if advisory.id != path.stem:
            details.append(Problem(document.position(("id",)), ("id",), f"must be the file's name, {path.stem}")
                           .line(document.file))
        found.append(advisory)
    if details:
        raise ConfigurationError(f"the platform advisories in {folder} have {len(details)} error"
                                 f"{'' if len(details) == 1 else 's'}", "correct the lines named", tuple(details))
    return tuple(sorted(found, key=lambda advisory: (advisory.issued_at, advisory.id)))
