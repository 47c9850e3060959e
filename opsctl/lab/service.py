"""The lab as a whole: up, down, reset."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from opsctl.core.errors import Locked, UsageError
from opsctl.lab import authority, base, cgroup, clients, fault, hosts, keys, machine, network, paths, repository
from opsctl.lab.archive import archive_evidence
from opsctl.lab.definition import HOSTS, HostDefinition, customers
from opsctl.lab.services import SERVICES, forget_losses, start_services, stop_service
from opsctl.lab.status import LabStatus, status
from opsctl.lab.upgrades import offer_upgrades

__all__ = ["down", "reset", "status", "up"]

Say = Callable[[str], None]


def up(checkout: Path, progress: Say, *, upgrades: bool = False) -> LabStatus:
    """Bring the lab up from whatever state it is in; quick when it is up already. Ends every fault.

    `checkout` gets the files that an operator needs (known hosts, backup recipients). upgrades: offer the next Debian
    release to the hosts of the old one.
    Raises OperationFailed when the machine cannot run it, Locked while another command changes the lab.
    """
    checkout = clients.require_checkout(checkout)
    machine.require_machine(progress)
    paths.make_state_folders()
    with locked():
        _up(checkout, progress)
        if upgrades:
            offer_upgrades(progress)
    return status()


def down(progress: Say) -> LabStatus:
    """Stop everything; archive the ledger together with the store. The hosts' disks stay for the next `up`."""
    machine.require_root()
    if paths.STATE.exists():
        with locked():
            _down(progress)
    return status()


def reset(checkout: Path, progress: Say, names: Sequence[str] = ()) -> LabStatus:
    """Make the lab anew: hosts, store and ledger. With `names` only these hosts, everything else stays."""
    checkout = clients.require_checkout(checkout)
    chosen = _chosen(names)
    machine.require_machine(progress)
    paths.make_state_folders()
    with locked():
        if not names:
            _down(progress)
            repository.restore()
        for host in chosen:
            hosts.remove(host)
        _up(checkout, progress)
    return status()


def _up(checkout: Path, progress: Say) -> None:
    authority.ensure_authority()
    keys.ensure_keys()
    network.raise_bridge()
    fault.clear_all()
    repository.ensure_repository()
    with ThreadPoolExecutor(max_workers=4) as pool:
        _all(pool.map(lambda suite: base.ensure_base(suite, progress), _bases_to_build()))
        start_services(progress)
        _all(pool.map(lambda customer: _customer_up(customer, progress), customers()))
    clients.write_client_files(checkout)


def _bases_to_build() -> list[str]:
    """The suites of hosts that have to be made; removes what an interrupted build left."""
    base.remove_unfinished()
    return sorted({host.suite for host in HOSTS if not hosts.made(host)})


def _customer_up(customer: str, progress: Say) -> None:
    """All hosts of one customer: made when they are not complete, started when they do not run."""
    chosen = [host for host in HOSTS if host.customer == customer]
    fresh = [host for host in chosen if not hosts.made(host)]
    # An application's first tables come with its package: a customer's hosts are made together.
    making = chosen if any("database" in host.roles for host in fresh) else fresh
    for host in making:
        hosts.prepare(host, progress)
    for host in chosen:
        if hosts.running(host):
            hosts.mend(host, progress)
        else:
            hosts.start(host, progress)
    for host in chosen:
        hosts.wait_for_ssh(host)
    if making:
        _set_up(making, progress)


def _set_up(making: Sequence[HostDefinition], progress: Say) -> None:
    for step in (hosts.set_up_database, hosts.set_up_application, hosts.finish):
        for host in making:
            step(host, progress)


def _down(progress: Say) -> None:
    fault.clear_all()
    progress("Stopping the hosts")
    with ThreadPoolExecutor(max_workers=4) as pool:
        _all(pool.map(hosts.stop, HOSTS))
    cgroup.remove_all()
    for definition in SERVICES:
        stop_service(definition)
    archived = archive_evidence()
    if archived is not None:
        progress(f"The ledger and the store are kept in {archived}")
    forget_losses()
    network.remove_bridge()


def _chosen(names: Sequence[str]) -> tuple[HostDefinition, ...]:
    known = {host.name: host for host in HOSTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"The lab has no host called {', '.join(unknown)}.", f"Name one of {', '.join(known)}.")
    return tuple(known[name] for name in names) or HOSTS


@contextmanager
def locked() -> Iterator[None]:
    """One command at a time changes the lab; the lock goes with the process, however it ends."""
    with paths.LOCK.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked("Another command is changing the lab.", "Wait until it has ended, then try again.") from None
        yield


def _all(results: Iterator[object]) -> None:
    """Wait for every result; the first error is raised."""
    for _result in results:
        pass
