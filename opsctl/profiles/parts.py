"""The parts of a profile that both hostings share. Closed schemas: an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from opsctl.contract.services import Hosting
from opsctl.core.outcome import OPERATOR


class Part(BaseModel):
    """Base of every part: frozen, no unknown keys, inputs never quoted in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=False)


# Each call of `available_timezones` walks through the whole zone database: 12 ms.
_zones = cache(available_timezones)


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("is not an IANA time zone; write one such as Europe/Copenhagen")
    return value


def _one_line(value: str) -> str:
    if len(value.splitlines()) > 1 or value != value.strip():
        raise ValueError("must be one line, without spaces at its ends")
    return value


def _a_customers_own(value: str) -> str:
    if value == OPERATOR:
        raise ValueError(f"{OPERATOR} is what opsctl calls itself in the evidence; choose another name")
    return value


OneLine = AfterValidator(_one_line)
"""For text that reaches a mail's header, a table or a log."""
Zone = Annotated[str, AfterValidator(_known_zone)]
IDENTIFIER = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
LANGUAGE = r"^[a-z]{2}$"
WALL_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
SECRET_REFERENCE = r"^(env:[A-Z_][A-Z0-9_]*|file:/[^\s]+)$"  # noqa: S105 - a pattern
RECIPIENT = r"^(age1[0-9a-z]{58}|file:[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)$"

PATTERN_WORDS: Mapping[str, str] = {
    IDENTIFIER: "must be small letters, digits and single hyphens, and begin with a letter",
    VERSION: "must be a version such as 5.4.0",
    WALL_TIME: 'must be a time of day in quotes, such as "22:30"',
    EMAIL: "must be an e-mail address such as operations@example.com",
    SECRET_REFERENCE: "must say where the secret is, env:NAME or file:/path; never the secret itself",
    LANGUAGE: "must be a language's two small letters, such as en",
    RECIPIENT: "must be an age recipient (age1...) or file:PATH of one beside the profile",
}
"""What a pattern means, for the error message."""


ERROR_ID = r"^ERR-[0-9]{4,8}$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER, max_length=48)]
CustomerName = Annotated[Identifier, AfterValidator(_a_customers_own)]
Version = Annotated[str, Field(pattern=VERSION)]
WallTime = Annotated[str, Field(pattern=WALL_TIME)]
EmailAddress = Annotated[str, Field(pattern=EMAIL, max_length=254)]
ErrorId = Annotated[str, Field(pattern=ERROR_ID, description="As in the error log (P08).")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Language = Annotated[str, Field(pattern=LANGUAGE)]
"""ISO 639-1. Which languages there are is said by the message catalogues of the notices, one file each."""


class ContactRole(StrEnum):
    """What a contact is asked or told."""

    NOTICES = "notices"
    TECHNICAL = "technical"
    CONTRACT = "contract"
    SECURITY = "security"
    ACCOUNTABLE = "accountable"


class CalendarWish(StrEnum):
    """How a contact gets the calendar part of a notice."""

    NONE = "none"
    ATTACH = "attach"
    PUBLISH = "publish"


class Contact(Part):
    """A person or role address at the customer (P59)."""

    name: Annotated[str, OneLine] = Field(min_length=1, max_length=60, description="Name as it stands in a salutation.")
    email: EmailAddress
    phone: Annotated[str, OneLine] | None = Field(default=None, max_length=40)
    roles: tuple[ContactRole, ...] = Field(min_length=1, description="What this contact is told.")
    language: Language | None = Field(default=None, description="Overrides the customer's language.")
    calendar: CalendarWish = Field(default=CalendarWish.ATTACH, description="For dates: no calendar file, one "
                                                                            "attached, or one that calendars act on.")
    confirmed: bool = Field(default=False, description="True: the customer has confirmed this address although it "
                                                       "lies outside `domains`; without, nothing is sent to it.")


class Entitlements(Part):
    """What the Software Maintenance Agreement entitles to (P13); absent means entitled."""

    minor: bool = Field(default=True, description="Patches and minor upgrades.")
    major: bool = Field(default=True, description="Major releases.")


class AgreementPart(Part):
    """The Software Maintenance Agreement (P05). Both days are inclusive, in the customer's zone."""

    reference: Annotated[str, OneLine] = Field(min_length=1, max_length=80)
    valid_from: date
    valid_to: date
    entitlements: Entitlements = Entitlements()

    @model_validator(mode="after")
    def _in_order(self) -> AgreementPart:
        if self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from; set it to the last day of the agreement")
        return self


class AddonName(StrEnum):
    """Add-ons that can be bought (P18, P20, P25)."""

    API_ACCESS = "api-access"
    NETWORK_MANAGEMENT = "network-management"


class Addon(Part):
    """An add-on with the reference of its order (P20)."""

    name: AddonName
    order: Annotated[str, OneLine] = Field(min_length=1, max_length=80, description="Reference of the order.")


class Ready(Part):
    """The READY system as far as it is known."""

    version: Version | None = Field(default=None, description="Installed version; leave out when unknown.")
    modules: tuple[Identifier, ...] = Field(default=("ready-core",), min_length=1)


class Window(Part):
    """A recurring maintenance window in wall-clock time; one that ends before it starts runs over midnight."""

    name: Identifier
    weekdays: tuple[Weekday, ...] = Field(min_length=1, description="Days on which the window starts.")
    start: WallTime
    end: WallTime = Field(description="Earlier than or equal to start: the window ends on the next day.")
    zone: Zone | None = Field(default=None, description="Defaults to the customer's zone.")
    latest_start_minutes: int | None = Field(
        default=None, ge=1, le=1440, description="Nothing starts later than this after the opening.")


class Freeze(Part):
    """A stretch of local days, both inclusive, on which nothing is changed."""

    first_day: date
    last_day: date
    reason: Annotated[str, OneLine] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.last_day < self.first_day:
            raise ValueError("last_day lies before first_day; swap them")
        return self


class Licence(Part):
    """A third-party licence used in READY (P14, P24). Never the key itself."""

    product: Annotated[str, OneLine] = Field(min_length=1, max_length=80)
    vendor: Annotated[str, OneLine] = Field(min_length=1, max_length=80)
    metric: Annotated[str, OneLine] = Field(min_length=1, max_length=40,
                                            description="hosts, cores and meters are counted; any other is not.")
    quantity: int = Field(ge=0)
    valid_from: date | None = Field(default=None, description="First day; leave out when it has long begun.")
    valid_to: date | None = Field(default=None, description="Last day; leave out for a perpetual licence.")
    notice_by: date | None = Field(default=None, description="Last day to give notice before it renews itself.")
    renewal: Literal["automatic", "manual", "none"] = "manual"
    lead_days: int = Field(default=30, ge=0, le=400, description="So long before its end a renewal is ordered.")
    packages: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")], ...] = Field(
        default=(), description="Debian packages that it covers; with the metric hosts they are counted.")
    held_at: Annotated[str, OneLine] = Field(min_length=1, max_length=120,
                                             description="Where the licence document lies; never the key.")

    @model_validator(mode="after")
    def _in_order(self) -> Licence:
        if self.valid_to is None and (self.notice_by is not None or self.renewal == "automatic"):
            raise ValueError("a perpetual licence has no notice date and no renewal; leave them out or set valid_to")
        if self.valid_to is not None and self.valid_from is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from; set it to the last day of the licence")
        if self.valid_to is not None and self.notice_by is not None and self.notice_by > self.valid_to:
            raise ValueError("notice_by lies after valid_to; set it to the last day to give notice")
        return self


class EarlierTerms(Part):
    """The contract as it stood before, so that the past is judged by it (P02)."""

    effective_from: date
    hosting: Hosting
    agreement: AgreementPart | None = None
    addons: tuple[Addon, ...] = ()


class RecordedPermission(Part):
    """An agreement (P50) or access record (P48) noted in the profile: valid in [valid_from, valid_to)."""

    reference: Annotated[str, OneLine] = Field(min_length=1, max_length=80)
    granted_by: Annotated[str, OneLine] = Field(min_length=1, max_length=80)
    valid_from: datetime
    valid_to: datetime

    @model_validator(mode="after")
    def _aware_and_in_order(self) -> RecordedPermission:
        if self.valid_from.tzinfo is None or self.valid_to.tzinfo is None:
            raise ValueError("times need a zone, for example 2026-11-23T09:00:00+01:00")
        if self.valid_to <= self.valid_from:
            raise ValueError("valid_to must lie after valid_from")
        return self
