"""`opsctl licence`: third-party licences used in READY, against what is installed and what is due (P14, P24)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Format, Formatted, Kind, command, group
from opsctl.cli.customer_answers import day
from opsctl.cli.files import require_writable
from opsctl.cli.files import write as write_file
from opsctl.cli.result import Result, nagios_result, outcomes_result, table
from opsctl.cli.workplace import All, At, Customer, Customers, instant, profile, select, workplace
from opsctl.contract.services import CELLS, Hosting, Service
from opsctl.core.errors import ConfigurationError

if TYPE_CHECKING:
    from opsctl.core.outcome import Outcome
    from opsctl.profiles.model import Profile
    from opsctl.runs.workplace import Workplace

app = group("Third-party licences: what was bought, what is used, what ends when.")
_READS = "it reads profiles and the ledger and delivers nothing"
_NOT_OURS = "P51: licences and permissions on the customer's own machines are the customer's; see `opsctl permission`."
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it there instead of printing it.")]


@command(app, "licence", "list", kind=Kind.ASKS, without=_READS)
def list_licences(customers: Customers = None, at: At = None) -> Result:
    """List the licences of customers, of all by default: bought against measured, end, notice, where it is held."""
    from opsctl.core.clock import local_day
    from opsctl.records.licence_check import last_inventory, last_usage
    from opsctl.records.licences import judge, measured

    when, selection = instant(at), select(customers, not customers)
    rows: list[dict[str, Any]] = []
    with workplace(acts=False) as place:
        for found in selection.profiles:
            known = last_inventory(place, found.customer)
            inventory, usage = known[0] if known else None, last_usage(place, found.customer)
            for one in found.licences:
                findings = judge(one, local_day(when, found.zone), inventory, usage, found.licences)
                rows.append({"customer": found.customer, **one.model_dump(mode="json"),
                             "measured": measured(one, inventory, usage),
                             "findings": [f"{finding.level.value}: {finding.said}" for finding in findings]})
    text = table(("customer", "product", "vendor", "bought", "used", "ends", "notice by", "renewal", "held at"),
                 [(row["customer"], row["product"], row["vendor"], f"{row['quantity']} {row['metric']}",
                   "unknown" if row["measured"] is None else row["measured"], row["valid_to"] or "perpetual",
                   row["notice_by"] or "-", row["renewal"], row["held_at"]) for row in rows])
    warnings = tuple(f"{name}: {error.message}" for name, error in selection.broken.items())
    said = [{"promise": cell.promise, "hosting": cell.hosting.value, "comment": cell.comment, "how": cell.mode.value}
            for cell in (CELLS[Service.LICENCE_MANAGEMENT, hosting] for hosting in Hosting)]
    sheet = "\n".join(f'{one["promise"]}, hosted by {one["hosting"]}: "{one["comment"]}" ({one["how"]})'
                      for one in said)
    return Result({"licences": rows, "contract": said},
                  f"{text if rows else 'no licences'}\n\nWhat the contract says:\n{sheet}\n{_NOT_OURS}",
                  warnings=warnings)


@command(app, "licence", "check", kind=Kind.ACTS, services=(Service.LICENCE_MANAGEMENT,))
def check(customers: Customers = None, everyone: All = False,
          planned: Annotated[str | None, typer.Option("--planned", metavar="DATE", help="Also for a release that is "
                                                      "planned for that day: a licence that ends before blocks it.")]
          = None, output: Formatted = Format.TABLE) -> Result:
    """Count what is installed on hosted systems and judge every licence; exit code 8 when one is not good."""
    from opsctl.cli.each import for_each
    from opsctl.core.outcome import Status
    from opsctl.fleet.failures import jointly
    from opsctl.profiles.model import KamstrupProfile
    from opsctl.records.licence_check import check as check_licences
    from opsctl.records.licence_check import list_packages, request
    from opsctl.runs.service import gate

    selection, release_day = select(customers, everyone), day(planned, "--planned")
    hosted: list[KamstrupProfile] = []
    with workplace(acts=True) as place:
        def one(found: Profile) -> Outcome:
            gate(found, request(found), place.clock.now(), place.ledger).require(found.customer)
            if isinstance(found, KamstrupProfile):
                hosted.append(found)
                return _later(found)
            return check_licences(place, found, None, release_day)

        outcomes = [outcome for outcome in for_each(selection, Service.LICENCE_MANAGEMENT, one)
                    if outcome.status is not Status.SKIPPED]
        if hosted:
            def all_of(profiles: Any) -> list[Outcome]:
                found = list_packages(place, profiles)
                return [check_licences(place, each, found, release_day) for each in profiles]

            outcomes += jointly(hosted, Service.LICENCE_MANAGEMENT, all_of)
    outcomes.sort(key=lambda outcome: outcome.customer)
    return nagios_result("LICENCES", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)


@command(app, "licence", "calendar", kind=Kind.ASKS, without=_READS)
def calendar(customers: Customers = None, output: Output = None) -> Result:
    """Print ends, notice dates and last days to order as iCalendar, for customers or all, with reminders."""
    from opsctl.core.clock import SystemClock
    from opsctl.records.licence_export import calendar as as_calendar

    if output is not None:
        require_writable(output)
    selection = select(customers, not customers)
    licences = [(found.customer, one) for found in selection.profiles for one in found.licences]
    text = as_calendar(licences, SystemClock().now())
    warnings = tuple(f"{name}: {error.message}" for name, error in selection.broken.items())
    if output is not None:
        write_file(output, text.encode())
        return Result({"file": str(output), "licences": len(licences)}, f"written to {output}", warnings=warnings)
    return Result({"calendar": text, "licences": len(licences)}, text.replace("\r\n", "\n").rstrip(), warnings=warnings)


@command(app, "licence", "export", kind=Kind.ASKS, without=_READS)
def export(customer: Customer, output: Output = None) -> Result:
    """Print the packages that were listed last, with their licences, as CycloneDX 1.6 (JSON)."""
    if output is not None:
        require_writable(output)
    found = profile(customer)
    with workplace(acts=False) as place:
        document, reference = _bill(place, found.customer)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is not None:
        write_file(output, f"{text}\n".encode())
        return Result({"file": str(output), "entry": reference}, f"written to {output}, from {reference}")
    return Result({"bom": document, "entry": reference}, text)


def _bill(place: Workplace, customer: str) -> tuple[Any, str]:
    from opsctl.records.licence_check import last_inventory
    from opsctl.records.licence_export import cyclonedx

    known = last_inventory(place, customer)
    if known is None:
        raise ConfigurationError(f"{customer}: its packages were never listed, so there is nothing to export",
                                 f"`opsctl licence check {customer}` lists them where Kamstrup hosts the system")
    return cyclonedx(customer, known[0], place.clock.now()), known[1]


def _later(found: Profile) -> Outcome:
    from opsctl.core.outcome import Outcome, Status

    return Outcome(found.customer, Service.LICENCE_MANAGEMENT, Status.SKIPPED, "listed with the others")
