"""One run: passes the gate, holds the customer's lease, has a private folder, ends in the ledger.

The ledger gets `run.started` before anything is done and `run.finished` whatever happens, so a run
that was killed shows as started and never finished.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Decision, Records, Request, decide
from opsctl.contract.records import FACT_KINDS, PLATFORM, Event, Facts, RecordKind, facts
from opsctl.contract.terms import Terms
from opsctl.core.errors import ConfigurationError, ExitCode, Locked, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import CustomerProfile, Profile, hosts_of, permissions, terms_at
from opsctl.runs.alive import mark
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry, HeldLease, Ledger

LEASE_SECONDS = 90
HOSTS = "hosts"
"""The lease of whatever copies from a customer's hosts or changes them: a backup does not begin while they reboot."""

CHANGES_HOSTS = ("module", "network renew", "patch", "release", "upgrade")
"""Operations, or the first words of them, that may stop or restart what runs on a customer's hosts: planned work."""

_ON_HOSTS = frozenset({"backup", *CHANGES_HOSTS})


@dataclass(frozen=True)
class Run:
    """A run under way. `folder` is private (0700) and removed when the run ends."""

    id: str
    customer: str
    operation: str
    request: Request
    decision: Decision
    started: datetime
    folder: Path
    lease: HeldLease
    workplace: Workplace

    def record(self, kind: str, payload: Mapping[str, Any]) -> Entry:
        """Append evidence under this run's lease; Locked when another run has taken it over."""
        return self.workplace.ledger.append(self.customer, kind, payload, actor=self.workplace.actor, run=self.id,
                                            lease=self.lease)

    def say(self, message: str) -> None:
        """One line of progress."""
        self.workplace.progress.say(self.customer, message)

    def step(self, message: str) -> None:
        """What is done now."""
        self.workplace.progress.step(self.customer, message)


def gate(profile: Profile, request: Request, at: datetime, ledger: Ledger | None = None) -> Decision:
    """The contract's decision for this profile: terms at `at`, records from the profile and the ledger.

    Without a ledger only what the profile notes is known. A run on a customer's hosts that names none is about all.
    """
    found = facts(events_of(ledger, profile.customer)) if ledger is not None else Facts()
    terms = terms_known(profile, at, found)
    if not isinstance(profile, CustomerProfile):
        return decide(terms, request, at, Records(found.permissions(RecordKind.AGREEMENT)))
    hosts = request.hosts or tuple(host.name for host in profile.remote_hosts)
    return decide(terms, replace(request, hosts=hosts), at, Records(
        (*permissions(profile.agreements, PLATFORM), *found.permissions(RecordKind.AGREEMENT)),
        (*permissions(profile.access), *found.permissions(RecordKind.ACCESS)),
        found.permissions(RecordKind.PERMISSION)))


def record_ends(profile: CustomerProfile, ledger: Ledger, after: datetime, before: datetime) -> tuple[datetime, ...]:
    """When records that open a customer's hosts end between two instants, in order: there `gate` may say otherwise."""
    found = facts(events_of(ledger, profile.customer))
    held = [*permissions(profile.agreements), *permissions(profile.access),
            *(record for kind in RecordKind for record in found.permissions(kind))]
    return tuple(sorted({record.valid_to for record in held if after < record.valid_to < before}))


def terms_known(profile: Profile, at: datetime, found: Facts) -> Terms:
    """The contract's terms at `at`, with the orders and the last day that the ledger's records tell of."""
    terms = terms_at(profile, at)
    return replace(terms, addons={**found.orders(at), **terms.addons}, service_ends=found.service_ends)


def events_of(ledger: Ledger, customer: str) -> Iterator[Event]:
    """What the ledger holds that the contract depends on, in its order."""
    return (Event(entry.kind, entry.recorded_at, entry.payload)
            for entry in ledger.entries(customer, kinds=FACT_KINDS))


def perform(workplace: Workplace, profile: Profile, request: Request, operation: str,
            act: Callable[[Run], Outcome], *, lease: str = "", terms_of: datetime | None = None) -> Outcome:
    """Gate, lease, act, record; return the recorded outcome.

    operation: the command's words, such as `backup run`. lease: its name within the customer;
    by default HOSTS for work on its hosts, else the operation's first word: work of one sort excludes itself.
    terms_of: the instant whose contract decides, for custody of what was taken under it; default now.
    Raises NotCovered before anything is touched, Locked when another run holds the lease. An
    OpsctlError from `act` is recorded and returned as a failed outcome; anything else is recorded
    and raised.
    """
    decision = gate(profile, request, terms_of or workplace.clock.now(), workplace.ledger).require(profile.customer)
    with begun(workplace, profile.customer, request, operation, decision, lease) as run:
        left: list[str] = []

        def mended(run: Run) -> Outcome:
            if (lease or lease_of(operation)) == HOSTS and hosts_of(profile):
                from opsctl.runs.leftovers import mend

                left.extend(mend(run, profile))
            return act(run)

        outcome = concluded(run, mended)
        return replace(outcome, warnings=(*left, *outcome.warnings))


def concluded(run: Run, act: Callable[[Run], Outcome]) -> Outcome:
    """Act, and record how the run ended; as `perform` does within its lease."""
    outcome = _acted(run, act)
    outcome = replace(outcome, run=run.id, warnings=(*run.decision.warnings, *outcome.warnings))
    return _finished(run, outcome)


def changes_hosts(run: str) -> bool:
    """Whether the run of this id may stop or restart what runs on the customer's hosts; a backup copies from them."""
    words = run.partition("-")[2]
    return words.startswith(tuple(f"{operation.replace(' ', '-')}-" for operation in CHANGES_HOSTS))


def lease_of(operation: str) -> str:
    """The lease that an operation takes: HOSTS for work on the customer's hosts, else its first word."""
    sort = operation.split(maxsplit=1)[0]
    return HOSTS if sort in _ON_HOSTS else sort


def _acted(run: Run, act: Callable[[Run], Outcome]) -> Outcome:
    try:
        return act(run)
    except Locked as error:
        return _failed(run, error, Status.LOCKED)
    except OpsctlError as error:
        words = {ExitCode.CHECK_FAILED: Status.CHECK_FAILED, ExitCode.PARTIAL: Status.PARTIAL}
        return _failed(run, error, words.get(error.exit_code, Status.FAILED))
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        status = Status.INTERRUPTED if interrupted else Status.FAILED
        what = "interrupted before it was done" if interrupted else f"unexpected {type(error).__name__}"
        _finish(run, Outcome(run.customer, run.request.service, status, what))
        raise


def _failed(run: Run, error: OpsctlError, status: Status) -> Outcome:
    return Outcome(run.customer, run.request.service, status, error.message, error.resolution,
                   exit_code=error.exit_code, data={"details": list(error.details)} if error.details else {})


def _finished(run: Run, outcome: Outcome) -> Outcome:
    """Record how the run ended; success only under its lease, so that a run that was overtaken has none."""
    if outcome.code is not ExitCode.OK:
        _finish(run, outcome)
        return outcome
    try:
        _finish(run, outcome, run.lease)
    except Locked as error:
        outcome = _failed(run, error, Status.LOCKED)
        _finish(run, outcome)
    return outcome


def _finish(run: Run, outcome: Outcome, lease: HeldLease | None = None) -> None:
    finished = run.workplace.clock.now()
    payload = {"operation": run.operation, "service": run.request.service.value,
               "purpose": run.request.purpose.value, "status": outcome.status.value,
               "summary": outcome.summary, "exit_code": int(outcome.code), "promise": run.decision.cell.promise,
               "seconds": round((finished - run.started).total_seconds(), 3)}
    # A failure needs no fence: a run that lost its lease must still be able to say how it ended.
    run.workplace.ledger.append(run.customer, "run.finished", payload, actor=run.workplace.actor, run=run.id,
                                lease=lease)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"the run folder {folder} cannot be made: {error.strerror}",
                                 "set `runs` in opsctl.yml to a folder where this account may write") from None
    mark(folder)


@contextmanager
def begun(workplace: Workplace, customer: str, request: Request, operation: str, decision: Decision,
          lease_name: str = "") -> Iterator[Run]:
    """A run with its lease, its folder and its `run.started`; Locked when another run holds the lease."""
    from opsctl.ledger import held
    from opsctl.runs.leftovers import free_dead_lease

    name = lease_name or lease_of(operation)
    free_dead_lease(workplace, f"{customer}/{name}")
    started = workplace.clock.now()
    # Sorted by time, unique, and fit for a systemd unit name and a file name.
    run_id = f"{started:%Y%m%dt%H%M%S}-{operation.replace(' ', '-')}-{customer}-{secrets.token_hex(3)}"
    folder = workplace.runs / run_id
    with held(workplace.ledger, f"{customer}/{name}", run_id, LEASE_SECONDS) as lease:
        _make(folder)
        try:
            run = Run(run_id, customer, operation, request, decision, started, folder, lease, workplace)
            run.record("run.started", {"operation": operation, "service": request.service.value, "lease": name,
                                       "promise": decision.cell.promise, "purpose": request.purpose.value})
            yield run
        finally:
            shutil.rmtree(folder, ignore_errors=True)
