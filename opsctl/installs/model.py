"""What a plan to install a release says: pure values, one hash that an approval signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from opsctl.core.digest import digest
from opsctl.releases.version import Step
from opsctl.runs.plans import basis_differences


@dataclass(frozen=True)
class Hop:
    """One release to install. file: sha256 of its release file.

    copies: the databases are copied on their hosts before, since it migrates them or goes back by a restored database.
    reversible: False when the release file offers no way back.
    """

    version: str
    package: str
    kind: Step
    copies: bool
    reversible: bool
    downtime_minutes: int
    free_mb: int
    file: str


@dataclass(frozen=True)
class HostState:
    """One host as the survey saw it. installed: the package's version, "" on hosts without READY.

    problems: why nothing may be installed while this host is as it is.
    """

    host: str
    application: bool
    installed: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleasePlan:
    """The plan of one customer: hops in order, the last of them the target. No hops: it is there already.

    terms, inventory, revision: sha256 of the contract's terms, the hosts.yml text and the playbook.
    modules_off: in the target, not the customer's; they stay off until an agreement is on record (P50).
    """

    customer: str
    installed: str
    target: str
    step: Step | None
    hops: tuple[Hop, ...]
    hosts: tuple[HostState, ...]
    modules_off: tuple[str, ...]
    terms: str
    inventory: str
    revision: str
    problems: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """True when the target is installed and nothing is wrong."""
        return not self.hops and not self.problems

    @property
    def downtime_minutes(self) -> int:
        """The sum of the hops, as the release files say."""
        return sum(hop.downtime_minutes for hop in self.hops)

    @property
    def hash(self) -> str:
        """sha256 of the canonical text: what an approval signs, and what must match when it is installed."""
        return digest(self.document())

    def document(self) -> dict[str, Any]:
        """The plan as JSON-serialisable data."""
        return asdict(self)


def plan_from(document: Mapping[str, Any]) -> ReleasePlan:
    """The plan of a plan file's data; KeyError, TypeError or ValueError when it is not one."""
    hops = tuple(Hop(**{**hop, "kind": Step(hop["kind"])}) for hop in document["hops"])
    hosts = tuple(HostState(**{**host, "problems": tuple(host["problems"])}) for host in document["hosts"])
    step = Step(document["step"]) if document["step"] else None
    return ReleasePlan(**{**document, "hops": hops, "hosts": hosts, "step": step,
                          **{key: tuple(document[key]) for key in ("modules_off", "problems")}})


def differences(approved: ReleasePlan, fresh: ReleasePlan) -> tuple[str, ...]:
    """What changed from the approved plan to the fresh one, one line each; empty when their hashes agree."""
    if approved.hash == fresh.hash:
        return ()
    lines = basis_differences(approved, fresh)
    lines += [f"{what} changed from {left} to {right}" for what, left, right in (
        ("the installed release", approved.installed, fresh.installed), ("the target", approved.target, fresh.target),
        ("the path", _versions(approved.hops), _versions(fresh.hops)),
        ("modules that stay off", _words(approved.modules_off), _words(fresh.modules_off)),
        ("the problems", _words(approved.problems), _words(fresh.problems))) if left != right]
    files = {hop.version: hop for hop in approved.hops}
    lines += [f"the release file of {hop.version} changed" for hop in fresh.hops
              if hop.version in files and files[hop.version] != hop]
    old = {host.host: host for host in approved.hosts}
    lines += [f"{host.host}: was {_state(old.get(host.host))}, is {_state(host)}" for host in fresh.hosts
              if old.get(host.host) != host]
    return tuple(lines)


def _versions(hops: Sequence[Hop]) -> str:
    return _words([hop.version for hop in hops])


def _words(values: Sequence[str]) -> str:
    return ", ".join(values) or "nothing"


def _state(host: HostState | None) -> str:
    if host is None:
        return "not planned"
    return ", ".join([f"with READY {host.installed}" if host.installed else "without READY", *host.problems])
