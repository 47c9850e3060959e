"""Reporter, subject and text of a request: what names people, and so lies beside the chain. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Person:
    """What lies beside the chain for a request: it may name people."""

    reporter: str
    subject: str
    text: str
    attachments: tuple[Mapping[str, Any], ...] = ()
    """name, type, bytes of each."""

    def stored(self) -> str:
        """As it is kept."""
        return json.dumps(vars(self), ensure_ascii=False)


ERASED = Person("(erased)", "(erased)", "(erased)")


def person_of(stored: str | None) -> Person:
    """What was stored; `(erased)` for what is not there any more."""
    if stored is None:
        return ERASED
    found = json.loads(stored)
    return Person(**{**found, "attachments": tuple(found["attachments"])})
