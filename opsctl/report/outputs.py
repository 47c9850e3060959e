"""Telling others how it stands: the heartbeat and the metrics file. A failure of one is recorded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from opsctl.adapters.notify import ping
from opsctl.adapters.secrets import resolve
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.core.outcome import OPERATOR
from opsctl.ledger import Entry
from opsctl.network.history import CHECKED
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.report.alerts import FAILED
from opsctl.report.fleet_status import fleet_status
from opsctl.report.metrics import metrics
from opsctl.report.status import CustomerStatus
from opsctl.runs.workplace import Workplace
from opsctl.storage.history import MEASURED


def beat(workplace: Workplace) -> bool:
    """Call the heartbeat, if one is set; a failure is recorded and raised."""
    reference = workplace.settings.outputs.heartbeat
    if reference is None:
        return False
    try:
        ping(resolve(reference))
    except OpsctlError as error:
        _failed(workplace, "heartbeat", error, [])
        raise
    return True


def measured(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError) -> str:
    """The metrics' text."""
    now = workplace.clock.now()
    names = [profile.customer for profile in profiles]
    rows: Sequence[CustomerStatus] = fleet_status(workplace, profiles, releases, now)
    ended = next((entry for entry in workplace.ledger.entries(OPERATOR, kinds=("nightly.finished",), newest_first=True)
                  if entry.payload["status"] == "done"), None)
    return metrics(rows, last_checks(workplace, names, MEASURED), last_checks(workplace, names, CHECKED),
                   ended.recorded_at if ended else None, now)


def last_checks(workplace: Workplace, customers: Sequence[str], kind: str) -> Mapping[str, Entry]:
    """The newest entry of this kind by customer; those without one are left out."""
    found = {customer: workplace.ledger.last(customer, kind) for customer in customers}
    return {customer: entry for customer, entry in found.items() if entry is not None}


def write_metrics(path: Path, text: str) -> None:
    """Put the file in its place in one step, readable for node_exporter: a reader never sees half of it."""
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(aside).unlink()
    except OSError as error:
        raise OperationFailed(f"the metrics file {path} cannot be written: {error.strerror}",
                              "set `outputs.metrics` to a file in a folder where this account may write") from None


def _failed(workplace: Workplace, channel: str, error: OpsctlError, about: Sequence[str]) -> None:
    workplace.ledger.append(OPERATOR, FAILED, {"to": channel, "reason": error.message, "about": list(about)},
                            actor=workplace.actor)
