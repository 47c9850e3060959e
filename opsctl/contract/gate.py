"""The gate: may this action be done for this customer at this instant, and why (P05, P13, P18, P21-P30).

Pure: terms and records in, a decision with its reasons out. Every command names the service it
delivers and the purpose of what it does, and passes here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from opsctl.contract.services import CELLS, PRODUCT, Cell, Coverage, Hosting, Mode, Service
from opsctl.contract.terms import AgreementState, Permission, Terms
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
    """What a command is about to do."""

    service: Service
    purpose: Purpose
    delivery: Delivery


@dataclass(frozen=True)
class Decision:
    """The gate's answer. `reason` is one sentence that names promise and row; `instead` what to do when refused."""

    allowed: bool
    cell: Cell
    reason: str
    instead: str = ""
    warnings: tuple[str, ...] = ()

    def require(self, customer: str) -> Decision:
        """Return self when allowed; otherwise raise NotCovered (exit 4)."""
        if not self.allowed:
            raise NotCovered(f"{customer}: {self.reason}", self.instead)
        return self


def decide(terms: Terms, request: Request, at: datetime, *, agreements: Sequence[Permission] = (),
           access: Sequence[Permission] = ()) -> Decision:
    """Decide `request` under `terms` at `at`.

    agreements, access: the records of P50 and P48 that name this customer and this work; they matter
    only for work on customer-hosted systems.
    """
    cell = CELLS[request.service, terms.hosting]
    refusal = _coverage_refusal(terms, cell) or _delivery_refusal(request, cell, at, agreements, access)
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


def _delivery_refusal(request: Request, cell: Cell, at: datetime, agreements: Sequence[Permission],
                      access: Sequence[Permission]) -> tuple[str, str] | None:
    if request.delivery is Delivery.NOTICE and cell.mode is Mode.AUTOMATIC:
        return f"delivered by work, not by notice ({_named(cell)})", cell.instead
    if request.delivery is Delivery.WORK and cell.mode is Mode.NOTICE:
        return f"customers are notified, nothing is installed for them ({_named(cell)})", cell.instead
    if request.delivery is Delivery.WORK and cell.mode is Mode.ON_AGREEMENT:
        missing = [name for name, records in (("an agreement record (P50)", agreements),
                                              ("an access record (P48)", access))
                   if not any(record.holds(at) for record in records)]
        if missing:
            return (f"work on the customer's hosts needs {' and '.join(missing)} valid now ({_named(cell)})",
                    cell.instead)
    return None


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
