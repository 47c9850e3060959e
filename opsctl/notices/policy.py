"""The operator's policy on notices: who needs a second person or a confirmation, and when something is late. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from opsctl.core.errors import ConfigurationError
from opsctl.notices.model import NoticeKind

SECURITY = "security"
_FRIDAY = 4


def asked(kind: NoticeKind, security: bool, wanted: Iterable[str], setting: str) -> bool:
    """Whether the policy's words `wanted` ask for something for this notice.

    security: it closes a vulnerability, whatever its kind. setting: its name in opsctl.yml, for the error.
    ConfigurationError for a word that is no kind: a slip must not switch a rule off.
    """
    words = set(wanted)
    known = {*(one.value for one in NoticeKind), SECURITY}
    if words - known:
        raise ConfigurationError(f"opsctl.yml: policy.notices.{setting}: {', '.join(sorted(words - known))} is no kind "
                                 "of notice", f"write some of {', '.join(sorted(known))}")
    return bool(words & {kind.value, *([SECURITY] if security else [])})


def last_day(since: date, working_days: int) -> date:
    """The last day on which something of `since` is in time: so many days of Monday to Friday later."""
    day = since
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() <= _FRIDAY
    return day
