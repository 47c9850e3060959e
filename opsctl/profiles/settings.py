"""The operator's settings, `opsctl.yml`: where the ledger, inventories, keys and run folders are."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from opsctl.profiles.hosted import SecretReference, Store
from opsctl.profiles.monitoring import OutsideUrl, SilenceSettings
from opsctl.profiles.parts import Identifier, OneLine, Part
from opsctl.profiles.support import SupportPolicy

LedgerUrl = Annotated[str, Field(pattern=r"^(sqlite:////|postgresql(\+psycopg)?://)",
                                 description="sqlite:////absolute/path or postgresql://; a password belongs in "
                                             "PGPASSFILE, not here.")]


class LedgerSettings(Part):
    """Where the evidence is kept."""

    url: LedgerUrl


class SshSettings(Part):
    """How hosts are reached; their keys come from `known_hosts` beside each profile."""

    identity: Path = Field(description="Private key file, mode 0600.")
    connect_seconds: int = Field(default=10, ge=1, le=300)


class SmtpTls(StrEnum):
    """How the connection to the relay is protected; its certificate is always verified."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none-loopback-only"


class SmtpSettings(Part):
    """The mail relay."""

    host: Annotated[str, OneLine] = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65535)
    tls: SmtpTls = Field(default=SmtpTls.STARTTLS, description="implicit is usually port 465.")
    ca_file: Path | None = Field(default=None, description="Left out: the authorities this machine trusts.")
    user: Annotated[str, OneLine] | None = Field(default=None, min_length=1)
    password: SecretReference | None = None
    per_minute: int = Field(default=30, ge=1, le=6000, description="Messages handed over per minute at most.")
    per_minute_and_domain: int = Field(default=10, ge=1, le=6000, description="Of them to one domain at most.")
    command_seconds: int = Field(default=60, ge=1, le=600,
                                 description="How long the relay may take to answer a command.")
    answer_seconds: int = Field(default=600, ge=1, le=3600,
                                description="And the content; RFC 5321, 4.5.3.2.6 wants 10 minutes. Then the outcome "
                                            "is unknown.")

    @model_validator(mode="after")
    def _protected(self) -> SmtpSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together; write both or neither")
        if self.tls is SmtpTls.NONE and not _loopback(self.host):
            raise ValueError("tls: none-loopback-only is for a relay on this machine; write starttls or implicit")
        if self.tls is SmtpTls.NONE and self.user is not None:
            raise ValueError("a password goes only over TLS; leave out user and password, or set tls")
        return self


class SnapshotSettings(Part):
    """The operator's own program that takes snapshots of machines: the way back of a Debian release."""

    command: tuple[Annotated[str, OneLine], ...] = Field(
        min_length=1, description="Called with take, revert or discard, then customer, host, address, name; "
                                  "docs/upgrades.md says what each has to do.")
    seconds: int = Field(default=900, ge=1, le=7200, description="How long one call may take.")


class ApprovalSettings(Part):
    """Whose signatures approve."""

    allowed_signers: Path = Field(description="ssh-keygen(1), ALLOWED SIGNERS: names, namespaces=\"opsctl-notice\", "
                                              "public key.")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


NoticeWord = Annotated[str, Field(pattern=r"^[a-z][a-z_-]*$", max_length=40)]
"""A kind of notice, or `security` for any notice that closes a vulnerability."""


class NoticePolicy(Part):
    """Who approves and what is reminded of. Days are working days, Monday to Friday."""

    second_person: tuple[NoticeWord, ...] = Field(
        default=("major", "security"), description="Kinds that the drafter may not approve.")
    confirmation: tuple[NoticeWord, ...] = Field(
        default=("security",), description="Kinds whose arrival the customer is to confirm.")
    approve_days: int = Field(default=1, ge=0, le=60, description="A draft is late after so many.")
    send_days: int = Field(default=1, ge=0, le=60, description="An approved notice is late after so many.")
    confirm_days: int = Field(default=3, ge=0, le=60, description="A confirmation is late after so many.")


class Unbacked(StrEnum):
    """What comes before patching without a young backup: one is taken, or it goes on with a warning, or not at all."""

    BACK_UP = "back-up"
    WARN = "warn"
    REFUSE = "refuse"


class Policy(Part):
    """Cadences that the data sheet leaves open; the operator's own, never shown as promises."""

    patch_every_days: int = Field(default=30, ge=1, le=366)
    patch_minutes: int = Field(default=30, ge=1, le=1440, description="What patching is taken to need where no earlier "
                                                                      "run says it; nothing starts that cannot end.")
    patch_unbacked: Unbacked = Field(default=Unbacked.BACK_UP, description="What `patch apply` does when the last good "
                                     "backup is older than backup_hours; `nightly` patches with today's alone.")
    reboot_seconds: int = Field(default=600, ge=10, le=7200, description="How long a host may take to come back from a "
                                                                         "reboot; then its patching has failed.")
    upgrade_minutes: int = Field(default=120, ge=1, le=1440, description="The same for the next Debian "
                                                                         "or PostgreSQL version.")
    approval_hours: int = Field(default=72, ge=1, le=720, description="How long the approval of a plan holds.")
    backup_hours: int = Field(default=24, ge=1, le=168, description="A release is installed only with a good backup "
                                                                    "that is not older; otherwise one is taken first.")
    healthy_seconds: int = Field(default=120, ge=1, le=3600, description="How long READY may take to become healthy "
                                                                         "after a release; then it is taken back.")
    batch: int = Field(default=1, ge=1, le=50, description="So many customers of a ring are patched or get a release "
                                                           "at once.")
    rings: tuple[Identifier, ...] = Field(default=("canary", "general"), min_length=1,
                                          description="The order in which rings get changes.")
    notices: NoticePolicy = NoticePolicy()
    support: SupportPolicy = SupportPolicy()


class KamstrupRole(StrEnum):
    """Who acts at Kamstrup in the rows of the RASCI matrix (P59)."""

    SERVICE_DESK = "service-desk"
    OPERATIONS = "operations"
    CONTRACTS = "contracts"


class OutputSettings(Part):
    """What tells others how it stands."""

    webhook: OutsideUrl | None = Field(default=None, description="Gets what changed state, once, and its recovery.")
    webhook_key: SecretReference | None = Field(default=None, description="Signs each message (HMAC-SHA256).")
    apprise: SecretReference | None = Field(default=None, description="Where the addresses for Apprise are, one "
                                            "`name = scheme://...` a line; each gets what changed state, once. Needs "
                                            "the extra opsctl[notify].")
    heartbeat: SecretReference | None = Field(default=None, description="Where the address is that `nightly --all` "
                                              "calls at its end; whoever knows it could keep it alive.")
    metrics: Path | None = Field(default=None, description="A .prom file for node_exporter, written by `nightly`.")

    @model_validator(mode="after")
    def _signed(self) -> OutputSettings:
        if (self.webhook is None) != (self.webhook_key is None):
            raise ValueError("webhook and webhook_key belong together; write both or neither")
        return self


class CheckpointSettings(Part):
    """Where the ledger's checkpoints are kept: out of reach of whoever can write to the ledger."""

    store: Store
    lock_days: int = Field(default=400, ge=1, le=3650, description="How long nobody can remove one, where the bucket "
                                                                   "has Object Lock (compliance).")


class AuthoritySettings(Part):
    """A certificate authority of the operator's own, which signs what `opsctl network renew` asks for."""

    certificate: Path = Field(description="Its certificate (PEM), and those above it up to the root.")
    key: SecretReference
    days: int = Field(default=90, ge=1, le=825, description="How long what it signs is valid.")


class AcmeSettings(Part):
    """An ACME server (RFC 8555) that signs what `opsctl network renew` orders; it asks by http-01."""

    directory: str = Field(pattern=r"^https://[!-~]+$", max_length=500, description="The address of its directory.")
    account_key: SecretReference
    ca_file: Path | None = Field(default=None, description="Left out: the authorities this machine trusts.")
    contact: str | None = Field(default=None, pattern=r"^[^@,\s]+@[^@,\s]+$", max_length=200,
                                description="A mail address that the server may write to.")
    terms_agreed: Literal[True] = Field(description="You agree to the server's terms of service.")


class Settings(Part):
    """Everything `opsctl.yml` may say. Paths are absolute or relative to the file's folder."""

    generated: bool = Field(default=False, description="True marks the settings of generated history (`opsctl lab "
                                                       "history`): commands that act refuse them.")
    ledger: LedgerSettings | None = Field(
        default=None, description="Left out: an SQLite file under the state folder.")
    checkpoints: CheckpointSettings | None = None
    authorities: dict[Identifier, AuthoritySettings] = Field(
        default_factory=dict, description="By the name that a component's `certificate.authority` has.")
    acme: dict[Identifier, AcmeSettings] = Field(
        default_factory=dict, description="By name, as `authorities`; each name stands in one of both only.")
    inventories: Path = Path("inventories")
    releases: Path = Path("releases")
    templates: Path = Path("templates")
    playbooks: Path = Path("playbooks")
    runs: Path | None = Field(default=None, description="Run folders (0700); default under the state folder.")
    drafts: Path | None = Field(default=None, description="Notice drafts; default under the state folder.")
    ssh: SshSettings | None = None
    smtp: SmtpSettings | None = None
    approvals: ApprovalSettings | None = None
    snapshots: SnapshotSettings | None = None
    people: dict[KamstrupRole, Annotated[str, OneLine]] = Field(
        default_factory=dict, description="One person by role; `opsctl rasci` names them.")
    outputs: OutputSettings = OutputSettings()
    silences: SilenceSettings = SilenceSettings()
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _one_signer(self) -> Settings:
        if both := sorted(set(self.authorities) & set(self.acme)):
            raise ValueError(f"{', '.join(both)} stands under authorities and under acme; rename one")
        return self
