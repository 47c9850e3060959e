"""The facts of a notice as plain data, part by part: for notice.json and to say what changed between revisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from opsctl.core.clock import iso
from opsctl.notices.model import Facts
from opsctl.releases.content import ReleasedChange

WORDING = "wording"
"""The part that stands for templates, translations and the brand."""


def parts(facts: Facts) -> dict[str, Any]:
    """JSON-serialisable facts by part. No contact's name or address is among them."""
    way, brought = facts.way, facts.content
    return {
        "release": {"version": str(way.target.version), "kind": facts.kind.value, "headline": brought.headline.word,
                    "severity": brought.severity.word if brought.severity else None, "exploited": brought.exploited,
                    "published_at": iso(facts.published_at), "revision": way.target.revision,
                    "summary": _dump(way.target.summary), "sample": facts.sample},
        "installed": {"version": str(way.installed) if way.installed else None, "out_of_support": facts.out_of_support,
                      "withdrawn": {"at": iso(facts.withdrawn.at), "reason": _dump(facts.withdrawn.reason)}
                      if facts.withdrawn else None},
        "path": {"hops": [{"version": str(hop.version), "install": _dump(hop.install), "rollback": _dump(hop.rollback),
                           "stop": hop.upgrade.stop, "apt": _dump(hop.apt), "artifacts": _dumps(hop.artifacts)}
                          for hop in way.hops],
                 "contained": [str(release.version) for release in way.contained]},
        "changes": {"changes": _changes(brought.changes), "lost": _changes(brought.lost),
                    "known_issues": _dumps(brought.known_issues), "new_modules": list(brought.new_modules)},
        "requirements": _dump(brought.requires),
        "action": _dump(facts.action),
        "support": {"installed": facts.support_until.isoformat() if facts.support_until else None,
                    "target": way.target.support.until.isoformat()},
        "customer": {"id": facts.customer, "name": facts.customer_name, "modules": list(facts.modules)},
    }


def fingerprints(data: Mapping[str, Any]) -> dict[str, str]:
    """A short hash of each part, to tell which of them changed."""
    return {name: digest(value)[:16] for name, value in data.items()}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The parts that differ, in the order of `now`."""
    return tuple(name for name, value in now.items() if before.get(name) != value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _changes(changes: Sequence[ReleasedChange]) -> list[dict[str, Any]]:
    return [{"version": str(released.version), **_dump(released.change)} for released in changes]


def _dump(model: BaseModel | None) -> Any:
    return None if model is None else model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _dumps(models: Sequence[BaseModel]) -> list[Any]:
    return [_dump(model) for model in models]
