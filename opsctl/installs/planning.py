"""From what the hosts said and the release files to a plan: pure, except for reading the release files' text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import ConfigurationError, OpsctlError, UsageError
from opsctl.installs.lacking import Facts, copied, unmet
from opsctl.installs.model import Hop, HostState, ReleasePlan
from opsctl.profiles.hosted import Host, HostRole
from opsctl.profiles.inventory import in_order
from opsctl.profiles.model import Profile, terms_at
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.version import Step, Version
from opsctl.runs.plans import inventory_digest, terms_digest

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult



def step_between(installed: Version | None, target: Version) -> Step:
    """The step that the customer takes: the contract and the approval go by it, not by the last hop's."""
    if installed is None or target.core <= installed.core:
        return Step.PATCH
    return target.step_from(installed)


def target_release(releases: Catalogue, profile: Profile, installed: Version | None,
                   wanted: Version | None, at: datetime) -> Release:
    """The release to install: `wanted`, or the newest that the agreement entitles to (P13).

    UsageError when `wanted` is no published release; ConfigurationError when there is none at all.
    """
    if wanted is not None:
        found = releases.get(wanted)
        if found is None:
            raise UsageError(f"there is no release {wanted}", "see `opsctl release list`")
        if found.status is not ReleaseStatus.PUBLISHED:
            raise UsageError(f"release {wanted} is {found.status}, so it is not installed",
                             "name a published release; see `opsctl release list`")
        return found
    agreement = terms_at(profile, at).agreement
    majors = agreement is None or agreement.major_releases
    chosen = releases.newest(major=None if majors or installed is None else installed.major)
    if chosen is None:
        raise ConfigurationError("there is no published release", "add release files; see `opsctl release validate`")
    return chosen


def facts_of(results: Mapping[str, HostResult]) -> tuple[Facts, Mapping[str, str]]:
    """(what each host said, why it said nothing), both by host name."""
    said = {name: result.data["ready_survey"] for name, result in results.items()
            if result.ok and "ready_survey" in result.data}
    silent = {name: result.message or str(result.state) for name, result in results.items() if name not in said}
    return said, silent


def plan_of(profile: Profile, releases: Catalogue, target: Version | None, facts: Facts,
            silent: Mapping[str, str], revision: str, at: datetime) -> ReleasePlan:
    """The plan of one customer. facts: of `ready_survey` by host. Its problems say why nothing can be installed."""
    hosts = tuple(_host(host, facts.get(host.name), silent) for host in in_order(profile))
    installed, problems = _installed(hosts, releases)
    goal = target_release(releases, profile, installed, target, at)
    hops: tuple[Release, ...] = ()
    if not any(host.application for host in hosts):
        problems.append("none of its hosts has the role application, so READY runs nowhere")
    problems += [f"{host.host}: {problem}" for host in hosts for problem in host.problems]
    if installed is not None:
        problems += _not_restarted(hosts, facts, str(installed))
        try:
            way = path(releases, installed, goal)
            hops = way.hops if way else ()
        except OpsctlError as error:
            problems.append(error.message)
    if target is not None and installed is not None and installed > target:
        problems.append(f"{installed} is installed, which is newer than {target}: a release is not taken back this way")
    if hops and not problems:
        problems += unmet(hops, facts, hosts)
    mine = {*profile.ready.modules, *(name for said in facts.values() for name in said["modules"])}
    return ReleasePlan(
        profile.customer, str(installed or ""), str(goal.version),
        step_between(installed, goal.version) if hops else None, tuple(_hop(releases, hop) for hop in hops), hosts,
        tuple(sorted(set(goal.modules) - mine)) if hops else (), terms_digest(profile, at), inventory_digest(profile),
        revision, tuple(problems))


def _host(host: Host, facts: Mapping[str, Any] | None, silent: Mapping[str, str]) -> HostState:
    name, application = host.name, HostRole.APPLICATION in host.roles
    if facts is None:
        return HostState(name, application, "", (f"the host could not be read: {silent.get(name, 'no answer')}",))
    problems = [*facts["interrupted"], *facts["wrong"]]
    problems += [f"database {entry['name']}: {entry['error']}" for entry in facts["databases"] if "error" in entry]
    problems += [f"{unit} is at work on it" for unit in [*facts["opsctl_units"], *facts["busy"]]]
    if application and not facts["installed"]:
        problems.append("READY is not installed, or not completely")
    return HostState(name, application, str(facts["installed"]) if application else "", tuple(problems))


def _installed(hosts: Sequence[HostState], releases: Catalogue) -> tuple[Version | None, list[str]]:
    """READY's version by the packages, when all application hosts agree and there is a release file for it."""
    found = {host.installed for host in hosts if host.application and host.installed}
    if not found:
        return None, []
    if len(found) > 1:
        return None, [f"the hosts have different releases: {', '.join(sorted(found))}; bring them to one by hand"]
    package = found.pop()
    for release in releases.releases.values():
        if release.apt is not None and release.apt.version == package:
            return release.version, []
    return None, [f"there is no release file for the installed package {package}"]


def _not_restarted(hosts: Sequence[HostState], facts: Facts, installed: str) -> list[str]:
    """A package put in by hand while READY went on in the release before; what is wrong otherwise is told already."""
    said = {host.host: str(facts[host.host]["version"]) for host in hosts if host.application and not host.problems}
    return [f"{name}: READY answers in version {version or 'none'}, while the package of {installed} is installed; "
            "restart READY" for name, version in said.items() if version != installed]


def _hop(releases: Catalogue, release: Release) -> Hop:
    package = release.apt.version if release.apt else ""
    return Hop(str(release.version), package, release.kind, copied(release),
               release.rollback.supported and release.install.reversible_until != "never",
               release.install.downtime_minutes, release.requires.free_space_mb,
               sha256(_text(releases, release)).hexdigest())


def _text(releases: Catalogue, release: Release) -> bytes:
    file = releases.files[release.version]
    try:
        return file.read_bytes()
    except OSError:
        # Release files of a catalogue made in memory have no text; their content stands for it.
        return release.model_dump_json().encode()
