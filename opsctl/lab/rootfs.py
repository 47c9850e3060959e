"""A new guest's own files: written into its root file system before it starts for the first time."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

from opsctl.lab import authority, keys, paths, repository
from opsctl.lab.command import run
from opsctl.lab.definition import (
    APT_PORT,
    GATEWAY,
    GUEST_USER,
    HOSTS,
    MODULES,
    NETWORK_PREFIX,
    READY_PORT,
    HostDefinition,
)

_DATABASE_PORTS = {"postgresql": 5432, "mariadb": 3306}
_USER_ID = 1000
"""The first user that useradd makes in a base."""


def write_guest_files(host: HostDefinition, root: Path) -> None:
    """Write everything into `root` that makes the base this host."""
    _write(root / "etc/hostname", f"{host.name}\n")
    _write(root / "etc/hosts", _hosts_file())
    _write(root / "etc/machine-id", f"{secrets.token_hex(16)}\n", 0o444)
    _write(root / "etc/systemd/network/10-host0.network", _network(host))
    _write(root / "usr/local/share/ca-certificates/opsctl-lab.crt", _authority())
    _write(root / "etc/opsctl/ca.pem", _authority())
    _write_apt_sources(host, root)
    _write_ssh(root)
    if "application" in host.roles:
        _write_ready_configuration(host, root)


def host_key(root: Path) -> str:
    """The public host key in a guest's root file system: `ssh-ed25519 BASE64`."""
    return " ".join((root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8").split()[:2])


def database_password(customer: str) -> str:
    """The password of READY's database role at `customer`, made at first use."""
    return _kept_secret(paths.SECRETS / f"{customer}-database-password")


def api_token(customer: str) -> str:
    """The first API token of READY at `customer`."""
    return _kept_secret(paths.SECRETS / f"{customer}-api-token")


def _kept_secret(file: Path) -> str:
    if not file.exists():
        keys.write_private(file, keys.random_password() + "\n")
    return file.read_text(encoding="utf-8").strip()


def _hosts_file() -> str:
    lines = ["127.0.0.1 localhost", *(f"{one.address} {one.name}" for one in HOSTS), f"{GATEWAY} lab.example"]
    return "\n".join(lines) + "\n"


def _network(host: HostDefinition) -> str:
    """No gateway: guests have no way out."""
    return (f"[Match]\nName=host0\n\n[Network]\nAddress={host.address}/{NETWORK_PREFIX}\n"
            "LinkLocalAddressing=no\nIPv6AcceptRA=no\nLLDP=no\n")


def _authority() -> str:
    return paths.AUTHORITY_CERTIFICATE.read_text(encoding="utf-8")


def _write_apt_sources(host: HostDefinition, root: Path) -> None:
    site = f"http://{GATEWAY}:{APT_PORT}"
    _write(root / "etc/apt/sources.list.d/opsctl-lab.sources",
           repository.sources_for(host.suite, site, ready="application" in host.roles))
    (root / "usr/share/keyrings").mkdir(parents=True, exist_ok=True)
    shutil.copy(repository.keyring(), root / "usr/share/keyrings/opsctl-lab.gpg")
    (root / "usr/share/keyrings/opsctl-lab.gpg").chmod(0o644)


def _write_ssh(root: Path) -> None:
    key = root / "etc/ssh/ssh_host_ed25519_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)])
    authorized = root / "home" / GUEST_USER / ".ssh/authorized_keys"
    _write(authorized, paths.SSH_IDENTITY.with_suffix(".pub").read_text(encoding="utf-8"), 0o600)
    os.chown(authorized, _USER_ID, _USER_ID)


def _write_ready_configuration(host: HostDefinition, root: Path) -> None:
    """READY's configuration; its package gives the files to READY's user."""
    database = next(one for one in HOSTS if one.name == host.database_host)
    address = "127.0.0.1" if database.name == host.name else database.address
    configuration = {
        "listen": {"address": host.address, "port": READY_PORT},
        "database": {"engine": host.engine, "host": address, "port": _DATABASE_PORTS[host.engine],
                     "name": "ready", "user": "ready"}}
    folder = root / "etc/ready"
    folder.mkdir(mode=0o750, exist_ok=True)
    _write(folder / "ready.json", json.dumps(configuration, indent=2) + "\n", 0o640)
    _write(folder / "database-password", database_password(host.customer) + "\n", 0o640)
    _write(folder / "modules", "".join(f"{name}\n" for name in MODULES.get(host.customer, ("ready-core",))), 0o640)
    _write(folder / "api-token", api_token(host.customer) + "\n", 0o640)
    authority.ensure_server_certificate(folder / "tls", host.address, (host.name,))


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
