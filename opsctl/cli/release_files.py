"""`opsctl release list|show|validate|path`: the release files themselves, without any customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import settings, workplace
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.releases.catalogue import Catalogue
    from opsctl.releases.changes import Change
    from opsctl.releases.model import Release
    from opsctl.releases.version import Version

WITHOUT = "it reads release files and delivers nothing"
OneVersion = Annotated[str, typer.Argument(metavar="VERSION", help="A release of `opsctl release list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `release`."""
    for name, function in (("list", list_releases), ("show", show), ("validate", validate), ("path", way)):
        command(app, "release", name, kind=Kind.ASKS, without=WITHOUT)(function)


def list_releases() -> Result:
    """List the releases, newest first, with kind, status and what an installation needs."""
    releases = _catalogue()
    found = sorted(releases.releases.values(), key=lambda release: release.version, reverse=True)
    rows = [(release.version, release.kind, release.status,
             release.published_at.date() if release.published_at else "-",
             ", ".join([f"{release.install.downtime_minutes} min", *(["migration"] if release.install.db_migration
                                                                     else []),
                        *(["required stop"] if release.upgrade.stop else [])]),
             release.summary.en) for release in found]
    data = [{"version": str(release.version), "kind": release.kind.value, "status": release.status.value,
             "published_at": release.published_at.isoformat() if release.published_at else None,
             "stop": release.upgrade.stop, "summary": release.summary.en} for release in found]
    return Result({"releases": data}, table(("release", "kind", "status", "published", "installation", "what"), rows)
                  if rows else "there are no release files")


def show(version: OneVersion) -> Result:
    """Show one release: requirements, changes with error ids and CVE, modules, the way back."""
    releases = _catalogue()
    release = _release(releases, version)
    needs, install = release.requires, release.install
    lines = [f"READY {release.version}, {release.kind}, {release.status}, revision {release.revision}",
             release.summary.en, "",
             f"installs over  {release.upgrade.from_versions}{'; a required stop' if release.upgrade.stop else ''}",
             f"needs          {', '.join(f'{one.name} {one.min}' for one in needs.os)}; "
             f"{', '.join(f'{one.engine} {one.min}' for one in needs.database)}; {needs.free_space_mb} MB",
             f"installation   {install.downtime_minutes} minutes, restarts {install.restart}, "
             f"{'migrates' if install.db_migration else 'does not migrate'} the database",
             f"way back       {release.rollback.method if release.rollback.supported else 'none'}, reversible until "
             f"{install.reversible_until}",
             "modules        " + ", ".join(f"{name} (new)" if one.new else name
                                           for name, one in release.modules.items())]
    if release.withdrawn is not None:
        lines.insert(1, f"WITHDRAWN: {release.withdrawn.reason.en}")
    rows = [(change.type, ", ".join(_ids(change)) or "-", change.text.en) for change in release.changes]
    data = {"release": release.model_dump(mode="json", by_alias=True), "file": str(releases.files[release.version])}
    return Result(data, "\n".join([*lines, "", table(("change", "ids", "text"), rows)]))


def _ids(change: Change) -> list[str]:
    """Its error id and CVE numbers."""
    return [*filter(None, [getattr(change, "error", None)]), *getattr(change, "cve", ())]


def validate() -> Result:
    """Check every release file, alone, against the others, and against what was installed by it."""
    from opsctl.fleet.sealing import require_seals

    releases = _catalogue()
    with workplace(acts=False) as place:
        require_seals(place, releases)
    count = len(releases.releases)
    return Result({"valid": count}, f"{count} release files are valid")


def way(start: Annotated[str, typer.Option("--from", metavar="VERSION", help="The installed release.")],
        to: Annotated[str, typer.Option("--to", metavar="VERSION", help="The release to get to.")]) -> Result:
    """Show which releases are installed on the way, with the required stops."""
    from opsctl.releases.path import path

    releases = _catalogue()
    target = _release(releases, to)
    found = path(releases, version_of(start), target)
    hops = [str(hop.version) for hop in found.hops] if found else []
    return Result({"from": start, "to": to, "hops": hops},
                  " -> ".join([start, *hops]) if hops else f"{start} is not below {to}: nothing to install")


def _catalogue() -> Catalogue:
    from opsctl.releases.catalogue import load

    return load(settings().releases)


def _release(releases: Catalogue, text: str) -> Release:
    found = releases.get(version_of(text))
    if found is None:
        raise UsageError(f"there is no release {text}", "see `opsctl release list`")
    return found


def version_of(text: str) -> Version:
    """A version as it was typed; UsageError that names it when it is none."""
    from opsctl.releases.version import Version

    try:
        return Version.parse(text)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} {error}", "see `opsctl release list`") from None
