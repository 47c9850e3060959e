"""What an upgrade of the platform leaves in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from opsctl.runs.service import Run
from opsctl.upgrades import standing
from opsctl.upgrades.model import NAMES, Platform, UpgradePlan, target_of

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

Results = Mapping[str, "HostResult"]


def started(run: Run, plan: UpgradePlan, approved_by: str) -> dict[str, Any]:
    """Recorded before READY is stopped: what is known after the control machine died; returns the payload."""
    payload: dict[str, Any] = {
        "target": asdict(plan.target), "plan": plan.hash, "revision": plan.revision, "approved_by": approved_by,
        "hosts": {host.host: host.current for host in plan.due},
        "clusters": {host.host: [asdict(one) for one in host.clusters] for host in plan.due if host.clusters},
        "snapshot": f"opsctl-{run.id[:15]}-{run.id[-6:]}" if plan.target.platform is Platform.DEBIAN else ""}
    run.record(standing.STARTED, payload)
    return payload


def secured(run: Run, start: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    """READY is stopped, its rows are counted, the snapshots are taken."""
    run.record(standing.SECURED, {"rows": dict(rows), "snapshot": start["snapshot"]})


def released(run: Run, start: Mapping[str, Any]) -> None:
    """Recorded before READY is started: from here on it may take writes."""
    run.record(standing.RELEASED, {"target": start["target"]})


def completed(run: Run, start: Mapping[str, Any], results: Results, note: str = "") -> list[dict[str, Any]]:
    """The proof: an entry per host, then the end; returns the entries' payloads."""
    target = target_of(start)
    key = "os_upgrade" if target.platform is Platform.DEBIAN else "postgresql_upgrade"
    made = []
    for host, before in start["hosts"].items():
        said = results[host].data.get(key, {}) if host in results else {}
        made.append({"host": host, "system": NAMES[target.platform],
                     "from": before.removeprefix(f"{NAMES[target.platform]} "), "to": str(target.version),
                     "plan": start["plan"], "revision": start["revision"], "approved_by": start["approved_by"],
                     "packages": said.get("packages", 0), "mended": said.get("mended", []), "note": note,
                     "boot_before": said.get("boot_before", ""), "boot_after": said.get("boot_after", ""),
                     "log": said.get("log", "")})
        run.record(standing.APPLIED, made[-1])
    run.record(standing.COMPLETED, {"target": start["target"], "snapshot": start["snapshot"],
                                    "hosts": list(start["hosts"]), "clusters": start["clusters"], "note": note})
    return made


def refused(run: Run, start: Mapping[str, Any], reason: str) -> None:
    """Nothing was upgraded, and READY runs as before."""
    run.record(standing.REFUSED, {"target": start["target"], "reason": reason})


def taken_back(run: Run, start: Mapping[str, Any], reason: str, lost: str) -> None:
    """The platform is as it was, and READY is proven healthy. lost: what was written since, in words."""
    run.record(standing.TAKEN_BACK, {"target": start["target"], "hosts": start["hosts"], "reason": reason,
                                     "lost": lost})


def stuck(run: Run, start: Mapping[str, Any], reason: str) -> None:
    """It could not be taken back: READY may be stopped, and people have to act."""
    run.workplace.ledger.append(run.customer, standing.STUCK, {
        "target": start["target"], "hosts": start["hosts"], "reason": reason}, actor=run.workplace.actor, run=run.id)


def touched(results: Results) -> bool:
    """Whether a host was changed, or may have been: one that gave nothing back is taken to be."""
    said = [result.data.get("os_upgrade") or result.data.get("postgresql_upgrade") for result in results.values()]
    return not said or any(one is None or one["touched"] for one in said)
