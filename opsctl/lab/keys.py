"""Keys of the lab's operator: the SSH identity, the backup recipients, the object store's credentials."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from opsctl.core.errors import OperationFailed
from opsctl.lab import paths
from opsctl.lab.command import run
from opsctl.lab.definition import customers

KEPT = ("online", "offline")


def ensure_keys() -> None:
    """Make whatever key is missing; keys that exist stay, since backups may depend on them."""
    if not paths.SSH_IDENTITY.exists() or not paths.SSH_IDENTITY.with_suffix(".pub").exists():
        paths.SSH_IDENTITY.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "opsctl-lab", "-f", str(paths.SSH_IDENTITY)])
    for customer in customers():
        for kept in KEPT:
            identity = identity_file(customer, kept)
            if not identity.exists() or not identity.read_text(encoding="utf-8").strip():
                write_private(identity, run(["age-keygen"]))
    if not paths.OBJECT_STORE_CREDENTIALS.exists():
        write_private(paths.OBJECT_STORE_CREDENTIALS, json.dumps({
            "access_key_id": "LAB" + secrets.token_hex(8).upper(), "secret_access_key": secrets.token_hex(20)}))


def identity_file(customer: str, kept: str) -> Path:
    """The age identity of `customer` that is kept `online` or `offline`."""
    return paths.SECRETS / f"{customer}-{kept}.agekey"


def recipient(customer: str, kept: str) -> str:
    """The public key that belongs to an identity; age-keygen writes it into a comment."""
    marker = "# public key: "
    for line in identity_file(customer, kept).read_text(encoding="utf-8").splitlines():
        if line.startswith(marker):
            return line.removeprefix(marker).strip()
    raise OperationFailed(f"{identity_file(customer, kept)} names no public key.",
                          "Remove the file and run `opsctl lab up`, which makes a new one.")


def random_password() -> str:
    """A password for a service inside the lab: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def write_private(file: Path, content: str) -> None:
    """Write `content` to `file` with mode 0600, complete or not at all."""
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(content)
    unfinished.replace(file)
