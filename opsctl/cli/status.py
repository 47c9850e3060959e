"""`opsctl status`: how each customer stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.cli.command import Format, Formatted, Kind, command, single
from opsctl.cli.result import Result, nagios_result, table
from opsctl.cli.workplace import At, Customers, catalogue_or_error, instant, select, workplace
from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.report.status import CustomerStatus

app = single()


@command(app, "", "status", kind=Kind.ASKS, without="it reads the ledger and delivers nothing")
def status(customers: Customers = None, at: At = None, output: Formatted = Format.TABLE) -> Result:
    """Show how each customer stands; exit code 8 when a promise is broken."""
    from opsctl.fleet.failures import failed
    from opsctl.promises.model import Word
    from opsctl.report.fleet_status import fleet_status

    when = instant(at)
    selection = select(customers, not customers)
    with workplace(acts=False) as place:
        releases = catalogue_or_error(place)
        rows = fleet_status(place, selection.profiles, releases, when)
    if output is Format.NAGIOS:
        return nagios_result("OPSCTL", [*(failed(name, "profile", error) for name, error in selection.broken.items()),
                                        *(_check(row, name) for row in rows for name in row.verdicts)])
    broken = [(row, name, verdict) for row in rows for name, verdict in row.verdicts.items()
              if verdict.word is Word.BROKEN]
    unreadable = [{"customer": name, "message": error.message, "resolution": error.resolution,
                   "details": list(error.details)} for name, error in selection.broken.items()]
    if isinstance(releases, OpsctlError):
        unreadable.append({"message": releases.message, "resolution": releases.resolution,
                           "details": list(releases.details)})
    text = table(("customer", "hosted by", "READY", "backup", "platform", "storage", "network", "notices", "rehearsal",
                  "running"),
                 [(r.customer, r.hosting, r.ready, *r.verdicts.values(), ", ".join(r.running)) for r in rows])
    if selection.broken:
        text += "\n\ncannot be read: " + ", ".join(selection.broken) + "; run `opsctl profile validate`"
    if isinstance(releases, OpsctlError):
        text += "\n".join(("", "", f"cannot be read: {releases.message}", *releases.details))
    data = [{"customer": r.customer, "hosting": r.hosting, "ready": r.ready, "running": list(r.running),
             **{name: {"verdict": v.word.value, "detail": v.detail} for name, v in r.verdicts.items()}} for r in rows]
    errors = tuple({"customer": row.customer, "message": f"{name} {verdict}"} for row, name, verdict in broken)
    code = ExitCode.CONFIGURATION if unreadable else ExitCode.CHECK_FAILED if broken else ExitCode.OK
    return Result({"customers": data}, text, code, (), (*unreadable, *errors))


def _check(row: CustomerStatus, name: str) -> Outcome:
    """A verdict for monitoring: broken is CRITICAL, and what is not known is UNKNOWN."""
    from opsctl.promises.model import Word

    verdict = row.verdicts[name]
    states = {Word.BROKEN: (Status.CHECK_FAILED, None), Word.UNKNOWN: (Status.FAILED, ExitCode.FAILED)}
    status, code = states.get(verdict.word, (Status.DONE, None))
    return Outcome(row.customer, name, status, f"{name} {verdict}", exit_code=code)
