"""May work on a customer's hosts start now? Its window, the time it needs, and failures whose cause is not resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from opsctl.core.clock import local_day
from opsctl.core.errors import ExitCode, OperationFailed, OutsideWindow
from opsctl.fleet.estimates import estimate
from opsctl.fleet.windows import WEEKDAYS, Opening, opening
from opsctl.profiles.model import CustomerProfile, Profile
from opsctl.profiles.parts import Window
from opsctl.runs.installed import stand as release_standing
from opsctl.runs.workplace import Workplace
from opsctl.upgrades.standing import APPLIED
from opsctl.upgrades.way_back import stand as upgrade_standing

RESOLVED = "failure.resolved"
FINISHED = "run.finished"
OPERATIONS = ("patch apply", "release install", "release rollback", "module enable", "module disable",
              "upgrade apply", "upgrade rollback")
"""Work after whose failure people look before it is tried again."""
AGREED = Window(name="agreed", weekdays=WEEKDAYS, start="00:00", end="00:00")
_FAILED = {int(ExitCode.FAILED), int(ExitCode.PARTIAL)}


def unresolved(entries: Iterable[tuple[str, str, Mapping[str, Any]]]) -> tuple[str, Mapping[str, Any]] | None:
    """The newest failed run whose cause nobody marked resolved: (run, payload of its end), or None.

    entries: (kind, run, payload) of `run.finished` and `failure.resolved`, oldest first. A run that was interrupted,
    or that was refused (contract, window, approval, lease), is no failure: it may simply be run again.
    """
    found = None
    for kind, run, payload in entries:
        if kind == RESOLVED:
            found = None
        elif payload["operation"] in OPERATIONS and payload["status"] != "interrupted" \
                and payload["exit_code"] in _FAILED:
            found = (run, payload)
    return found


def open_failure(workplace: Workplace, customer: str) -> tuple[str, Mapping[str, Any]] | None:
    """The same for a customer, from the ledger."""
    entries = workplace.ledger.entries(customer, kinds=(FINISHED, RESOLVED))
    return unresolved((entry.kind, entry.run, entry.payload) for entry in entries)


def require_resolved(workplace: Workplace, customer: str) -> None:
    """OperationFailed while the cause of the last failure is not marked resolved."""
    failure = open_failure(workplace, customer)
    if failure is not None:
        run, payload = failure
        raise OperationFailed(f"{customer}: `{payload['operation']}` failed before ({payload['summary']}), and its "
                              "cause is not marked resolved",
                              f"see `opsctl run show {run}`, then `opsctl resolve {customer} --reason TEXT`")


def require_whole(workplace: Workplace, customer: str) -> None:
    """OperationFailed while an upgrade of the platform or a release is unfinished: READY may be stopped."""
    require_upgraded(workplace, customer)
    require_released(workplace, customer)


def require_released(workplace: Workplace, customer: str) -> None:
    """OperationFailed while an installation of a release is unfinished."""
    left = release_standing(workplace, customer).open
    if left is not None:
        raise OperationFailed(f"{customer}: an installation of READY {left.payload['to']} is unfinished",
                              f"`opsctl release rollback {customer}` first")


def require_upgraded(workplace: Workplace, customer: str) -> None:
    """OperationFailed while an upgrade of the platform is unfinished."""
    if upgrade_standing(workplace, customer).open is not None:
        raise OperationFailed(f"{customer}: an upgrade of the platform was broken off",
                              f"`opsctl upgrade rollback {customer}` first")


def upgraded_today(workplace: Workplace, profile: Profile) -> bool:
    """Whether the Debian release or PostgreSQL was upgraded on the customer's local day of now."""
    last = workplace.ledger.last(profile.customer, APPLIED)
    today = local_day(workplace.clock.now(), profile.zone)
    return last is not None and local_day(last.recorded_at, profile.zone) == today


def window(workplace: Workplace, profile: Profile, operation: str, otherwise: timedelta, *,
           least: timedelta = timedelta(0)) -> Opening:
    """Whether the work may start now and end in its window. otherwise: its length where no earlier run says it; least:
    what it takes in any case.

    Where the customer runs the hosts and its profile names no window, what was agreed is the window (P50).
    """
    windows = profile.windows or ((AGREED,) if isinstance(profile, CustomerProfile) else ())
    return opening(windows, profile.freezes, profile.zone, workplace.clock.now(),
                   estimate(workplace, profile, operation, otherwise, least=least))


def require_window(workplace: Workplace, profile: Profile, operation: str, otherwise: timedelta, *,
                   least: timedelta = timedelta(0)) -> None:
    """OutsideWindow, with the reason, when it may not start."""
    found = window(workplace, profile, operation, otherwise, least=least)
    if not found.open:
        raise OutsideWindow(f"{profile.customer}: {found.reason}", f"see `opsctl window list {profile.customer}`")
