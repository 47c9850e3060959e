"""Faults that a server makes itself, controlled by a file; and a switch with them before a WSGI application."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ANSWERS = {"errors": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
            "broken": ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
            "denied": ("403 Forbidden", "AccessDenied", "Access Denied")}
"""What is answered instead, by kind of fault: status, S3's code and message."""


def switched_on(control: Path) -> dict[str, Any]:
    """The faults by kind, as the file has them now; no file, no fault."""
    try:
        content = json.loads(control.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class FaultSwitch:
    """Passes requests on, unless `control` says otherwise.

    The file holds `{"errors": true}` (every request gets 503 SlowDown, as S3 does), `{"broken": true}` (500),
    `{"denied": true}` (403) and/or `{"slow": SECONDS}` (every request waits first). No file: no fault.
    """

    def __init__(self, application: WSGIApplication, control: Path) -> None:
        self._application = application
        self._control = control

    def __call__(self, environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        faults = switched_on(self._control)
        if faults.get("slow"):
            time.sleep(float(faults["slow"]))
        for kind, (status, code, message) in _ANSWERS.items():
            if faults.get(kind):
                body = (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
                        f"<Message>{message}</Message></Error>").encode()
                start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body))),
                                        ("Connection", "close")])
                return [body]
        return self._application(environment, start_response)
