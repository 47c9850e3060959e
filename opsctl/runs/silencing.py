"""Monitoring is silent while a run works on hosts; each silence has an end from the start, and is on record.

It is ended as soon as the run ends, also when it failed: then alarms are wanted. What a run that died has left
ends by itself, or by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.adapters import silences
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.monitoring import Without
from opsctl.runs.service import Run

if TYPE_CHECKING:
    from opsctl.ledger import Entry

BEGAN, ENDED, FAILED = "silence.began", "silence.ended", "silence.failed"
KINDS = (BEGAN, ENDED)


@contextmanager
def silenced(run: Run, hosts: Sequence[str], *, needed: bool = True) -> Iterator[list[str]]:
    """Silence the customer's hosts while the block runs; yields the warnings, to which its end may add.

    needed: False for work that must not wait, such as getting a stopped system to run. Otherwise OperationFailed
    when the policy wants silence and it cannot be had; then nothing was begun.
    """
    warnings: list[str] = []
    begun: list[Mapping[str, Any]] = []
    try:
        for channel in silences.channels(run.workplace.settings.silences):
            _begin(run, channel, hosts, needed, begun, warnings)
        yield warnings
    finally:
        for one in begun:
            warnings += end(run, one)


def open_silences(entries: Iterable[Entry], now: datetime) -> list[Mapping[str, Any]]:
    """Payloads of the silences that nobody ended and that have not ended by themselves. entries: of KINDS, in order."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in entries:
        key = (str(entry.payload["to"]), str(entry.payload["id"]))
        if entry.kind == BEGAN:
            found[key] = entry.payload
        else:
            found.pop(key, None)
    return [payload for payload in found.values() if datetime.fromisoformat(payload["until"]) > now]


def end_left(run: Run) -> tuple[str, ...]:
    """End what runs that died have left silent; warnings for what could not be ended."""
    ledger = run.workplace.ledger
    left = open_silences(ledger.entries(run.customer, kinds=KINDS), run.workplace.clock.now())
    return tuple(warning for one in left for warning in end(run, one))


def end(run: Run, one: Mapping[str, Any]) -> tuple[str, ...]:
    """End one silence, by the payload of its beginning, and record that; the warning when that failed."""
    place, channel, silence = run.workplace, str(one["to"]), str(one["id"])
    try:
        silences.end(place.settings.silences, channel, silence, run.customer, place.clock.now())
    except OpsctlError as error:
        _record(run, FAILED, {"to": channel, "id": silence, "what": "end", "reason": error.message})
        return (f"monitoring stays silent until {one['until']}: {error.message}",)
    _record(run, ENDED, {"to": channel, "id": silence})
    return ()


def _begin(run: Run, channel: str, hosts: Sequence[str], needed: bool, begun: list[Mapping[str, Any]],
           warnings: list[str]) -> None:
    settings, now = run.workplace.settings.silences, run.workplace.clock.now()
    until = now + timedelta(hours=settings.hours)
    try:
        silence = silences.begin(settings, channel, silences.Quiet(run.customer, hosts, run.id, run.operation, until),
                                 now)
    except OpsctlError as error:
        _record(run, FAILED, {"to": channel, "what": "begin", "reason": error.message})
        if needed and settings.without is Without.REFUSE:
            raise OperationFailed(f"{run.customer}: monitoring could not be silenced, so nothing was touched: "
                                  f"{error.message}", error.resolution) from None
        warnings.append(f"monitoring was not silenced: {error.message}")
        return
    payload = {"to": channel, "id": silence, "until": iso(until), "hosts": list(hosts)}
    _record(run, BEGAN, payload)
    begun.append(payload)
    run.say(f"monitoring is silent until {iso(until)} at the latest ({channel})")


def _record(run: Run, kind: str, payload: Mapping[str, Any]) -> None:
    # Not under the lease: that it was lost must not hide what monitoring was told.
    run.workplace.ledger.append(run.customer, kind, payload, actor=run.workplace.actor, run=run.id)
