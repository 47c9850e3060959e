"""The way back of an installation that failed or was broken off: databases, package, proof of health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.installs import evidence
from opsctl.installs.looking import look, runs_well, wait_well
from opsctl.profiles.model import Profile
from opsctl.runs.installed import stand
from opsctl.runs.playbook import end_leftovers, names_of, play, targets_of
from opsctl.runs.service import Run, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace

# Getting a stopped system to run protects what is there: it goes on when the agreement has ended.
REQUEST = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.PROTECT, Delivery.WORK)


def roll_back(workplace: Workplace, profile: Profile) -> Outcome:
    """Take back what an earlier run left unfinished; `unchanged` when nothing is."""
    def act(run: Run) -> Outcome:
        left = stand(workplace, profile.customer)
        if left.open is None:
            return Outcome(run.customer, REQUEST.service, Status.UNCHANGED, "no installation is unfinished")
        end_leftovers(workplace, left.open.run)
        with silenced(run, names_of(profile), needed=False) as unsilenced:
            back = take_back_left(run, profile, left.open.payload)
        return Outcome(run.customer, REQUEST.service, Status.DONE, f"READY {back} runs and is healthy",
                       warnings=tuple(unsilenced), data={"version": back})

    return perform(workplace, profile, REQUEST, "release rollback", act)


def take_back_left(run: Run, profile: Profile, started: Mapping[str, Any]) -> str:
    """The same for what an earlier run left: READY may have been at work since, and is given time to show it."""
    if wait_well(run.workplace, profile, str(started["to"]), str(started["package"])):
        evidence.found_well(run, started, "an earlier run was broken off")
        return str(started["to"])
    return _go_back(run, profile, started, "an earlier run was broken off")


def take_back(run: Run, profile: Profile, started: Mapping[str, Any], reason: str) -> str:
    """Go back to the version before the installation `started`; returns the version that runs, proven healthy.

    Where READY turns out to be healthy in the new version it stays: it takes writes there, which going back would lose.
    OperationFailed, recorded, when that did not succeed or the release offers no way back: then READY may be stopped.
    """
    tried = str(started["to"])
    facts, _ = look(run.workplace, [profile])[run.customer]
    if runs_well(profile, facts, tried, str(started["package"])):
        evidence.found_well(run, started, reason)
        return tried
    return _go_back(run, profile, started, reason)


def _go_back(run: Run, profile: Profile, started: Mapping[str, Any], reason: str) -> str:
    from opsctl.adapters.ansible_catalogue import READY_ROLLBACK

    version, tried = str(started["from"]), str(started["to"])
    if not started["reversible"]:
        evidence.stuck(run, version, tried, reason)
        raise OperationFailed(f"READY {tried} failed, and its release offers no way back: {reason}",
                              _by_hand(run.customer, version), (reason,))
    run.say(f"going back to READY {version}")
    try:
        result = play(run, targets_of(run.workplace, profile), READY_ROLLBACK, {
            "ready_rollback_version": version, "ready_rollback_package": started["from_package"],
            "ready_rollback_restore": started["copies"],
            "ready_rollback_healthy_seconds": run.workplace.settings.policy.healthy_seconds})
    except OpsctlError as error:
        evidence.stuck(run, version, tried, "; ".join((reason, *error.details)))
        raise OperationFailed(f"READY {tried} failed and could NOT be taken back to {version}: READY may be stopped",
                              _by_hand(run.customer, version), (reason, error.message, *error.details)) from None
    evidence.taken_back(run, version, tried, reason,
                        {host.target.host.name: host for host in result.hosts.values()})
    return version


def _by_hand(customer: str, version: str) -> str:
    return (f"put right what the lines say, then `opsctl release rollback {customer}`; the copies of the databases of "
            f"READY {version} lie in /var/lib/opsctl/ready-update on their hosts; see docs/patching.md")
