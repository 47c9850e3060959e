"""Which release a customer is told of, and what about it: pure decisions over profile, catalogue and instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from opsctl.contract.services import PRODUCT, Service
from opsctl.core.clock import local_day
from opsctl.notices.model import DANISH_TIME, Facts, NoticeKind, Recipient, Withdrawn
from opsctl.profiles.model import Profile, terms_at
from opsctl.profiles.parts import ContactRole
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.changes import Text
from opsctl.releases.content import content
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.version import Step, Version


@dataclass(frozen=True)
class NoticePlan:
    """What to draft. `facts` is None when there is nothing to tell; `reason` says why."""

    service: Service
    facts: Facts | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


def plan(profile: Profile, catalogue: Catalogue, at: datetime) -> NoticePlan:
    """The notice about the newest published release above the installed version.

    Where the agreement leaves out major releases (P13), the newest release within the installed major version
    is taken. Raises ConfigurationError when the release files show no way to it.
    """
    installed = Version.parse(profile.ready.version) if profile.ready.version else None
    target = catalogue.newest(installed)
    warnings: list[str] = []
    if target is not None and _is_major(installed, target) and not _majors_agreed(profile, at) and installed:
        within = catalogue.newest(installed, major=installed.major)
        if within is not None:
            warnings.append(f"{PRODUCT} {target.version} is left out: the agreement excludes major releases (P13)")
            target = within
    if target is None:
        return _nothing_newer(catalogue, installed)
    facts = _facts(profile, catalogue, installed, target, at)
    major = facts.kind is NoticeKind.MAJOR
    return NoticePlan(Service.SOFTWARE_UPDATE_MAJOR if major else Service.SOFTWARE_UPDATE_MINOR, facts, "",
                      (*warnings, *_warnings(facts, installed, at)))


def recipients(profile: Profile) -> tuple[Recipient, ...]:
    """The contacts with the role notices, each in its own language."""
    return tuple(Recipient(contact.name, contact.email, contact.language or profile.language)
                 for contact in profile.contacts if ContactRole.NOTICES in contact.roles)


def required_texts(facts: Facts) -> Iterator[tuple[Version, str, Text]]:
    """Each text of a release file that the notice shows: the release, the key in its file, the text."""
    target = facts.way.target
    yield target.version, "summary", target.summary
    releases = {release.version: release for release in (*facts.way.hops, *facts.way.contained)}
    for released in facts.content.changes:
        index = releases[released.version].changes.index(released.change)
        yield released.version, f"changes[{index}].text", released.change.text
        workaround = getattr(released.change, "workaround", None)
        if workaround is not None:
            yield released.version, f"changes[{index}].workaround", workaround
    for issue in facts.content.known_issues:
        index = target.known_issues.index(issue)
        yield target.version, f"known_issues[{index}].text", issue.text
        if issue.workaround is not None:
            yield target.version, f"known_issues[{index}].workaround", issue.workaround
    if facts.action is not None:
        yield target.version, "action_required.customer_hosted.text", facts.action.text
    if facts.withdrawn is not None and facts.way.installed is not None:
        yield facts.way.installed, "withdrawn.reason", facts.withdrawn.reason
    for name, title in facts.module_titles.items():
        yield target.version, f"modules.{name}.title", title
    for released in facts.content.lost:
        yield released.version, "changes.text", released.change.text


def _is_major(installed: Version | None, target: Release) -> bool:
    return target.kind is Step.MAJOR if installed is None else target.version.major != installed.major


def _majors_agreed(profile: Profile, at: datetime) -> bool:
    agreement = terms_at(profile, at).agreement
    return agreement is None or agreement.major_releases


def _nothing_newer(catalogue: Catalogue, installed: Version | None) -> NoticePlan:
    release = catalogue.get(installed) if installed else None
    if release is not None and release.status is ReleaseStatus.WITHDRAWN:
        warning = f"the installed {PRODUCT} {release.version} is withdrawn, and nothing newer is published"
        return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, None, warning, (warning,))
    if installed is None:
        return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, None, "no release is published")
    return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, None, f"already on the newest, {PRODUCT} {installed}")


def _facts(profile: Profile, catalogue: Catalogue, installed: Version | None, target: Release, at: datetime) -> Facts:
    way = path(catalogue, installed, target)
    if way is None or target.published_at is None:
        raise AssertionError("the newest release above the installed one lies above it and is published")
    release = catalogue.get(installed) if installed else None
    until = release.support.until if release else None
    brought = content(catalogue, way, profile.ready.modules)
    named = (*profile.ready.modules, *brought.new_modules)
    titles = {name: target.modules[name].title for name in named if name in target.modules}
    return Facts(
        kind=NoticeKind.MAJOR if _is_major(installed, target) else NoticeKind.UPDATE,
        customer=profile.customer, customer_name=profile.name, modules=profile.ready.modules,
        module_titles={name: title for name, title in titles.items() if title is not None},
        way=way, content=brought, published_at=target.published_at, support_until=until,
        out_of_support=until is not None and until < local_day(at, DANISH_TIME),
        withdrawn=Withdrawn(release.withdrawn.at, release.withdrawn.reason) if release and release.withdrawn else None,
        action=target.action_required.customer_hosted, sample=any(hop.sample for hop in way.hops))


def _warnings(facts: Facts, installed: Version | None, at: datetime) -> Iterator[str]:
    if installed is None:
        yield "the installed version is not known: the notice is generic; record it under `ready.version`"
    if facts.withdrawn is not None:
        yield f"the installed {PRODUCT} {installed} is withdrawn"
    if facts.out_of_support:
        yield f"the installed {PRODUCT} {installed} is out of support"
    if facts.content.lost:
        names = sorted(name for released in facts.content.lost for name in released.change.ids)
        yield f"{PRODUCT} {facts.way.target.version} lacks corrections that the customer has: {', '.join(names)}"
    if facts.action is not None and facts.action.by < local_day(at, DANISH_TIME):
        yield "the day by which customers must act has passed; set a new one in the release file"
