"""Messages to others' servers: a signed webhook and a heartbeat. Over verified TLS, or to this machine."""

from __future__ import annotations

import hashlib
import hmac
import re
import urllib.error
import urllib.request
from datetime import datetime

from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

SECONDS = 15
SIGNATURE, SENT_AT = "X-Opsctl-Signature", "X-Opsctl-Sent-At"
_ALLOWED = re.compile(r"(https://|http://(127\.0\.0\.1|localhost)[:/])[!-~]+")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signed message goes to the address that was set, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


def signature(key: Secret, sent_at: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the sending time, a dot and the body: a receiver can refuse what is old."""
    return "sha256=" + hmac.new(key.reveal().encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(url: str, body: bytes, key: Secret, now: datetime) -> int:
    """Send JSON, signed; returns the status. OperationFailed when it was not taken."""
    sent_at = iso(now)
    request = urllib.request.Request(_checked(url), data=body, method="POST", headers={  # noqa: S310 - checked
        "Content-Type": "application/json", "User-Agent": "opsctl", SENT_AT: sent_at,
        SIGNATURE: signature(key, sent_at, body)})
    return _sent(request, "the webhook")


def ping(url: Secret) -> int:
    """Call a heartbeat's address; returns the status. OperationFailed, without the address, when it was not taken."""
    return _sent(urllib.request.Request(_checked(url.reveal()), headers={"User-Agent": "opsctl"}),  # noqa: S310
                 "the heartbeat")


def _checked(url: str) -> str:
    if not _ALLOWED.fullmatch(url):
        raise ConfigurationError("an address under `outputs` is neither https:// nor on this machine",
                                 "write it as https://host/path")
    return url


def _sent(request: urllib.request.Request, what: str) -> int:
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            raise OperationFailed(f"{what} was not taken: it answered {error.code}",
                                  "see `outputs` in opsctl.yml, and the receiver's log") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise OperationFailed(f"{what} was not taken: {' '.join(str(reason).split())[:160]}",
                              "see `outputs` in opsctl.yml, and whether its server can be reached") from None
