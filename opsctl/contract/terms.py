"""What the gate needs to know of one customer at one instant, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from opsctl.contract.services import Hosting
from opsctl.core.clock import local_day


class AgreementState(StrEnum):
    """Where a local day lies against the Software Maintenance Agreement (P05)."""

    VALID = "valid"
    NOT_YET = "not yet valid"
    EXPIRED = "expired"
    MISSING = "missing"


@dataclass(frozen=True)
class Agreement:
    """The Software Maintenance Agreement; both days inclusive, in the customer's zone (P05, P13)."""

    reference: str
    valid_from: date
    valid_to: date
    minor_releases: bool = True
    major_releases: bool = True

    def state(self, day: date) -> AgreementState:
        """Where `day` lies."""
        if day < self.valid_from:
            return AgreementState.NOT_YET
        return AgreementState.EXPIRED if day > self.valid_to else AgreementState.VALID


def hosting_since(terms: Iterable[tuple[date, Hosting]], day: date) -> date:
    """Since when the system is hosted as on `day`; date.min when it never was otherwise. A new agreement alone does not
    count. terms: the hostings, newest first, with the local day each began."""
    begun = [one for one in terms if one[0] <= day]
    return next((begins for (begins, hosting), (_, before) in pairwise(begun) if hosting != before), date.min)


@dataclass(frozen=True)
class Terms:
    """The contract of one customer as it stood at one instant.

    addons: order reference by add-on name (P18, P20). service_ends: the last local day of a customer that leaves.
    licences: last day by product, of the third-party licences that end (P14, P24).
    """

    customer: str
    zone: str
    hosting: Hosting
    agreement: Agreement | None
    addons: Mapping[str, str] = field(default_factory=dict)
    service_ends: date | None = None
    licences: Mapping[str, date] = field(default_factory=dict)

    def has_ended(self, at: datetime) -> bool:
        """True when the customer has left."""
        return self.service_ends is not None and local_day(at, self.zone) > self.service_ends

    def ended_licences(self, at: datetime) -> tuple[str, ...]:
        """The products whose licence has ended on the customer's local day of `at`."""
        day = local_day(at, self.zone)
        return tuple(product for product, last in self.licences.items() if last < day)

    def agreement_state(self, at: datetime) -> AgreementState:
        """The agreement's state on the customer's local day of `at`."""
        if self.agreement is None:
            return AgreementState.MISSING
        return self.agreement.state(local_day(at, self.zone))


@dataclass(frozen=True)
class Permission:
    """A record of P48, P50 or P51 as the gate takes it: valid in [valid_from, valid_to).

    covers: the modules or hosts it is about; None for all.
    """

    reference: str
    valid_from: datetime
    valid_to: datetime
    covers: frozenset[str] | None = None

    def holds(self, at: datetime) -> bool:
        """True when `at` lies within."""
        return self.valid_from <= at < self.valid_to

    def opens(self, thing: str, at: datetime) -> bool:
        """True when `at` lies within and the record is about `thing`."""
        return self.holds(at) and (self.covers is None or thing in self.covers)
