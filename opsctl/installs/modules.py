"""Switching a module of READY on or off (P50): the agreement, the release that brings it, the hosts, the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.records import RecordKind, RecordState, stand
from opsctl.contract.services import Service
from opsctl.core.errors import ConfigurationError, OperationFailed, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.installs.evidence import said
from opsctl.installs.looking import by_host
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release
from opsctl.runs.installed import known_version
from opsctl.runs.playbook import play, targets_of
from opsctl.runs.service import Run, events_of, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry

ENABLE, DISABLE = "module enable", "module disable"
SWITCHED = "module.switched"
DEADLINE_SECONDS = 1800


READING = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.PROTECT, Delivery.WORK)
"""What looking, and switching off, ask of the gate."""


def request(profile: Profile, name: str, on: bool) -> Request:
    """What it asks of the gate: a module that the customer does not have yet needs an agreement of its own (P50)."""
    if not on:
        return READING
    new = () if name in profile.ready.modules else (name,)
    return Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.WORK, modules=new)


def switched_on(entries: Iterable[Entry]) -> frozenset[str]:
    """The modules that are on by the ledger's proofs (`module.switched`, oldest first)."""
    on: set[str] = set()
    for entry in entries:
        (on.add if entry.payload["on"] else on.discard)(str(entry.payload["module"]))
    return frozenset(on)


def release_of(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue) -> Release:
    """The release that the customer runs; ConfigurationError when it is unknown."""
    version = known_version(workplace, profile)
    found = releases.get(version) if version else None
    if found is None:
        raise ConfigurationError(f"{profile.customer}: nothing is known of READY {version or '(version unknown)'}",
                                 "add its release file, or READY's version to the profile")
    return found


def require_module(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, name: str) -> Release:
    """The release that the customer runs; UsageError when it does not bring the module."""
    release = release_of(workplace, profile, releases)
    if name not in release.modules:
        raise UsageError(f"READY {release.version} has no module {name}",
                         f"it has {', '.join(sorted(release.modules))}; a later release may bring it")
    return release


def switch(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, name: str, on: bool,
           may_start: Callable[[], None]) -> Outcome:
    """Switch the module on every application host and prove it; UNCHANGED when all have it so already.

    may_start: raises OutsideWindow. NotCovered without the agreement, UsageError for a module the release does not
    bring. A host on which READY does not become healthy has it put back, and the run fails.
    """
    def act(run: Run) -> Outcome:
        may_start()
        release = require_module(workplace, profile, releases, name)
        return _switched(run, profile, release, name, on)

    return perform(workplace, profile, request(profile, name, on), ENABLE if on else DISABLE, act)


def _switched(run: Run, profile: KamstrupProfile, release: Release, name: str, on: bool) -> Outcome:
    from opsctl.adapters.ansible_catalogue import READY_MODULE

    service, word = Service.SOFTWARE_UPDATE_MINOR, "on" if on else "off"
    hosts = [host.name for host in profile.hosts if HostRole.APPLICATION in host.roles]
    run.say(f"module {name} is switched {word}")
    with silenced(run, hosts) as unsilenced:
        result = play(run, targets_of(run.workplace, profile, only=hosts), READY_MODULE, {
            "ready_module_name": name, "ready_module_on": on,
            "ready_module_healthy_seconds": run.workplace.settings.policy.healthy_seconds},
            partly=True, deadline_seconds=DEADLINE_SECONDS)
    told = said(by_host(profile, result.hosts.values()), "ready_module")
    try:
        result.require_all()
    except OperationFailed as error:
        raise OperationFailed(f"{name} was not switched {word} everywhere: {left(told, hosts, word)}",
                              f"find the cause, then `opsctl resolve {run.customer} --reason TEXT`",
                              error.details) from None
    before = {host: name in found.get("before", []) for host, found in told.items()}
    known = name in switched_on(run.workplace.ledger.entries(run.customer, kinds=(SWITCHED,)))
    # One that an earlier run switched without coming to record it is recorded now.
    if all(was is on for was in before.values()) and (known or name in profile.ready.modules) is on:
        return Outcome(run.customer, service, Status.UNCHANGED, f"{name} is {word} already", warnings=tuple(unsilenced))
    agreements = tuple(_agreements(run, name)) if on else ()
    run.record(SWITCHED, {"module": name, "on": on, "version": str(release.version), "agreements": list(agreements),
                          "revision": result.revision, "hosts": told,
                          "description": f"module {name} of READY {release.version} switched {word}"})
    return Outcome(run.customer, service, Status.DONE, f"{name} is {word}, and READY {release.version} healthy",
                   _next(profile, name, on), warnings=tuple(unsilenced), data={"agreements": list(agreements)})


def left(told: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], word: str) -> str:
    """How a failure left each host: what it gave back as `ready_module`, or nothing."""
    said: dict[str, list[str]] = {}
    for host in hosts:
        said.setdefault(_state(told.get(host) or {}, word), []).append(host)
    return "; ".join(f"{state} {', '.join(names)}" for state, names in said.items())


def _state(found: Mapping[str, Any], word: str) -> str:
    if "healthy" not in found:
        return "nothing is known of"
    if not found["healthy"] and (found["changed"] or found["after"] != found["before"] or found["touched"]):
        return "READY is NOT healthy on"
    if found["put_back"]:
        return "put back and healthy on"
    return f"{word} and healthy on" if found["touched"] else "untouched on"


def _agreements(run: Run, name: str) -> Iterator[str]:
    """References of the agreements that hold now for the module."""
    now = run.workplace.clock.now()
    for record in stand(events_of(run.workplace.ledger, run.customer)):
        if record.kind is RecordKind.AGREEMENT and name in record.covers and record.state(now) is RecordState.HOLDS:
            yield record.reference


def _next(profile: KamstrupProfile, name: str, on: bool) -> str:
    """What a person has to do: the profile says which modules the customer's notices are about."""
    if on and name not in profile.ready.modules:
        return f"add {name} to `ready.modules` in the profile, so that notices tell of it"
    if not on and name in profile.ready.modules:
        return f"take {name} out of `ready.modules` in the profile"
    return ""
