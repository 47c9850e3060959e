"""Findings about space that is needed soon, from the release files, the ledger and the store's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from opsctl.core.errors import OpsctlError
from opsctl.profiles.hosted import DirectoryStore, HostRole
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.installed import known_version
from opsctl.runs.workplace import Workplace
from opsctl.storage.model import Finding, Level, Measurement
from opsctl.storage.needs import backup_space, release_space

NIGHTS = 14


def outlook(workplace: Workplace, profile: KamstrupProfile, measured: Sequence[Measurement],
            releases: Catalogue | OpsctlError) -> Iterator[Finding]:
    """What the next release and a month of backups need. What cannot be known is said, and breaks no check."""
    if isinstance(releases, OpsctlError):
        yield Finding(Level.WARNING, "next release", f"its need for space is not known: {releases.message}")
    else:
        coming = releases.newest(known_version(workplace, profile))
        if coming is not None:
            hosts = [host.name for host in profile.hosts if HostRole.APPLICATION in host.roles]
            yield from release_space(measured, hosts, str(coming.version), coming.requires.free_space_mb)
    policy, second = profile.backup, profile.backup.second_store
    if isinstance(policy.store, DirectoryStore):
        yield from _store(workplace, profile, policy.store.path, ("backup.completed", "backup.removed"),
                          policy.keep_days)
    if second is not None and isinstance(second.store, DirectoryStore):
        yield from _store(workplace, profile, second.store.path, ("backup.copied", "backup.copy-removed"),
                          second.keep_days)


def _store(workplace: Workplace, profile: KamstrupProfile, path: str, kinds: tuple[str, str],
           keep_days: int) -> Iterator[Finding]:
    """kinds: of the evidence of what came into the store and what went."""
    sizes: dict[str, int] = {}
    nights: dict[str, int] = {}
    for entry in workplace.ledger.entries(profile.customer, kinds=kinds):
        name = str(entry.payload["backup_id"])
        if entry.kind == kinds[1]:
            sizes.pop(name, None)
            continue
        sizes[name] = int(entry.payload["bytes"])
        nights[entry.payload["day"]] = nights.get(entry.payload["day"], 0) + sizes[name]
    try:
        found = os.statvfs(path)
    except FileNotFoundError:
        return  # the first backup makes the folder
    except OSError as error:
        yield Finding(Level.UNKNOWN, path, f"the backup store's space is not known: {error.strerror}")
        return
    enough = backup_space(path, found.f_bavail * found.f_frsize, sum(sizes.values()), list(nights.values())[-NIGHTS:],
                          keep_days)
    if enough is not None:
        yield enough
