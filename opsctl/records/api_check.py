"""Kamstrup API Access checked as the customer's systems use it: TLS, the key, the version (P18)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from opsctl.adapters.ready_api import Answer, Endpoint, ask
from opsctl.adapters.secrets import resolve
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import PRODUCT, Service
from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.integration import ApiAccess
from opsctl.profiles.model import KamstrupProfile
from opsctl.records.api_keys import Stage, key_files
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

REQUEST = Request(Service.SYSTEM_INTEGRATION, Purpose.PROTECT, Delivery.WORK)
CHECKED = "api.checked"
GUARDED_PATH = "/api/v1/meters?limit=1"
"""A question that READY answers only to who has a valid key."""
WARN_DAYS, CRITICAL_DAYS = 30, 7
"""Days before the certificate ends; policy, the data sheet gives none."""


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, at one endpoint."""

    endpoint: str
    what: str
    level: Level
    said: str


def check(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    """Ask every application host, and the endpoint when the profile names one; leaves `api.checked`.

    NotCovered (exit 4) where API Access was not bought or the customer hosts; CHECK_FAILED (exit 8) when a finding
    is critical.
    """
    def act(run: Run) -> Outcome:
        access = settings_of(profile)
        findings = [found for endpoint in endpoints(profile, access)
                    for found in _findings(endpoint, resolve(access.credentials), profile, run.started)]
        findings += _overlap(access)
        bad = [found for found in findings if found.level is not Level.OK]
        status = Status.CHECK_FAILED if any(found.level is Level.CRITICAL for found in bad) else (
            Status.WARNING if bad else Status.DONE)
        data = {"findings": [asdict(found) for found in findings]}
        run.record(CHECKED, {**data, "status": status.value})
        summary = "; ".join(f"{found.endpoint}: {found.said}" for found in bad) or (
            f"{len(endpoints(profile, access))} answering, key accepted, TLS valid, {PRODUCT} {profile.ready.version}")
        return Outcome(run.customer, REQUEST.service, status, summary,
                       "" if not bad else "put right what is named, then check again", data=data)

    return perform(workplace, profile, REQUEST, "api check", act)


def settings_of(profile: KamstrupProfile) -> ApiAccess:
    """The profile's `api`; ConfigurationError when there is none."""
    if profile.api is None:
        raise ConfigurationError("API Access is bought, and the profile does not say where the "
                                 "customer's key is", "add `api: {credentials: file:/path}` to the profile")
    return profile.api


def endpoints(profile: KamstrupProfile, access: ApiAccess) -> tuple[Endpoint, ...]:
    """Each application host, and the name that the customer's systems use."""
    addresses = [host.address for host in profile.hosts if HostRole.APPLICATION in host.roles]
    addresses += [access.endpoint] if access.endpoint else []
    return tuple(Endpoint(address, access.port, access.ca_file) for address in dict.fromkeys(addresses))


def _findings(endpoint: Endpoint, key: Secret, profile: KamstrupProfile, now: datetime) -> list[Finding]:
    try:
        version, guarded = ask(endpoint, "/version"), ask(endpoint, GUARDED_PATH, key)
        unguarded = ask(endpoint, GUARDED_PATH)
    except OpsctlError as error:
        return [Finding(endpoint.name, "answer", Level.CRITICAL, error.message)]
    return [Finding(endpoint.name, what, level, said) for what, (level, said) in (
        ("certificate", certificate(version.certificate_ends - now)), ("key", key_accepted(guarded)),
        ("guard", guard(unguarded)), ("version", same_version(version, profile.ready.version)))]


def certificate(left: timedelta) -> tuple[Level, str]:
    """What the time until the certificate ends is worth."""
    days = left.days
    level = Level.CRITICAL if days < CRITICAL_DAYS else Level.WARNING if days < WARN_DAYS else Level.OK
    return level, f"its certificate ends in {days} days"


def key_accepted(answer: Answer) -> tuple[Level, str]:
    """Whether the customer's key opens the API."""
    if answer.status == 200:
        return Level.OK, "the customer's key is accepted"
    if answer.status == 401:
        return Level.CRITICAL, "the customer's key is refused"
    return Level.CRITICAL, f"the API answers {answer.status} to the customer's key"


def guard(answer: Answer) -> tuple[Level, str]:
    """Whether the API is closed to who has no key."""
    if answer.status == 401:
        return Level.OK, "without a key the API is closed"
    return Level.CRITICAL, f"without a key the API answers {answer.status}, not 401"


def same_version(answer: Answer, expected: str | None) -> tuple[Level, str]:
    """Whether READY is what the profile says."""
    found = str(answer.content.get("version", "unknown"))
    if expected is None:
        return Level.WARNING, f"it is {PRODUCT} {found}, and the profile names no version"
    if answer.status == 200 and found == expected:
        return Level.OK, f"it is {PRODUCT} {found}"
    return Level.CRITICAL, f"it is {PRODUCT} {found}, the profile says {expected}"


def _overlap(access: ApiAccess) -> list[Finding]:
    stage = key_files(access.credentials).stage() if access.credentials.startswith("file:") else Stage.SETTLED
    said = {Stage.PREPARED: "a rotation was begun and not ended: run `opsctl api rotate` again",
            Stage.OVERLAPPING: "the old key is accepted beside the new one: run `opsctl api withdraw` once the "
                               "customer's systems use the new one"}
    return [Finding("key", "rotation", Level.WARNING, said[stage])] if stage in said else []
