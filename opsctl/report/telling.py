"""Telling others what changed state: the signed webhook and what Apprise reaches, each once and for itself.

What one did not take is recorded, is due again for it alone, and keeps no other from being told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opsctl.adapters.notify import post
from opsctl.adapters.notify_apprise import channels, send
from opsctl.adapters.secrets import resolve
from opsctl.core.clock import iso
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import OPERATOR
from opsctl.network.history import CHECKED
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.report.alerts import FAILED, RECOVERY, SENT, Alert, due, problems, told
from opsctl.report.fleet_status import fleet_status
from opsctl.report.outputs import last_checks
from opsctl.runs.workplace import Workplace

Take = Callable[[Sequence[Alert]], Mapping[str, Any]]
"""Hands alerts over; returns what is noted of it. OpsctlError when they were not taken."""


@dataclass(frozen=True)
class Told:
    """What one receiver was told, or why it was not."""

    receiver: str
    alerts: Sequence[Alert]
    error: OpsctlError | None = None


def tell(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError) -> tuple[Told, ...]:
    """Tell each receiver what changed state since it was told last; one result for each receiver that is set."""
    if workplace.settings.outputs.webhook is None and workplace.settings.outputs.apprise is None:
        return ()
    names = [profile.customer for profile in profiles]
    now = problems(fleet_status(workplace, profiles, releases, workplace.clock.now()),
                   last_checks(workplace, names, CHECKED))
    return tuple(_told(workplace, receiver, take, now, names) for receiver, take in _receivers(workplace))


def _receivers(workplace: Workplace) -> Iterator[tuple[str, Take | OpsctlError]]:
    outputs = workplace.settings.outputs
    if outputs.webhook is not None and outputs.webhook_key is not None:
        yield "webhook", partial(_post, workplace, outputs.webhook, outputs.webhook_key)
    if outputs.apprise is not None:
        try:
            addresses = channels(resolve(outputs.apprise))
        except OpsctlError as error:
            yield "apprise", error
            return
        for name, address in addresses.items():
            yield f"apprise {name}", partial(_notify, name, address)


def _told(workplace: Workplace, receiver: str, take: Take | OpsctlError, now: Mapping[str, Alert],
          judged: Sequence[str]) -> Told:
    entries = workplace.ledger.entries(OPERATOR, kinds=(SENT,))
    wanted = due(now, told(entry for entry in entries if entry.payload["to"] == receiver), judged)
    if not wanted:
        return Told(receiver, ())
    try:
        if isinstance(take, OpsctlError):
            raise take
        noted = take(wanted)
    except OpsctlError as error:
        workplace.ledger.append(OPERATOR, FAILED, {"to": receiver, "reason": error.message,
                                                   "about": [alert.key for alert in wanted]}, actor=workplace.actor)
        return Told(receiver, (), error)
    workplace.ledger.append(OPERATOR, SENT, {"to": receiver, **noted, "alerts": [one.document() for one in wanted]},
                            actor=workplace.actor)
    return Told(receiver, wanted)


def _post(workplace: Workplace, address: str, key: str, alerts: Sequence[Alert]) -> Mapping[str, Any]:
    now = workplace.clock.now()
    body = json.dumps({"sent_at": iso(now), "alerts": [one.document() for one in alerts]}, ensure_ascii=False,
                      sort_keys=True).encode()
    return {"status": post(address, body, resolve(key), now)}


def _notify(name: str, address: Any, alerts: Sequence[Alert]) -> Mapping[str, Any]:
    recovered = sum(alert.kind == RECOVERY for alert in alerts)
    send(name, address, title(len(alerts) - recovered, recovered), text(alerts), problem=recovered < len(alerts))
    return {}


def title(problems_: int, recovered: int) -> str:
    """The heading of a message to people."""
    parts = [f"{count} {word if count == 1 else plural}" for count, word, plural in (
        (problems_, "problem", "problems"), (recovered, "recovery", "recoveries")) if count]
    return f"opsctl: {', '.join(parts)}"


def text(alerts: Sequence[Alert]) -> str:
    """One line for each alert."""
    return "\n".join(f"{alert.customer} {alert.what}: "
                     + (f"recovered ({alert.detail})" if alert.kind == RECOVERY else f"{alert.state}: {alert.detail}")
                     for alert in alerts)
