"""Which error a request is about: the id under which release notes tell of its correction (P08)."""

from __future__ import annotations

import re

from opsctl.core.errors import UsageError
from opsctl.profiles.parts import ERROR_ID
from opsctl.runs.reported import LINKED
from opsctl.support.log import Log
from opsctl.support.request import Origin, Request


def link(log: Log, id: str, error: str) -> Request:
    """Record that the request is about `error`, such as ERR-1042. UsageError when it is on record so already."""
    request = log.find(id)
    if error in request.errors:
        raise UsageError(f"{id} is linked to {error} already", f"see `opsctl support show {id}`")
    return _record(log, request, error, linked=True)


def unlink(log: Log, id: str, error: str) -> Request:
    """Record that it is not about `error` after all; what stood before stays in the ledger."""
    request = log.find(id)
    if error not in request.errors:
        raise UsageError(f"{id} is not linked to {error}", f"see `opsctl support show {id}`")
    return _record(log, request, error, linked=False)


def _record(log: Log, request: Request, error: str, *, linked: bool) -> Request:
    if not re.fullmatch(ERROR_ID, error):
        raise UsageError(f"{error[:40]!r} is not an error's id", "write it as release files do, such as ERR-1042")
    log.append(LINKED, {"id": request.id, "error": error, "linked": linked,
                        "by_customer": request.origin is Origin.CUSTOMER})
    return log.find(request.id)
