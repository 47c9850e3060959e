"""What a release changes for the customer: changes, security, known problems."""

from __future__ import annotations

from collections.abc import Iterator

from opsctl.contract.services import PRODUCT
from opsctl.notices.model import Block, Item, Paragraph, Points, Section
from opsctl.notices.telling import Installable, Telling
from opsctl.releases.changes import FixChange, KnownIssue, SecurityChange, Text
from opsctl.releases.content import ReleasedChange

_TYPES = ("feature", "change", "fix")


def sections(telling: Telling[Installable]) -> tuple[Section, ...]:
    """What changes, and what vulnerabilities are closed."""
    say = telling.wording.say
    return (Section(say("changes.title"), tuple(_changes(telling))), security(telling))


def security(telling: Telling[Installable]) -> Section:
    """The vulnerabilities alone."""
    return Section(telling.wording.say("security.title"), _security(telling))


def known(telling: Telling[Installable]) -> Section:
    """Problems that the target has, and corrections that it lacks."""
    say, brought = telling.wording.say, telling.facts.content
    items = [*(_issue(telling, issue) for issue in brought.known_issues),
             *(Item(say("known.lost", target=telling.target, text=telling.text(lost.change.text)),
                    (", ".join(sorted(lost.change.ids)),)) for lost in brought.lost)]
    block: Block = Points(tuple(items)) if items else Paragraph(say("known.none", target=telling.target))
    return Section(say("known.title"), (block,))


def _changes(telling: Telling[Installable]) -> Iterator[Block]:
    say, brought = telling.wording.say, telling.facts.content
    others = [released for released in brought.changes if not isinstance(released.change, SecurityChange)]
    if not brought.changes:
        yield Paragraph(say("changes.none"))
    else:
        yield Paragraph(say("changes.scope", modules=telling.modules(telling.facts.modules)))
    for kind in _TYPES:
        items = tuple(_change(telling, released) for released in others if released.change.type == kind)
        if items:
            yield Points(items, title=say(f"changes.{kind}"))
    if brought.new_modules:
        offer = say("changes.offer", modules=telling.modules(brought.new_modules), target=telling.target)
        yield Points((Item(offer),), title=say("changes.modules"))


def _change(telling: Telling[Installable], released: ReleasedChange) -> Item:
    say, change = telling.wording.say, released.change
    source = [say("changes.source", version=released.version), *sorted(change.ids)]
    if change.modules:
        mine = tuple(name for name in change.modules if name in telling.facts.modules)
        source.append(say("changes.only", modules=telling.modules(mine)))
    workaround = change.workaround if isinstance(change, FixChange) else None
    return Item(telling.text(change.text), (", ".join(source), *_reported(telling, change.ids),
                                            *_workaround(telling, workaround)))


def _reported(telling: Telling[Installable], ids: frozenset[str]) -> tuple[str, ...]:
    """That this customer reported it (P08); another's report is never spoken of."""
    mine = sorted(ids & telling.facts.reported)
    return (telling.wording.say("changes.reported", ids=", ".join(mine)),) if mine else ()


def _security(telling: Telling[Installable]) -> tuple[Block, ...]:
    found = [released for released in telling.facts.content.changes if isinstance(released.change, SecurityChange)]
    if not found:
        return (Paragraph(telling.wording.say("security.none")),)
    return (Points(tuple(_vulnerability(telling, released, released.change) for released in found
                         if isinstance(released.change, SecurityChange))),)


def _vulnerability(telling: Telling[Installable], released: ReleasedChange, change: SecurityChange) -> Item:
    say = telling.wording.say
    ids = ", ".join((*change.cve, *((change.error,) if change.error else ())))
    affected = (say("security.affected_all", version=f"{PRODUCT} {released.version}") if change.affected is None
                else say("security.affected", range=f"{PRODUCT} {change.affected}"))
    return Item(f"{ids}: {telling.text(change.text)}", (
        say("security.rating", severity=say(f"severity.{change.severity.word}"), vector=change.cvss,
            score=f"{change.score:.1f}"),
        say("security.exploited" if change.exploited else "security.not_exploited"),
        f"{affected} {say('security.fixed', version=released.version)}",
        *_reported(telling, change.ids),
        *(_workaround(telling, change.workaround) or (say("security.no_workaround"),))))


def _issue(telling: Telling[Installable], issue: KnownIssue) -> Item:
    return Item(f"{issue.error}: {telling.text(issue.text)}", _workaround(telling, issue.workaround))


def _workaround(telling: Telling[Installable], text: Text | None) -> tuple[str, ...]:
    return () if text is None else (telling.wording.say("changes.workaround", text=telling.text(text)),)
