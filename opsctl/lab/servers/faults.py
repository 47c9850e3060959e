"""Faults that a server makes itself, controlled by a file; and a switch with them before a WSGI application."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SLOW_DOWN = (b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
              b"<Message>Please reduce your request rate.</Message></Error>")


def switched_on(control: Path) -> dict[str, Any]:
    """The faults by kind, as the file has them now; no file, no fault."""
    try:
        content = json.loads(control.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class FaultSwitch:
    """Passes requests on, unless `control` says otherwise.

    The file holds `{"errors": true}` (every request gets 503 SlowDown, as S3 does) and/or
    `{"slow": SECONDS}` (every request waits first). No file: no fault.
    """

    def __init__(self, application: WSGIApplication, control: Path) -> None:
        self._application = application
        self._control = control

    def __call__(self, environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        faults = switched_on(self._control)
        if faults.get("slow"):
            time.sleep(float(faults["slow"]))
        if faults.get("errors"):
            start_response("503 Slow Down", [("Content-Type", "application/xml"),
                                             ("Content-Length", str(len(_SLOW_DOWN))), ("Connection", "close")])
            return [_SLOW_DOWN]
        return self._application(environment, start_response)
