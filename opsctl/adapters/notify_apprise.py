"""Messages over Apprise, the extra `opsctl[notify]`: chat, push, SMS, mail and whatever else it can reach.

Its addresses hold tokens and passwords: no error, log or ledger names one. What it logs by itself is not shown.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False

_LINE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)\s*=\s*([A-Za-z][A-Za-z0-9+.-]*://\S+)")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_REMEDY = "write one `name = scheme://...` a line, each name once: small letters, digits, hyphens"


def channels(text: Secret) -> Mapping[str, Secret]:
    """The addresses by name, from lines `name = scheme://...`; empty lines and those that begin with # count not.

    ConfigurationError, naming the line and not the address, for any other line.
    """
    found: dict[str, Secret] = {}
    for number, line in enumerate(text.reveal().splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] in found:
            raise ConfigurationError(f"line {number} of the addresses for Apprise is not a new name with an address",
                                     _REMEDY)
        found[match[1]] = Secret(match[2])
    if not found:
        raise ConfigurationError("there is no address for Apprise", _REMEDY)
    return found


def send(name: str, address: Secret, title: str, body: str, *, problem: bool) -> None:
    """Send one message, as plain text: where a channel takes HTML, it is escaped.

    ConfigurationError for an address Apprise does not know, or that is sent over the network without protection though
    its service has a protected form, or to a server whose certificate is not verified; OperationFailed when the
    message was not taken.
    """
    try:
        import apprise
    except ImportError:
        raise ConfigurationError("`outputs.apprise` is set, and Apprise is not installed",
                                 "pip install 'opsctl[notify]'") from None
    asset = apprise.AppriseAsset(app_id="opsctl", app_desc="opsctl", app_url="", async_mode=False)
    service = apprise.Apprise.instantiate(address.reveal(), asset=asset, suppress_exceptions=True)
    if service is None:
        raise ConfigurationError(f"Apprise does not know the address called {name}",
                                 "see Apprise's list of services for how it is written")
    scheme, host = address.reveal().partition("://")[0].lower(), str(getattr(service, "host", "") or "")
    secured = getattr(service, "secure_protocol", None)
    plain = scheme in _words(getattr(service, "protocol", None)) and scheme not in _words(secured)
    if plain and _words(secured) and host not in _HERE:
        raise ConfigurationError(f"the address called {name} would be sent over the network without protection",
                                 f"write it as {sorted(_words(secured))[0]}://")
    if not getattr(service, "verify_certificate", True) and host not in _HERE:
        raise ConfigurationError(f"the address called {name} would be sent to a server whose certificate is not "
                                 "verified", "take `verify=no` out of it")
    kind = apprise.NotifyType.FAILURE if problem else apprise.NotifyType.SUCCESS
    # The whole of Apprise, not the service alone: only that turns plain text into what the channel takes.
    everyone = apprise.Apprise(service, asset=asset)
    if not everyone.notify(body, title, kind, body_format=apprise.NotifyFormat.TEXT, interpret_escapes=False):
        raise OperationFailed(f"{name} was not told: Apprise says that the message was not taken",
                              "see the address under that name, and whether its server can be reached")


def _words(given: object) -> frozenset[str]:
    """One scheme, several, or none."""
    if isinstance(given, str):
        return frozenset({given})
    return frozenset(map(str, given)) if isinstance(given, Iterable) else frozenset()
