"""A release that Kamstrup installs: announced before, reported after (P49)."""

from __future__ import annotations

from opsctl.notices import sections_change
from opsctl.notices.matters import InstallFacts
from opsctl.notices.model import Block, Link, NoticeKind, Pairs, Paragraph, Section
from opsctl.notices.telling import Body, Telling, capital, product


def body(telling: Telling[InstallFacts]) -> Body:
    """Before it: when, how long it is away, what changes. After it: how it went, and what has changed."""
    say, facts = telling.wording.say, telling.facts
    if facts.source.outcome is not None:
        return _taken_back(telling)
    done = facts.kind is NoticeKind.DONE
    word = "done" if done else "planned"
    when = telling.wording.period(facts.source.start, facts.source.end)
    summary = say(f"install.{word}.summary", target=telling.target, customer=facts.customer_name, when=when)
    opening: tuple[Block, ...] = (Paragraph(summary, strong=True),)
    result = _proof(telling) + (telling.paragraphs(facts.source.result) if facts.source.result is not None else ())
    return Body(
        product(telling.target),
        (say(f"install.{word}.subject", day=telling.wording.local_short_day(facts.source.start)),),
        say(f"install.{word}.title", target=telling.target), summary,
        (*opening, Paragraph(telling.text(facts.way.target.summary))),
        (Section(say("act.title"), (Paragraph(say("install.act_done" if done else "install.act"), strong=True),
                                    *result)),
         Section(say("box.title"), (_box(telling, when, done),)),
         *sections_change.sections(telling), sections_change.known(telling)),
        _why(telling))


def _taken_back(telling: Telling[InstallFacts]) -> Body:
    """It did not succeed: what runs now, and that nothing was lost."""
    say, facts = telling.wording.say, telling.facts
    when = telling.wording.period(facts.source.start, facts.source.end)
    summary = say("install.back.summary", target=telling.target, installed=telling.installed,
                  customer=facts.customer_name, when=when)
    result = telling.paragraphs(facts.source.result) if facts.source.result is not None else ()
    rows: list[tuple[str, str | Link]] = [
        (say("install.now"), product(telling.installed)),
        (say("install.back.not_installed"), product(telling.target)), (say("install.when"), when)]
    return Body(
        product(telling.target),
        (say("install.back.subject", day=telling.wording.local_short_day(facts.source.start)),),
        say("install.back.title", target=telling.target), summary, (Paragraph(summary, strong=True),),
        (Section(say("act.title"), (Paragraph(say("install.act_done"), strong=True),
                                    *(_proof(telling)), *result, Paragraph(say("install.back.next")))),
         Section(say("box.title"), (Pairs(tuple(rows)),))),
        _why(telling))


def _why(telling: Telling[InstallFacts]) -> str:
    """Why the contact is told: Kamstrup hosts the system, or worked on the customer's hosts by agreement."""
    facts = telling.facts
    return telling.wording.say("install.why" if facts.hosted else "install.why_customer", customer=facts.customer_name)


def _proof(telling: Telling[InstallFacts]) -> tuple[Block, ...]:
    """That it was checked, where a run of opsctl did."""
    if telling.facts.source.run is None:
        return ()
    word = "install.back.healthy" if telling.facts.source.outcome else "install.healthy"
    return (Paragraph(telling.wording.say(word, installed=telling.installed)),)


def _box(telling: Telling[InstallFacts], when: str, done: bool) -> Pairs:
    say, wording, facts = telling.wording.say, telling.wording, telling.facts
    known = [(say("install.before" if done else "box.installed"), product(telling.installed))]
    rows: list[tuple[str, str | Link]] = [
        *(known if telling.installed else []),
        (say("install.now" if done else "install.will_be"), product(telling.target)),
        (say("install.when"), when)]
    if not done:
        rows += [(say("box.downtime"), capital(say(
            "install.downtime", minutes=wording.count("minutes", facts.content.downtime_minutes)))),
                 (say("install.backup"), say("install.backup_value"))]
    return Pairs(tuple(rows))
