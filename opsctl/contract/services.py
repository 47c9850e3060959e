"""The data sheet's service tables: 8 services x 2 hostings, each cell with coverage, mode and promise.

Source: the data sheet "READY System Support", tables "READY hosted by Kamstrup" and
"READY hosted by customer".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PRODUCT = "READY"
"""The one spelling of the product's name (P01)."""


class Hosting(StrEnum):
    """Who runs the system (P02)."""

    KAMSTRUP = "kamstrup"
    CUSTOMER = "customer"


class Service(StrEnum):
    """The rows of the service tables."""

    IT_SYSTEM_MAINTENANCE = "it-system-maintenance"
    SOFTWARE_UPDATE_MINOR = "software-update-minor"
    SOFTWARE_UPDATE_MAJOR = "software-update-major"
    LICENCE_MANAGEMENT = "licence-management"
    NETWORK_MANAGEMENT = "network-management"
    BACKUP = "backup"
    SYSTEM_INTEGRATION = "system-integration"
    STORAGE_MANAGEMENT = "storage-management"


class Coverage(StrEnum):
    """What the sheet's columns say: X in "Included", X in "Add-on", or both left blank."""

    INCLUDED = "included"
    PURCHASE_REQUIRED = "included, purchase required"
    NOT_OFFERED = "not in the contract"


class Mode(StrEnum):
    """How the service is delivered."""

    AUTOMATIC = "automatic"
    NOTICE = "notice"
    ON_AGREEMENT = "notice; work on agreement"
    NONE = "none"


@dataclass(frozen=True)
class Cell:
    """One cell of the 16: a service under one hosting. `line` quotes the sheet's row and comment."""

    service: Service
    hosting: Hosting
    coverage: Coverage
    mode: Mode
    promise: str
    row: str
    comment: str
    instead: str = ""


TITLES: Mapping[Service, str] = {
    Service.IT_SYSTEM_MAINTENANCE: "IT system maintenance",
    Service.SOFTWARE_UPDATE_MINOR: "Software update - patches and minor upgrades",
    Service.SOFTWARE_UPDATE_MAJOR: "Software update - major releases",
    Service.LICENCE_MANAGEMENT: "Licence management",
    Service.NETWORK_MANAGEMENT: "Network management",
    Service.BACKUP: "Backup",
    Service.SYSTEM_INTEGRATION: "System integration",
    Service.STORAGE_MANAGEMENT: "Storage management",
}

_PLATFORM = "Ongoing maintenance and upgrade of IT platform, OS and middleware."
_LICENCES = "Licence management on all third-party licences used in the Kamstrup software."

_KAMSTRUP: tuple[tuple[Service, Coverage, Mode, str, str, str], ...] = (
    (Service.IT_SYSTEM_MAINTENANCE, Coverage.INCLUDED, Mode.AUTOMATIC, "P10", _PLATFORM, ""),
    (Service.SOFTWARE_UPDATE_MINOR, Coverage.INCLUDED, Mode.AUTOMATIC, "P11",
     "Software updates (patches) are installed automatically. According to the Software Maintenance Agreement.",
     "releases are installed on hosts that Kamstrup runs; there is no update notice to draft (P30)"),
    (Service.SOFTWARE_UPDATE_MAJOR, Coverage.INCLUDED, Mode.AUTOMATIC, "P12",
     "Software updates for major releases are installed automatically. "
     "According to the Software Maintenance Agreement.",
     "releases are installed on hosts that Kamstrup runs; there is no update notice to draft (P30)"),
    (Service.LICENCE_MANAGEMENT, Coverage.INCLUDED, Mode.AUTOMATIC, "P14", _LICENCES, ""),
    (Service.NETWORK_MANAGEMENT, Coverage.INCLUDED, Mode.AUTOMATIC, "P15",
     "Administration and network surveillance of components delivered by Kamstrup.", ""),
    (Service.BACKUP, Coverage.INCLUDED, Mode.AUTOMATIC, "P16",
     "Full database backup is done daily and backups are stored for 30 days.", ""),
    (Service.SYSTEM_INTEGRATION, Coverage.PURCHASE_REQUIRED, Mode.AUTOMATIC, "P18",
     "With a Kamstrup Hosted solution it is possible to enable integration through Kamstrup API Access "
     "(purchase required) to other systems in your system environment.",
     "order Kamstrup API Access and record it with `opsctl order add`, or under `addons` in the profile"),
    (Service.STORAGE_MANAGEMENT, Coverage.INCLUDED, Mode.AUTOMATIC, "P19",
     "Performance and capacity management of storage.", ""),
)

_CUSTOMER: tuple[tuple[Service, Coverage, Mode, str, str, str], ...] = (
    (Service.IT_SYSTEM_MAINTENANCE, Coverage.INCLUDED, Mode.ON_AGREEMENT, "P21", _PLATFORM,
     "send a platform notice; work on the customer's hosts needs records of agreement, access and permissions"),
    (Service.SOFTWARE_UPDATE_MINOR, Coverage.INCLUDED, Mode.ON_AGREEMENT, "P22",
     "Customers are notified about available software updates (patches). "
     "According to the Software Maintenance Agreement.",
     "draft the release notice with `opsctl notice draft`"),
    (Service.SOFTWARE_UPDATE_MAJOR, Coverage.INCLUDED, Mode.ON_AGREEMENT, "P23",
     "Customers are notified about available software updates for major releases. "
     "According to the Software Maintenance Agreement.",
     "draft the release notice with `opsctl notice draft`"),
    (Service.LICENCE_MANAGEMENT, Coverage.INCLUDED, Mode.NOTICE, "P24", _LICENCES, ""),
    (Service.NETWORK_MANAGEMENT, Coverage.NOT_OFFERED, Mode.NONE, "P25", "",
     "the customer watches its own network"),
    (Service.BACKUP, Coverage.NOT_OFFERED, Mode.NONE, "P26", "",
     "the customer makes its own backups; each release notice reminds it to before installing"),
    (Service.SYSTEM_INTEGRATION, Coverage.NOT_OFFERED, Mode.NONE, "P27", "",
     "Kamstrup API Access comes only with a system that Kamstrup hosts"),
    (Service.STORAGE_MANAGEMENT, Coverage.NOT_OFFERED, Mode.NONE, "P28", "",
     "the customer manages its own storage; release notices state the space a release needs"),
)


def _cells() -> Mapping[tuple[Service, Hosting], Cell]:
    table: dict[tuple[Service, Hosting], Cell] = {}
    for hosting, rows in ((Hosting.KAMSTRUP, _KAMSTRUP), (Hosting.CUSTOMER, _CUSTOMER)):
        for service, coverage, mode, promise, comment, instead in rows:
            table[service, hosting] = Cell(
                service, hosting, coverage, mode, promise, TITLES[service], comment, instead
            )
    return table


CELLS: Mapping[tuple[Service, Hosting], Cell] = _cells()
"""All 16 cells by service and hosting."""
