"""Where the lab keeps its things. One fixed place: the lab exists once per machine."""

from __future__ import annotations

from pathlib import Path

STATE = Path("/var/lib/opsctl-lab")
CACHE = Path("/var/cache/opsctl-lab")

HOSTS = STATE / "hosts"
SERVICES = STATE / "services"
SECRETS = STATE / "secrets"
AUTHORITY = STATE / "ca"
AUTHORITY_CERTIFICATE = AUTHORITY / "ca.pem"
AUTHORITY_KEY = AUTHORITY / "ca.key"
SSH = STATE / "ssh"
SSH_IDENTITY = SSH / "id_ed25519"
REPOSITORY = STATE / "repository"
SIGNING = STATE / "signing"
LEDGER = STATE / "ledger"
STORE = STATE / "store"
RUNS = STATE / "runs"
MAIL = STATE / "mail"
WEBHOOKS = STATE / "webhooks"
ARCHIVE = STATE / "archive"
SETTINGS = STATE / "opsctl.yml"
LOCK = STATE / "lock"
APPROVER = SSH / "approver"
ALLOWED_SIGNERS = STATE / "allowed_signers"
OBJECT_STORE_CREDENTIALS = SECRETS / "object-store.json"

BASES = CACHE / "bases"
PACKAGES = CACHE / "packages"
UPGRADES = CACHE / "upgrades"


def make_state_folders() -> None:
    """Create the state and cache folders; the state folder is for root alone."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    STATE.chmod(0o700)
    for folder in (HOSTS, SERVICES, AUTHORITY, SSH, REPOSITORY, LEDGER, STORE, RUNS, MAIL, WEBHOOKS, ARCHIVE,
                   BASES, PACKAGES, UPGRADES):
        folder.mkdir(parents=True, exist_ok=True)
    for private in (SECRETS, SIGNING):
        private.mkdir(mode=0o700, exist_ok=True)
