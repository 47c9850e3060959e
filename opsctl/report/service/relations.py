"""Sections between the parties: promises, requests, licences, version, notices, responsibilities, decisions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from statistics import median

from opsctl.contract.levels import LEVELS as CONTRACT_LEVELS
from opsctl.contract.rasci import ROWS
from opsctl.contract.services import PRODUCT
from opsctl.contract.terms import AgreementState
from opsctl.profiles.licences import ends
from opsctl.profiles.parts import Licence
from opsctl.promises.model import Item, Word
from opsctl.releases.version import Version
from opsctl.report.service.facts import Facts
from opsctl.report.service.model import Row, Section
from opsctl.runs.installed import EVIDENCE, known_by, proven_for

SOON = timedelta(days=90)
NOTED = "report.noted"
LEVELS = ("P39", "P40", "P41", "P42")
LEVEL_PROMISE = {letter: level.promise for letter, level in CONTRACT_LEVELS.items()}


def status(facts: Facts) -> Section:
    """1: the state in one line, and what a person wrote, marked as that."""
    notes = [entry for entry in facts.view.evidence.of(NOTED) if entry.payload["month"] == str(facts.view.month)]
    said = tuple(Row((str(entry.payload["text"]), entry.actor), (entry.reference,)) for entry in notes[-3:])
    return Section(1, "status", "Status", (headline(facts),), by_person=said)


def headline(facts: Facts) -> str:
    """One line; what has no evidence is counted apart from what was kept."""
    events = sum(sum(kept.counts.get(word, 0) for word in (Word.KEPT, Word.BROKEN, Word.UNKNOWN))
                 for kept in facts.register)
    words = {word: sum(kept.counts.get(word, 0) for kept in facts.register) for word in Word}
    return (f"Of {events} events that the contract made due, {words[Word.KEPT]} are proven kept, "
            f"{words[Word.BROKEN]} are broken and {words[Word.UNKNOWN]} are unknown.")


def promises(facts: Facts) -> Section:
    """2: every promise that the calendar makes due, with its verdict; what is not covered is printed too."""
    rows = tuple(Row((kept.promise, kept.title, kept.word.value, kept.figures, kept.detail),
                     tuple(reference for item in kept.items if item.word is kept.word
                           for reference in item.evidence), kept.word) for kept in facts.register)
    return Section(2, "promises", "Promises", (
        "Kept only with evidence. Unknown: there is no evidence for it or against it. Resolution time, uptime, RPO and "
        "RTO are not promised.",), ("Promise", "What", "Verdict", "Events", "Detail"), rows)


def requests(facts: Facts) -> Section:
    """3: per level count, in time, late; each late one by name."""
    rows = tuple(Row((item.promise, item.what, item.word.value, item.detail), item.evidence, item.word)
                 for item in facts.items(*LEVELS))
    notes = ["Only the time until handling is started is promised, in working hours; no resolution time is.",
             *(f"Level {level}: {_figures(facts, promise)}." for level, promise in zip("ABCD", LEVELS, strict=True))]
    return Section(3, "requests", "Requests", tuple(notes), ("Promise", "Request", "Verdict", "Detail") if rows else (),
                   rows)


def _figures(facts: Facts, promise: str) -> str:
    found = next((kept for kept in facts.register if kept.promise == promise), None)
    if found is None:
        return "no request is on record"
    started = sorted(one.start.used_seconds / 3600 for one in facts.requests
                     if one.start is not None and LEVEL_PROMISE[one.level] == promise)
    waiting = [one.received for one in facts.requests if one.start is None and LEVEL_PROMISE[one.level] == promise]
    words = [f"{sum(found.counts.values())} received, {found.figures}"]
    words += [f"median {median(started):.2f} working hours until handling"] if started else []
    words += [f"oldest not started received {facts.local(min(waiting))}"] if waiting else []
    return "; ".join(words)


def licences(facts: Facts) -> Section:
    """9: third-party licences, those that end soon first."""
    last = facts.view.days[-1]
    known = sorted(facts.view.profile.licences, key=lambda one: (one.valid_to or date.max, one.product))
    soon = _ending(facts)
    rows = tuple(Row((one.product, one.vendor, f"{one.quantity} {one.metric}", _end(one, last)),
                     word=Word.UNKNOWN if one.product in soon else None) for one in known)
    notes = () if rows else ("No third-party licence is listed in the profile: the state is unknown.",)
    return Section(9, "licences", "Third-party licences", notes, ("Product", "Vendor", "Quantity", "Ends"), rows)


def _ending(facts: Facts) -> Mapping[str, date]:
    """By product the last day of those that are without a licence, or will be soon after the month."""
    last = facts.view.days[-1]
    return {product: end for product, end in ends(facts.view.profile.licences, last).items() if end <= last + SOON}


def _end(licence: Licence, last: date) -> str:
    end = licence.valid_to
    if end is None:
        return "perpetual"
    if end < last:
        return f"renewed itself on {end}" if licence.renewal == "automatic" else f"ended on {end}"
    return f"{end}, within 90 days" if end <= last + SOON else str(end)


def version(facts: Facts) -> Section:
    """10: version, end of its support, and what is newer."""
    before = (entry for entry in facts.view.evidence.entries
              if entry.kind in EVIDENCE and entry.recorded_at < facts.view.bounds[1])
    profile, releases = facts.view.profile, facts.view.releases
    installed = known_by(profile, proven_for(profile, before, facts.view.days[-1]))
    rows = [Row((f"{PRODUCT} installed", installed or "unknown"), word=None if installed else Word.UNKNOWN)]
    if releases is None:
        rows.append(Row(("Releases", "unknown: the release files cannot be read"), word=Word.UNKNOWN))
        return Section(10, "version", "Version and support", (), ("What", "State"), tuple(rows))
    known = releases.get(Version.parse(installed)) if installed else None
    until = known.support.until if known else None
    rows.append(Row(("Supported until", str(until) if until else "unknown" if known is None else "no end is set")))
    published = [release for release in releases.published()
                 if release.published_at and release.published_at < facts.view.bounds[1]]
    newest = published[0] if published else None
    if newest:
        rows.append(Row(("Newest published", f"{newest.version} of {newest.published_at:%Y-%m-%d}")))
    return Section(10, "version", "Version and support", (), ("What", "State"), tuple(rows))


def notices(facts: Facts) -> Section:
    """11: which notices went to whom, and what became of them."""
    kinds = ("notice.accepted", "notice.refused", "notice.unknown", "notice.bounced")
    rows = tuple(Row((facts.local(entry.recorded_at), str(entry.payload["notice"]),
                      facts.person(str(entry.payload["contact"])) or "erased", entry.kind.partition(".")[2]),
                     (entry.reference,), None if entry.kind == "notice.accepted" else Word.UNKNOWN)
                 for entry in facts.in_month(*kinds))
    return Section(11, "notices", "Notices sent", () if rows else ("No notice was sent in this month.",),
                   ("When", "Notice", "To", "Result"), rows)


def errors(facts: Facts) -> Section:
    """12: what the customer reported, and its state."""
    rows = tuple(Row((item.what, str(item.day or ""), item.detail), item.evidence, item.word)
                 for item in facts.items("P39", "P40", "P41"))
    return Section(12, "errors", "Errors reported", () if rows else ("No reported error is on record in this month.",),
                   ("Error", "Received", "State") if rows else (), rows)


def responsibilities(facts: Facts) -> Section:
    """13: what is the customer's own, and the agreement under which all this stands."""
    rows = [Row((row.title, f"{row.promise}: the customer is accountable")) for row in ROWS if "A" in row.customer]
    rows += [Row((item.what, f"{item.promise}: {item.detail}"), word=Word.NOT_COVERED)
             for kept in facts.register for item in kept.items if item.word is Word.NOT_COVERED]
    terms = facts.view.terms(facts.view.days[-1])
    agreement = terms.agreement
    state = f"{agreement.reference}, {agreement.valid_from} to {agreement.valid_to}" if agreement else "missing"
    valid = terms.agreement_state(facts.view.bounds[1] - timedelta(microseconds=1)) is AgreementState.VALID
    rows.append(Row(("Software Maintenance Agreement", state if valid else f"{state}: not valid at the month's end")))
    rows += [Row((entry.kind.partition(".")[0].capitalize(), str(entry.payload.get("reference", ""))),
                 (entry.reference,)) for entry in facts.in_month("agreement.added", "access.added", "order.added")]
    return Section(13, "responsibilities", "Your own responsibilities, access and agreements", (),
                   ("What", "State"), tuple(rows))


def decisions(facts: Facts) -> Section:
    """14: what needs somebody's decision, whose, and by when."""
    rows = tuple(_decisions(facts))
    return Section(14, "decisions", "Decisions needed", () if rows else ("None follows from the records.",),
                   ("What", "Who", "By when") if rows else (), rows)


def _decisions(facts: Facts) -> Iterator[Row]:
    last = facts.view.days[-1]
    for kept in facts.register:
        if kept.word is Word.BROKEN:
            references = tuple(ref for item in kept.items if item.word is Word.BROKEN for ref in item.evidence)
            yield Row((f"{kept.promise} was broken ({kept.figures}): what is done about it", "Kamstrup",
                       "with this report"), references, Word.BROKEN)
    if facts.view.left(last):
        return
    agreement = facts.view.terms(last).agreement
    if agreement is not None and agreement.valid_to <= last + SOON:
        yield Row((f"The agreement {agreement.reference} ends", "the customer", str(agreement.valid_to)))
    for product, end in _ending(facts).items():
        yield Row((f"Licence {product} ends: renew or replace", "Kamstrup", str(end)))


def quality(facts: Facts) -> Section:
    """15: what this report could not know."""
    evidence = facts.view.evidence
    begins = facts.local(evidence.begins) if evidence.begins else "never: nothing is recorded about this customer"
    rows = [Row(("Records begin", begins))]
    rows += [Row((kept.promise, f"{kept.counts[Word.UNKNOWN]} unknown: {_first_unknown(kept.items)}"),
                 word=Word.UNKNOWN) for kept in facts.register if kept.counts.get(Word.UNKNOWN)]
    rows += [Row(("The ledger", finding), word=Word.BROKEN) for finding in evidence.findings]
    return Section(15, "quality", "Data quality", () if len(rows) > 1 else ("Every event has its evidence.",),
                   ("What", "State"), tuple(rows))


def _first_unknown(items: Iterable[Item]) -> str:
    return next(item.detail for item in items if item.word is Word.UNKNOWN)
