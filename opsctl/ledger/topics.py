"""Under which topic an entry is the newest: pure, of the standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

RUN = "run.finished"
OF_DATABASES = ("backup.completed", "backup.rehearsed", "backup.rehearsal-failed")
_NARROWED: Mapping[str, tuple[str, ...]] = {RUN: ("operation", "status"),
                                           **dict.fromkeys(OF_DATABASES, ("database",))}
"""Fields of the payload that are part of the topic: how each operation ended, each database's backup and restore."""


def topic(kind: str, payload: Mapping[str, Any]) -> str:
    """The kind, with the fields that narrow it, such as `run.finished/patch apply/done`."""
    return "/".join((kind, *(str(payload.get(name, "")) for name in _NARROWED.get(kind, ()))))


def stored_topic(kind: Any, payload: Any) -> str | None:
    """The topic of a stored row of any type; None for one that cannot be read."""
    if not isinstance(kind, str) or not isinstance(payload, str):
        return None
    if kind not in _NARROWED:
        return kind
    try:
        return topic(kind, json.loads(payload))
    except (ValueError, AttributeError, RecursionError):
        return None
