"""Runs catalogued playbooks by ansible-runner: one private folder per run, no secret outside a 0600 file.

What runner writes (environment, command line, events) lies in a folder of mode 0700 that is removed
when the run ends. Only an allow-listed environment is written there and handed on.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.adapters.ansible_catalogue import revision
from opsctl.adapters.ansible_configuration import Order, configuration
from opsctl.adapters.ansible_events import Collector, HostResult, HostState, Predicted
from opsctl.adapters.ansible_inventory import Target, write_private
from opsctl.adapters.ansible_process import interrupt, sigterm_interrupts, stop_units, sweep, undisturbed
from opsctl.core.errors import OperationFailed, UsageError

if TYPE_CHECKING:
    from ansible_runner import Runner

__all__ = ["Order", "PlaybookResult", "run_playbook"]


@dataclass(frozen=True)
class PlaybookResult:
    """status: runner's word. hosts: one entry for every planned host. revision: sha256 of the text that ran.

    log: what Ansible printed, while the run's folder is there.
    """

    playbook: str
    status: str
    revision: str
    hosts: Mapping[str, HostResult]
    predicted: Predicted
    log: Path | None = None

    def require_all(self) -> PlaybookResult:
        """Return self when every planned host is ok, else raise OperationFailed naming those that are not."""
        bad = [result for result in self.hosts.values() if not result.ok]
        if bad:
            names = ", ".join(f"{result.target.host.name} {result.state}" for result in bad)
            raise OperationFailed(f"{self.playbook}: {names}", "see the lines below, put it right and run it again",
                                  tuple(f"{result.target.name}: {result.message or result.state}" for result in bad))
        return self


def run_playbook(order: Order) -> PlaybookResult:
    """Run the playbook over all targets; hosts that failed are told apart in the result.

    OperationFailed when nothing ran at all, when the deadline passed, or when it was cancelled.
    KeyboardInterrupt (also from SIGTERM) passes through. In every case the processes here are ended,
    and after an early end the named units on the hosts too.
    """
    if not order.targets:
        raise UsageError(f"{order.operation.command}: no host was named", "name a customer that has hosts")
    text_revision = revision(order.playbooks, order.operation.playbook)
    collector = Collector(order.targets, order.on_task, order.on_data)
    private = Path(tempfile.mkdtemp(prefix="ansible-", dir=order.folder))
    sockets = Path(tempfile.mkdtemp(prefix="opsctl-"))  # a socket's path may have 107 characters at most
    to_stop: Sequence[Target] = order.targets
    left: tuple[str, ...] = ()
    try:
        with sigterm_interrupts():
            runner, reason = _run(order, private, sockets, collector)
        result = PlaybookResult(order.operation.playbook, str(runner.status), text_revision, collector.results,
                                collector.predicted, _log(order, private))
        if not reason:
            # A host whose link was cut goes on working: its units are stopped if it can be reached again.
            to_stop = [host.target for host in result.hosts.values() if host.state is HostState.UNREACHABLE]
    finally:
        with undisturbed():
            left = _clean(order, private, sockets, to_stop)
    return _judged(order, result, collector, reason, left)


def _run(order: Order, private: Path, sockets: Path, collector: Collector) -> tuple[Runner, str]:
    """The ended runner, and the reason when it was made to end early."""
    from ansible_runner import Runner

    started = time.monotonic()
    reasons: list[str] = []

    def ends_early() -> bool:
        collector.tell_long(time.monotonic())
        # Once True, always True: otherwise runner calls the run failed and not cancelled.
        if not reasons and order.cancelled():
            reasons.append("cancelled")
        if not reasons and time.monotonic() - started > order.deadline_seconds:
            reasons.append(f"not done after {order.deadline_seconds:.0f} seconds")
        if len(reasons) == 1:
            interrupt(private)
            reasons.append("asked to stop")
        return bool(reasons)

    runner = Runner(config=configuration(order, private, sockets), cancel_callback=ends_early,
                    event_handler=collector.take)
    runner.run()
    return runner, reasons[0] if reasons else ""


def _log(order: Order, private: Path) -> Path:
    log = order.folder / f"{order.operation.playbook}.log"
    outputs = sorted(private.glob("artifacts/*/stdout"))
    write_private(log.with_suffix(f".{private.name}.log"), outputs[0].read_text(encoding="utf-8") if outputs else "")
    return log.with_suffix(f".{private.name}.log").rename(log)


def _clean(order: Order, private: Path, sockets: Path, to_stop: Sequence[Target]) -> tuple[str, ...]:
    """End what still runs here and on the hosts `to_stop`; the hosts where units could not be stopped."""
    interrupt(private)
    left = stop_units(to_stop, order.identity, order.run) if order.operation.units else ()
    sweep(private)
    for folder in (private, sockets):
        shutil.rmtree(folder, ignore_errors=True)
    return left


def _judged(order: Order, result: PlaybookResult, collector: Collector, reason: str,
            left: tuple[str, ...]) -> PlaybookResult:
    name = order.operation.command
    if reason:
        where = f"; units opsctl-{order.run}* may still run on {', '.join(left)}" if left else ""
        raise OperationFailed(f"{name}: {reason}; it was stopped{where}", "see what the hosts say and run it again")
    if all(host.state is HostState.UNTOUCHED for host in result.hosts.values()):
        raise OperationFailed(f"{name}: it touched none of the planned hosts ({result.status})",
                              "see the line below" if collector.error else "check the playbook and its `hosts`",
                              (collector.error,) if collector.error else ())
    return result
