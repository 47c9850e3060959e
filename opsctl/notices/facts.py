"""The facts of a notice as plain data, part by part: for notice.json and to say what changed between revisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel

from opsctl.core.clock import iso
from opsctl.notices import by_hand
from opsctl.notices.matters import (
    InstallFacts,
    LicenceFacts,
    MaintenanceFacts,
    ModuleFacts,
    PlatformFacts,
    RecallFacts,
    SupportFacts,
)
from opsctl.notices.model import Facts, ReleaseFacts
from opsctl.releases.content import Content, ReleasedChange
from opsctl.releases.path import UpgradePath

WORDING = "wording"
"""The part that stands for templates, translations and the brand."""


def parts(facts: Facts) -> dict[str, Any]:
    """JSON-serialisable facts by part. No contact's name or address is among them."""
    customer = {"id": facts.customer, "name": facts.customer_name, "modules": list(facts.modules),
                "titles": {name: _dump(title) for name, title in facts.module_titles.items()}}
    return {**_own(facts), "customer": customer}


def _own(facts: Facts) -> dict[str, Any]:
    """The parts of the kind."""
    return _PARTS[type(facts)](facts)


def _install(facts: InstallFacts) -> dict[str, Any]:
    return {"installation": by_hand.dumped(facts.source), "path": _path(facts.way),
            "changes": _brought(facts.content), "reported": sorted(facts.reported)}


def _maintenance(facts: MaintenanceFacts) -> dict[str, Any]:
    was = None if facts.was is None else [iso(facts.was.start), iso(facts.was.end)]
    return {"maintenance": {**by_hand.dumped(facts.source), "was": was}}


def _module(facts: ModuleFacts) -> dict[str, Any]:
    return {"module": by_hand.dumped(facts.source)}


def _platform(facts: PlatformFacts) -> dict[str, Any]:
    return {"advisory": _dump(facts.advisory), "installed": facts.installed}


def _licence(facts: LicenceFacts) -> dict[str, Any]:
    others = {"others": _dumps(facts.others)} if facts.others else {}
    return {"licence": {**_dump(facts.licence), "stage": facts.stage, **others}}


def _support(facts: SupportFacts) -> dict[str, Any]:
    return {"support": {"until": _day(facts.installed.support.until), "stage": facts.stage},
            "path": _path(facts.way) if facts.way else None}


def _recall(facts: RecallFacts) -> dict[str, Any]:
    subject = facts.subject
    return {"recall": {"release": str(subject.version), "revision": subject.revision, "told": facts.told,
                       "told_at": iso(facts.told_at), "withdrawn": _dump(subject.withdrawn),
                       "correction": _dump(subject.correction)}, "installed": facts.installed}


def _release(facts: ReleaseFacts) -> dict[str, Any]:
    way, brought = facts.way, facts.content
    return {
        "release": {"version": str(way.target.version), "kind": facts.kind.value, "headline": brought.headline.word,
                    "severity": brought.severity.word if brought.severity else None, "exploited": brought.exploited,
                    "published_at": iso(facts.published_at), "revision": way.target.revision,
                    "summary": _dump(way.target.summary), "sample": facts.sample, "restricted": facts.restricted},
        "installed": {"version": str(way.installed) if way.installed else None, "out_of_support": facts.out_of_support,
                      "withdrawn": {"at": iso(facts.withdrawn.at), "reason": _dump(facts.withdrawn.reason)}
                      if facts.withdrawn else None},
        "path": _path(way),
        "changes": _brought(brought),
        "requirements": _dump(brought.requires),
        "action": _dump(facts.action),
        "support": {"installed": _day(facts.support_until), "target": _day(way.target.support.until)},
        "reported": sorted(facts.reported),
    }


def _path(way: UpgradePath) -> dict[str, Any]:
    return {"hops": [{"version": str(hop.version), "install": _dump(hop.install), "rollback": _dump(hop.rollback),
                      "stop": hop.upgrade.stop, "apt": _dump(hop.apt), "artifacts": _dumps(hop.artifacts)}
                     for hop in way.hops],
            "contained": [str(release.version) for release in way.contained]}


def _brought(brought: Content) -> dict[str, Any]:
    return {"changes": _changes(brought.changes), "lost": _changes(brought.lost),
            "known_issues": _dumps(brought.known_issues), "new_modules": list(brought.new_modules)}


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


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _dump(model: BaseModel | None) -> Any:
    return None if model is None else model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _dumps(models: Sequence[BaseModel]) -> list[Any]:
    return [_dump(model) for model in models]


_PARTS: Mapping[type[Any], Callable[[Any], dict[str, Any]]] = {
    ReleaseFacts: _release, InstallFacts: _install, MaintenanceFacts: _maintenance, ModuleFacts: _module,
    PlatformFacts: _platform, LicenceFacts: _licence, SupportFacts: _support, RecallFacts: _recall,
}
