"""What the patch tests share: further updates in the lab's repository, and a host's own word about itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opsctl.core.outcome import Status
from opsctl.lab import repository
from opsctl.maintenance.service import apply
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on
from tests.lab.surroundings import hosted

CUSTOMERS = ("sample-aalund", "sample-birkeby", "sample-cedervig")


@contextmanager
def offered(*names: str) -> Iterator[dict[str, str]]:
    """Offer a further version of each package; by name the version. libmeterproto's is a security fix."""
    stamp = time.time_ns() // 100_000_000
    bases = {"libmeterproto": "1.0-1+sec", "metertools": "2.1-", "lab-middleware": "3.1-", "lab-kernel": "6.1-"}
    versions = {name: f"{bases[name]}{stamp}" for name in names}
    try:
        for name, version in versions.items():
            repository.offer(name, version, security=name == "libmeterproto")
        yield versions
    finally:
        for name, version in versions.items():
            repository.withdraw(name, version)


def current(workplace: Workplace, customer: str) -> KamstrupProfile:
    """The customer's profile, its hosts patched: what a new lab offers from the start is out of the way."""
    profile = hosted(workplace, customer)
    outcome = apply(workplace, profile)
    assert outcome.status in {Status.DONE, Status.UNCHANGED}, outcome
    return profile


def installed(host: str, *names: str) -> dict[str, str]:
    """Installed versions, as dpkg on the host says."""
    text = on(host, f"dpkg-query -W -f '${{Package}} ${{Version}}\\n' {' '.join(names)}")
    return dict(line.split() for line in text.splitlines())


def units(host: str) -> str:
    """opsctl's transient units on the host, whatever their state."""
    return on(host, "systemctl list-units --all --plain --no-legend 'opsctl-*'")


@contextmanager
def apt_lock(host: str, lock: str = "/var/lib/dpkg/lock-frontend", seconds: int = 120) -> Iterator[None]:
    """Hold one of apt's locks on the host by a process called unattended-upgr, as an upgrade at night does."""
    program = f"import fcntl, time; f = open('{lock}', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep({seconds})"
    on(host, "cp -f /usr/bin/python3 /tmp/unattended-upgr; "
             f'systemd-run --quiet --collect --unit=tests-lock /tmp/unattended-upgr -c "{program}"')
    time.sleep(1)
    try:
        yield
    finally:
        on(host, "systemctl stop tests-lock.service || true; rm -f /tmp/unattended-upgr")
