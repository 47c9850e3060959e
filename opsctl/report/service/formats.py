"""The report as HTML, Markdown, JSON and CSV: the same rows in each, and nothing that changes from run to run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

from opsctl.contract.services import PRODUCT
from opsctl.core.spreadsheet import safe
from opsctl.core.text import printable
from opsctl.report.page import rendered
from opsctl.report.service.model import SYMBOLS, Report
from opsctl.report.service.phrases import ENGLISH, Phrases, translated

HTML = "service.html.j2"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class ReportFormat(StrEnum):
    """In what form."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"


def render(report: Report, form: ReportFormat, templates: Path, phrases: Phrases = ENGLISH) -> str:
    """The report's text in the phrases' language; ends with one line feed. Verdicts in CSV and JSON stay English."""
    report = translated(report, phrases)
    makers: Mapping[ReportFormat, Callable[[], str]] = {
        ReportFormat.HTML: lambda: html(report, templates, phrases.say),
        ReportFormat.MARKDOWN: lambda: markdown(report, phrases.say),
        ReportFormat.JSON: lambda: json.dumps(asdict(report), ensure_ascii=False, indent=2) + "\n",
        ReportFormat.CSV: lambda: table(report)}
    return makers[form]()


def html(report: Report, templates: Path, say: Callable[[str], str]) -> str:
    """One file without scripts and external resources. ConfigurationError when the template cannot be rendered."""
    text = rendered(templates, HTML, {
        "report": report, "product": PRODUCT, "weekdays": WEEKDAYS, "evidence": cited(report),
        "symbols": {word.value: sign for word, sign in SYMBOLS.items()}}, {"anchor": anchor, "say": say})
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def anchor(reference: str) -> str:
    """The name of an entry's place in the page."""
    return "e-" + reference.replace(":", "-")


def cited(report: Report) -> tuple[str, ...]:
    """Every entry that a figure rests on, in the ledger's order."""
    cited_by = [item.evidence for section in report.sections for item in (*section.rows, *section.by_person)]
    cited_by += [day.evidence for section in report.sections for day in section.days]
    found = {reference for evidence in cited_by for reference in evidence}
    return tuple(sorted(found, key=lambda reference: (reference.partition(":")[0], int(reference.rpartition(":")[2]))))


def markdown(report: Report, say: Callable[[str], str]) -> str:
    """CommonMark with pipe tables."""
    lines = [f"# {_md(say(f'{PRODUCT} service report {report.month}: {report.name}'))}", "",
             _md(say(f"{report.customer}, {report.hosting}, {report.revision}. Days are local days in {report.zone}.")),
             ""]
    lines += [f"**{_md(say(f'Provisional: {report.provisional}.'))}**", ""] if report.provisional else []
    lines += [f"**{say('Sample customer: invented data.')}**", ""] if report.sample else []
    lines += [f"- {_md(say(f'Issued before: {correction}'))}" for correction in report.corrections]
    for section in report.sections:
        lines += ["", f"## {section.number}. {section.title}", "", *(f"{_md(note)}\n" for note in section.notes)]
        lines += [f"> {_md(said.cells[0])} ({_md(say(f'written by {said.cells[1]}'))}{_md_evidence(said.evidence)})\n"
                  for said in section.by_person]
        if section.days:
            lines.append(" ".join(f"{day.number}{SYMBOLS[day.word]}" for day in section.days) + "\n")
        if section.rows:
            lines += [f"| {' | '.join((*section.headings, say('Evidence')))} |",
                      f"|{'---|' * (len(section.headings) + 1)}",
                      *(f"| {' | '.join((*map(_md, row.cells), _references(row.evidence)))} |" for row in section.rows)]
    lines += ["", _md(say(f"Evidence up to {report.as_of}."))]
    return "\n".join(lines).strip() + "\n"


def table(report: Report) -> str:
    """CSV (RFC 4180): one line per row and per calendar day. A cell that looks like a formula gets a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("customer", "month", "section", "verdict", "what", "detail", "evidence"))
    for section in report.sections:
        for day in section.days:
            writer.writerow((report.customer, report.month, section.key, day.word.value,
                             f"{report.month}-{day.number:02}", safe(day.detail), " ".join(day.evidence)))
        for row in (*section.by_person, *section.rows):
            writer.writerow((report.customer, report.month, section.key, row.word.value if row.word else "",
                             safe(row.cells[0]), safe("; ".join(row.cells[1:])), " ".join(row.evidence)))
    return out.getvalue()


def _md(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\|`*_<>[]#" else sign for sign in printable(text))


def _references(evidence: tuple[str, ...]) -> str:
    more = f" and {len(evidence) - 4} more" if len(evidence) > 4 else ""
    return ", ".join(evidence[:4]) + more


def _md_evidence(evidence: tuple[str, ...]) -> str:
    return f", {_references(evidence)}" if evidence else ""


