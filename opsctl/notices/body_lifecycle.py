"""What ends or is required without a release of ours: end of support, third-party licence, platform (P14, P21, P24)."""

from __future__ import annotations

from collections.abc import Sequence

from opsctl.contract.services import PRODUCT
from opsctl.notices import sections_install
from opsctl.notices.matters import LicenceFacts, PlatformFacts, SupportFacts
from opsctl.notices.model import Block, Item, Link, Pairs, Paragraph, Points, Row, Section, Table
from opsctl.notices.telling import Body, Telling, capital, product
from opsctl.releases.platform import RequiredPatch, Supported


def support(telling: Telling[SupportFacts]) -> Body:
    """Until when the installed version is supported, and the way to one that is supported longer."""
    say, facts, wording = telling.wording.say, telling.facts, telling.wording
    until = facts.installed.support.until
    word = "ended" if facts.stage == 0 else "ends"
    end = wording.end_of_day(until)
    summary = say(f"eos.{word}", installed=telling.target, end=end)
    rows: list[tuple[str, str | Link]] = [(say("box.installed"), product(telling.target)),
                                          (say("eos.until"), capital(end))]
    steps: tuple[Section, ...] = ()
    if facts.way is not None:
        newest = facts.way.target
        rows += [(say("eos.newest"), product(str(newest.version))),
                 (say("eos.newest_until"), capital(wording.end_of_day(newest.support.until))),
                 (say("eos.steps"), wording.all_of([product(str(hop.version)) for hop in facts.way.hops]))]
        steps = (Section(say("eos.next"), (Paragraph(telling.text(newest.summary)),
                                           Paragraph(say("before.backup"), strong=True))),)
    act = (say("eos.act_none") if facts.way is None
           else say("eos.act_ended" if facts.stage == 0 else "eos.act", newest=facts.way.target.version))
    meaning = say("eos.meaning_ended" if facts.stage == 0 else "eos.meaning")
    return Body(
        product(telling.target), (say(f"eos.subject_{word}", day=wording.short_day(until)),),
        say(f"eos.title_{word}", installed=telling.target), summary, (Paragraph(summary, strong=True),),
        (Section(say("act.title"), (Paragraph(act, strong=True), Paragraph(meaning))),
         Section(say("box.title"), (Pairs(tuple(rows)),)), *steps),
        say("why.text", customer=facts.customer_name, role=say("role.notices")))


def licence(telling: Telling[LicenceFacts]) -> Body:
    """A third-party licence used in the product that ends. Never the key."""
    say, facts, wording = telling.wording.say, telling.facts, telling.wording
    found, word = (facts.licence, *facts.others), "ended" if facts.stage == 0 else "ends"
    end = wording.end_of_day(facts.until)
    act = say("licence.act_ended" if facts.stage == 0 else "licence.act")
    name, vendor = (wording.all_of(list(dict.fromkeys(names))) for names in
                    ([one.product for one in found], [one.vendor for one in found]))
    summary = say(f"licence.{word}", name=name, vendor=vendor, end=end)
    rows: list[tuple[str, str | Link]] = [(say("licence.product"), name), (say("licence.vendor"), vendor)]
    for one in found:
        rows.append((say("licence.quantity"), f"{wording.number(one.quantity)} ({one.metric})"))
        rows += [(say("licence.until"), capital(end))] if one is facts.licence else []
        rows.append((say("licence.held"), one.held_at))
    return Body(
        PRODUCT, (say(f"licence.subject_{word}", day=wording.short_day(facts.until)), name),
        say(f"licence.title_{word}"), summary, (Paragraph(summary, strong=True),),
        (Section(say("act.title"), (Paragraph(act, strong=True), Paragraph(say("licence.meaning")))),
         Section(say("box.title"), (Pairs(tuple(rows)),))),
        say("licence.why", customer=facts.customer_name))


def platform(telling: Telling[PlatformFacts]) -> Body:
    """What runs under the product: what is supported until when, and which patches are required (P21)."""
    say, facts = telling.wording.say, telling.facts
    advisory = facts.advisory
    summary = telling.text(advisory.summary)
    last = min((patch.by for patch in advisory.patches if patch.by is not None), default=None)
    subject = [say("platform.subject")]
    if last is not None:
        subject.append(say("subject.action", day=telling.wording.short_day(last)))
    if advisory.patches:
        act = say("platform.act_by", end=telling.wording.end_of_day(last)) if last else say("platform.act")
    else:
        act = say("platform.no_patches")
    tables = [_supported(telling, name, rows) for name, rows in
              (("os", advisory.os), ("database", advisory.database), ("middleware", advisory.middleware)) if rows]
    patches: tuple[Block, ...] = (Points(tuple(_patch(telling, patch) for patch in advisory.patches)),) \
        if advisory.patches else (Paragraph(say("platform.no_patches")),)
    return Body(
        PRODUCT, tuple(subject), say("platform.title"), summary, (Paragraph(summary, strong=True),),
        (Section(say("act.title"), (Paragraph(act, strong=True),
                                    Paragraph(say("platform.who", customer=facts.customer_name)),
                                    Paragraph(say("platform.backup"), strong=True))),
         Section(say("platform.patches"), patches),
         Section(say("platform.supported"), (Paragraph(say("platform.for", installed=facts.installed)), *tables)),
         Section(say("platform.note"), (Paragraph(say("before.compare")),))),
        say("platform.why", customer=facts.customer_name))


def _supported(telling: Telling[PlatformFacts], name: str, found: Sequence[Supported]) -> Table:
    say, wording = telling.wording.say, telling.wording
    rows = tuple(Row(f"{sections_install.NAMES.get(one.name, one.name)} {one.version}", "",
                     wording.day(one.until) if one.until else say("platform.unknown")) for one in found)
    return Table(say(f"platform.{name}"), (say("platform.version"), say("platform.until")), rows)


def _patch(telling: Telling[PlatformFacts], patch: RequiredPatch) -> Item:
    say = telling.wording.say
    lines = [say("platform.min", version=patch.min)]
    if patch.cve:
        lines.append(", ".join(patch.cve))
    if patch.by is not None:
        lines.append(say("platform.by", end=telling.wording.end_of_day(patch.by)))
    return Item(f"{patch.name}: {telling.text(patch.text)}", tuple(lines))
