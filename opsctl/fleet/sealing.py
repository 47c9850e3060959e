"""Published release files are immutable: each is sealed by the first night, or the first installation, that sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.outcome import OPERATOR
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import ReleaseStatus
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace

SEALED = "release.sealed"


def broken_seals(sealed: Iterable[Mapping[str, Any]], releases: Catalogue) -> tuple[str, ...]:
    """One line per file that was edited after its seal without a raised `revision`. sealed: payloads, oldest first."""
    newest = {str(seal["version"]): seal for seal in sealed}
    lines = []
    for version, seal in newest.items():
        release = releases.get(Version.parse(version))
        if release is None:
            lines.append(f"{version}: its file is gone, although the release was installed")
        elif _hash(releases, release.version) != seal["sha256"] and release.revision <= int(seal["revision"]):
            lines.append(f"{releases.files[release.version]}: was changed after an installation; raise `revision` "
                         f"above {seal['revision']}")
    return tuple(lines)


def require_seals(workplace: Workplace, releases: Catalogue) -> None:
    """ConfigurationError when a published file is not what it was."""
    broken = broken_seals(_sealed(workplace), releases)
    if broken:
        raise ConfigurationError("published release files were changed", "put them back, or raise `revision`; those "
                                 "who were told get a correction", broken)


def published(workplace: Workplace, releases: Catalogue) -> OpsctlError | None:
    """Seal every release file that is published; why it cannot be, when one was edited without a raised `revision`."""
    try:
        seal(workplace, releases, [str(version) for version in releases.releases])
    except OpsctlError as error:
        return error
    return None


def seal(workplace: Workplace, releases: Catalogue, versions: Iterable[str]) -> None:
    """Record the files of `versions` where their present revision is not recorded yet; checks all seals before."""
    require_seals(workplace, releases)
    known = {(entry["version"], entry["revision"]) for entry in _sealed(workplace)}
    for version in versions:
        release = releases.releases[Version.parse(version)]
        if release.status is not ReleaseStatus.DRAFT and (version, release.revision) not in known:
            workplace.ledger.append(OPERATOR, SEALED, {"version": version, "revision": release.revision,
                                                    "sha256": _hash(releases, release.version)}, actor=workplace.actor)


def _sealed(workplace: Workplace) -> list[Mapping[str, Any]]:
    return [entry.payload for entry in workplace.ledger.entries(OPERATOR, kinds=(SEALED,))]


def _hash(releases: Catalogue, version: Version) -> str:
    return sha256(releases.files[version].read_bytes()).hexdigest()
