"""Mail handed to a relay over verified TLS, with one outcome per recipient (RFC 5321, RFC 3207, RFC 3463).

Handing over exactly once is impossible (RFC 1047): when the connection is lost after the content was sent, the
relay may or may not have taken it. That is UNKNOWN, and never tried again here.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from opsctl.adapters.secrets import resolve
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.text import without_addresses
from opsctl.profiles.settings import SmtpSettings, SmtpTls

_REPLY_LENGTH = 200
_POLICY = re.compile(r"^[45]\.7\.\d")
_POLICY_CODES = frozenset({530, 534, 535, 538})


class Fate(StrEnum):
    """What became of a message for one recipient."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Delivery:
    """code: the reply's, 0 when there was none. reply: its words without addresses. temporary: may be tried later."""

    fate: Fate
    code: int
    reply: str
    temporary: bool = False

    @property
    def policy(self) -> bool:
        """Refused for authentication, TLS or policy: further messages would be refused alike."""
        return self.fate is Fate.REFUSED and (self.code in _POLICY_CODES or bool(_POLICY.match(self.reply)))


class RelayStopped(OperationFailed):
    """The relay cannot be used: connection, TLS, authentication or policy. Nothing was sent; nothing more is tried."""


class Relay:
    """One connection, opened when first needed and again when it was lost; not for several threads."""

    def __init__(self, settings: SmtpSettings | None, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._pause = pause
        self._client: smtplib.SMTP | None = None
        self._last: dict[str, float] = {}
        self._stopped = ""

    def ready(self, domain: str = "") -> None:
        """Connected, authenticated, and within the rates; RelayStopped otherwise, and ever after.

        domain: where the next message goes; each domain has a rate of its own.
        """
        if self._settings is None:
            raise ConfigurationError("no mail relay is set", "write `smtp` into opsctl.yml; see docs/notices.md")
        if self._stopped:
            raise RelayStopped(f"not tried, because the relay stopped before: {self._stopped}",
                               "correct that and send again; what was accepted is not sent twice")
        self._keep_rates(self._settings, domain.casefold())
        if not self._alive():
            self._client = self._connected(self._settings)

    def deliver(self, sender: str, recipients: Sequence[str], content: bytes) -> Mapping[str, Delivery]:
        """Hand over one message after `ready`; each recipient's outcome. content: with CRLF, 7-bit.

        A lost connection before the content is a temporary refusal, after it UNKNOWN; nothing is raised for either.
        """
        client, settings = self._client, self._settings
        if client is None or settings is None:
            raise AssertionError("deliver follows ready")
        found: dict[str, Delivery] = {}
        try:
            taken = _envelope(client, sender, recipients, found)
        except (smtplib.SMTPException, OSError):
            lost = Delivery(Fate.REFUSED, 0, "the connection was lost before the content was sent", temporary=True)
            found = {recipient: found.get(recipient, lost) for recipient in recipients}
            self._drop()
            taken = []
        if taken:
            outcome = self._content(client, settings, content, recipients)
            found.update(dict.fromkeys(taken, outcome))
        refusal = next((one for one in found.values() if one.policy), None)
        if refusal is not None:
            self._stopped = f"{refusal.code} {refusal.reply}"
        return {recipient: found[recipient] for recipient in recipients}

    @property
    def stopped(self) -> str:
        """Why nothing more is tried; empty while the relay can be used."""
        return self._stopped

    def close(self) -> None:
        """End the connection in order."""
        if self._client is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._client.quit()
        self._drop()

    def _keep_rates(self, settings: SmtpSettings, domain: str) -> None:
        now = time.monotonic()
        rates = {"": settings.per_minute, **({domain: settings.per_minute_and_domain} if domain else {})}
        wait = max(self._last[name] + 60 / rate - now if name in self._last else 0.0 for name, rate in rates.items())
        if wait > 0:
            self._pause(wait)
        self._last.update(dict.fromkeys(rates, time.monotonic()))

    def _content(self, client: smtplib.SMTP, settings: SmtpSettings, content: bytes, recipients: Sequence[str]
                 ) -> Delivery:
        body = content if content.endswith(b"\r\n") else content + b"\r\n"
        try:
            if client.sock is not None:
                client.sock.settimeout(settings.answer_seconds)
            # RFC 5321, 4.5.2: a line that begins with a dot gets a second one.
            client.send(re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
            code, reply = client.getreply()
            if client.sock is not None:
                client.sock.settimeout(settings.command_seconds)
        except (smtplib.SMTPException, OSError):
            self._drop()
            return Delivery(Fate.UNKNOWN, 0, "the connection was lost after the content was sent")
        if not 200 <= code < 600:
            self._drop()
            return Delivery(Fate.UNKNOWN, 0, "the answer to the content was none that SMTP knows")
        return _judged(code, reply, recipients)

    def _alive(self) -> bool:
        if self._client is None:
            return False
        try:
            if self._client.noop()[0] == 250:
                return True
        except (smtplib.SMTPException, OSError):
            pass
        self._drop()
        return False

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _connected(self, settings: SmtpSettings) -> smtplib.SMTP:
        where = f"{settings.host}:{settings.port}"
        try:
            return _connect(settings)
        except ssl.SSLCertVerificationError as error:
            self._stopped = f"the certificate of {where} is not trusted: {error.verify_message}"
        except smtplib.SMTPAuthenticationError as error:
            self._stopped = f"{where} refused the user or the password ({error.smtp_code})"
        except smtplib.SMTPNotSupportedError:
            self._stopped = f"{where} does not offer {settings.tls} or a way to authenticate"
        except smtplib.SMTPResponseException as error:
            self._stopped = f"{where} refused the connection: {_words(error.smtp_error, ())} ({error.smtp_code})"
        except (smtplib.SMTPException, OSError) as error:
            self._stopped = f"{where} cannot be reached over {settings.tls} ({type(error).__name__})"
        raise RelayStopped(f"{self._stopped}; nothing was sent", "correct `smtp` in opsctl.yml, or the relay")


def _connect(settings: SmtpSettings) -> smtplib.SMTP:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"the authorities {settings.ca_file} cannot be read",
                                 "correct `smtp.ca_file` in opsctl.yml") from None
    password = resolve(settings.password) if settings.password else None
    where, patience = (settings.host, settings.port), settings.command_seconds
    client = smtplib.SMTP_SSL(*where, timeout=patience, context=context) if settings.tls is SmtpTls.IMPLICIT \
        else smtplib.SMTP(*where, timeout=patience)
    try:
        client.ehlo_or_helo_if_needed()
        if settings.tls is SmtpTls.STARTTLS:
            code, reply = client.starttls(context=context)
            if code != 220:
                raise smtplib.SMTPResponseException(code, reply)
            client.ehlo()
        if settings.user is not None and password is not None:
            client.login(settings.user, password.reveal())
    except BaseException:
        client.close()
        raise
    return client


def _envelope(client: smtplib.SMTP, sender: str, recipients: Sequence[str], found: dict[str, Delivery]) -> list[str]:
    """Say sender and recipients; fills `found` with who is refused, returns who gets the content."""
    code, reply = client.mail(sender)
    taken = list(recipients) if code == 250 else []
    for recipient in list(taken):
        code, reply = client.rcpt(recipient)
        if code not in {250, 251}:
            found[recipient] = _judged(code, reply, recipients)
            taken.remove(recipient)
    if taken:
        code, reply = client.docmd("DATA")
        if code == 354:
            return taken
    found.update({one: _judged(code, reply, recipients) for one in recipients if one not in found})
    client.rset()
    return []


def _judged(code: int, reply: bytes, recipients: Sequence[str]) -> Delivery:
    words = _words(reply, recipients)
    if code == 250:
        return Delivery(Fate.ACCEPTED, code, words)
    return Delivery(Fate.REFUSED, code, words, temporary=not 500 <= code < 600)


def _words(reply: bytes | str, recipients: Sequence[str]) -> str:
    """The reply on one line, without addresses: they are personal data, and replies are evidence."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return without_addresses(text, recipients)[:_REPLY_LENGTH]
