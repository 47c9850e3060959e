"""The way back of an installation that failed or was broken off: databases, package, proof of health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.installs import evidence
from opsctl.installs.lacking import Facts
from opsctl.installs.looking import heard, settled
from opsctl.installs.seen import runs_well, way_back
from opsctl.profiles.model import Profile
from opsctl.runs.installed import stand
from opsctl.runs.playbook import end_leftovers, names_of, play, targets_of
from opsctl.runs.service import Run, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace

# Getting a stopped system to run protects what is there: it goes on when the agreement has ended.
REQUEST = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.PROTECT, Delivery.WORK)


@dataclass(frozen=True)
class Back:
    """What runs now. kept: lines on databases as the failed release left them, which may hold what READY wrote."""

    version: str
    kept: tuple[str, ...] = ()


def roll_back(workplace: Workplace, profile: Profile) -> Outcome:
    """Take back what an earlier run left unfinished; `unchanged` when nothing is."""
    def act(run: Run) -> Outcome:
        left = stand(workplace, profile.customer)
        if left.open is None:
            return Outcome(run.customer, REQUEST.service, Status.UNCHANGED, "no installation is unfinished")
        end_leftovers(workplace, left.open.run)
        with silenced(run, names_of(profile), needed=False) as unsilenced:
            back = take_back_left(run, profile, left.open.payload)
        return Outcome(run.customer, REQUEST.service, Status.DONE, f"READY {back.version} runs and is healthy",
                       warnings=(*back.kept, *unsilenced), data={"version": back.version})

    return perform(workplace, profile, REQUEST, "release rollback", act)


def take_back_left(run: Run, profile: Profile, started: Mapping[str, Any]) -> Back:
    """The same for what an earlier run left: READY may have been at work since, and is given time to show it."""
    facts = settled(run.workplace, profile, str(started["to"]), str(started["package"]))
    return _as_found(run, profile, started, facts, "an earlier run was broken off")


def take_back(run: Run, profile: Profile, started: Mapping[str, Any], reason: str) -> Back:
    """Go back to the version before the installation `started`; returns what runs, proven healthy.

    Where READY turns out to be healthy in the new version it stays: it takes writes there, which going back would lose.
    OperationFailed, recorded, when that did not succeed or the release offers no way back: then READY may be stopped.
    """
    return _as_found(run, profile, started, heard(run.workplace, profile), reason)


def _as_found(run: Run, profile: Profile, started: Mapping[str, Any], facts: Facts, reason: str) -> Back:
    tried = str(started["to"])
    if runs_well(profile, facts, tried, str(started["package"])):
        evidence.found_well(run, started, reason)
        return Back(tried)
    return _go_back(run, profile, started, facts, reason)


def _go_back(run: Run, profile: Profile, started: Mapping[str, Any], facts: Facts, reason: str) -> Back:
    from opsctl.adapters.ansible_catalogue import READY_ROLLBACK

    version, tried, package = str(started["from"]), str(started["to"]), str(started["from_package"])
    way = way_back(profile, facts, started)
    if way.obstacle:
        evidence.stuck(run, version, tried, f"{way.obstacle}: {reason}")
        raise OperationFailed(f"READY {tried} failed, and {way.obstacle}: {reason}",
                              _by_hand(run.customer, version), (reason,))
    run.say(f"going back to READY {version}")
    try:
        result = play(run, targets_of(run.workplace, profile), READY_ROLLBACK, {
            "ready_rollback_version": version, "ready_rollback_package": package,
            "ready_rollback_restore": way.restore, "ready_rollback_running": way.running,
            "ready_rollback_healthy_seconds": run.workplace.settings.policy.healthy_seconds})
    except OpsctlError as error:
        evidence.stuck(run, version, tried, "; ".join((reason, *error.details)))
        raise OperationFailed(f"READY {tried} failed and could NOT be taken back to {version}: READY may be stopped",
                              _by_hand(run.customer, version), (reason, error.message, *error.details)) from None
    told = {host.target.host.name: host for host in result.hosts.values()}
    evidence.taken_back(run, version, tried, reason, told)
    return Back(version, tuple(
        f"{name}: the database as READY {tried} left it is kept as {database}; see docs/patching.md"
        for name, one in told.items() for database in one.data.get("ready_rollback", {}).get("kept", ())))


def _by_hand(customer: str, version: str) -> str:
    return (f"put right what the lines say, then `opsctl release rollback {customer}`; the copies of the databases of "
            f"READY {version} lie in /var/lib/opsctl/ready-update on their hosts; see docs/patching.md")
