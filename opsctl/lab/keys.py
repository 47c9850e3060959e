"""Keys of the lab's operator: SSH identity, approver, backup recipients, the object store's credentials."""

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
APPROVER = "lab-approver@lab.example"
"""The name of the key that approves notices; not the account's, so that it counts as another person."""


def ensure_keys() -> None:
    """Make whatever key is missing; keys that exist stay, since backups may depend on them."""
    _ensure_ssh_key(paths.SSH_IDENTITY, "opsctl-lab")
    _ensure_ssh_key(paths.APPROVER, APPROVER)
    for customer in customers():
        for kept in KEPT:
            identity = identity_file(customer, kept)
            if not identity.exists() or not identity.read_text(encoding="utf-8").strip():
                write_private(identity, run(["age-keygen"]))
    if not paths.OBJECT_STORE_CREDENTIALS.exists():
        write_private(paths.OBJECT_STORE_CREDENTIALS, json.dumps({
            "access_key_id": "LAB" + secrets.token_hex(8).upper(), "secret_access_key": secrets.token_hex(20)}))


def allowed_signers() -> str:
    """The approver's line for ssh-keygen(1), ALLOWED SIGNERS; good for notices alone."""
    kind, key = paths.APPROVER.with_suffix(".pub").read_text(encoding="utf-8").split()[:2]
    return f'{APPROVER} namespaces="opsctl-notice,opsctl-plan,opsctl-support" {kind} {key}\n'


def _ensure_ssh_key(file: Path, comment: str) -> None:
    if not file.exists() or not file.with_suffix(".pub").exists():
        file.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)])


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
