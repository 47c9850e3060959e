"""Work on hosts that a customer runs: only for a customer that is named, under its records, and ended before they end.

The gate asks for the records (P21, P48, P50, P51); here is what a run adds to that.
"""

from __future__ import annotations

from datetime import timedelta

from opsctl.contract.gate import Request
from opsctl.core.errors import ConfigurationError, NotCovered, OutsideWindow
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import CustomerProfile, Profile
from opsctl.runs.service import gate, record_ends
from opsctl.runs.workplace import Workplace


def require_workable(workplace: Workplace, profile: Profile, request: Request, *, named: bool) -> None:
    """NotCovered unless the gate lets the work pass now, and, on a customer's hosts, somebody named the customer.

    ConfigurationError when its profile names no `remote_hosts`, or their keys are not there.
    """
    gate(profile, request, workplace.clock.now(), workplace.ledger).require(profile.customer)
    if not isinstance(profile, CustomerProfile):
        return
    if not named:
        raise NotCovered(f"{profile.customer}: the customer runs the hosts, and work there is done only by a run that "
                         "names it (P21, P48)", f"run it for {profile.customer} by name")
    if not profile.remote_hosts:
        raise ConfigurationError(f"{profile.customer}: its profile names no `remote_hosts` to work on",
                                 "write down there the hosts that the customer gave access to")
    if not workplace.known_hosts(profile.customer).is_file():
        raise ConfigurationError(f"{profile.customer}: there is no {workplace.known_hosts(profile.customer)}",
                                 "have the customer read each host's key on the host itself, and write it there")


def require_reversible(profile: Profile) -> None:
    """ConfigurationError when the profile does not say where READY and its databases are on a customer's hosts.

    A release that migrates a database that opsctl does not know would have no way back, and where READY runs nowhere
    nothing could prove it healthy.
    """
    if not isinstance(profile, CustomerProfile):
        return
    hosts = profile.remote_hosts
    if not any(HostRole.APPLICATION in host.roles for host in hosts):
        raise ConfigurationError(f"{profile.customer}: none of its `remote_hosts` has the role application, so there "
                                 "is no READY to work on", "write down the host that READY runs on, with that role")
    placed = {database.host for database in profile.remote_databases}
    unknown = [host.name for host in hosts if HostRole.DATABASE in host.roles and host.name not in placed]
    if unknown or not placed:
        raise ConfigurationError(f"{profile.customer}: its profile does not say which of READY's databases are on "
                                 f"{', '.join(unknown) or 'which host'}, so a release that failed could not be taken "
                                 "back", "write all of them down under `remote_databases`, each on one of "
                                 "`remote_hosts`; a host without any does not have the role database")


def require_time(workplace: Workplace, profile: Profile, request: Request, needed: timedelta) -> None:
    """OutsideWindow when the customer's records do not last, without a gap, until work of `needed` has ended."""
    if not isinstance(profile, CustomerProfile):
        return
    now = workplace.clock.now()
    gate(profile, request, now, workplace.ledger).require(profile.customer)
    for at in (*record_ends(profile, workplace.ledger, now, now + needed), now + needed):
        then = gate(profile, request, at, workplace.ledger)
        if not then.allowed:
            raise OutsideWindow(f"{profile.customer}: the work needs {needed}, and would run past what was granted: "
                                f"{then.reason}", "start earlier, or agree a longer window with the customer")
