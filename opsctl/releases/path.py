"""The path from the installed version to a release: which releases to install, in which order. Pure.

What a release contains follows from what it was developed from (`previous`), not from the order of numbers
or dates: 5.3.9 may be published after 5.4.0, and 5.4.0 does not contain it.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.core.errors import ConfigurationError
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.version import Version


@dataclass(frozen=True)
class UpgradePath:
    """The releases to install in this order; the last is the target.

    installed: None when it is not known; then `hops` holds every stop that may lie on the way.
    contained: published releases between that need no installation of their own, newest first.
    """

    installed: Version | None
    hops: tuple[Release, ...]
    contained: tuple[Release, ...]

    @property
    def target(self) -> Release:
        """The release at the end."""
        return self.hops[-1]


def path(catalogue: Catalogue, installed: Version | None, target: Release) -> UpgradePath | None:
    """The way to `target`; None when `installed` is not below it.

    Raises ConfigurationError when a step does not install over the one before it.
    """
    if installed is not None and installed >= target.version:
        return None
    between = [release for release in catalogue.lineage(target.version)[1:]
               if release.status is ReleaseStatus.PUBLISHED and (installed is None or release.version > installed)]
    stops = [release for release in reversed(between) if release.upgrade.stop]
    hops = (*stops, target)
    for before, hop in zip((installed, *(stop.version for stop in stops)), hops, strict=True):
        if before is not None and before not in hop.upgrade.from_versions:
            raise ConfigurationError(
                f"{hop.version} does not install over {before}: it asks for {hop.upgrade.from_versions}",
                "mark a release between them with `upgrade.stop: true`, or widen `upgrade.from`")
    contained = tuple(release for release in between if not release.upgrade.stop) if installed is not None else ()
    return UpgradePath(installed, hops, contained)
