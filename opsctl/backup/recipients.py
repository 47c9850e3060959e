"""Who can decrypt: age recipients written in the profile, or read from files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from opsctl.backup.manifest import KeyEntry
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.hosted import BackupRecipient

_RECIPIENT = re.compile(r"age1[0-9a-z]{58}")


def read_recipients(recipients: Sequence[BackupRecipient], folder: Path) -> tuple[KeyEntry, ...]:
    """The public keys, `file:` references read from the customer's `folder`.

    ConfigurationError when one is missing or no recipient, or when two are the same key.
    """
    found = tuple(KeyEntry(key=_read(recipient.key, folder), kept=recipient.kept) for recipient in recipients)
    if len({entry.key for entry in found}) < len(found):
        raise ConfigurationError(f"two backup recipients of {folder.name} are the same key",
                                 "give the offline recipient a key of its own")
    return found


def _read(key: str, folder: Path) -> str:
    if not key.startswith("file:"):
        return key
    path = folder / key.removeprefix("file:")
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"the backup recipient {path} cannot be read",
                                 "write the public key there: age-keygen -y IDENTITY") from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1 or not _RECIPIENT.fullmatch(keys[0]):
        raise ConfigurationError(f"{path} does not hold one age recipient",
                                 "write the public key there: age-keygen -y IDENTITY")
    return keys[0]
