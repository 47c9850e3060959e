"""`opsctl agreement`: what a customer agreed to have done, by whom, what and when (P21, P50)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.granted import NOTED, By, From, Reference, To, added, defaulted, known_module, register_reading, time
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer
from opsctl.contract.records import AGREEMENT_DAYS, PLATFORM, RELEASES, RecordKind, agreement_end
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.register import Grant

app = group("Prior agreements: work on customers' hosts, new modules.")


@command(app, "agreement", "add", kind=Kind.ACTS, without=NOTED)
def add(customer: Customer, reference: Reference, by: By,
        module: Annotated[str, typer.Option("--module", metavar="NAME", help="The one module of READY it is about; "
                                                                             "where the customer hosts also `platform` "
                                                                             "for OS and middleware, `releases` for "
                                                                             "installing READY's.")],
        agreed: Annotated[str | None, typer.Option("--agreed", metavar="TIME",
                                                   help="When it was agreed, ISO 8601 with zone; now by default.")]
        = None, start: From = None, end: To = None) -> Result:
    """Record a prior agreement for one module; without --to it ends 90 days after it was agreed."""
    def make(found: Profile, now: datetime) -> tuple[Grant, tuple[str, ...]]:
        from opsctl.records.register import Grant

        made = time(agreed, "--agreed", found) or now
        if made > now:
            raise UsageError(f"--agreed {iso(made)} lies in the future", "record it once it is agreed")
        begins = time(start, "--from", found) or made
        if begins < made:
            raise UsageError(f"--from {iso(begins)} lies before it was agreed, {iso(made)} (P50: prior agreement)",
                             "correct one of them")
        ends = agreement_end(made, time(end, "--to", found))
        details = {"agreed": iso(made), "expires": iso(ends) + ("" if end else f" ({AGREEMENT_DAYS} days)")}
        name = known_module(module)
        return Grant(RecordKind.AGREEMENT, reference, by, begins, ends, (name,), details,
                     defaulted(valid_from=start or agreed, valid_to=end, details=agreed)), _warnings(found, name)

    return added(customer, make)


def _warnings(found: Profile, name: str) -> tuple[str, ...]:
    """What is odd about an agreement on this module; release files that cannot be read say nothing."""
    from opsctl.cli.workplace import settings
    from opsctl.core.errors import OpsctlError
    from opsctl.releases.catalogue import load

    if name in {PLATFORM, RELEASES}:
        return () if found.hosting == "customer" else (
            "Kamstrup hosts this system, so no work needs this agreement; it is kept as evidence",)
    if name in found.ready.modules:
        return (f"{name} is installed already by the profile; an agreement is for new modules",)
    try:
        known = {module for release in load(settings().releases).releases.values() for module in release.modules}
    except OpsctlError:
        return ()
    return () if name in known else (f"no release file has a module {name}; if it is a slip, revoke this agreement",)


register_reading(app, RecordKind.AGREEMENT, "agreements")
