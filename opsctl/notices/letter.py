"""A notice as one value, in the recipient's language: what its kind says, and what all notices say.

Text and HTML are rendered from the same value, so that they say the same. Order: subject; summary; what to do; box;
what the kind has to tell; help; why; about the notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsctl.notices import (
    body_install,
    body_lifecycle,
    body_maintenance,
    body_module,
    body_recall,
    body_release,
    sections_help,
)
from opsctl.notices.matters import (
    InstallFacts,
    LicenceFacts,
    MaintenanceFacts,
    ModuleFacts,
    PlatformFacts,
    RecallFacts,
    SupportFacts,
)
from opsctl.notices.model import Banner, Letter, ReleaseFacts
from opsctl.notices.telling import Body, Telling

SUBJECT_LENGTH = 70

_BODIES: Mapping[type[Any], Callable[[Telling[Any]], Body]] = {
    ReleaseFacts: body_release.body, InstallFacts: body_install.body, MaintenanceFacts: body_maintenance.body,
    SupportFacts: body_lifecycle.support, LicenceFacts: body_lifecycle.licence, PlatformFacts: body_lifecycle.platform,
    RecallFacts: body_recall.body, ModuleFacts: body_module.body,
}


def compose(telling: Telling[Any], *, in_english: bool = False) -> Letter:
    """The letter; ConfigurationError when words are missing. in_english: it is, though the recipient reads another."""
    say, facts = telling.wording.say, telling.facts
    found = _BODIES[type(facts)](telling)
    banners = [Banner(say("banner.english"))] if in_english else []
    if facts.sample or telling.brand.sample:
        banners.append(Banner(say("banner.sample")))
    return Letter(
        facts.kind, telling.wording.language, subject(found, facts.customer_name), found.title, found.summary,
        say("salutation", name=telling.recipient.name), (*banners, *found.opening),
        (*found.sections, *sections_help.sections(telling, found.why)))


def subject(found: Body, customer: str) -> str:
    """At most 70 characters, the most important first; what does not fit is left out whole, the name first."""
    first, *more = (f"[{found.mark}] {found.subject[0]}", *found.subject[1:])
    choices = ((first, *more, customer), (first, *more), (first, customer))
    return next((text for text in map(" - ".join, choices) if len(text) <= SUBJECT_LENGTH), first)
