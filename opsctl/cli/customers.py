"""`opsctl customers`: who there is, and what is known of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import At, Customer, instant, profile
from opsctl.core.errors import ExitCode

app = group("The customers and their profiles.")
_QUESTION = "it reads profiles and delivers nothing"


@command(app, "customers", "list", kind=Kind.ASKS, without=_QUESTION)
def list_customers() -> Result:
    """List all customers; a broken profile is shown as such and ends with exit code 3."""
    from opsctl.profiles.index import inventories_folder, summaries

    found = summaries(inventories_folder())
    rows = [(s.customer, s.hosting, s.version, s.agreement_to, s.hosts or "-", s.name) if not s.error
            else (s.customer, "broken", "-", "-", "-", s.error) for s in found]
    text = table(("customer", "hosted by", "READY", "agreement to", "hosts", "name"), rows)
    broken = [s for s in found if s.error]
    errors = tuple({"customer": s.customer, "message": s.error,
                    "resolution": "run `opsctl profile validate` and correct the lines it names"} for s in broken)
    return Result({"customers": [asdict(s) for s in found]}, text if found else "no customers",
                  ExitCode.CONFIGURATION if broken else ExitCode.OK, (), errors)


@command(app, "customers", "show", kind=Kind.ASKS, without=_QUESTION)
def show(customer: Customer, at: At = None) -> Result:
    """Show one customer: hosting, agreement, READY, hosts, windows; secrets only as references."""
    from opsctl.profiles.model import hosts_of, terms_at

    when = instant(at)
    found = profile(customer)
    terms = terms_at(found, when)
    data: dict[str, Any] = {"profile": found.model_dump(mode="json", exclude_none=True),
                            "terms": {"hosting": terms.hosting.value,
                                      "agreement": terms.agreement_state(when).value}}
    lines = [f"{found.customer}: {found.name}", f"  hosted by      {terms.hosting}",
             f"  agreement      {terms.agreement.reference if terms.agreement else 'none'}, "
             f"{terms.agreement_state(when)}",
             f"  add-ons        {', '.join(f'{name} ({order})' for name, order in terms.addons.items()) or 'none'}",
             f"  READY          {found.ready.version or 'unknown'} with {', '.join(found.ready.modules)}",
             f"  zone, language {found.zone}, {found.language}"]
    for host in hosts_of(found):
        lines.append(f"  host           {host.name} at {host.address}:{host.port} ({', '.join(host.roles)})")
    for contact in found.contacts:
        lines.append(f"  contact        {contact.name} <{contact.email}> ({', '.join(contact.roles)})")
    return Result(data, "\n".join(lines))
