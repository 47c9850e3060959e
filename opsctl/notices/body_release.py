"""An available release for a customer that installs it itself: update, major, security (P22, P23)."""

from __future__ import annotations

from opsctl.contract.services import PRODUCT
from opsctl.notices import sections_change, sections_help, sections_install
from opsctl.notices.model import Banner, Block, Link, NoticeKind, Pairs, Paragraph, ReleaseFacts, Section
from opsctl.notices.telling import Body, Telling, capital, closed, product
from opsctl.releases.content import Headline
from opsctl.releases.severity import Severity


def body(telling: Telling[ReleaseFacts]) -> Body:
    """The whole release, or its vulnerabilities alone when the agreement does not cover more."""
    say, target, facts = telling.wording.say, telling.target, telling.facts
    if facts.restricted:
        return _restricted(telling)
    summary = telling.text(facts.way.target.summary)
    return Body(
        product(target), _subject(telling), say("title", target=target), summary,
        (*_banners(telling), Paragraph(summary, strong=True)),
        (Section(say("act.title"), _action(telling)), Section(say("box.title"), (_box(telling),)),
         *sections_change.sections(telling), *sections_install.sections(telling), sections_change.known(telling),
         sections_help.support(telling)),
        say("why.text", customer=facts.customer_name, role=say("role.notices")))


def _restricted(telling: Telling[ReleaseFacts]) -> Body:
    say, target, facts = telling.wording.say, telling.target, telling.facts
    summary = say("restricted.summary", target=target)
    act = (Paragraph(say("restricted.act"), strong=True),
           Paragraph(say(f"restricted.{facts.restricted}", target=target)),
           Paragraph(say("restricted.contact", email=telling.brand.email)))
    return Body(
        product(target), (say("subject.security"),), say("restricted.title"), summary,
        (*_banners(telling), Paragraph(summary, strong=True)),
        (Section(say("act.title"), act), Section(say("box.title"), (_box(telling, short=True),)),
         sections_change.security(telling), sections_help.support(telling)),
        say("restricted.why", customer=facts.customer_name))


def _subject(telling: Telling[ReleaseFacts]) -> tuple[str, ...]:
    say, facts = telling.wording.say, telling.facts
    kind = facts.way.target.kind.value
    if facts.kind in {NoticeKind.SECURITY, NoticeKind.MAJOR}:
        kind = facts.kind.value
    act = [say("subject.action", day=telling.wording.short_day(facts.action.by))] if facts.action else []
    return (say(f"subject.{kind}"), *act)


def _banners(telling: Telling[ReleaseFacts]) -> tuple[Block, ...]:
    say, facts, wording = telling.wording.say, telling.facts, telling.wording
    found: list[Block] = []
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


def _action(telling: Telling[ReleaseFacts]) -> tuple[Block, ...]:
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


def _box(telling: Telling[ReleaseFacts], *, short: bool = False) -> Pairs:
    say, wording, facts = telling.wording.say, telling.wording, telling.facts
    brought = facts.content
    step = NoticeKind.MAJOR.value if facts.kind is NoticeKind.MAJOR else facts.way.target.kind.value
    values = {
        "installed": f"{PRODUCT} {telling.installed}" if telling.installed else say("box.unknown"),
        "available": say("box.published", target=telling.target, moment=wording.moment(facts.published_at)),
        "kind": say(f"kind.{brought.headline.word}", step=say(f"step.{step}")),
        "severity": _severity(telling),
        "exploited": say(f"box.exploited_{_exploited(telling)}"),
    }
    if not short:
        values |= {"downtime": say("box.downtime_value", minutes=wording.count("minutes", brought.downtime_minutes),
                                   steps=wording.count("steps", len(facts.way.hops))),
                   "restart": say(f"restart.{brought.restart}"),
                   "reversible": say(f"reversible.{brought.reversible_until}")}
    rows: list[tuple[str, str | Link]] = [(say(f"box.{key}"), capital(value)) for key, value in values.items()]
    return Pairs(tuple(rows))


def _severity(telling: Telling[ReleaseFacts]) -> str:
    severity = telling.facts.content.severity
    if severity is None or telling.facts.content.headline is not Headline.SECURITY:
        return telling.wording.say("box.severity_none")
    score = max(change.score for change in closed(telling))
    return telling.wording.say("box.severity_value", severity=telling.wording.say(f"severity.{severity.word}"),
                               score=f"{score:.1f}")


def _exploited(telling: Telling[ReleaseFacts]) -> str:
    if telling.facts.content.severity is None:
        return "none"
    return "yes" if telling.facts.content.exploited else "no"
