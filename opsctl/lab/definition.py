"""What the lab consists of, as data: hosts, suites, addresses, and the checks that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Engine = Literal["postgresql", "mariadb"]
Role = Literal["application", "database"]

BRIDGE = "opsctl0"
NETWORK_PREFIX = 24
GATEWAY = "198.51.100.1"
"""The machine's own address on the bridge (documentation range of RFC 5737)."""

APT_PORT = 8081
WEBHOOK_PORT = 8082
STORE_PORT = 9443
SMTP_PORT = 2525
READY_PORT = 8443
BUCKET = "opsctl-lab-backups"
CHECKPOINT_BUCKET = "opsctl-lab-checkpoints"
"""With Object Lock, for the checkpoints of the ledger."""
COPIES = "opsctl-lab-copies"
"""The bucket of second copies: it can lock."""
GUEST_USER = "opsctl"

METERS = 3_000
READINGS_PER_METER = 100


@dataclass(frozen=True)
class HostDefinition:
    """One guest. `database_host` names the guest that holds the database its application uses."""

    name: str
    customer: str
    address: str
    suite: str
    roles: frozenset[Role]
    engine: Engine
    database_host: str
    checksums: bool = False

    @property
    def link(self) -> str:
        """The guest's network link as the machine sees it; at most 15 characters (IFNAMSIZ)."""
        return f"vb-{self.name}"[:15]


@dataclass(frozen=True)
class SuiteDefinition:
    """A Debian release: the version of PostgreSQL it brings and the packages of its base."""

    name: str
    debian: int
    postgresql: int
    packages: tuple[str, ...]


_COMMON_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "iproute2", "procps", "acl",
    "python3", "python3-apt", "python3-psycopg2", "python3-pymysql", "ca-certificates", "openssl",
    "gpg", "gpgv", "age", "zstd", "xz-utils", "postgresql",
)

SUITES: Mapping[str, SuiteDefinition] = {
    "trixie": SuiteDefinition("trixie", 13, 17, (*_COMMON_PACKAGES, "mariadb-server", "mariadb-backup")),
    "bookworm": SuiteDefinition("bookworm", 12, 15, _COMMON_PACKAGES),
}

_BOTH: frozenset[Role] = frozenset({"application", "database"})

HOSTS: tuple[HostDefinition, ...] = (
    HostDefinition("aalund-1", "sample-aalund", "198.51.100.11", "trixie", _BOTH, "postgresql", "aalund-1",
                   checksums=True),
    HostDefinition("birkeby-app", "sample-birkeby", "198.51.100.21", "bookworm", frozenset({"application"}),
                   "postgresql", "birkeby-db"),
    HostDefinition("birkeby-db", "sample-birkeby", "198.51.100.22", "bookworm", frozenset({"database"}),
                   "postgresql", "birkeby-db"),
    HostDefinition("cedervig-1", "sample-cedervig", "198.51.100.31", "trixie", _BOTH, "mariadb", "cedervig-1"),
)

MODULES: Mapping[str, tuple[str, ...]] = {"sample-aalund": ("ready-core", "leak-alarm")}
"""READY's modules that are on when a customer's hosts are made, where it is not the core alone."""

CUSTOMERS_WITHOUT_HOSTS: tuple[str, ...] = ("sample-dalmose", "sample-elmegaard")


def customers() -> tuple[str, ...]:
    """Customers that have hosts, in the order of HOSTS."""
    return tuple(dict.fromkeys(host.customer for host in HOSTS))


def host(name: str) -> HostDefinition:
    """The host called `name`; KeyError when the lab has none."""
    for candidate in HOSTS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)
