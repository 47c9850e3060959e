"""What `opsctl customer` asks for: options, answers on a terminal, and what a new profile means."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.workplace import settings
from opsctl.contract.services import Hosting, Service
from opsctl.core.clock import SystemClock, local_day
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.drafting import AgreementAnswers, SystemAnswers

Hosts = Annotated[list[str] | None, typer.Option("--host", metavar="NAME=ADDRESS/ROLES", help="A host that Kamstrup "
                                                 "runs: app-1=192.0.2.10/application+database. Several times.")]
Databases = Annotated[list[str] | None, typer.Option("--database", metavar="NAME=ENGINE@HOST",
                                                     help="ready=postgresql@app-1. Several times.")]
Store = Annotated[str | None, typer.Option("--store", metavar="PLACE", help="Where backups go: /path, or "
                                                                            "s3:BUCKET@https://endpoint.")]
Credentials = Annotated[str | None, typer.Option("--store-credentials", metavar="REFERENCE",
                                                 help="env:NAME or file:/path; never the secret.")]
Recipients = Annotated[list[str] | None, typer.Option("--recipient", metavar="KEPT=KEY", help="online=KEY and "
                                                      "offline=KEY: age1... or file:keys/online.pub.")]
Sma = Annotated[str | None, typer.Option("--agreement", metavar="REFERENCE",
                                         help="The Software Maintenance Agreement.")]
SmaFrom = Annotated[str | None, typer.Option("--agreement-from", metavar="DATE", help="Its first day.")]
SmaTo = Annotated[str | None, typer.Option("--agreement-to", metavar="DATE", help="Its last day.")]
HostedBy = Annotated[str | None, typer.Option("--hosting", metavar="WHO", help="kamstrup or customer.")]


def require_free(customer: str) -> None:
    from opsctl.profiles.places import PROFILE

    path = settings().inventories / customer / PROFILE
    if path.exists() or path.is_symlink():
        raise UsageError(f"{customer} has a profile already: {path}", "choose another name, or edit that profile")


def asked(value: str | None, question: str, option: str) -> str:
    """The option's value, or the answer on a terminal; UsageError without either."""
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise UsageError(f"{option} is missing, and there is no terminal to ask on", f"give {option}")
    return str(typer.prompt(question, err=True))


def offered(question: str) -> str | None:
    """The answer on a terminal; None for an empty one, and without a terminal."""
    if not sys.stdin.isatty():
        return None
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip() or None


def hosted_by(text: str) -> str:
    if text not in set(Hosting):
        raise UsageError(f"--hosting must be exactly one of {', '.join(Hosting)}", "there is nothing between (P02)")
    return text


def system(answers: SystemAnswers) -> SystemAnswers:
    from opsctl.records.drafting import SystemAnswers

    missing = answers.missing
    if missing and not sys.stdin.isatty():
        raise UsageError(f"a system that Kamstrup hosts needs {', '.join(missing)}", "see `opsctl customer add --help`")
    if not missing:
        return answers

    def listed(given: Any, question: str) -> list[str]:
        return list(given) or str(typer.prompt(f"{question} (several: spaces between)", err=True)).split()

    hosts = listed(answers.hosts, "Hosts, as app-1=192.0.2.10/application+database")
    databases = listed(answers.databases, "Databases, as ready=postgresql@app-1")
    store = asked(answers.store, "Where do backups go, /path or s3:BUCKET@https://endpoint?", "--store")
    credentials = answers.store_credentials
    if store.startswith("s3:"):
        credentials = asked(credentials, "Where are the store's credentials, file:/path?", "--store-credentials")
    recipients = listed(answers.recipients, "Backup keys, as online=file:keys/online.pub offline=file:keys/offline.pub")
    return SystemAnswers(hosts, databases, store, credentials, recipients)


def sma_of(reference: str | None, first: str | None, last: str | None, *, ask: bool = False
           ) -> AgreementAnswers | None:
    from opsctl.records.drafting import AgreementAnswers

    if reference is None and first is None and last is None:
        if not ask:
            return None
        reference = offered("Reference of the Software Maintenance Agreement (empty: none yet)")
        if reference is None:
            return None
        first, last = asked(None, "Its first day", "--agreement-from"), asked(None, "Its last day", "--agreement-to")
    begins, ends = day(first, "--agreement-from"), day(last, "--agreement-to")
    if reference is None or begins is None or ends is None:
        raise UsageError("an agreement needs --agreement, --agreement-from and --agreement-to", "give all, or none")
    return AgreementAnswers(reference, begins, ends)


def day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a day", "write it as 2026-11-23") from None


def today(zone: str) -> date:
    """The day in `zone`; in UTC for a zone that validation will refuse."""
    now = SystemClock().now()
    try:
        return local_day(now, zone)
    except (KeyError, ValueError, OSError):
        return now.date()


def explained(found: Profile) -> tuple[list[dict[str, str]], list[str]]:
    """The gate's answer for each service."""
    from opsctl.cli.contract import natural_request
    from opsctl.runs.service import gate

    now = SystemClock().now()
    rows = []
    for service in Service:
        decision = gate(found, natural_request(service, Hosting(found.hosting)), now)
        rows.append({"service": service.value, "decision": "allowed" if decision.allowed else "refused",
                     "reason": decision.reason})
    return rows, [f"  {row['service']:22} {row['decision']:8} {row['reason']}" for row in rows]


def next_steps(found: Profile) -> list[str]:
    steps = [f"add contacts, windows and licences to the profile, then `opsctl profile validate {found.customer}`"]
    if found.hosting == "kamstrup":
        steps = [f"write each host's key to inventories/{found.customer}/known_hosts, read on the host itself",
                 "make two age keys, keep one identity offline, put the public keys where the profile says", *steps,
                 f"opsctl doctor {found.customer}"]
    return steps
