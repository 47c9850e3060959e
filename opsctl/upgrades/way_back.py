"""The way back of an upgrade that failed or was broken off: snapshots or the old cluster, then proof of health."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import Locked, OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import end_leftovers, names_of, stop_on_hosts
from opsctl.runs.service import Run, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace
from opsctl.upgrades import acting, evidence
from opsctl.upgrades.looking import Facts, arrived, as_before, look, sound
from opsctl.upgrades.model import Target, target_of
from opsctl.upgrades.releasing import Kept, release, require_unwritten, written
from opsctl.upgrades.standing import KINDS, Standing, standing

# Getting a stopped system to run protects what is there: it goes on when the agreement has ended.
REQUEST = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK)
ANSWER_SECONDS = 600
"""How long a machine may take to start from its snapshot."""
LOOK_SECONDS = 300
"""How long the hosts wait for health before they are asked anew: a survey ends by itself after ten minutes."""


def stand(workplace: Workplace, customer: str) -> Standing:
    """How the platform stands, by the ledger."""
    return standing(workplace.ledger.entries(customer, kinds=KINDS))


def roll_back(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    """Take back what an earlier run left unfinished; `unchanged` when nothing is.

    OperationFailed for an upgrade that ended well: READY has taken writes since, which going back would lose.
    """
    last = stand(workplace, profile.customer)
    if last.open is None and last.kept:
        target = target_of(last.kept[-1])
        raise OperationFailed(f"{profile.customer}: the upgrade to {target} ended well, and READY has taken writes "
                              "since: going back would lose them, so it is not done",
                              "see \"After it ended well\" in docs/upgrades.md for what can be done by hand")

    def act(run: Run) -> Outcome:
        left = stand(workplace, profile.customer)
        if left.open is None:
            return Outcome(run.customer, REQUEST.service, Status.UNCHANGED, "no upgrade is unfinished")
        end_leftovers(workplace, left.open.run)
        with silenced(run, names_of(profile), needed=False) as unsilenced:
            what = take_back(run, profile, left, "an earlier run was broken off")
        return Outcome(run.customer, REQUEST.service, Status.DONE, what, warnings=tuple(unsilenced))

    return perform(workplace, profile, REQUEST, "upgrade rollback", act)


def take_back(run: Run, profile: KamstrupProfile, left: Standing, reason: str) -> str:
    """Go back to the platform before the open upgrade; returns what runs, proven healthy, in words.

    Where everything turns out to be upgraded and healthy it stays: READY takes writes there, which going back would
    lose. So it does where READY was started and may have written: its hosts get the time to become healthy, and only
    the same rows are gone back from. OperationFailed, recorded, when it did not succeed: then READY may be stopped.
    """
    if left.open is None:
        raise ValueError("no upgrade is open")
    start = left.open.payload
    target, hosts = target_of(start), list(start["hosts"])
    stop_on_hosts(run.workplace, profile, left.open.run)
    facts, silent = _seen(run, profile, target,
                          run.workplace.settings.policy.healthy_seconds if left.released else 0)
    if not silent and arrived(facts, target, hosts):
        evidence.completed(run, start, {}, f"found upgraded and healthy after its run ended early: {reason}")
        return f"{target} is there and READY is healthy"
    # An earlier way back got there, or people did: READY takes writes on the old platform.
    returned = not silent and as_before(facts, hosts)
    try:
        lost = "" if returned else _back(run, profile, left, facts, silent)
    except Locked:
        # Another run is at work: it sees the open start and puts it right.
        raise
    except OpsctlError as error:
        lines = (reason, error.message, *error.details)
        evidence.stuck(run, start, "; ".join(lines))
        what = f"put right what the lines say, then `opsctl upgrade rollback {run.customer}`; see docs/upgrades.md"
        raise OperationFailed(f"the upgrade to {target} failed and could NOT be taken back: READY may be stopped",
                              error.resolution if isinstance(error, Kept) else what, lines) from None
    discard(run, profile, start)
    evidence.taken_back(run, start, reason, lost)
    return f"the upgrade to {target} was taken back, READY is healthy" + (f"; lost: {lost}" if lost else "")


def _seen(run: Run, profile: KamstrupProfile, target: Target, seconds: float) -> tuple[Facts, Mapping[str, str]]:
    """What the hosts say, asked until every one is sound or `seconds` are over, and why hosts said nothing."""
    end = time.monotonic() + seconds
    while True:
        wait = int(max(0, min(end - time.monotonic(), LOOK_SECONDS)))
        try:
            facts, silent = look(run.workplace, [profile], target, wait_seconds=wait)[run.customer]
        except OpsctlError as error:
            facts, silent = {}, {host.name: error.message for host in profile.hosts}
        if (sound(facts) and not silent) or run.lease.lost or time.monotonic() >= end:
            return facts, silent
        time.sleep(1)


def _back(run: Run, profile: KamstrupProfile, left: Standing, facts: Facts, silent: Mapping[str, str]) -> str:
    """What was written between, in words; "" for nothing. Kept when READY may have written it."""
    if left.open is None:
        raise ValueError("no upgrade is open")
    start = left.open.payload
    if left.secured is None:
        # The way back was not there yet, so nothing was upgraded: READY only has to start.
        acting.start_ready(run, profile)
        return ""
    rows, lost = left.secured["rows"], ""
    if left.released:
        require_unwritten(run, profile, rows, silent)
        # From here on it can be broken off and tried again: READY is stopped.
        evidence.secured(run, start, rows)
    run.say(f"going back from {target_of(start)}")
    if start["snapshot"]:
        acting.snapshots(run, profile, "revert", start["snapshot"], list(start["hosts"]))
        _wait(run, profile)
    else:
        if not left.released:
            counted = acting.stop_ready(run, profile, count=all_run(facts, start))
            lost = written(rows, counted) if any(counted.values()) else ""
        acting.clusters_back(run, profile, target_of(start).version, start["clusters"])
    release(run, profile, start, rows)
    return lost


def all_run(facts: Facts, start: Mapping[str, Any]) -> bool:
    """Whether a cluster of each name runs on its host; where none does nothing was written since."""
    online = {(host, one["cluster"]) for host, said in facts.items() for one in said["clusters"] if one["online"]}
    return all((host, old["cluster"]) in online for host, clusters in start["clusters"].items() for old in clusters)


def _wait(run: Run, profile: KamstrupProfile) -> None:
    """Wait until every host answers again; OperationFailed when one does not in time."""
    from opsctl.adapters.ssh import greets

    end = time.monotonic() + ANSWER_SECONDS
    waiting = list(profile.hosts)
    while waiting := [host for host in waiting if not greets(host.address, host.port)]:
        if run.lease.lost or time.monotonic() > end:
            raise OperationFailed(f"{', '.join(host.name for host in waiting)} did not answer after the snapshot",
                                  "look at the machine's console")
        time.sleep(1)


def discard(run: Run, profile: KamstrupProfile, start: Mapping[str, Any]) -> None:
    """Let the snapshots go, if there are any; one that stays costs space and nothing else."""
    for host in start["hosts"] if start["snapshot"] else ():
        try:
            acting.snapshots(run, profile, "discard", start["snapshot"], [host])
        except OpsctlError as error:
            run.say(f"{error.message}: discard it by hand")
