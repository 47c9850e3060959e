"""Silences in monitoring: by Alertmanager's API v2, and told to any other system by a signed webhook.

Each has an end from the start (`endsAt`), so that nothing stays silent when opsctl cannot end it.
"""

from __future__ import annotations

import json
import re
import ssl
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsctl.adapters.notify import checked, header, post, sent
from opsctl.adapters.secrets import resolve
from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.profiles.monitoring import SilenceSettings

ALERTMANAGER, WEBHOOK = "alertmanager", "webhook"
SETTING = "silences"
_OPERATORS = re.compile(r"[\\.+*?()|\[\]{}^$]")


@dataclass(frozen=True)
class Quiet:
    """What is to be silent: hosts of one customer, for one run, until `until` at the latest."""

    customer: str
    hosts: Sequence[str]
    run: str
    operation: str
    until: datetime


def channels(settings: SilenceSettings) -> tuple[str, ...]:
    """Whom the settings name."""
    return tuple(name for name, address in ((ALERTMANAGER, settings.alertmanager), (WEBHOOK, settings.webhook))
                 if address)


def begin(settings: SilenceSettings, channel: str, quiet: Quiet, now: datetime) -> str:
    """Silence; returns the id by which it is ended. OperationFailed when it was not taken."""
    if channel == WEBHOOK:
        _tell(settings, "begin", {"customer": quiet.customer, "hosts": list(quiet.hosts), "run": quiet.run,
                                  "operation": quiet.operation, "until": iso(quiet.until)}, now)
        return quiet.run
    body = {"matchers": matchers(settings, quiet.customer, quiet.hosts), "startsAt": iso(now),
            "endsAt": iso(quiet.until), "createdBy": "opsctl",
            "comment": f"{quiet.operation} at {quiet.customer}, run {quiet.run}"}
    answer = _ask(settings, "POST", "silences", body)
    found = answer.get("silenceID")
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,80}", found):
        raise OperationFailed("the silence was not taken: the answer names none",
                              f"see whether `{SETTING}.alertmanager` is the address of an Alertmanager")
    return found


def end(settings: SilenceSettings, channel: str, silence: str, customer: str, now: datetime) -> None:
    """End the silence; nothing happens when it has ended already. OperationFailed when that is not known."""
    if channel == WEBHOOK:
        _tell(settings, "end", {"customer": customer, "run": silence}, now)
        return
    where = f"silence/{urllib.parse.quote(silence, safe='')}"
    try:
        _ask(settings, "DELETE", where)
    except OperationFailed:
        # Alertmanager refuses to end what has ended.
        if _ask(settings, "GET", where).get("status", {}).get("state") != "expired":
            raise


def version(settings: SilenceSettings) -> str:
    """Alertmanager's version, by its own word. OperationFailed when it does not answer as one."""
    found = _ask(settings, "GET", "status").get("versionInfo")
    if not isinstance(found, dict):
        raise OperationFailed("it answers, but not as an Alertmanager does",
                              f"see whether `{SETTING}.alertmanager` is its address, without /api/v2")
    return str(found.get("version", ""))[:40]


def matchers(settings: SilenceSettings, customer: str, hosts: Sequence[str]) -> list[dict[str, Any]]:
    """The customer's alerts; where a label holds the host, those of `hosts` alone. Patterns are anchored there."""
    found = [{"name": settings.customer_label, "value": customer, "isRegex": False, "isEqual": True}]
    if settings.host_label:
        pattern = "|".join(_OPERATORS.sub(r"\\\g<0>", host) for host in hosts)
        found.append({"name": settings.host_label, "value": pattern, "isRegex": True, "isEqual": True})
    return found


def _tell(settings: SilenceSettings, event: str, what: Mapping[str, Any], now: datetime) -> None:
    if settings.webhook is None or settings.webhook_key is None:
        raise ConfigurationError("no webhook for silences is set any more", f"see `{SETTING}` in opsctl.yml")
    body = json.dumps({"event": event, **what}, sort_keys=True).encode()
    post(settings.webhook, body, resolve(settings.webhook_key), now, SETTING)


def _ask(settings: SilenceSettings, method: str, where: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if settings.alertmanager is None:
        raise ConfigurationError("no Alertmanager is set any more", f"see `{SETTING}` in opsctl.yml")
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "opsctl"}
    if settings.authorization:
        headers["Authorization"] = header(resolve(settings.authorization), f"{SETTING}.authorization")
    url = checked(f"{settings.alertmanager.rstrip('/')}/api/v2/{where}", SETTING)
    request = urllib.request.Request(  # noqa: S310 - checked
        url, None if body is None else json.dumps(body).encode(), headers, method=method)
    _, text = sent(request, "the silence", SETTING, _trust(settings))
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _trust(settings: SilenceSettings) -> ssl.SSLContext | None:
    if settings.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file))
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"{settings.ca_file} holds no certificate authority",
                                 f"correct `{SETTING}.ca_file` in opsctl.yml") from None
