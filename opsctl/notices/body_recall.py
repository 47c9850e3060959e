"""A release that was withdrawn, or whose file was corrected, for customers that were told of it."""

from __future__ import annotations

from opsctl.notices.matters import RecallFacts
from opsctl.notices.model import Block, Link, NoticeKind, Pairs, Paragraph, Section
from opsctl.notices.telling import Body, Telling, product
from opsctl.releases.version import Version


def body(telling: Telling[RecallFacts]) -> Body:
    """What was said, what holds now, and what to do about it."""
    say, facts = telling.wording.say, telling.facts
    word = facts.kind.value
    told = telling.wording.moment(facts.told_at)
    summary = say(f"{word}.summary", target=telling.target, told=told)
    return Body(
        product(telling.target), (say(f"{word}.subject"),), say(f"{word}.title", target=telling.target), summary,
        (Paragraph(summary, strong=True), *_why(telling)),
        (Section(say("act.title"), _action(telling)), Section(say("box.title"), (_box(telling, told),))),
        say("recall.why", customer=facts.customer_name))


def _why(telling: Telling[RecallFacts]) -> tuple[Block, ...]:
    say, subject = telling.wording.say, telling.facts.subject
    if subject.withdrawn is not None:
        return (Paragraph(say("withdrawal.reason", reason=telling.text(subject.withdrawn.reason))),)
    if subject.correction is not None:
        return (Paragraph(say("correction.what", text=telling.text(subject.correction))),)
    return (Paragraph(say("correction.unsaid")),)


def _action(telling: Telling[RecallFacts]) -> tuple[Block, ...]:
    say, facts = telling.wording.say, telling.facts
    if facts.kind is NoticeKind.CORRECTION:
        return (Paragraph(say("correction.act_hosted" if facts.hosted else "correction.act"), strong=True),)
    replaced = facts.subject.withdrawn.replaced_by if facts.subject.withdrawn else None
    if facts.hosted:
        return (Paragraph(say("withdrawal.act_hosted"), strong=True),)
    has_it = bool(facts.installed) and Version.parse(facts.installed) == facts.subject.version
    found: list[Block] = [Paragraph(say("withdrawal.act_installed" if has_it else "withdrawal.act",
                                        target=telling.target), strong=True)]
    found.append(Paragraph(say("withdrawal.replaced", replacement=replaced) if replaced
                           else say("withdrawal.not_replaced")))
    return tuple(found)


def _box(telling: Telling[RecallFacts], told: str) -> Pairs:
    say, facts = telling.wording.say, telling.facts
    subject = facts.subject
    rows: list[tuple[str, str | Link]] = [
        (say("recall.release"), product(telling.target)),
        (say("box.installed"), product(facts.installed) if facts.installed else say("box.unknown")),
        (say("recall.told"), told)]
    if subject.withdrawn is not None:
        rows.append((say("recall.withdrawn"), telling.wording.moment(subject.withdrawn.at)))
        if subject.withdrawn.replaced_by is not None:
            rows.append((say("recall.replaced_by"), product(str(subject.withdrawn.replaced_by))))
    else:
        rows.append((say("recall.revision"), say("recall.revision_value", told=facts.told, now=subject.revision)))
    return Pairs(tuple(rows))
