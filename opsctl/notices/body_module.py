"""The proposal of a new module. It is installed only after an agreement (P50)."""

from __future__ import annotations

from opsctl.contract.services import PRODUCT
from opsctl.notices.matters import ModuleFacts
from opsctl.notices.model import Item, Link, Pairs, Paragraph, Points, Section
from opsctl.notices.telling import Body, Telling, capital, product


def body(telling: Telling[ModuleFacts]) -> Body:
    """What it does, on which terms, and how to answer; silence changes nothing."""
    say, facts, source = telling.wording.say, telling.facts, telling.facts.source
    name = telling.modules((source.module,))
    by = telling.wording.end_of_day(source.answer_by)
    summary = say("module.summary", module=name, customer=facts.customer_name)
    terms = telling.paragraphs(source.terms) if source.terms is not None else (Paragraph(say("module.no_terms")),)
    rows: list[tuple[str, str | Link]] = [
        (say("module.module"), name), (say("module.release"), product(telling.target)),
        (say("module.answer"), capital(by)), (say("module.state"), capital(say("module.state_value")))]
    install = [Item(say("module.step_answer", email=telling.brand.email)), Item(say("module.step_record")),
               Item(say("module.step_hosted" if facts.hosted else "module.step_customer"))]
    return Body(
        PRODUCT, (say("module.subject", module=name), say("module.subject_by",
                                                          day=telling.wording.short_day(source.answer_by))),
        say("module.title", module=name), summary, (Paragraph(summary, strong=True),),
        (Section(say("act.title"), (Paragraph(say("module.act", end=by), strong=True),
                                    Paragraph(say("module.silence")))),
         Section(say("box.title"), (Pairs(tuple(rows)),)),
         Section(say("module.what"), telling.paragraphs(source.summary)),
         Section(say("module.terms"), terms),
         Section(say("module.next"), (Points(tuple(install), numbered=True),))),
        say("module.why", customer=facts.customer_name))
