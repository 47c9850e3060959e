"""What patching leaves in the ledger, host by host, and the outcome that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.maintenance.model import HostPlan, PatchPlan
from opsctl.runs.service import Run

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

STARTED, APPLIED = "patch.started", "patch.applied"
PATCHED = "patched"
REBOOT_LEFT = "patched, reboot left undone"
NOT_REACHED = "not reached"
FAILED = "failed"


class Evidence:
    """One `patch.applied` entry per planned host: as soon as the host gives its data back, or at the end.

    A host whose work was cut short has the result `failed`, with what is known; one that the run never
    came to has `not reached`.
    """

    def __init__(self, run: Run, plan: PatchPlan, hosts: Sequence[str]) -> None:
        self._run = run
        self._plan = plan
        self._by_name = {host.host: host for host in plan.hosts}
        self._open = list(hosts)
        self._hosts = tuple(hosts)
        self._closed = False
        self._begun: set[str] = set()
        self._unrecorded: dict[str, Mapping[str, Any]] = {}
        self.entries: dict[str, Mapping[str, Any]] = {}

    def begin(self, host: str) -> None:
        """Record what is about to be installed: after a kill it tells what to look for on the host."""
        planned = self._by_name[host]
        self._run.record(STARTED, {
            "host": host, "plan": self._plan.hash, "revision": self._plan.revision,
            "security_only": self._plan.security_only,
            "packages": {package.name: package.offered for package in planned.packages},
            "before": {package.name: package.installed for package in planned.packages}})
        self._begun.add(host)

    def take(self, host: str, data: Mapping[str, Any]) -> None:
        """Record a host as it finishes, so that a run killed later has left its evidence."""
        facts = data.get("platform_patch")
        if facts and facts["sound"]:
            result = _result(facts)
            surprise = result == REBOOT_LEFT and not self._by_name[host].reboot_by
            self._record(host, facts, result, "the plan named no reboot; the next one names it, because of "
                         + ", ".join(facts["reboot"]["by"]) if surprise else "")

    def finish(self, results: Mapping[str, HostResult]) -> None:
        """Record the hosts that did not finish well, with what they said."""
        from opsctl.adapters.ansible_events import HostState

        for host in [name for name in self._open if name in results]:
            result = results[host]
            facts = result.data.get("platform_patch") or {}
            reached = result.state is not HostState.UNTOUCHED
            self._record(host, facts, FAILED if reached else NOT_REACHED, result.message)

    def leave(self, reason: str, *, window: bool = False) -> None:
        """Record the hosts that the work does not come to any more, and why; window: because it closed."""
        self._closed = window
        for host in list(self._open):
            self._record(host, {}, NOT_REACHED, reason)

    def close(self) -> None:
        """Record the hosts that are left: nothing is known about one that was begun, and no other was come to.

        Each is tried; the first error is raised when all have been.
        """
        first: OpsctlError | None = None
        for host in list(self._open):
            result, message = (
                FAILED, "the run ended before this host did; see the next patch plan for its state"
            ) if host in self._begun else (NOT_REACHED, "the run ended before it came to this host")
            try:
                self._write(host, self._unrecorded.get(host) or _payload(
                    self._by_name[host], {}, self._plan, result, message))
            except OpsctlError as error:
                first = first or error
        if first is not None:
            raise first

    def outcome(self, warnings: tuple[str, ...]) -> Outcome:
        """One outcome for all hosts, with the entries as data."""
        by_result = {word: [host for host in self._hosts if self.entries[host]["result"] == word]
                     for word in (PATCHED, REBOOT_LEFT, FAILED, NOT_REACHED)}
        bad, good = by_result[FAILED] + by_result[NOT_REACHED], by_result[PATCHED] + by_result[REBOOT_LEFT]
        status = Status.DONE
        if bad:
            status = Status.PARTIAL if good else Status.FAILED
        elif by_result[REBOOT_LEFT]:
            status = Status.WARNING
        summary = "; ".join(f"{word}: {', '.join(hosts)}" for word, hosts in by_result.items() if hosts)
        details = [f"{host}: {self.entries[host]['message']}" for host in bad + by_result[REBOOT_LEFT]
                   if self.entries[host]["message"]]
        return Outcome(self._run.customer, self._run.request.service, status, summary,
                       _todo(bad, self._closed), warnings=warnings,
                       exit_code=ExitCode.OUTSIDE_WINDOW if self._closed and not by_result[FAILED] else None,
                       data={"plan": self._plan.hash, "hosts": dict(self.entries), "details": details})

    def _record(self, host: str, facts: Mapping[str, Any], result: str, message: str) -> None:
        self._write(host, _payload(self._by_name[host], facts, self._plan, result, message))

    def _write(self, host: str, payload: Mapping[str, Any]) -> None:
        # What could not be recorded stays open, and is tried again at the end.
        self._unrecorded[host] = payload
        self._run.record(APPLIED, payload)
        self._open.remove(host)
        self.entries[host] = payload
        self._run.say(f"{host}: {payload['result']}")


def _todo(bad: Sequence[str], closed: bool) -> str:
    if not bad:
        return ""
    return ("run it again in the next window" if closed else "put it right and run it again") \
        + ": what is patched already stays so"


def _result(facts: Mapping[str, Any]) -> str:
    reboot = facts["reboot"]
    return REBOOT_LEFT if reboot["needed"] and not _rebooted(reboot) else PATCHED


def _rebooted(reboot: Mapping[str, Any]) -> bool:
    """Proven by two boot ids that were both read and differ."""
    return bool(reboot["boot_before"] and reboot["boot_after"] and reboot["boot_before"] != reboot["boot_after"])


def _payload(host: HostPlan, facts: Mapping[str, Any], plan: PatchPlan, result: str, message: str) -> dict[str, Any]:
    reboot: Mapping[str, Any] = facts.get("reboot") or {
        "needed": bool(host.reboot_by), "by": list(host.reboot_by), "boot_before": "", "boot_after": ""}
    return {
        "host": host.host, "result": result, "message": message, "plan": plan.hash, "revision": plan.revision,
        "security_only": plan.security_only,
        "before": facts.get("before") or {package.name: package.installed for package in host.packages},
        "after": facts.get("after") or {}, "restarted": list(facts.get("restarted") or []),
        "repaired": list(facts.get("repaired") or []),
        "reboot": {"needed": bool(reboot["needed"]), "by": list(reboot["by"]), "done": _rebooted(reboot),
                   "boot_before": reboot["boot_before"], "boot_after": reboot["boot_after"]},
    }
