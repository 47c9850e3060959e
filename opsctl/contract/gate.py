"""The gate: may this action be done for this customer at this instant, and why (P05, P13, P18, P21-P30).

Pure: terms and records in, a decision with its reasons out. Every command names the service it
delivers and the purpose of what it does, and passes here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from opsctl.contract.records import PLATFORM, RELEASES
from opsctl.contract.services import CELLS, PRODUCT, Cell, Coverage, Hosting, Mode, Service
from opsctl.contract.terms import AgreementState, Permission, Terms
from opsctl.core.clock import iso
from opsctl.core.errors import NotCovered

API_ACCESS = "api-access"


class Purpose(StrEnum):
    """What an action is for; it decides what an ended agreement stops (P05)."""

    NEW_VALUE = "new value"
    """Releases, modules, update notices, updates of the platform that are not security fixes."""
    PROTECT = "protection"
    """Backups, checks, security patches and security notices: they go on, with a warning."""


class Delivery(StrEnum):
    """By which way the action reaches the customer."""

    WORK = "work on hosts"
    NOTICE = "notice"


@dataclass(frozen=True)
class Request:
    """What a command is about to do.

    modules: new modules of READY that the work installs; each needs an agreement of its own (P50).
    hosts: hosts of the customer's that it works on; each must lie within an access record (P48).
    """

    service: Service
    purpose: Purpose
    delivery: Delivery
    modules: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Records:
    """What was granted: agreements (P50), access (P48), third-party permissions (P51) of one customer."""

    agreements: Sequence[Permission] = ()
    access: Sequence[Permission] = ()
    permissions: Sequence[Permission] = field(default=())


@dataclass(frozen=True)
class Decision:
    """The gate's answer. `reason` is one sentence that names promise and row; `instead` what to do when refused.

    left: refused since the customer has left, which no record changes.
    """

    allowed: bool
    cell: Cell
    reason: str
    instead: str = ""
    warnings: tuple[str, ...] = ()
    left: bool = False

    def require(self, customer: str) -> Decision:
        """Return self when allowed; otherwise raise NotCovered (exit 4)."""
        if not self.allowed:
            raise NotCovered(f"{customer}: {self.reason}", self.instead, service=self.cell.service.value)
        return self


def decide(terms: Terms, request: Request, at: datetime, records: Records = Records()) -> Decision:
    """Decide `request` under `terms` at `at`.

    records: they matter for work on customer-hosted systems, and for new modules everywhere.
    """
    cell = CELLS[request.service, terms.hosting]
    if terms.has_ended(at):
        return Decision(False, cell, *_leaving_refusal(terms, cell), left=True)
    refusal = (_coverage_refusal(terms, cell) or _delivery_refusal(request, cell)
               or _records_refusal(request, cell, at, records) or _licence_refusal(terms, request, at))
    if refusal:
        return Decision(False, cell, refusal[0], refusal[1])
    return _agreement_decision(terms, request, cell, at)


def _named(cell: Cell) -> str:
    host = "Kamstrup" if cell.hosting is Hosting.KAMSTRUP else "the customer"
    return f'{cell.promise}, row "{cell.row}" of {PRODUCT} hosted by {host}'


def _coverage_refusal(terms: Terms, cell: Cell) -> tuple[str, str] | None:
    if cell.coverage is Coverage.NOT_OFFERED:
        # P27: API Access is tied to Kamstrup's hosting, so no order makes it available elsewhere.
        bought = terms.addons.get(cell.service.value) if cell.service is not Service.SYSTEM_INTEGRATION else None
        if bought is None:
            return (f"not in the contract ({_named(cell)}, left blank): the customer is responsible", cell.instead)
    if cell.coverage is Coverage.PURCHASE_REQUIRED and API_ACCESS not in terms.addons:
        return f"Kamstrup API Access has not been bought ({_named(cell)}: purchase required)", cell.instead
    return None


def _leaving_refusal(terms: Terms, cell: Cell) -> tuple[str, str]:
    return (f"the customer has left, its last day was {terms.service_ends} ({_named(cell)})",
            f"see `opsctl customer offboard {terms.customer}`; what was taken before stays in custody")


def _delivery_refusal(request: Request, cell: Cell) -> tuple[str, str] | None:
    if request.delivery is Delivery.NOTICE and cell.mode is Mode.AUTOMATIC:
        return f"delivered by work, not by notice ({_named(cell)})", cell.instead
    if request.delivery is Delivery.WORK and cell.mode is Mode.NOTICE:
        return f"customers are notified, nothing is installed for them ({_named(cell)})", cell.instead
    return None


def _records_refusal(request: Request, cell: Cell, at: datetime, records: Records) -> tuple[str, str] | None:
    if request.delivery is not Delivery.WORK:
        return None
    needed: list[tuple[str, Sequence[Permission], tuple[str, ...]]] = []
    about = PLATFORM if cell.service is Service.IT_SYSTEM_MAINTENANCE else RELEASES
    if cell.mode is Mode.ON_AGREEMENT:
        needed = [("an agreement record (P50)", records.agreements, (about,)),
                  ("an access record (P48)", records.access, request.hosts),
                  ("a record of third-party permissions (P51)", records.permissions, ())]
    missing = [_shown(name, held) for name, held, things in needed if not _opened(held, things, at)]
    if missing:
        what = "work on the customer's hosts needs" if about == PLATFORM else (
            "customers are notified of releases, and installing one on their hosts needs")
        return (f"{what} {' and '.join(missing)} valid now ({_named(cell)})",
                f"{cell.instead}; to work there, record them: `opsctl agreement add --module {about}`, `access add`, "
                "`permission add`")
    modules = [module for module in request.modules if not _opened(records.agreements, (module,), at)]
    if modules:
        return (f"new modules are installed on prior agreement: {', '.join(modules)} has none that is valid now (P50)",
                "record it with `opsctl agreement add CUSTOMER REFERENCE --module NAME`, or leave the module out")
    return None


def _opened(held: Sequence[Permission], things: tuple[str, ...], at: datetime) -> bool:
    if not things:
        return any(record.holds(at) for record in held)
    return all(any(record.opens(thing, at) for record in held) for thing in things)


def _shown(name: str, held: Sequence[Permission]) -> str:
    """What is missing, with the newest record there is: mostly the wrong hour, not no record."""
    if not held:
        return name
    newest = max(held, key=lambda record: record.valid_to)
    about = f" for {', '.join(sorted(newest.covers))}" if newest.covers else ""
    return f"{name[:-1]}; {newest.reference}{about} holds {iso(newest.valid_from)} to {iso(newest.valid_to)})"


def _licence_refusal(terms: Terms, request: Request, at: datetime) -> tuple[str, str] | None:
    updates = {Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR}
    installs = request.service in updates and (request.purpose, request.delivery) == (Purpose.NEW_VALUE, Delivery.WORK)
    # A way back to the release of before protects what is there and waits for no licence.
    ended = terms.ended_licences(at) if installs else ()
    if not ended:
        return None
    return (f"no release is installed once a third-party licence used in {PRODUCT} has ended: {', '.join(ended)} (P14)",
            "renew it and correct `licences` in the profile; see `opsctl licence list`")


def _agreement_decision(terms: Terms, request: Request, cell: Cell, at: datetime) -> Decision:
    state = terms.agreement_state(at)
    if state is not AgreementState.VALID:
        what = f"the Software Maintenance Agreement is {state} (P05)"
        if request.purpose is Purpose.NEW_VALUE:
            return Decision(False, cell, f"{what}, and {_named(cell)} delivers new value",
                            "renew the agreement and record it in the profile")
        return Decision(True, cell, f"covered by {_named(cell)}",
                        warnings=(f"{what}; only what protects existing data goes on",))
    if request.purpose is Purpose.NEW_VALUE and not _entitled(terms, cell.service):
        return Decision(False, cell, f"the Software Maintenance Agreement excludes it (P13; {_named(cell)})",
                        "agree it with the customer and record it under `agreement.entitlements`")
    return Decision(True, cell, f"covered by {_named(cell)}")


def _entitled(terms: Terms, service: Service) -> bool:
    agreement = terms.agreement
    if agreement is None:
        return False
    if service is Service.SOFTWARE_UPDATE_MINOR:
        return agreement.minor_releases
    return service is not Service.SOFTWARE_UPDATE_MAJOR or agreement.major_releases
