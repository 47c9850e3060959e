"""Where the data sheet is ambiguous: the reading chosen and the reason (the ten conflicts of docs/contract.md)."""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.contract.services import Service


@dataclass(frozen=True)
class Reading:
    """One ambiguity. `services` is empty when it concerns the whole contract."""

    promise: str
    question: str
    reading: str
    reason: str
    services: tuple[Service, ...] = ()


_UPDATES = (Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR)

READINGS: tuple[Reading, ...] = (
    Reading("P21", "Is maintenance of a customer-hosted platform work on its hosts or information about them?",
            "information; work on the hosts only under records of agreement, access and permissions",
            "access and permissions are the customer's to give (P48, P51); the rows for backup and storage are blank",
            (Service.IT_SYSTEM_MAINTENANCE,)),
    Reading("P22/P49", "Customers are \"notified\", yet \"installation of required updates\" is Kamstrup's",
            "required is not available: on customer-hosted systems Kamstrup installs only on agreement",
            "access and prior agreement are rows of their own (P48, P50)", _UPDATES),
    Reading("P11", "The row names patches and minor upgrades, the comment only patches",
            "both are installed automatically", "the row's title governs", (Service.SOFTWARE_UPDATE_MINOR,)),
    Reading("P18", "System integration is included and needs a purchase",
            "included means eligible; Kamstrup API Access is bought separately",
            "the comment says so", (Service.SYSTEM_INTEGRATION,)),
    Reading("P31/P34", "Support hours end at 16, the service desk is open 24/7/365",
            "requests are logged at any instant; the clock of the levels runs in support hours",
            "one is reachability, the other working time"),
    Reading("P32", "\"CET+1\"", "Danish wall-clock time (CET/CEST), Europe/Copenhagen",
            "the office works by the clock on its wall"),
    Reading("P03", "Two lists of contact channels", "website, e-mail and call centre, all three printed",
            "the longer list contains the shorter"),
    Reading("P05", "Do backups go on after the agreement has ended?",
            "yes, with a warning; new releases, modules and update notices stop",
            "stopping a backup risks data that Kamstrup still holds",
            (Service.BACKUP, Service.STORAGE_MANAGEMENT, Service.IT_SYSTEM_MAINTENANCE, *_UPDATES)),
    Reading("P39", "Level A needs a stop and a risk of data loss",
            "a stop whose risk cannot be ruled out is treated as A, with the reason recorded",
            "the cautious side costs less"),
    Reading("P54", "Does a level's clock run on errors that a third party caused?",
            "yes; the right to invoice is separate", "nothing in the sheet stops the clock"),
)


def readings_for(service: Service | None) -> tuple[Reading, ...]:
    """The readings that concern `service`, or all of them for None."""
    return tuple(r for r in READINGS if service is None or service in r.services)
