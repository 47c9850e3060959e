"""Which release a customer is told of, and what about it: pure decisions over profile, catalogue and instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request, decide
from opsctl.contract.services import PRODUCT, Hosting, Service
from opsctl.contract.terms import AgreementState
from opsctl.core.clock import local_day
from opsctl.notices.model import DANISH_TIME, Facts, NoticeKind, Recipient, ReleaseFacts, Withdrawn
from opsctl.profiles.model import Profile, terms_at
from opsctl.profiles.parts import ContactRole
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.changes import SecurityChange
from opsctl.releases.content import Content, Headline, ReleasedChange, content
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.version import Step, Version
from opsctl.runs.installed import written_version


@dataclass(frozen=True)
class NoticePlan:
    """What to draft, and what the gate is asked. `facts` is None when there is nothing to tell; `reason` says why."""

    service: Service
    facts: Facts | None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    purpose: Purpose = Purpose.NEW_VALUE
    delivery: Delivery = Delivery.NOTICE

    @property
    def request(self) -> Request:
        """What the gate is asked."""
        return Request(self.service, self.purpose, self.delivery)


def plan(profile: Profile, catalogue: Catalogue, at: datetime, reported: frozenset[str] = frozenset()) -> NoticePlan:
    """The notice about the newest published release above the installed version.

    Where the agreement leaves out major releases (P13), the newest release within the installed major version
    is taken. What the agreement does not cover is told in so far as it closes a vulnerability: security notices go on
    (P05). reported: the error ids that this customer reported (P08). Raises ConfigurationError when the release files
    show no way to it.
    """
    installed = written_version(profile)
    target = catalogue.newest(installed)
    warnings: list[str] = []
    if target is not None and _is_major(installed, target) and not _majors_agreed(profile, at) and installed:
        within = catalogue.newest(installed, major=installed.major)
        if within is not None:
            warnings.append(f"{PRODUCT} {target.version} is left out: the agreement excludes major releases (P13)")
            target = within
    if target is None:
        return _nothing_newer(catalogue, installed)
    facts = release_facts(profile, catalogue, installed, target, at, reported)
    service = (Service.SOFTWARE_UPDATE_MAJOR if facts.kind is NoticeKind.MAJOR else Service.SOFTWARE_UPDATE_MINOR)
    return (_security_alone(profile, facts, service, at)
            or NoticePlan(service, facts, "", (*warnings, *_warnings(facts, installed, at))))


def beyond(profile: Profile, catalogue: Catalogue, at: datetime) -> NoticePlan | None:
    """The vulnerabilities that only a major release closes which the agreement leaves out (P13); None without any."""
    installed = written_version(profile)
    newest = catalogue.newest(installed)
    if newest is None or installed is None or profile.hosting != "customer" or _majors_agreed(profile, at):
        return None
    within = catalogue.newest(installed, major=installed.major)
    if within is None or newest.version == within.version:
        return None
    closed = {name for released in release_facts(profile, catalogue, installed, within, at).content.changes
              for name in released.change.ids}
    facts = release_facts(profile, catalogue, installed, newest, at)
    open_ones = tuple(released for released in facts.content.changes if not released.change.ids & closed)
    return _restricted(replace(facts, content=replace(facts.content, changes=open_ones)), "entitlement")


def _security_alone(profile: Profile, facts: ReleaseFacts, service: Service, at: datetime) -> NoticePlan | None:
    """Under an agreement that does not cover the release: its vulnerabilities alone."""
    terms = terms_at(profile, at)
    if terms.hosting is not Hosting.CUSTOMER:
        return None
    if decide(terms, Request(service, Purpose.NEW_VALUE, Delivery.NOTICE), at).allowed:
        return None
    valid = terms.agreement_state(at) is AgreementState.VALID
    return _restricted(facts, "entitlement" if valid else "agreement")


def _restricted(facts: ReleaseFacts, why: str) -> NoticePlan | None:
    closing = tuple(released for released in facts.content.changes if isinstance(released.change, SecurityChange))
    if not closing:
        return None
    told = replace(facts, kind=NoticeKind.SECURITY, content=_only(facts.content, closing),
                   restricted="entitlement" if why == "entitlement" else "agreement")
    return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, told, "", purpose=Purpose.PROTECT)


def _only(brought: Content, closing: tuple[ReleasedChange, ...]) -> Content:
    changes = [released.change for released in closing if isinstance(released.change, SecurityChange)]
    return replace(brought, changes=closing, headline=Headline.SECURITY, known_issues=(), new_modules=(), lost=(),
                   severity=max(change.severity for change in changes),
                   exploited=any(change.exploited for change in changes))


def beside_a_major(profile: Profile, at: datetime) -> frozenset[str]:
    """How the ids of notices within the installed major version begin that are told beside one of `beyond`: `release`
    while the agreement covers them, `security` also when it has ended; none where majors are agreed."""
    if profile.hosting != "customer" or _majors_agreed(profile, at):
        return frozenset()
    within = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)
    covered = decide(terms_at(profile, at), within, at).allowed
    return frozenset({"security", "release"} if covered else {"security"})


def recipients(profile: Profile, facts: Facts | None = None) -> tuple[Recipient, ...]:
    """The contacts with the role notices, and with the role security when it tells of a vulnerability; each in its
    own language."""
    wanted = {ContactRole.NOTICES, *([ContactRole.SECURITY] if facts is not None and facts.security else [])}
    return tuple(Recipient(contact.name, contact.email, contact.language or profile.language, contact.calendar)
                 for contact in profile.contacts if wanted.intersection(contact.roles))


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
    newest = catalogue.newest(None)
    if release is None and newest is not None and installed > newest.version:
        warning = (f"the installed {PRODUCT} {installed} is in no release file, and newer than {newest.version}, the "
                   "newest published: correct `ready.version` in the profile, or publish its release file")
        return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, None, warning, (warning,))
    return NoticePlan(Service.SOFTWARE_UPDATE_MINOR, None, f"already on the newest, {PRODUCT} {installed}")


def release_facts(profile: Profile, catalogue: Catalogue, installed: Version | None, target: Release, at: datetime,
                  reported: frozenset[str] = frozenset()) -> ReleaseFacts:
    """What `target` brings to the customer from the version it has."""
    way = path(catalogue, installed, target)
    if way is None or target.published_at is None:
        raise AssertionError("the newest release above the installed one lies above it and is published")
    release = catalogue.get(installed) if installed else None
    until = release.support.until if release else None
    brought = content(catalogue, way, profile.ready.modules)
    kind = NoticeKind.MAJOR if _is_major(installed, target) else (
        NoticeKind.SECURITY if brought.headline is Headline.SECURITY else NoticeKind.UPDATE)
    return ReleaseFacts(
        **common(profile, kind, target, brought.new_modules), sample=any(hop.sample for hop in way.hops),
        way=way, content=brought, published_at=target.published_at, support_until=until,
        out_of_support=until is not None and until < local_day(at, DANISH_TIME),
        withdrawn=Withdrawn(release.withdrawn.at, release.withdrawn.reason) if release and release.withdrawn else None,
        action=target.action_required.customer_hosted, reported=reported)


def common(profile: Profile, kind: NoticeKind, release: Release | None, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """What every notice knows of the customer; the modules' names as `release` has them."""
    named = (*profile.ready.modules, *more)
    titles = {name: release.modules[name].title for name in named if name in release.modules} if release else {}
    return {"kind": kind, "customer": profile.customer, "customer_name": profile.name,
            "hosted": profile.hosting == "kamstrup", "modules": profile.ready.modules,
            "module_titles": {name: title for name, title in titles.items() if title is not None}}


def _warnings(facts: ReleaseFacts, installed: Version | None, at: datetime) -> Iterator[str]:
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
