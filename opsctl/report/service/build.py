"""The report of one customer's month from its view: pure, so that the same inputs give the same bytes.

The evidence is all of the ledger about the customer except earlier reports and the notes of other months; the present
instant shows only while the month is not over. A correction is a new revision: an issued one is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opsctl.contract.services import Hosting
from opsctl.core.clock import iso
from opsctl.promises.model import Word
from opsctl.promises.register import register
from opsctl.promises.view import View
from opsctl.report.service import operations, relations
from opsctl.report.service.facts import Facts
from opsctl.report.service.model import Report, Section

ISSUED = "report.issued"
SHORT = (relations.status, relations.promises, relations.requests, relations.licences, relations.version,
         relations.notices, relations.errors, relations.responsibilities, relations.decisions, relations.quality)
"""Systems that the customer hosts: 1-3 and 9-15."""
FULL = (*SHORT[:3], operations.backups, operations.changes, operations.platform, operations.storage,
        operations.network, *SHORT[3:])


def build(view: View, person: Callable[[str], str | None], language: str = "en") -> Report:
    """The report. person: the personal data behind a reference, None when it was erased.

    UsageError for a month that has not begun or that no contract reaches.
    """
    others = tuple(entry for entry in view.evidence.entries if entry.kind != ISSUED)
    view = replace(view, evidence=replace(view.evidence, entries=others))
    facts = Facts(view, register(view), person)
    hosted = any(view.terms(day).hosting is Hosting.KAMSTRUP for day in view.days)
    sections: tuple[Callable[[Facts], Section], ...] = FULL if hosted else SHORT
    over = view.bounds[1] <= view.now
    last = others[-1] if others else None
    return Report(
        view.profile.customer, view.profile.name, str(view.month), _hosting(view), view.profile.zone,
        as_of=f"{last.reference} of {iso(last.recorded_at)}, hash {last.hash[:16]}" if last else "no entry",
        headline=relations.headline(facts), sections=tuple(make(facts) for make in sections),
        provisional="" if over else f"the month is not over; this is its state at {iso(view.now)}",
        sample=view.profile.sample, language=language, counts={word.value: facts.total(word) for word in Word})


def _hosting(view: View) -> str:
    names = {Hosting.KAMSTRUP: "hosted by Kamstrup", Hosting.CUSTOMER: "hosted by the customer"}
    seen = list(dict.fromkeys(names[view.terms(day).hosting] for day in view.days))
    return ", then ".join(seen)
