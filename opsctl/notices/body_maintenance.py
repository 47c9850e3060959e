"""Work on the platform: planned, changed, cancelled, done."""

from __future__ import annotations

from opsctl.contract.services import PRODUCT
from opsctl.notices.matters import MaintenanceFacts
from opsctl.notices.model import Banner, Block, Link, NoticeKind, Pairs, Paragraph, Section
from opsctl.notices.telling import Body, Telling


def body(telling: Telling[MaintenanceFacts]) -> Body:
    """What is done, when, what users notice; and what is new since it was told last."""
    say, facts, source = telling.wording.say, telling.facts, telling.facts.source
    word = facts.kind.value.removeprefix("maintenance-")
    when = telling.wording.period(source.start, source.end)
    day = telling.wording.local_short_day(source.start)
    summary = say(f"maintenance.{word}.summary", customer=facts.customer_name, when=when)
    return Body(
        PRODUCT, (say(f"maintenance.{word}.subject", day=day),), say(f"maintenance.{word}.title"), summary,
        (Paragraph(summary, strong=True), *_news(telling)),
        (Section(say("act.title"), _action(telling)), Section(say("box.title"), (_box(telling, when),)),
         Section(say("maintenance.work"), telling.paragraphs(source.summary))),
        say("maintenance.why", customer=facts.customer_name))


def _news(telling: Telling[MaintenanceFacts]) -> tuple[Block, ...]:
    """The earlier times, the reason, the result."""
    say, facts = telling.wording.say, telling.facts
    found: list[Block] = []
    if facts.was is not None and facts.kind is NoticeKind.MAINTENANCE_CHANGED:
        was = telling.wording.period(facts.was.start, facts.was.end)
        found.append(Banner(say("maintenance.was", was=was)))
    for name in ("reason", "result"):
        text = getattr(facts.source, name)
        if text is not None:
            found += [Paragraph(say(f"maintenance.{name}"), strong=True), *telling.paragraphs(text)]
    return tuple(found)


def _action(telling: Telling[MaintenanceFacts]) -> tuple[Block, ...]:
    say, facts = telling.wording.say, telling.facts
    if facts.kind in {NoticeKind.MAINTENANCE_CANCELLED, NoticeKind.MAINTENANCE_DONE}:
        return (Paragraph(say("maintenance.no_act"), strong=True),)
    quiet = facts.source.impact in {"no-impact", "reduced-redundancy"}
    return (Paragraph(say("maintenance.no_act" if quiet else "maintenance.act"), strong=True),)


def _box(telling: Telling[MaintenanceFacts], when: str) -> Pairs:
    say, source = telling.wording.say, telling.facts.source
    minutes = round((source.end - source.start).total_seconds() / 60)
    rows: list[tuple[str, str | Link]] = [
        (say("maintenance.status"), say(f"status.{telling.facts.kind.value.removeprefix('maintenance-')}")),
        (say("maintenance.when"), when),
        (say("maintenance.length"), telling.wording.duration(minutes)),
        (say("maintenance.systems"), ", ".join(source.systems)),
        (say("maintenance.impact"), say(f"impact.{source.impact}")),
        (say("maintenance.reference"), source.id)]
    return Pairs(tuple(rows))
