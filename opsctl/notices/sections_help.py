"""What every notice ends with: help, why it came, and the notice itself; and the end of support for some."""

from __future__ import annotations

from collections.abc import Iterator

from opsctl.contract.levels import LEVELS
from opsctl.notices.language import Wording
from opsctl.notices.model import Block, Facts, Link, Pairs, Paragraph, ReleaseFacts, Row, Section, Table
from opsctl.notices.telling import Telling

_DESK_HOURS = ((0, 3, (8, 0), (16, 0)), (4, 4, (8, 0), (14, 30)))
"""P31: Monday to Thursday 8-16, Friday 8-14:30; first day, last day, opening, closing."""


def sections(telling: Telling[Facts], why: str) -> tuple[Section, ...]:
    """Help, why, notice."""
    say = telling.wording.say
    return (Section(say("help.title"), (_channels(telling), _levels(telling))),
            Section(say("why.title"), (Paragraph(why), Paragraph(say("why.change", email=telling.brand.email)))),
            Section(say("notice.title"), (_notice(telling),)))


def support(telling: Telling[ReleaseFacts]) -> Section:
    """Until when the installed version and the new one are supported."""
    return Section(telling.wording.say("support.title"), tuple(Paragraph(words) for words in _support(telling)))


def _support(telling: Telling[ReleaseFacts]) -> Iterator[str]:
    say, facts, wording = telling.wording.say, telling.facts, telling.wording
    if facts.support_until is None:
        yield say("support.unknown")
    else:
        yield say("support.ended" if facts.out_of_support else "support.installed", installed=telling.installed,
                  end=wording.end_of_day(facts.support_until))
    yield say("support.target", target=telling.target, end=wording.end_of_day(facts.way.target.support.until))


def _channels(telling: Telling[Facts]) -> Pairs:
    say, brand = telling.wording.say, telling.brand
    return Pairs((
        (say("help.website"), Link(brand.website, brand.website)),
        (say("help.phone"), Link(brand.phone, f"tel:{brand.phone.replace(' ', '')}")),
        (say("help.email"), Link(brand.email, f"mailto:{brand.email}")),
        (say("help.hours"), desk_hours(telling.wording)),
        (say("help.desk"), say("help.desk_value"))))


def desk_hours(wording: Wording) -> str:
    """When support is open (P31), in words."""
    say = wording.say
    spans = []
    for first, last, opening, closing in _DESK_HOURS:
        days = {"from": wording.weekday(first), "open": wording.clock(*opening), "close": wording.clock(*closing)}
        spans.append(say("help.day", **days) if first == last else say("help.days", to=wording.weekday(last), **days))
    text = say("help.hours_value", first=spans[0], last=spans[1])
    return text[:1].upper() + text[1:]


def _levels(telling: Telling[Facts]) -> Block:
    say, wording = telling.wording.say, telling.wording
    rows = tuple(Row(f"{letter}: {say(f'levels.{letter}.title')}", say(f"levels.{letter}.definition"),
                     wording.count("hours", level.working_hours)) for letter, level in LEVELS.items())
    return Table(say("help.levels"), (say("help.level"), say("help.starts")), rows)


def _notice(telling: Telling[Facts]) -> Pairs:
    say, edition = telling.wording.say, telling.edition
    rows: list[tuple[str, str | Link]] = [
        (say("notice.id"), telling.facts.notice),
        (say("notice.revision"), str(edition.revision)),
        (say("notice.date"), telling.wording.moment(edition.date))]
    if edition.revision > 1:
        names = [say(f"part.{name}") for name in edition.changed]
        rows.append((say("notice.since", revision=edition.revision - 1), ", ".join(names)))
    return Pairs(tuple(rows))
