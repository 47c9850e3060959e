"""Messages to others' servers: signed webhooks, a heartbeat, requests. Over verified TLS, or to this machine."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime

from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

SECONDS = 15
LARGEST_ANSWER = 1 << 20
SIGNATURE, SENT_AT = "X-Opsctl-Signature", "X-Opsctl-Sent-At"
_ALLOWED = re.compile(r"(https://|http://(127\.0\.0\.1|localhost)[:/])[!-~]+")
_HEADER = re.compile(r"[ -~\xa0-\xff]+")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signed message goes to the address that was set, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


def signature(key: Secret, sent_at: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the sending time, a dot and the body: a receiver can refuse what is old."""
    return "sha256=" + hmac.new(key.reveal().encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(url: str, body: bytes, key: Secret, now: datetime, setting: str = "outputs") -> int:
    """Send JSON, signed; returns the status. OperationFailed, naming the setting, when it was not taken."""
    sent_at = iso(now)
    request = urllib.request.Request(checked(url, setting), data=body, method="POST", headers={  # noqa: S310 - checked
        "Content-Type": "application/json", "User-Agent": "opsctl", SENT_AT: sent_at,
        SIGNATURE: signature(key, sent_at, body)})
    return sent(request, "the webhook", setting)[0]


def ping(url: Secret) -> int:
    """Call a heartbeat's address; returns the status. OperationFailed, without the address, when it was not taken."""
    return sent(urllib.request.Request(checked(url.reveal()), headers={"User-Agent": "opsctl"}),  # noqa: S310 - checked
                "the heartbeat")[0]


def checked(url: str, setting: str = "outputs") -> str:
    """The address, when it is TLS or on this machine; ConfigurationError, without the address, otherwise."""
    if not _ALLOWED.fullmatch(url):
        raise ConfigurationError(f"an address under `{setting}` is neither https:// nor on this machine",
                                 "write it as https://host/path")
    try:
        parts = urllib.parse.urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc:
        raise ConfigurationError(f"an address under `{setting}` has no sound host and port, or a user or password",
                                 "write it as https://host:port/path; a password does not belong there")
    return url


def header(value: Secret, setting: str) -> str:
    """The secret as a header's value; ConfigurationError, without it, when no header can hold it."""
    text = value.reveal()
    if not _HEADER.fullmatch(text):
        raise ConfigurationError(f"the secret under `{setting}` has control characters or letters beyond Latin-1, "
                                 "which no header can hold", "write it as one line")
    return text


def sent(request: urllib.request.Request, what: str, setting: str = "outputs",
         trust: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    """Status and body of the answer. OperationFailed when it was not taken; redirects are not followed."""
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=trust))
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return int(answer.status), answer.read(LARGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            raise OperationFailed(f"{what} was not taken: it answered {error.code}",
                                  f"see `{setting}` in opsctl.yml, and the receiver's log") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise OperationFailed(f"{what} was not taken: {_reason(error)}",
                              f"see `{setting}` in opsctl.yml, and whether its server can be reached") from None


def _reason(error: Exception) -> str:
    """What went wrong; of errors that repeat the address, a header or the answer, their kind alone."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    told = isinstance(reason, OSError | str) and not isinstance(reason, http.client.HTTPException)
    return " ".join(str(reason).split())[:160] if told else type(reason).__name__
