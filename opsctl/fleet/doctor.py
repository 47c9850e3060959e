"""Is this machine, its settings and each customer's surroundings fit for work? Leaves nothing but a locked probe."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

from opsctl.adapters.silences import version
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import OPERATOR
from opsctl.ledger.checkpoints import WRITTEN
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace

CLOCK_LIMIT_SECONDS = 600.0
"""Beyond this no backup is removed (P17), so the doctor complains first."""
CHECKPOINT_AGE = timedelta(hours=36)


class Finding(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a verdict, no secret
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of the doctor. what: the group and thing checked; detail: what was seen; remedy: what to do."""

    group: str
    what: str
    finding: Finding
    detail: str
    remedy: str = ""


def examine(place: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError], *,
            hosts: bool) -> Iterator[Check]:
    """All checks, in order. hosts: also connect to hosts and stores."""
    yield from machine(place.settings)
    for customer, error in broken.items():
        yield Check("profiles", customer, Finding.FAIL, (error.details or (error.message,))[0], error.resolution)
    if not broken:
        yield Check("profiles", "all", Finding.PASS, f"{len(profiles)} valid")
    yield _tried("releases", "files", lambda: _releases(place))
    yield checkpoints(place)
    if hosts and place.settings.silences.alertmanager:
        yield _tried("settings", "alertmanager", lambda: f"answers, version {version(place.settings.silences)}")
    for profile in profiles:
        if isinstance(profile, KamstrupProfile):
            yield from _customer(place, profile, hosts)


def machine(settings: Settings, ledger: OpsctlError | None = None) -> Iterator[Check]:
    """This machine and the operator's settings. ledger: why it could not be opened, if it could not."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("machine", "python", Finding.PASS, version)
    beside = Path(sys.executable).parent / "ansible-playbook"
    found = beside if beside.exists() else shutil.which("ansible-playbook")
    yield Check("machine", "ansible-playbook", Finding.PASS if found else Finding.FAIL, str(found or "not found"),
                "" if found else "install opsctl with its dependencies")
    if ledger is not None:
        yield Check("settings", "ledger", Finding.FAIL, ledger.message, ledger.resolution)
    else:
        own = settings.ledger is None
        yield Check("settings", "ledger", Finding.WARN if own else Finding.PASS,
                    "reached, and its revision is this opsctl's",
                    "set `ledger.url` in opsctl.yml: now it lies in this user's state folder" if own else "")
    yield _identity(settings)


def checkpoints(place: Workplace) -> Check:
    """Is the ledger vouched for elsewhere, lately, and under lock?"""
    group, what = "settings", "checkpoints"
    if place.settings.checkpoints is None:
        return Check(group, what, Finding.WARN, "none are kept: entries cut off the ledger's end could not be noticed",
                     "set `checkpoints` in opsctl.yml")
    last = place.ledger.last(OPERATOR, WRITTEN)
    if last is None:
        return Check(group, what, Finding.WARN, "none is written yet", "run `opsctl ledger checkpoint`")
    age = place.clock.now() - last.recorded_at
    told = f"number {last.payload['number']}, {age.days * 24 + age.seconds // 3600} hours old"
    if age > CHECKPOINT_AGE:
        return Check(group, what, Finding.WARN, told, "see why `opsctl nightly` writes none")
    if not last.payload["locked_until"]:
        return Check(group, what, Finding.WARN, f"{told}; its store does not lock objects",
                     "use a bucket with Object Lock: without, a checkpoint can be removed")
    return Check(group, what, Finding.PASS, f"{told}, locked until {str(last.payload['locked_until'])[:10]}")


def _identity(settings: Settings) -> Check:
    ssh = settings.ssh
    if ssh is None:
        return Check("settings", "ssh identity", Finding.FAIL, "not set", "set `ssh.identity` in opsctl.yml")
    if not ssh.identity.is_file():
        return Check("settings", "ssh identity", Finding.FAIL, f"{ssh.identity} is not there", "create the key")
    mode = stat.S_IMODE(ssh.identity.stat().st_mode)
    if mode & 0o077:
        return Check("settings", "ssh identity", Finding.FAIL, f"mode {mode:04o}, others may read it",
                     f"chmod 600 {ssh.identity}")
    return Check("settings", "ssh identity", Finding.PASS, str(ssh.identity))


def _releases(place: Workplace) -> str:
    from opsctl.releases.catalogue import load

    newest = load(place.settings.releases).newest()
    return f"valid, newest {newest.version}" if newest else "valid, none published"


def _customer(place: Workplace, profile: KamstrupProfile, hosts: bool) -> Iterator[Check]:
    group = profile.customer
    yield _tried(group, "backup recipients", lambda: _recipients(place, profile))
    yield _tried(group, "known_hosts", lambda: _known(place, profile))
    if not hosts:
        return
    yield from _store(place, profile)
    for host in profile.hosts:
        yield _tried(group, f"host {host.name}", partial(_host, place, profile, host.name))


def _known(place: Workplace, profile: KamstrupProfile) -> str:
    from opsctl.adapters.ssh import require_known

    require_known(profile.hosts, place.known_hosts(profile.customer))
    return f"a key for each of {len(profile.hosts)} hosts"


def _recipients(place: Workplace, profile: KamstrupProfile) -> str:
    from opsctl.backup.recipients import read_recipients

    return f"{len(read_recipients(profile.backup.recipients, place.customer_folder(profile.customer)))} keys"


def _store(place: Workplace, profile: KamstrupProfile) -> Iterator[Check]:
    from opsctl.backup.shelves import SECOND, shelves
    from opsctl.backup.storecheck import examine_store

    for shelf in shelves(profile):
        name = "second backup store" if shelf.name == SECOND else "backup store"
        for found in examine_store(place, profile, shelf=shelf):
            finding = Finding.WARN if found.fit is None else Finding.PASS if found.fit else Finding.FAIL
            what = name if found.what == "backup store" else f"{name}: {found.what}"
            yield Check(profile.customer, what, finding, found.detail, found.remedy)


def _host(place: Workplace, profile: KamstrupProfile, name: str) -> str:
    from opsctl.adapters.ssh import connect

    ssh = place.settings.ssh
    if ssh is None:
        raise UnfitError("no SSH key is set", "set `ssh.identity` in opsctl.yml")
    with connect(profile.host(name), known_hosts=place.known_hosts(profile.customer), identity=ssh.identity,
                 timeout=ssh.connect_seconds) as shell:
        offset = shell.clock_offset(place.clock)
        if shell.run(["true"], sudo=True).exit_code != 0:
            raise UnfitError("the login may not use sudo", "allow it, without a password, for this user")
    if abs(offset) > CLOCK_LIMIT_SECONDS:
        raise UnfitError(f"its clock is off by {offset:.0f} s", "let the host synchronise its clock")
    return f"reached, key known, sudo allowed, clock off by {offset:+.2f} s"


class UnfitError(OpsctlError):
    """A finding of the doctor's own."""


def _tried(group: str, what: str, check: Callable[[], str]) -> Check:
    try:
        return Check(group, what, Finding.PASS, check())
    except OpsctlError as error:
        return Check(group, what, Finding.FAIL, (error.details or (error.message,))[0], error.resolution)
