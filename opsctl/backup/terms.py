"""Whose contract decides about a backup, and the lease of those who read one."""

from __future__ import annotations

from datetime import datetime

from opsctl.backup.naming import id_time
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import UsageError

# Reading a backup for hours must not keep the night's backup from running; removing one must wait for it.
READING = "backup-reading"
REQUEST = Request(Service.BACKUP, Purpose.PROTECT, Delivery.WORK)


def terms_instant(backup_id: str) -> datetime:
    """The instant whose contract decides about a backup: when it was taken. UsageError for what is no id."""
    try:
        return id_time(backup_id)
    except ValueError:
        raise UsageError(f"{backup_id[:60]!r} is not the id of a backup",
                         "ids look like 20261123T021500Z-ab12cd; see opsctl backup list") from None
