"""`opsctl customer`: a customer's life, from its profile to the day it leaves."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.customer_answers import (
    Credentials,
    Databases,
    HostedBy,
    Hosts,
    Recipients,
    Sma,
    SmaFrom,
    SmaTo,
    Store,
    asked,
    day,
    explained,
    hosted_by,
    next_steps,
    offered,
    require_free,
    sma_of,
    system,
    today,
)
from opsctl.cli.customer_leaving import offboard
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer, DryRun, Yes, confirm, profile, workplace
from opsctl.contract.services import Service

app = group("A customer's life: add, move to another hosting, offboard.")
_OURS = "it changes opsctl's own profile of a customer, not its system"


@command(app, "customer", "add", kind=Kind.ACTS, without=_OURS)
def add(customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Its name: small letters, digits, hyphens.")],
        hosting: HostedBy = None,
        name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Its name for people.")] = None,
        contact: Annotated[str | None, typer.Option("--contact", metavar="'NAME <ADDRESS>'", help="Who is told and "
                                                    "asked everything; add more in the profile.")] = None,
        since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="First day; today by default.")]
        = None, version: Annotated[str | None, typer.Option("--ready", metavar="VERSION", help="Installed READY.")]
        = None, language: Annotated[str, typer.Option("--language", metavar="LANGUAGE", help="en, da or de.")] = "en",
        zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="IANA time zone.")] = "Europe/Copenhagen",
        agreement: Sma = None, agreement_from: SmaFrom = None, agreement_to: SmaTo = None, hosts: Hosts = None,
        databases: Databases = None, store: Store = None, credentials: Credentials = None,
        recipients: Recipients = None, dry_run: DryRun = False) -> Result:
    """Make a customer's profile, asking on a terminal for what is not given; never over one that is there."""
    from opsctl.records.customers import add as add_customer
    from opsctl.records.customers import plan_new
    from opsctl.records.drafting import SystemAnswers, hosted_parts
    from opsctl.records.drafting import contact as read_contact

    require_free(customer)
    hosting = hosted_by(asked(hosting, "Who hosts the system, kamstrup or customer?", "--hosting"))
    person = read_contact(asked(contact, "Contact, as Name <address>", "--contact"))
    document: dict[str, Any] = {
        "name": asked(name, "The customer's name for people", "--name"), "hosting": hosting,
        "hosting_from": day(since, "--since") or today(zone), "zone": zone, "language": language,
        "contacts": [person], "domains": [person["email"].rpartition("@")[2]]}
    sma = sma_of(agreement, agreement_from, agreement_to, ask=True)
    document |= {"agreement": sma.document()} if sma else {}
    version = version or offered("Installed version of READY (empty: not known)")
    document["ready"] = {"version": version} if version else {}
    if hosting == "kamstrup":
        document |= hosted_parts(system(SystemAnswers(hosts or (), databases or (), store, credentials,
                                                       recipients or ())))
    change = plan_new(customer, document)
    if dry_run:
        return Result({"profile": change.text, "written": False}, change.text.rstrip())
    with workplace(acts=True) as place:
        path = add_customer(place, change)
    told, lines = explained(change.profile)
    todo = next_steps(change.profile)
    return Result({"file": str(path), "written": True, "gate": told, "next": todo},
                  "\n".join([f"written: {path}", "", "What the contract covers:", *lines, "", "Next:",
                             *(f"  {one}" for one in todo)]))


@command(app, "customer", "move", kind=Kind.ACTS, without=_OURS)
def move(customer: Customer, hosting: HostedBy = None,
         since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Its first day.")] = None,
         reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What was agreed; it stays on record.")]
         = "", agreement: Sma = None, agreement_from: SmaFrom = None, agreement_to: SmaTo = None, hosts: Hosts = None,
         databases: Databases = None, store: Store = None, credentials: Credentials = None,
         recipients: Recipients = None, dry_run: DryRun = False, yes: Yes = False) -> Result:
    """Move a customer to another hosting from a day on; what was before is judged by the contract of then."""
    from opsctl.profiles.writing import profile_text
    from opsctl.records.customers import move as move_customer
    from opsctl.records.customers import plan_move, resume_move
    from opsctl.records.drafting import SystemAnswers, hosted_parts

    found = profile(customer)
    target = hosted_by(asked(hosting, "Who hosts the system now, kamstrup or customer?", "--hosting"))
    first = day(asked(since, "From which day on?", "--from"), "--from")
    assert first is not None  # noqa: S101 - an answer was given
    parts: dict[str, Any] = {}
    if target == "kamstrup" and found.hosting != target:
        parts = hosted_parts(system(SystemAnswers(hosts or (), databases or (), store, credentials,
                                                    recipients or ())))
    with workplace(acts=True) as place:
        resumed = resume_move(place, found, target, first, reason) if reason.strip() and not dry_run else None
        if resumed is not None:
            return Result({"written": True, "former": str(resumed)},
                          f"the move to {target} from {first} on was written before and is recorded now")
        change = plan_move(place, found, target, first, agreement=sma_of(agreement, agreement_from, agreement_to),
                           system=parts)
        old = profile_text(found.model_dump(mode="json", exclude_unset=True)).splitlines()
        shown = "\n".join(difflib.unified_diff(old, change.text.splitlines(), "before", f"from {first}", lineterm=""))
        if dry_run:
            return Result({"profile": change.text, "written": False}, shown, warnings=change.warnings)
        if not yes:
            sys.stderr.write(f"{shown}\n")
        confirm(f"Move {customer} to hosting by {target} from {first} on?", yes)
        kept = move_customer(place, found, change, reason)
    told, lines = explained(change.profile)
    return Result({"written": True, "former": str(kept), "gate": told},
                  "\n".join([f"{customer} is hosted by {target} from {first} on; the old profile is kept in {kept}", "",
                             "What the contract covers now:", *lines]), warnings=change.warnings)


command(app, "customer", "offboard", kind=Kind.ACTS, services=(Service.BACKUP,))(offboard)
