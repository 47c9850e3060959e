"""A notice as one value: the fifteen parts in their order, in the recipient's language.

Text and HTML are rendered from the same value, so that they say the same.
Order: subject; summary; what to do; box; changes; security; before; path; download; way back; known
problems; end of support; help; why; about the notice.
"""

from __future__ import annotations

from opsctl.contract.services import PRODUCT
from opsctl.notices import sections_change, sections_help, sections_install
from opsctl.notices.model import Banner, Block, Letter, Link, NoticeKind, Pairs, Paragraph, Section
from opsctl.notices.telling import Telling
from opsctl.releases.content import Headline
from opsctl.releases.severity import Severity

SUBJECT_LENGTH = 70


def compose(telling: Telling) -> Letter:
    """The letter; ConfigurationError when words are missing."""
    say, target = telling.wording.say, telling.target
    return Letter(
        telling.wording.language, subject(telling), say("title", target=target),
        say("salutation", name=telling.recipient.name),
        (*_banners(telling), Paragraph(telling.text(telling.facts.way.target.summary), strong=True)),
        (Section(say("act.title"), _action(telling)), Section(say("box.title"), (_box(telling),)),
         *sections_change.sections(telling), *sections_install.sections(telling), sections_change.known(telling),
         *sections_help.sections(telling)))


def subject(telling: Telling) -> str:
    """At most 70 characters, the most important first; what does not fit is left out whole, the name first."""
    say, facts = telling.wording.say, telling.facts
    kind = facts.way.target.kind.value
    if facts.kind is NoticeKind.UPDATE and facts.content.headline is Headline.SECURITY:
        kind = "security"
    elif facts.kind is NoticeKind.MAJOR:
        kind = "major"
    first = f"[{PRODUCT} {telling.target}] {say(f'subject.{kind}')}"
    act = [say("subject.action", day=telling.wording.short_day(facts.action.by))] if facts.action else []
    choices = ((first, *act, facts.customer_name), (first, *act), (first, facts.customer_name))
    return next((text for text in map(" - ".join, choices) if len(text) <= SUBJECT_LENGTH), first)


def _banners(telling: Telling) -> tuple[Block, ...]:
    say, facts, wording = telling.wording.say, telling.facts, telling.wording
    found: list[Block] = []
    if facts.sample or telling.brand.sample:
        found.append(Banner(say("banner.sample")))
    if facts.way.installed is None:
        found.append(Banner(say("banner.unknown", target=telling.target)))
    if facts.withdrawn is not None:
        found.append(Banner(say("banner.withdrawn", installed=telling.installed,
                                moment=wording.moment(facts.withdrawn.at),
                                reason=telling.text(facts.withdrawn.reason))))
    if facts.out_of_support and facts.support_until is not None:
        found.append(Banner(say("banner.out_of_support", installed=telling.installed,
                                end=wording.end_of_day(facts.support_until))))
    return tuple(found)


def _action(telling: Telling) -> tuple[Block, ...]:
    say, facts = telling.wording.say, telling.facts
    severity = facts.content.severity
    urgent = severity is not None and (severity >= Severity.IMPORTANT or facts.content.exploited)
    found: list[Block] = []
    if urgent and severity is not None:
        found.append(Paragraph(say("act.urgent", severity=say(f"severity.{severity.word}")), strong=True))
    if facts.action is not None:
        found.append(Paragraph(say("act.by", end=telling.wording.end_of_day(facts.action.by),
                                   text=telling.text(facts.action.text)), strong=True))
    if not found:
        found.append(Paragraph(say("act.free"), strong=True))
    return (*found, Paragraph(say("act.who", customer=facts.customer_name)))


def _box(telling: Telling) -> Pairs:
    say, wording, facts = telling.wording.say, telling.wording, telling.facts
    brought = facts.content
    downtime = say("box.downtime_value", minutes=wording.count("minutes", brought.downtime_minutes),
                   steps=wording.count("steps", len(facts.way.hops)))
    step = NoticeKind.MAJOR.value if facts.kind is NoticeKind.MAJOR else facts.way.target.kind.value
    values = {
        "installed": f"{PRODUCT} {telling.installed}" if telling.installed else say("box.unknown"),
        "available": say("box.published", target=telling.target, moment=wording.moment(facts.published_at)),
        "kind": say(f"kind.{brought.headline.word}", step=say(f"step.{step}")),
        "severity": _severity(telling),
        "exploited": say(f"box.exploited_{_exploited(telling)}"),
        "downtime": downtime,
        "restart": say(f"restart.{brought.restart}"),
        "reversible": say(f"reversible.{brought.reversible_until}"),
    }
    rows: list[tuple[str, str | Link]] = [(say(f"box.{key}"), value[:1].upper() + value[1:])
                                          for key, value in values.items()]
    return Pairs(tuple(rows))


def _severity(telling: Telling) -> str:
    severity = telling.facts.content.severity
    if severity is None:
        return telling.wording.say("box.severity_none")
    score = max(change.score for change in telling.security())
    return telling.wording.say("box.severity_value", severity=telling.wording.say(f"severity.{severity.word}"),
                               score=f"{score:.1f}")


def _exploited(telling: Telling) -> str:
    if telling.facts.content.severity is None:
        return "none"
    return "yes" if telling.facts.content.exploited else "no"
