"""`opsctl report`: what was promised and what was done, for the customer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_writable, write, write_whole
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import At, Customer, catalogue_or_error, instant, profile, select, workplace
from opsctl.report.service.formats import ReportFormat

app = group("Reports from the ledger.")

ForMonth = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month it is about.")]
Form = Annotated[ReportFormat, typer.Option("--format", help="In what form.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")]
InLanguage = Annotated[str | None, typer.Option("--language", metavar="LANGUAGE",
                                                help="Such as en, da or de; default the customer's.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="What a later revision corrects.")]
Sentence = Annotated[str, typer.Argument(metavar="TEXT", help="One or two sentences.")]

_READS = "it reads the ledger and delivers nothing"


@command(app, "report", "service", kind=Kind.ASKS, without=_READS)
def service(customer: Customer, month: ForMonth, form: Form = ReportFormat.MARKDOWN, output: Output = None,
            language: InLanguage = None, at: At = None) -> Result:
    """Write the month's service report in the customer's language; every figure names its evidence.

    The same ledger gives the same bytes. What is not known is printed as unknown, what is not in the contract as such.
    """
    from opsctl.promises.month import parse
    from opsctl.report.service.formats import render
    from opsctl.report.service.issuing import make
    from opsctl.report.service.phrases import load

    if output is not None:
        require_writable(output)
    wanted, now, found = parse(month), instant(at), profile(customer)
    with workplace(acts=False) as place:
        templates = place.settings.templates / "reports"
        phrases = load(templates, language or found.language)
        made = make(place, found, wanted, now)
        text = render(made, form, templates, phrases)
    if output is not None:
        write(output, text.encode(), mode=0o600)
    data = {"customer": customer, "month": month, "revision": made.revision, "headline": made.headline,
            "language": phrases.language,
            "counts": made.counts, "as_of": made.as_of, "file": str(output) if output else None,
            "report": None if output else text}
    shown = f"{output}: {made.revision}. {made.headline}" if output else text.rstrip("\n")
    return Result(data, shown, warnings=(made.provisional,) if made.provisional else ())


@command(app, "report", "mail", kind=Kind.ASKS, without=_READS)
def mail(customer: Customer, month: ForMonth, folder: Annotated[Path, typer.Option(
        "--output", "-o", metavar="FOLDER", help="Write a draft for each contact there.")]) -> Result:
    """Write the month's issued report as mail drafts (.eml), in each contact's language; nothing is sent.

    For the contacts with the role `contract`, or else all. A person opens, reads and sends them.
    """
    from opsctl.promises.month import parse
    from opsctl.report.service.draft import drafts

    wanted, found = parse(month), profile(customer)
    with workplace(acts=False) as place:
        made = drafts(place, found, wanted, place.clock.now())
    for draft in made:
        require_writable(folder / draft.file)
        write(folder / draft.file, draft.content, mode=0o600)
    rows = [(draft.to, draft.language, str(folder / draft.file)) for draft in made]
    return Result({"drafts": [dict(zip(("to", "language", "file"), row, strict=True)) for row in rows]},
                  table(("to", "language", "file"), rows))


@command(app, "report", "note", kind=Kind.ACTS, without="it records a person's words for a report")
def note(customer: Customer, text: Sentence, month: ForMonth) -> Result:
    """Add a sentence to the head of a month's report, marked with your name."""
    from opsctl.promises.month import parse
    from opsctl.report.service.issuing import note as record

    wanted, found = parse(month), profile(customer)
    with workplace(acts=True) as place:
        entry = record(place, found, wanted, text)
    return Result({"customer": customer, "month": month, "evidence": entry.reference}, f"noted: {entry.reference}")


@command(app, "report", "issue", kind=Kind.ACTS, without="it records which report was handed out")
def issue(customer: Customer, month: ForMonth, reason: Reason = "") -> Result:
    """Record that the month's report is handed out as it stands; a changed one is a new revision with its reason."""
    from opsctl.promises.month import parse
    from opsctl.report.service.issuing import issue as record

    wanted, found = parse(month), profile(customer)
    with workplace(acts=True) as place:
        made, new = record(place, found, wanted, reason)
    told = "issued" if new else "unchanged: issued already"
    return Result({"customer": customer, "month": month, "revision": made.revision, "issued": new},
                  f"{customer} {month}: {made.revision} {told}")


@command(app, "report", "fleet", kind=Kind.ASKS, without=_READS)
def fleet(output: Annotated[Path, typer.Option("--html", metavar="FILE", help="Write the page there.")],
          at: At = None) -> Result:
    """Write one page of all customers, worst first: verdicts, backups of 30 days, forecasts, requests, windows.

    One file without scripts, for the morning: on a phone, in the dark, by keyboard. With --json its data besides.
    """
    from opsctl.cli.workplace import ledger_url, settings
    from opsctl.report.fleet.formats import document, html
    from opsctl.report.fleet.reading import fleet_page

    require_writable(output)
    selection, now = select(None, everyone=True), instant(at)
    with workplace(acts=False) as place:
        page = fleet_page(place, selection.profiles, selection.broken, catalogue_or_error(place), now,
                          ledger_url(settings(), acts=False))
        text = html(page, place.settings.templates / "reports")
    write_whole(output, text.encode(), mode=0o600)
    data = document(page)
    counts = ", ".join(f"{count} {name}" for name, count in data["groups"].items())
    return Result({"file": str(output), **data}, f"{output}: {len(page.rows)} customers: {counts}",
                  warnings=page.problems)


@command(app, "report", "metrics", kind=Kind.ASKS, without=_READS)
def metrics(output: Output = None) -> Result:
    """Write the figures of all customers for Prometheus; with --output in one step, for node_exporter."""
    from opsctl.report.outputs import measured, write_metrics

    selection = select(None, everyone=True)
    with workplace(acts=False) as place:
        text = measured(place, selection.profiles, catalogue_or_error(place))
    if output is not None:
        write_metrics(output, text)
    data = {"file": str(output) if output else None, "metrics": None if output else text}
    return Result(data, f"{output}: written" if output else text.rstrip("\n"),
                  warnings=tuple(f"{name} is left out: its profile cannot be read" for name in selection.broken))


@command(app, "report", "notify", kind=Kind.ACTS, without="it tells others what changed state")
def notify() -> Result:
    """Send what changed state since the last message to the webhook and over Apprise: each problem once, its recovery.

    `nightly` does it too. Exit code 1 when one did not take it; for that one it is due again then.
    """
    from opsctl.core.errors import ConfigurationError, ExitCode
    from opsctl.report.telling import tell

    selection = select(None, everyone=True)
    with workplace(acts=True) as place:
        outputs = place.settings.outputs
        if outputs.webhook is None and outputs.apprise is None:
            raise ConfigurationError("opsctl.yml names neither a webhook nor addresses for Apprise",
                                     "set `outputs: {webhook: ..., webhook_key: ...}` or `outputs: {apprise: ...}`")
        sent = tell(place, selection.profiles, catalogue_or_error(place))
    rows = [(one.receiver, alert.customer, alert.what, alert.kind, alert.state, alert.detail)
            for one in sent for alert in one.alerts]
    failures = [(one.receiver, one.error) for one in sent if one.error is not None]
    lines = [table(("told", "customer", "what", "kind", "state", "detail"), rows)] if rows else []
    lines += [f"{name}: {error.message}\n  what to do: {error.resolution}" for name, error in failures]
    return Result({"told": [{"receiver": one.receiver, "alerts": [alert.document() for alert in one.alerts]}
                            for one in sent]},
                  "\n".join(lines) or "nothing has changed state",
                  failures[0][1].exit_code if failures else ExitCode.OK, (),
                  tuple({"receiver": name, "message": error.message, "resolution": error.resolution,
                         "exit_code": int(error.exit_code)} for name, error in failures))
