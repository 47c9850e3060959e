"""Letting go what an upgrade kept for the way back: old clusters, snapshots. After that there is none."""

from __future__ import annotations

from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace
from opsctl.upgrades import acting
from opsctl.upgrades.model import target_of
from opsctl.upgrades.standing import FINISHED
from opsctl.upgrades.way_back import REQUEST, stand


def kept_words(workplace: Workplace, customer: str) -> tuple[str, ...]:
    """What is kept of completed upgrades, one line each."""
    lines = []
    for payload in stand(workplace, customer).kept:
        if payload["snapshot"]:
            lines.append(f"snapshot {payload['snapshot']} of {', '.join(payload['hosts'])}")
        lines += [f"the stopped cluster {one['version']}/{one['cluster']} on {host}"
                  for host, clusters in payload["clusters"].items() for one in clusters]
    return tuple(lines)


def finish(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    """Remove it all; `unchanged` when nothing is kept. OperationFailed while an upgrade is unfinished."""
    def act(run: Run) -> Outcome:
        left = stand(workplace, profile.customer)
        if left.open is not None:
            raise OperationFailed(f"{profile.customer}: an upgrade was broken off, and what is kept is its way back",
                                  f"`opsctl upgrade rollback {profile.customer}` first")
        if not left.kept:
            return Outcome(run.customer, REQUEST.service, Status.UNCHANGED, "nothing is kept of an upgrade")
        words = kept_words(workplace, profile.customer)
        for payload in left.kept:
            if payload["clusters"]:
                acting.clusters_gone(run, profile, target_of(payload).version, payload["clusters"])
            if payload["snapshot"]:
                acting.snapshots(run, profile, "discard", payload["snapshot"], list(payload["hosts"]))
        run.record(FINISHED, {"removed": list(words)})
        return Outcome(run.customer, REQUEST.service, Status.DONE, f"removed: {'; '.join(words)}")

    return perform(workplace, profile, REQUEST, "upgrade finish", act)
