"""`opsctl status`: how each customer stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.cli.command import Format, Formatted, Kind, command, single
from opsctl.cli.result import Result, nagios_result, table
from opsctl.cli.workplace import At, Customers, catalogue_or_error, instant, select, workplace
from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.report.status import CustomerStatus, Verdict

app = single()
GENERATED = "generated history: nothing of this happened"


@dataclass(frozen=True)
class _Found:
    """Rows, profiles that cannot be read, and why the release files cannot be, if so."""

    rows: tuple[CustomerStatus, ...]
    broken: Mapping[str, OpsctlError]
    releases: OpsctlError | None = None
    generated: bool = False


@command(app, "", "status", kind=Kind.ASKS, without="it reads the ledger and delivers nothing")
def status(customers: Customers = None, at: At = None, output: Formatted = Format.TABLE) -> Result:
    """Show how each customer stands; exit code 8 when a promise is broken."""
    found = (None if customers or at else _quick()) or _read(customers, at)
    if output is Format.NAGIOS:
        from opsctl.fleet.failures import failed

        return nagios_result("OPSCTL", [*(failed(name, "profile", error) for name, error in found.broken.items()),
                                        *(_check(row, name) for row in found.rows for name in row.verdicts)])
    return _shown(found)


def _quick() -> _Found | None:
    """All customers now, by cached outlines and the ledger's own driver; None where that cannot be."""
    from opsctl.core.clock import SystemClock
    from opsctl.profiles.index import places
    from opsctl.profiles.places import state_folder
    from opsctl.report.quick_status import quick_status

    where = places()
    unread: list[OpsctlError] = []

    def judge(missing: Sequence[str]) -> Mapping[str, tuple[Profile, Verdict]]:
        from opsctl.report.fleet_status import notice_standing

        with workplace(acts=False) as place:
            releases = catalogue_or_error(place)
            unread.extend([releases] if isinstance(releases, OpsctlError) else [])
            profiles = select(list(missing), everyone=False).profiles
            return {one.customer: (one, notice_standing(place, one, releases, now)) for one in profiles}

    now = SystemClock().now()
    made = quick_status(where.ledger or f"sqlite:///{state_folder() / 'ledger.db'}", where, now, judge)
    # What is wrong with the release files is said by the ordinary way, and is not remembered.
    if made is None or unread or not (made.rows or made.broken):
        return None
    return _Found(made.rows, made.broken, generated=made.generated)


def _read(customers: list[str] | None, at: str | None) -> _Found:
    from opsctl.report.fleet_status import fleet_status

    when = instant(at)
    selection = select(customers, not customers)
    with workplace(acts=False) as place:
        releases = catalogue_or_error(place)
        rows = fleet_status(place, selection.profiles, releases, when)
        return _Found(rows, selection.broken, releases if isinstance(releases, OpsctlError) else None,
                      place.ledger.generated)


def _shown(found: _Found) -> Result:
    from opsctl.promises.model import Word

    broken = [(row, name, verdict) for row in found.rows for name, verdict in row.verdicts.items()
              if verdict.word is Word.BROKEN]
    unreadable = [{"customer": name, "message": error.message, "resolution": error.resolution,
                   "details": list(error.details)} for name, error in found.broken.items()]
    if found.releases is not None:
        unreadable.append({"message": found.releases.message, "resolution": found.releases.resolution,
                           "details": list(found.releases.details)})
    text = table(("customer", "hosted by", "READY", "backup", "platform", "storage", "network", "notices", "rehearsal",
                  "running"),
                 [(r.customer, r.hosting, r.ready, *r.verdicts.values(), ", ".join(r.running)) for r in found.rows])
    if found.broken:
        text += "\n\ncannot be read: " + ", ".join(found.broken) + "; run `opsctl profile validate`"
    if found.releases is not None:
        text += "\n".join(("", "", f"cannot be read: {found.releases.message}", *found.releases.details))
    data = [{"customer": r.customer, "hosting": r.hosting, "ready": r.ready, "running": list(r.running),
             **{name: {"verdict": v.word.value, "detail": v.detail} for name, v in r.verdicts.items()}}
            for r in found.rows]
    errors = tuple({"customer": row.customer, "message": f"{name} {verdict}"} for row, name, verdict in broken)
    code = ExitCode.CONFIGURATION if unreadable else ExitCode.CHECK_FAILED if broken else ExitCode.OK
    return Result({"customers": data}, text, code, (GENERATED,) if found.generated else (), (*unreadable, *errors))


def _check(row: CustomerStatus, name: str) -> Outcome:
    """A verdict for monitoring: broken is CRITICAL, and what is not known is UNKNOWN."""
    from opsctl.promises.model import Word

    verdict = row.verdicts[name]
    states = {Word.BROKEN: (Status.CHECK_FAILED, None), Word.UNKNOWN: (Status.FAILED, ExitCode.FAILED)}
    status, code = states.get(verdict.word, (Status.DONE, None))
    return Outcome(row.customer, name, status, f"{name} {verdict}", exit_code=code)
