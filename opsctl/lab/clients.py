"""The files an operator's machine needs for the lab: known hosts, backup recipients, approvers, settings."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from opsctl.core.errors import ConfigurationError
from opsctl.lab import hosts, keys, paths
from opsctl.lab.definition import CHECKPOINT_BUCKET, GATEWAY, HOSTS, SMTP_PORT, STORE_PORT, customers


def write_client_files(checkout: Path) -> None:
    """Write known_hosts and keys beside each customer's profile, and the operator's settings."""
    hosts.write_known_hosts(paths.SSH / "known_hosts", HOSTS)
    for customer in customers():
        folder = checkout / "inventories" / customer
        (folder / "keys").mkdir(parents=True, exist_ok=True)
        hosts.write_known_hosts(folder / "known_hosts", tuple(one for one in HOSTS if one.customer == customer))
        for kept in keys.KEPT:
            (folder / "keys" / f"{kept}.pub").write_text(keys.recipient(customer, kept) + "\n", encoding="utf-8")
    (paths.STORE / "cedervig").mkdir(parents=True, exist_ok=True)
    keys.write_private(paths.ALLOWED_SIGNERS, keys.allowed_signers())
    keys.write_private(paths.SETTINGS, settings_text(checkout))


def settings_text(checkout: Path) -> str:
    """The operator's settings for the lab, as YAML."""
    return yaml.safe_dump({
        "ledger": {"url": f"sqlite:///{paths.LEDGER / 'ledger.db'}"},
        "checkpoints": {"store": {
            "kind": "s3", "endpoint": f"https://{GATEWAY}:{STORE_PORT}", "bucket": CHECKPOINT_BUCKET,
            "credentials": f"file:{paths.OBJECT_STORE_CREDENTIALS}", "ca_file": str(paths.AUTHORITY_CERTIFICATE)}},
        "authorities": {"lab": {"certificate": str(paths.AUTHORITY_CERTIFICATE), "key": f"file:{paths.AUTHORITY_KEY}"}},
        "inventories": str(checkout / "inventories"),
        "releases": str(checkout / "releases"),
        "templates": str(checkout / "templates"),
        "playbooks": str(checkout / "playbooks"),
        "runs": str(paths.RUNS),
        "drafts": str(paths.STATE / "drafts"),
        "ssh": {"identity": str(paths.SSH_IDENTITY)},
        "smtp": {"host": GATEWAY, "port": SMTP_PORT, "ca_file": str(paths.AUTHORITY_CERTIFICATE)},
        "snapshots": {"command": [sys.executable, "-m", "opsctl.lab.snapshot"]},
        "approvals": {"allowed_signers": str(paths.ALLOWED_SIGNERS)},
    }, sort_keys=False)


def require_checkout(checkout: Path) -> Path:
    """The checkout's absolute path; ConfigurationError when it has no inventories of the samples."""
    found = checkout.resolve()
    for customer in customers():
        if not (found / "inventories" / customer).is_dir():
            raise ConfigurationError(f"{found} has no folder inventories/{customer}.",
                                     "Run the command in a checkout of opsctl.")
    return found
