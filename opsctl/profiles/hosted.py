"""The parts that only a vendor-hosted profile has: hosts, databases, backup, delivered components, thresholds."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from opsctl.profiles.parts import RECIPIENT, SECRET_REFERENCE, Identifier, Part

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


def _host_address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        if not all(_LABEL.match(label) for label in value.removesuffix(".").split(".")):
            raise ValueError("is neither an IP address nor a host name") from None
    return value


def _certificate_name(value: str) -> str:
    _host_address(value.removeprefix("*."))
    return value


Address = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host_address)]
SecretReference = Annotated[str, Field(pattern=SECRET_REFERENCE, description="Where the secret is, never the secret.")]
CertificateName = Annotated[str, Field(max_length=253), AfterValidator(_certificate_name)]
Recipient = Annotated[str, Field(pattern=RECIPIENT, description="An age recipient, or file:PATH beside the profile.")]


class HostRole(StrEnum):
    """What runs on a host."""

    APPLICATION = "application"
    DATABASE = "database"


class Host(Part):
    """A host that Kamstrup runs. Meters, routers, concentrators and GSM equipment are not hosts (P53)."""

    name: Identifier
    address: Address
    port: int = Field(default=22, ge=1, le=65535)
    user: str = Field(default="opsctl", pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    roles: tuple[HostRole, ...] = Field(min_length=1)


class Engine(StrEnum):
    """Database engines that opsctl backs up."""

    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"


class Method(StrEnum):
    """How a database is backed up: the server's files as they are, or one database as a dump."""

    PHYSICAL = "physical"
    LOGICAL = "logical"


class PlacedDatabase(Part):
    """A database and where it is; `host` names a host of the profile that has the role database."""

    name: Identifier
    engine: Engine
    host: Identifier
    cluster: str = Field(default="main", pattern=r"^[a-z0-9_-]+$", description="PostgreSQL: Debian's cluster name.")


class Database(PlacedDatabase):
    """A database to back up; `host` names one of `hosts`."""

    method: Method = Field(default=Method.PHYSICAL, description=(
        "physical: all of the server, fastest; logical: this database alone, also for newer versions."))


class S3Store(Part):
    """An S3-compatible store; parts are put by signed URLs, so no credential reaches a host."""

    kind: Literal["s3"]
    endpoint: Annotated[str, Field(pattern=r"^https://[^/@\s]+$")] | None = Field(
        default=None, description="Leave out for AWS. TLS only.")
    region: str = Field(default="eu-north-1", pattern=r"^[a-z0-9-]+$")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", pattern=r"^([A-Za-z0-9._-]+/)*$", description="Ends with a slash, or empty.")
    credentials: SecretReference
    ca_file: str | None = Field(default=None, description="CA bundle of a private endpoint.")
    lock_days: int | None = Field(default=None, ge=1, le=3650, description=(
        "Lock each object for so many days when it is put; the bucket must have Object Lock."))
    lock_mode: Literal["governance", "compliance"] = "governance"


class DirectoryStore(Part):
    """A directory of the control machine; the bytes come over SSH."""

    kind: Literal["directory"]
    path: str = Field(pattern=r"^/")


Store = Annotated[S3Store | DirectoryStore, Field(discriminator="kind")]


class BackupRecipient(Part):
    """Who can decrypt the backups. One key at least is kept offline."""

    key: Recipient
    kept: Literal["online", "offline"]


class SecondStore(Part):
    """Where a copy of every backup goes, with a time and a lock of its own."""

    store: Store
    keep_days: int = Field(default=30, ge=1, le=3650, description="How long copies stay; P17 is kept by the first.")
    minimum_good: int = Field(default=3, ge=1, le=100, description="So many good copies are never removed.")


class Rehearsal(Part):
    """What the nightly run needs to restore a backup for the exercise."""

    identity: SecretReference
    host: Identifier | None = Field(default=None, description="One of `hosts`; the database's own by default.")


class Backup(Part):
    """How backups are made and kept (P16, P17)."""

    store: Store
    recipients: tuple[BackupRecipient, ...] = Field(min_length=2)
    keep_days: int = Field(default=30, ge=30, le=3650, description="P17 promises 30; more is allowed.")
    minimum_good: int = Field(default=3, ge=1, le=100, description="So many good ones are never removed.")
    second_store: SecondStore | None = None
    rehearse_days: int = Field(default=7, ge=1, le=366, description="Each database is restored for the exercise.")
    rehearsal: Rehearsal | None = Field(default=None, description="Left out: rehearsals are done by hand.")

    @model_validator(mode="after")
    def _offline_recipient(self) -> Backup:
        if not any(recipient.kept == "offline" for recipient in self.recipients):
            raise ValueError("no recipient is kept offline; add one whose identity is not on any machine")
        return self

    @model_validator(mode="after")
    def _stores_fit(self) -> Backup:
        if self.second_store is not None and _place(self.second_store.store) == _place(self.store):
            raise ValueError("second_store: is the same place as `store`; name another one")
        for name, one in (("store", self), ("second_store", self.second_store)):
            if one is not None and isinstance(one.store, S3Store) and (one.store.lock_days or 0) > one.keep_days:
                raise ValueError(f"{name}: locked for longer than kept; make lock_days at most keep_days")
        return self


def _place(store: S3Store | DirectoryStore) -> tuple[str, ...]:
    if isinstance(store, DirectoryStore):
        return (store.path.rstrip("/"),)
    return (store.endpoint or "", store.bucket, store.prefix)


class Certificate(Part):
    """Where a component's certificate lies and who signs it; without this opsctl only warns of its end."""

    host: Identifier = Field(description="Which of `hosts` has the files.")
    certificate: str = Field(pattern=r"^/[!-~]+$", max_length=200)
    key: str = Field(pattern=r"^/[!-~]+$", max_length=200, description="Made anew on the host; it never leaves it.")
    unit: str = Field(pattern=r"^[A-Za-z0-9@._-]+\.service$", description="The systemd unit that reads both.")
    reload: bool = Field(default=True, description="Whether the unit takes it when reloaded; else it is restarted, and "
                                                   "only in an open window.")
    authority: Identifier = Field(description="Which of `authorities` or `acme` in opsctl.yml signs it.")
    webroot: str | None = Field(default=None, pattern=r"^/[!-~]+$", max_length=200, description="acme: the folder that "
                                "the host's web server shows on port 80; the answers are written there.")
    names: tuple[CertificateName, ...] = Field(default=(), description="To sign for beside the component's own name "
                                                                       "and address; `*.` alone is a wildcard.")


class Component(Part):
    """A network component. Only those that Kamstrup delivered are watched (P15)."""

    name: Identifier
    kind: Literal["server", "switch", "firewall", "service", "meter", "router", "concentrator", "gsm"]
    address: Address
    port: int | None = Field(default=None, ge=1, le=65535)
    protocol: Literal["tcp", "tls", "https", "http", "ssh"] = Field(
        default="tcp", description="What is checked on `port`: that it opens, its certificate, its answer, its key.")
    path: str = Field(default="/", pattern=r"^/[!-~]*$", max_length=200, description="https, http: a healthy answer "
                                                                                   "is 200 to 399.")
    server_name: Address | None = Field(default=None, description="The name in the certificate; default the address.")
    ca_file: str | None = Field(default=None, description="CA bundle of a private certificate authority.")
    resolves_to: tuple[Address, ...] = Field(default=(), description="Addresses that the name must resolve to.")
    certificate: Certificate | None = None
    delivered_by: Literal["kamstrup", "customer"]

    @model_validator(mode="after")
    def _port_for_protocol(self) -> Component:
        if self.port is None and self.protocol != "tcp":
            raise ValueError(f"protocol {self.protocol} needs a port; write one")
        if self.certificate is not None and self.protocol not in {"tls", "https"}:
            raise ValueError(f"a certificate is renewed for protocol tls or https, not {self.protocol}")
        return self


class Thresholds(Part):
    """When a check warns or fails. The data sheet gives none (P19): these are policy."""

    storage_warning_percent: int = Field(default=80, ge=1, le=100)
    storage_critical_percent: int = Field(default=90, ge=1, le=100)
    full_within_days: int = Field(default=14, ge=1, le=365)
    latency_warning_milliseconds: int = Field(default=50, ge=1)
    certificate_warning_days: int = Field(default=30, ge=1, le=365)
    certificate_critical_days: int = Field(default=7, ge=0, le=365)
    round_trip_warning_milliseconds: int = Field(default=500, ge=1)
    clock_warning_seconds: int = Field(default=30, ge=1, description="Of a component's clock against this machine's.")

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if self.storage_critical_percent <= self.storage_warning_percent:
            raise ValueError("storage_critical_percent must be above storage_warning_percent")
        return self
