"""What the contract says of each kind of notice: its service, what an ended agreement does to it, its languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Hosting, Service
from opsctl.notices.model import NoticeKind


@dataclass(frozen=True)
class Rule:
    """One kind.

    purpose: PROTECT goes on after an agreement has ended, NEW_VALUE stops (P05).
    contractual: the data sheet promises it, so a missing translation is an error; otherwise a block stands in English.
    by_hand: drafted by a person from a file of facts.
    about_work: tells of work that Kamstrup does, so the gate is asked about that work, for either hosting.
    """

    service: Service
    purpose: Purpose
    contractual: bool = True
    by_hand: bool = False
    about_work: bool = False


_PLATFORM, _MINOR = Service.IT_SYSTEM_MAINTENANCE, Service.SOFTWARE_UPDATE_MINOR
_WORK = Rule(_PLATFORM, Purpose.PROTECT, contractual=False, by_hand=True, about_work=True)

RULES: Mapping[NoticeKind, Rule] = {
    NoticeKind.UPDATE: Rule(_MINOR, Purpose.NEW_VALUE),
    NoticeKind.MAJOR: Rule(Service.SOFTWARE_UPDATE_MAJOR, Purpose.NEW_VALUE),
    NoticeKind.SECURITY: Rule(_MINOR, Purpose.PROTECT),
    NoticeKind.PLANNED: Rule(_MINOR, Purpose.NEW_VALUE, by_hand=True, about_work=True),
    # What was done is told also when the agreement has ended since.
    NoticeKind.DONE: Rule(_MINOR, Purpose.PROTECT, by_hand=True, about_work=True),
    NoticeKind.PLATFORM: Rule(_PLATFORM, Purpose.NEW_VALUE),
    NoticeKind.MAINTENANCE_PLANNED: _WORK,
    NoticeKind.MAINTENANCE_CHANGED: _WORK,
    NoticeKind.MAINTENANCE_CANCELLED: _WORK,
    NoticeKind.MAINTENANCE_DONE: _WORK,
    NoticeKind.END_OF_SUPPORT: Rule(_MINOR, Purpose.NEW_VALUE),
    NoticeKind.LICENCE_EXPIRY: Rule(Service.LICENCE_MANAGEMENT, Purpose.PROTECT),
    NoticeKind.CORRECTION: Rule(_MINOR, Purpose.PROTECT),
    NoticeKind.WITHDRAWAL: Rule(_MINOR, Purpose.PROTECT),
    NoticeKind.MODULE_PROPOSAL: Rule(_MINOR, Purpose.NEW_VALUE, contractual=False, by_hand=True),
}

_EITHER = frozenset({NoticeKind.CORRECTION, NoticeKind.WITHDRAWAL, NoticeKind.MODULE_PROPOSAL})
"""Kinds for both hostings: to a customer hosted by Kamstrup they are part of the work that it gets."""


def request(kind: NoticeKind, hosting: Hosting, *, major: bool = False) -> Request:
    """What the gate is asked about a notice of `kind`. major: it is about a major release."""
    rule = RULES[kind]
    service = Service.SOFTWARE_UPDATE_MAJOR if major and rule.service is _MINOR else rule.service
    # What was installed on a customer's hosts is told also when the access to them has ended since.
    told = kind is NoticeKind.DONE and hosting is Hosting.CUSTOMER
    as_work = (rule.about_work and not told) or (kind in _EITHER and hosting is Hosting.KAMSTRUP)
    return Request(service, rule.purpose, Delivery.WORK if as_work else Delivery.NOTICE)
