"""The log of installed changes per system (P46, P47): from the evidence, and by hand where people acted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import iso
from opsctl.installs.modules import SWITCHED
from opsctl.runs import installed as standing
from opsctl.upgrades import standing as upgrades
from opsctl.upgrades.model import NAMES, Platform

if TYPE_CHECKING:
    from opsctl.ledger import Entry

PATCHED = "patch.applied"
BY_HAND = "change.recorded"
BY_CUSTOMER = standing.REPORTED
KINDS = frozenset({PATCHED, BY_HAND, BY_CUSTOMER, SWITCHED, standing.INSTALLED, standing.TAKEN_BACK, standing.STUCK,
                   upgrades.APPLIED, upgrades.TAKEN_BACK, upgrades.STUCK})


@dataclass(frozen=True)
class Change:
    """One installed change. kind: `patch`, `release`, `upgrade`, `module`, `by hand` or `reported by the customer`.

    before, after: versions by package or system. evidence: the hash of the ledger's entry; id: its place there.
    """

    id: str
    when: datetime
    kind: str
    system: str
    description: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    who: str
    run: str
    result: str
    evidence: str

    def document(self) -> dict[str, Any]:
        """JSON-serialisable, times as ISO 8601 in UTC."""
        return {**asdict(self), "when": iso(self.when)}


def changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """From entries of KINDS; a host that a patch run changed nothing on, or did not come to, has no change."""
    for entry in entries:
        found = _change(entry)
        if found is not None:
            yield found


def _change(entry: Entry) -> Change | None:
    said = entry.payload
    if entry.kind == PATCHED:
        return _patch(entry)
    if entry.kind == SWITCHED:
        words = ("off", "on") if said["on"] else ("on", "off")
        return _of(entry, "module", str(said["module"]), str(said["description"]), {said["module"]: words[0]},
                   {said["module"]: words[1]}, "healthy")
    if entry.kind == standing.INSTALLED:
        return _of(entry, "release", "READY", str(said["description"]), {"READY": said["from"]}, {"READY": said["to"]},
                   "healthy")
    if entry.kind in {standing.TAKEN_BACK, standing.STUCK}:
        back = entry.kind == standing.TAKEN_BACK
        return _of(entry, "release", "READY", f"installation of READY {said['tried']} failed: {said['reason']}",
                   {"READY": said["version"]}, {"READY": said["version"] if back else "unknown"},
                   "taken back, healthy" if back else "NOT taken back")
    if entry.kind in {upgrades.APPLIED, upgrades.TAKEN_BACK, upgrades.STUCK}:
        return _upgrade(entry)
    kind = "by hand" if entry.kind == BY_HAND else "reported by the customer"
    return _of(entry, kind, str(said["system"]), str(said["description"]), {said["system"]: said["before"]},
               {said["system"]: said["after"]}, str(said["result"]))


def _upgrade(entry: Entry) -> Change:
    said = entry.payload
    if entry.kind == upgrades.APPLIED:
        lines = [f"upgrade to {said['system']} {said['to']}",
                 f"{said['packages']} packages" if said["packages"] else "",
                 "reboot proven" if said["boot_after"] else "",
                 f"rebuilt indexes of {', '.join(said['mended'])}" if said["mended"] else "", str(said["note"])]
        return _of(entry, "upgrade", str(said["host"]), "; ".join(line for line in lines if line),
                   {str(said["system"]): str(said["from"])}, {str(said["system"]): str(said["to"])}, "healthy")
    back, target = entry.kind == upgrades.TAKEN_BACK, said["target"]
    system = NAMES[Platform(target["platform"])]
    lost = f"; lost: {said['lost']}" if said.get("lost") else ""
    return _of(entry, "upgrade", ", ".join(said["hosts"]),
               f"upgrade to {system} {target['version']} failed: {said['reason']}{lost}",
               {system: "; ".join(said["hosts"].values())},
               {system: "; ".join(said["hosts"].values()) if back else "unknown"},
               "taken back, healthy" if back else "NOT taken back")


def _patch(entry: Entry) -> Change | None:
    said = entry.payload
    after = {name: version for name, version in said["after"].items() if version}
    changed = {name for name in {*said["before"], *after} if said["before"].get(name) != after.get(name)}
    reboot = said["reboot"]["done"]
    if said["result"] == "not reached":
        return None
    if not (changed or reboot or said["repaired"] or said["restarted"]) and said["result"] == "patched":
        return None
    what = "security fixes" if said["security_only"] else "updates"
    lines = [f"{what} of {len(changed)} package{'s' if len(changed) != 1 else ''}"]
    lines += ["reboot proven" if reboot else "",
              f"restarted {', '.join(said['restarted'])}" if said["restarted"] else "",
              f"repaired {', '.join(said['repaired'])}" if said["repaired"] else "", str(said["message"])]
    return _of(entry, "patch", str(said["host"]), "; ".join(line for line in lines if line),
               {name: str(said["before"].get(name, "")) for name in sorted(changed)},
               {name: str(after.get(name, "")) for name in sorted(changed)}, str(said["result"]))


def _of(entry: Entry, kind: str, system: str, description: str, before: Mapping[str, str], after: Mapping[str, str],
        result: str) -> Change:
    return Change(f"C{entry.sequence}", entry.recorded_at, kind, system, description, before, after, entry.actor,
                  entry.run, result, entry.hash)
