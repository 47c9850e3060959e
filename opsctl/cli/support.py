"""`opsctl support`: when handling of a request must have been started, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from opsctl.cli import (
    support_bundle,
    support_cost,
    support_exchange,
    support_intake,
    support_log,
    support_message,
    support_read,
)
from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.support_times import both, hours, local
from opsctl.cli.workplace import At
from opsctl.cli.workplace import instant as as_of
from opsctl.core.calendar import Interval, closed_days
from opsctl.core.clock import iso
from opsctl.support import calendars, inputs
from opsctl.support.clock import deadline as find_deadline
from opsctl.support.clock import verdict as find_verdict
from opsctl.support.model import Deadline, Verdict

app = group("The error log and the service levels' clock: requests, deadlines, verdicts in working hours.")
_DATES = "it computes dates and delivers nothing"

LevelOption = Annotated[str, typer.Option("--level", metavar="LEVEL", help="A, B, C or D.")]
Received = Annotated[str, typer.Option("--received", metavar="TIME", help="When the request came, ISO 8601 with zone.")]
Calendar = Annotated[str, typer.Option("--calendar", metavar="NAME", help="One of " + ", ".join(calendars.CALENDARS))]
Pauses = Annotated[list[str] | None, typer.Option(
    "--pause", metavar="FROM/TO", help="Waiting for the customer, on record; may be given several times.")]


Changes = Annotated[list[str] | None, typer.Option("--level-change", metavar="LEVEL@TIME",
                                                   help="A change of level; several in their order.")]


@command(app, "support", "deadline", kind=Kind.ASKS, without=_DATES)
def deadline(level: LevelOption, received: Received, calendar: Calendar = calendars.DEFAULT, pause: Pauses = None,
             level_change: Changes = None) -> Result:
    """Tell when handling must have been started; every counted interval on a line of its own."""
    versions = calendars.load(calendar)
    zone = versions[-1].working.zone
    pauses = [inputs.pause(text, zone) for text in pause or ()]
    found = find_deadline(inputs.level(level), inputs.instant(received, zone, "--received"), versions, pauses,
                          [inputs.level_change(text, zone) for text in level_change or ()])
    lines, data = verdict_lines(found, None)
    return Result(data, "\n".join(lines), warnings=_pause_warnings(pauses, found.received, None, zone))


@command(app, "support", "verdict", kind=Kind.ASKS, without=_DATES)
def verdict(level: LevelOption, received: Received,
            handled: Annotated[str, typer.Option("--handled", metavar="TIME",
                                                 help="When a person started handling, ISO 8601 with zone.")],
            calendar: Calendar = calendars.DEFAULT, pause: Pauses = None, level_change: Changes = None,
            at: At = None) -> Result:
    """Tell whether handling was started in time, by the working time used; late is an answer, not a failure.

    With changes of level the last one counts, from receipt.
    """
    versions = calendars.load(calendar)
    zone = versions[-1].working.zone
    pauses = [inputs.pause(text, zone) for text in pause or ()]
    begun, now = inputs.instant(handled, zone, "--handled"), as_of(at)
    # A plan is a question too; only who names the instant of the answer means what had happened by then.
    planned = at is None and begun > now
    found = find_verdict(inputs.level(level), inputs.instant(received, zone, "--received"), begun,
                         begun if planned else now, versions, pauses,
                         [inputs.level_change(text, zone) for text in level_change or ()])
    lines, data = verdict_lines(found.deadline, found)
    warnings = _pause_warnings(pauses, found.deadline.received, found.handled, zone)
    ahead = (f"--handled {local(begun, zone)} lies ahead: so it would be judged, if handling starts then",)
    return Result(data, "\n".join(lines), warnings=(ahead if planned else ()) + warnings)


def _pause_warnings(pauses: Sequence[Interval], received: datetime, handled: datetime | None,
                    zone: str) -> tuple[str, ...]:
    """What of a pause counts for nothing: a clock that does not run is not stopped."""
    found = []
    for one in pauses:
        name = f"the pause of {local(one.opens, zone)}"
        if one.closes <= received or (handled is not None and one.opens >= handled):
            found.append(f"{name} lies {'before receipt' if one.closes <= received else 'after the start of handling'}"
                         "; it counts for nothing")
            continue
        found += [f"{name} begins before receipt; it counts from then on"] if one.opens < received else []
        found += [f"{name} outlasts the start of handling; it counts until then"] \
            if handled is not None and one.closes > handled else []
    return tuple(found)


def verdict_lines(due: Deadline, found: Verdict | None) -> tuple[list[str], dict[str, Any]]:
    """The intervals, the deadline and, with `found`, the verdict: lines for people, and the envelope's data."""
    zone = due.calendar.working.zone
    if found is None:
        return [*_head(due), "", _intervals(due, due.counted), "", *_deadline_lines(due)], _data(due)
    judged = "kept: in time" if found.in_time else f"broken: late by {hours(found.late_by)} of working time"
    lines = [*_head(due), f"handled      {both(found.handled, zone)}", "", _intervals(due, found.counted), "",
             *_deadline_lines(due), f"used         {hours(found.used)} of {hours(due.budget)}",
             f"verdict      {judged}"]
    return lines, {**_data(due), **_verdict_data(found, zone)}


def _data(found: Deadline) -> dict[str, Any]:
    version, zone = found.calendar, found.calendar.working.zone
    return {"level": found.level.letter, "promise": found.level.promise, "calendar": version.working.name,
            "calendar_version": version.number, "calendar_digest": version.digest, "zone": zone,
            "received": _iso(found.received, zone), "received_utc": iso(found.received),
            "budget_seconds": _seconds(found.budget), "deadline": _iso(found.deadline, zone),
            "deadline_utc": iso(found.deadline), "last_in_time_instant": _iso(found.last_in_time, zone),
            "deadline_without_pause": _iso(found.without_pause, zone),
            "deadline_from_change": _iso(found.from_change, zone) if found.from_change else None,
            "late_at_change": found.late_at_change,
            "history": [{"level": one.level.letter, "since": _iso(one.since, zone),
                         "deadline": _iso(one.deadline, zone)} for one in found.history],
            "counted": _interval_data(found.counted, zone)}


def _verdict_data(found: Verdict, zone: str) -> dict[str, Any]:
    return {"handled": _iso(found.handled, zone), "handled_utc": iso(found.handled),
            "used_seconds": _seconds(found.used), "used_seconds_without_pause": _seconds(found.used_without_pause),
            "in_time": found.in_time, "verdict": "kept" if found.in_time else "broken",
            "late_seconds": _seconds(found.late_by), "counted": _interval_data(found.counted, zone)}


def _head(found: Deadline) -> list[str]:
    level, version = found.level, found.calendar
    zone = version.working.zone
    return [f"level        {level.letter}, {level.title}: start of handling within {level.working_hours} working hours "
            f"({level.promise})",
            f"calendar     {version.working.name}, version {version.number}, Danish time (CET/CEST)",
            f"received     {both(found.received, zone)}"]


def _intervals(found: Deadline, counted: Sequence[Interval]) -> str:
    """What was counted, one interval a line, and the closing days between, by name."""
    working = found.calendar.working
    zone = working.zone
    rows, so_far = [], timedelta(0)
    for one in counted:
        so_far += one.length
        rows.append((local(one.opens, zone), local(one.closes, zone), hours(one.length), hours(so_far)))
    lines = [table(("counted from", "to", "working time", "in all"), rows) if rows else "no working time passed"]
    lines += [f"closed       {day:%a %Y-%m-%d} {why}" for day, why in closed_days(working, counted).items()]
    return "\n".join(lines)


def _deadline_lines(found: Deadline) -> list[str]:
    zone = found.calendar.working.zone
    lines = [f"deadline     {both(found.deadline, zone)}"]
    if found.last_in_time != found.deadline:
        lines.append(f"last in time {both(found.last_in_time, zone)}: no working time passes until then")
    if found.without_pause != found.deadline:
        lines.append(f"no pause     {both(found.without_pause, zone)} would be the deadline; the sheet promises none")
    if found.from_change:
        lines += [f"history      {one.level.letter} since {local(one.since, zone)}: deadline "
                  f"{local(one.deadline, zone)}" for one in found.history]
        target = ": late at reclassification, this is the working target" if found.late_at_change else ""
        lines.append(f"from change  {both(found.from_change, zone)}{target}")
    return lines


def _interval_data(counted: Sequence[Interval], zone: str) -> list[dict[str, Any]]:
    return [{"from": _iso(one.opens, zone), "to": _iso(one.closes, zone), "seconds": _seconds(one.length)}
            for one in counted]


def _iso(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).isoformat()


def _seconds(length: timedelta) -> int | float:
    return length.total_seconds() if length.microseconds else length // timedelta(seconds=1)


_LOGS = "it keeps the error log, which is a row of Service & Support (P35), for every customer"
_READS = "it reads the error log and delivers nothing"
_WRITING: Mapping[str, Callable[..., Result]] = {
    "open": support_intake.open_request, "level": support_log.level, "start": support_log.start,
    "wait": support_log.wait, "resume": support_log.resume, "note": support_log.note, "error": support_log.link_error,
    "close": support_log.close, "reopen": support_log.reopen, "correct": support_log.correct,
    "remind": support_read.remind, "import": support_exchange.import_requests, "cause": support_cost.cause,
    "time": support_cost.time, "told": support_cost.told, "approve": support_cost.approve}
_READING: Mapping[str, Callable[..., Result]] = {
    "list": support_read.list_requests, "show": support_read.show, "due": support_read.due,
    "explain": support_read.explain, "export": support_exchange.export_requests, "costs": support_cost.costs,
    "bundle": support_bundle.bundle, "message": support_message.message}
for _name, _function in _WRITING.items():
    command(app, "support", _name, kind=Kind.ACTS, without=_LOGS)(_function)
for _name, _function in _READING.items():
    command(app, "support", _name, kind=Kind.ASKS, without=_READS)(_function)
