"""What the backup commands share: whose backups, and which one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.workplace import profile
from opsctl.core.errors import ConfigurationError

if TYPE_CHECKING:
    from opsctl.profiles.model import KamstrupProfile, Profile
    from opsctl.runs.workplace import Workplace

BackupId = Annotated[str | None, typer.Argument(metavar="[BACKUP]",
                                                help="An id of `opsctl backup list`; the newest good one by default.")]

Second = Annotated[bool, typer.Option("--second", help="From the second store.")]


def hosted_profile(place: Workplace, found: Profile) -> KamstrupProfile:
    """The profile as one whose backups are covered now; NotCovered otherwise."""
    from opsctl.backup.terms import REQUEST
    from opsctl.cli.each import hosted

    return hosted(place, found, REQUEST)


def custody(place: Workplace, customer: str) -> KamstrupProfile:
    """The profile for work with existing backups, which follows the contract at their date.

    After a move to the customer's own hosting it is the kept profile of before.
    """
    from opsctl.profiles.model import KamstrupProfile
    from opsctl.profiles.writing import former_hosted

    found = profile(customer)
    if isinstance(found, KamstrupProfile):
        return found
    return former_hosted(place.settings.inventories, found) or hosted_profile(place, found)


def newest(place: Workplace, found: KamstrupProfile, *, second: bool = False) -> str:
    """The id of the newest good backup, or of the newest good copy; ConfigurationError when there is none."""
    from opsctl.backup.catalog import catalog
    from opsctl.backup.shelves import shelf_of

    good = [backup for backup in catalog(place, found, shelf=shelf_of(found, second=second)).backups if backup.good]
    if not good:
        raise ConfigurationError(f"{found.customer}: there is no good backup",
                                 f"see `opsctl backup list {found.customer}`")
    return max(good, key=lambda backup: backup.modified).place.backup_id
