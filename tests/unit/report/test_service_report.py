"""The service report: the same inputs give the same bytes, and what is not known is said."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import UsageError
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import Settings
from opsctl.promises.model import Word
from opsctl.promises.month import Month
from opsctl.promises.view import View
from opsctl.report.service.build import build
from opsctl.report.service.formats import ReportFormat, render
from opsctl.report.service.issuing import issue, make, note
from opsctl.report.service.model import Report, Section
from opsctl.runs.workplace import Workplace
from tests.unit.promises.register_values import LATER, OCTOBER, ROOT, at, every_day, evidence, profile, view

TEMPLATES = ROOT / "templates" / "reports"
DAYS = list(OCTOBER.days())


def nobody(_: str) -> None:
    return None


def made(found: View) -> Report:
    return build(found, nobody)


def section(report: Report, key: str) -> Section:
    return next(one for one in report.sections if one.key == key)


@pytest.mark.parametrize("form", list(ReportFormat))
def test_the_same_inputs_give_the_same_bytes(form: ReportFormat) -> None:
    found = evidence(*every_day(DAYS[:20]))
    first, later = (render(made(view(found, now=now)), form, TEMPLATES)
                    for now in (LATER, LATER + timedelta(days=9)))
    assert first == later
    assert first.endswith("\n")


def test_every_figure_names_entries_that_exist() -> None:
    found = evidence(*every_day(DAYS[:20]))
    known = {entry.reference for entry in found.entries}
    cited = {reference for one in made(view(found)).sections for row in (*one.rows, *one.days)
             for reference in row.evidence}
    assert cited
    assert cited <= known


def test_a_page_is_one_file_and_each_link_leads_somewhere() -> None:
    page = render(made(view(evidence(*every_day(DAYS)))), ReportFormat.HTML, TEMPLATES)
    assert not re.findall(r"<script|<link|<img|@import|url\(|src=|https?://", page)
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_text_from_outside_is_text() -> None:
    failed = ("backup.failed", at(DAYS[0]), {"database": "ready", "reason": "<script>alert(1)</script>\x1b[31m | `x`"})
    found = made(view(evidence(failed)))
    page, plain = (render(found, form, TEMPLATES) for form in (ReportFormat.HTML, ReportFormat.MARKDOWN))
    assert "<script" not in page
    assert "\x1b" not in page + plain
    assert "&lt;script&gt;" in page
    assert "\\<script\\>" in plain


def test_a_cell_that_looks_like_a_formula_is_quoted() -> None:
    failed = ("report.noted", at(DAYS[0]), {"month": "2026-10", "text": "=HYPERLINK(1)"})
    rows = list(csv.reader(io.StringIO(render(made(view(evidence(failed))), ReportFormat.CSV, TEMPLATES))))
    assert any("'=HYPERLINK(1)" in row for row in rows)
    assert {len(row) for row in rows} == {7}


def test_what_is_not_covered_and_what_is_unknown_is_printed() -> None:
    page = render(made(view(evidence(), name="dalmose")), ReportFormat.MARKDOWN, TEMPLATES)
    for promise in ("P25", "P26", "P27", "P28"):
        assert re.search(rf"\| {promise} \|.*not covered", page)
    quiet = made(view(evidence(since=date(2026, 10, 20))))
    assert section(quiet, "quality").rows
    assert "unknown" in render(quiet, ReportFormat.MARKDOWN, TEMPLATES)


def test_the_report_of_a_customer_that_hosts_is_short() -> None:
    assert [one.number for one in made(view(evidence(), name="dalmose")).sections] == [1, 2, 3, *range(9, 16)]
    assert [one.number for one in made(view(evidence())).sections] == list(range(1, 16))


def test_no_percentage_of_promises_is_shown() -> None:
    page = render(made(view(evidence(*every_day(DAYS[:3])))), ReportFormat.MARKDOWN, TEMPLATES)
    assert not re.search(r"\d ?%", page)


def test_damage_is_told_and_the_rest_is_printed() -> None:
    found = replace(evidence(*every_day(DAYS[:20])), findings=("edited at sample-aalund:3: x",),
                    gaps=((at(DAYS[24]), at(DAYS[25])),))
    report = made(view(found))
    assert any("edited" in row.cells[1] for row in section(report, "quality").rows)
    words = [day.word for day in section(report, "backups").days]
    assert (words[0], words[24], words[30]) == (Word.KEPT, Word.UNKNOWN, Word.BROKEN)


def test_json_is_json() -> None:
    report = json.loads(render(made(view(evidence())), ReportFormat.JSON, TEMPLATES))
    assert (report["customer"], report["month"]) == ("sample-aalund", "2026-10")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 10, 1, tzinfo=UTC))


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    settings = Settings(releases=ROOT / "releases")
    yield Workplace(settings, ledger, clock, Silent(), "somebody", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def test_a_report_is_issued_once_and_a_change_is_a_new_revision_with_its_reason(place: Workplace,
                                                                               clock: FixedClock) -> None:
    found = profile()
    place.ledger.append(found.customer, "run.started", {}, actor="somebody")
    with pytest.raises(UsageError, match="not over"):
        issue(place, found, OCTOBER, "")
    clock.move(timedelta(days=35))
    first, new = issue(place, found, OCTOBER, "")
    assert (first.revision, new) == ("revision 1", True)
    assert issue(place, found, OCTOBER, "") == (first, False)
    clock.move(timedelta(days=1))
    place.ledger.append(found.customer, "unrelated", {}, actor="somebody")
    assert make(place, found, OCTOBER, clock.now() + timedelta(1)) == first
    note(place, found, OCTOBER, "Corrected by hand.")
    clock.move(timedelta(days=1))
    assert make(place, found, OCTOBER, clock.now()).revision == "draft of revision 2"
    with pytest.raises(UsageError, match="other contents"):
        issue(place, found, OCTOBER, "")
    second, new = issue(place, found, OCTOBER, "a sentence was missing")
    assert (second.revision, new, len(second.corrections)) == ("revision 2", True, 1)
    assert section(second, "status").by_person[0].cells == ("Corrected by hand.", "somebody")


@pytest.mark.parametrize("text", ["", "  ", "x" * 401])
def test_notes_that_are_none(place: Workplace, text: str) -> None:
    with pytest.raises(UsageError):
        note(place, profile(), Month(2026, 10), text)


@pytest.mark.parametrize("customer", ["sample-aalund", "sample-elmegaard"])
def test_issuing_on_an_empty_ledger_does_not_make_the_report_another(customer: str, place: Workplace,
                                                                     clock: FixedClock) -> None:
    clock.move(timedelta(days=35))
    found = load_profile(ROOT / "inventories", customer)
    note(place, found, OCTOBER, "A calm month.")
    clock.move(timedelta(seconds=1))
    first, new = issue(place, found, OCTOBER, "")
    clock.move(timedelta(days=1))
    assert new
    assert issue(place, found, OCTOBER, "") == (first, False)


INSTALLED = {"from": "5.4.0", "to": "5.5.0", "description": "x"}


@pytest.mark.parametrize(("name", "proofs", "version"), [
    ("aalund", [("release.installed", INSTALLED)], "5.5.0"),
    ("elmegaard", [("release.installed", INSTALLED)], "5.5.0"),
    ("elmegaard", [("release.installed", {**INSTALLED, "to": "5.3.0"})], "5.4.0"),
    ("elmegaard", [("change.reported", {"system": "READY", "after": "5.5.0"})], "5.5.0")])
def test_the_version_is_the_one_that_the_ledger_knew_at_the_month_s_end(
        name: str, proofs: list[tuple[str, dict[str, str]]], version: str) -> None:
    entries = [(kind, at(DAYS[4]), payload) for kind, payload in proofs]
    november = ("release.installed", datetime(2026, 11, 2, 9, tzinfo=UTC), {**INSTALLED, "to": "6.0.0"})
    found = section(made(view(evidence(*entries, november), name=name)), "version")
    assert found.rows[0].cells == ("READY installed", version)


def test_no_decision_is_asked_for_a_licence_that_is_followed_or_renews_itself() -> None:
    one = profile().licences[0]
    licences = tuple(one.model_copy(update={"product": name, **own}) for name, own in (
        ("Charts", {"valid_to": DAYS[9], "renewal": "automatic"}), ("Maps", {"valid_to": DAYS[9]}),
        ("Maps", {"valid_from": DAYS[10], "valid_to": date(2027, 10, 9)}), ("Plans", {"valid_to": DAYS[9]})))
    report = made(replace(view(evidence()), profile=profile().model_copy(update={"licences": licences})))
    asked = [row.cells for row in section(report, "decisions").rows if row.cells[0].startswith("Licence ")]
    assert asked == [("Licence Plans ends: renew or replace", "Kamstrup", "2026-10-10")]
    ends = {(row.cells[0], row.cells[3]): row.word for row in section(report, "licences").rows}
    assert ends == {("Charts", "renewed itself on 2026-10-10"): None, ("Maps", "ended on 2026-10-10"): None,
                    ("Maps", "2027-10-09"): None, ("Plans", "ended on 2026-10-10"): Word.UNKNOWN}
