"""What an installation leaves in the ledger, hop by hop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsctl.installs.model import Hop, ReleasePlan
from opsctl.runs import installed as standing
from opsctl.runs.service import Run

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

Results = Mapping[str, "HostResult"]


def started(run: Run, plan: ReleasePlan, hop: Hop, before: str, package: str) -> None:
    """Recorded before READY is stopped: what is known after the control machine died."""
    run.record(standing.STARTED, {"from": before, "from_package": package, "to": hop.version, "package": hop.package,
                                  "kind": hop.kind.value, "copies": hop.copies, "reversible": hop.reversible,
                                  "plan": plan.hash, "revision": plan.revision})


def installed(run: Run, plan: ReleasePlan, hop: Hop, before: str, results: Results, approved_by: str,
              description: str) -> dict[str, Any]:
    """The proof of one hop; returns the payload."""
    payload = {"from": before, "to": hop.version, "package": hop.package, "kind": hop.kind.value,
               "description": description, "plan": plan.hash, "release_file": hop.file, "revision": plan.revision,
               "approved_by": approved_by, "modules_off": list(plan.modules_off),
               "hosts": said(results, "ready_update")}
    run.record(standing.INSTALLED, payload)
    return payload


def found_well(run: Run, start: Mapping[str, Any], reason: str) -> None:
    """READY is healthy in the new release although the run that installed it did not come to its end."""
    run.record(standing.INSTALLED, {**start, "description": "found installed and healthy after its run ended early: "
                                    + reason, "approved_by": "", "modules_off": [], "hosts": {}})


def found(run: Run, plan: ReleasePlan) -> None:
    """A plan had nothing to install: the release is there and healthy, as nobody had recorded."""
    run.record(standing.FOUND, {"version": plan.installed, "revision": plan.revision,
                                "hosts": {host.host: host.installed for host in plan.hosts if host.application}})


def refused(run: Run, before: str, hop: Hop, reason: str) -> None:
    """It ended before READY was stopped: nothing was changed."""
    run.record(standing.REFUSED, {"from": before, "to": hop.version, "reason": reason})


def taken_back(run: Run, version: str, tried: str, reason: str, results: Results) -> None:
    """READY is back in `version`, proven healthy."""
    run.record(standing.TAKEN_BACK, {"version": version, "tried": tried, "reason": reason,
                                     "hosts": said(results, "ready_rollback")})


def stuck(run: Run, version: str, tried: str, reason: str) -> None:
    """It could not be taken back: READY may be stopped, and people have to act."""
    run.workplace.ledger.append(run.customer, standing.STUCK, {"version": version, "tried": tried, "reason": reason},
                                actor=run.workplace.actor, run=run.id)


def touched(results: Results) -> bool:
    """Whether READY was stopped, or may have been: a host that was begun and gave nothing back, since its link was cut,
    is taken to be touched."""
    from opsctl.adapters.ansible_events import HostState

    return any(result.data.get("ready_update", {}).get("touched", result.state is not HostState.UNTOUCHED)
               for result in results.values())


def said(results: Results, key: str) -> dict[str, Any]:
    """What each host gave back, by host."""
    return {name: result.data.get(key, {}) for name, result in results.items()}
