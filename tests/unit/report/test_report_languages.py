"""The service report in Danish and German: the same facts, the same bytes each time, and as mail drafts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.parts import Contact
from opsctl.profiles.settings import Settings
from opsctl.report.service.draft import drafts
from opsctl.report.service.formats import ReportFormat, render
from opsctl.report.service.issuing import issue
from opsctl.report.service.model import Report
from opsctl.report.service.phrases import Phrases, languages, load, translated
from opsctl.runs.workplace import Workplace
from opsctl.storage.forecast import Forecast, Growth
from tests.unit.promises.register_values import OCTOBER, ROOT, profile
from tests.unit.report.report_values import reports

TEMPLATES = ROOT / "templates" / "reports"
OTHERS = ("da", "de")
GROWTH = Growth(1.0, 2.0, 3.0, 0.0, 14)
REPORTS = list(reports())
# Names, references and numbers of promises, which are the same in every language.
NAMES = re.compile(r"P\d\d|ready|READY|api|office-switch|aalund-1:/\w*|[A-Z]{3}(-SAMPLE)?-\d+|Map tiles|Sample \w+|"
                   r"release-[\d.]+|https://\S+")


def cells(report: Report) -> Iterator[str]:
    """Every text that is translated."""
    yield from (report.headline, report.hosting, report.provisional, report.revision, report.as_of)
    for section in report.sections:
        yield from (section.title, *section.notes, *section.headings, *(day.detail for day in section.days))
        yield from (cell for row in section.rows for cell in row.cells)


def test_there_is_a_catalogue_for_each_language_of_the_notices() -> None:
    notices = {path.stem for path in (ROOT / "templates/notices/languages").glob("*.po")}
    assert set(languages(TEMPLATES)) == {"en", *notices}


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_of_a_report_is_left_in_english(language: str) -> None:
    missed: set[str] = set()
    phrases = replace(load(TEMPLATES, language), missed=missed.add)
    for report in REPORTS:
        for form in (ReportFormat.HTML, ReportFormat.MARKDOWN):
            render(report, form, TEMPLATES, phrases)
    assert {text for text in missed if not NAMES.fullmatch(text)} == set()


FORMS = (
    *(Forecast(GROWTH, full, earliest, latest).text for full, earliest, latest in (
        (date(2027, 6, 17), date(2027, 6, 6), date(2027, 7, 15)), (date(2027, 6, 17), date(2027, 6, 6), None),
        (None, date(2027, 6, 6), None), (None, None, None))),
    Forecast(None).text, "its certificate ends on 2026-11-29, in 3 days",
    "updates of 2 packages; reboot proven; restarted ready.service", "security fixes of 1 package; repaired dpkg")
"""What rooms say of a host, in each of its forms."""


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("text", FORMS)
def test_each_form_of_what_rooms_say_is_translated(text: str, language: str) -> None:
    missed: list[str] = []
    said = replace(load(TEMPLATES, language), missed=missed.append).say(text)
    assert not missed and said != text
    assert sorted(re.findall(r"\d+", said)) == sorted(re.findall(r"\d+", text))


@pytest.mark.parametrize(("text", "danish"), [
    ("76.57 % of 60.0 GB", "76,57 % af 60,0 GB"), ("READY 5.5.0", "READY 5.5.0"),
    ("12.5 of 16 working hours used", "12,5 af 16 arbejdstimer brugt")])
def test_decimals_are_written_as_the_language_does_and_versions_are_no_numbers(text: str, danish: str) -> None:
    assert load(TEMPLATES, "da").say(text) == danish


@pytest.mark.parametrize("language", OTHERS)
def test_the_facts_are_the_same_in_every_language(language: str) -> None:
    phrases = load(TEMPLATES, language)
    for report in REPORTS:
        other = translated(report, phrases)
        for one, two in zip(cells(report), cells(other), strict=True):
            assert sorted(re.findall(r"\d+", one)) == sorted(re.findall(r"\d+", two)), (one, two)
        for mine, theirs in zip(report.sections, other.sections, strict=True):
            assert (mine.number, mine.key, mine.by_person, mine.blank) == (
                theirs.number, theirs.key, theirs.by_person, theirs.blank)
            assert [(row.word, row.evidence) for row in mine.rows] == [(row.word, row.evidence) for row in theirs.rows]
            assert [(day.number, day.word, day.evidence) for day in mine.days] == [
                (day.number, day.word, day.evidence) for day in theirs.days]
        assert other.counts == report.counts and other.language == language


@pytest.mark.parametrize("form", list(ReportFormat))
@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_the_same_report_gives_the_same_bytes_in_each_language(language: str, form: ReportFormat) -> None:
    first, second = (render(REPORTS[0], form, TEMPLATES, load(TEMPLATES, language)) for _ in range(2))
    assert first == second
    if form is ReportFormat.HTML:
        assert f'<html lang="{language}">' in first
        assert not re.findall(r"<script|<link|<img|@import|url\(|src=|https?://", first)


def test_danish_and_german_read_as_such() -> None:
    danish, german = (render(REPORTS[0], ReportFormat.MARKDOWN, TEMPLATES, load(TEMPLATES, one)) for one in OTHERS)
    young = render(REPORTS[3], ReportFormat.MARKDOWN, TEMPLATES, load(TEMPLATES, "da"))
    assert "2026-10-01: protokollens poster begynder 2026-10-20" in young
    assert "servicerapport 2026-10" in danish and "| overholdt |" in danish and "ingen god backup af ready" in danish
    assert "Servicebericht 2026-10" in german and "| gebrochen |" in german
    assert "der letzte Versuch schlug fehl: der Speicher antwortete 503" in german


@given(st.text(max_size=120))
def test_whatever_a_host_said_keeps_its_figures(text: str) -> None:
    said = load(TEMPLATES, "da").say(text)
    assert sorted(re.findall(r"[0-9]+", said)) == sorted(re.findall(r"[0-9]+", text))


@pytest.mark.parametrize(("content", "words"), [
    ('msgid "up"\nmsgstr ""\n', "has no words"), ('msgid "{n} kept"\nmsgstr "overholdt"\n', "other placeholders"),
    ("msgid up", "cannot be read"), (None, "no report in the language")])
def test_a_catalogue_with_errors_is_told_with_its_lines(content: str | None, words: str, tmp_path: Path) -> None:
    (tmp_path / "languages").mkdir()
    if content is not None:
        (tmp_path / "languages/xx.po").write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
                                                  f"{content}", encoding="utf-8")
    language = "xx" if content is None else "da"
    if content is not None:
        (tmp_path / "languages/xx.po").rename(tmp_path / "languages/da.po")
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, language)
    assert words in f"{error.value.message} {' '.join(error.value.details)}"


def test_the_most_particular_phrase_wins() -> None:
    found = Phrases("xx", {"{x} is {what}": "{x} = {what}", "{x} is not {what}": "{x} != {what}", "red": "rot"})
    assert found.say("it is not red") == "it != rot"
    assert found.say("it is red; nothing") == "it = rot; nothing"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    clock = FixedClock(datetime(2026, 9, 1, tzinfo=UTC))
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    ledger.append("sample-aalund", "run.started", {"operation": "x"}, actor="tests")
    settings = Settings(releases=ROOT / "releases", templates=ROOT / "templates", inventories=ROOT / "inventories")
    yield Workplace(settings, ledger, clock, Silent(), "somebody", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def test_an_issued_report_becomes_a_draft_in_each_contact_s_language(place: Workplace) -> None:
    first, *_ = profile().contacts
    domain = first.email.rpartition("@")[2]
    contacts = (Contact(name="Søren Ørsted", email=f"soren@{domain}", roles=("contract",), language="da"),
                Contact(name="Jörg Groß", email=f"joerg@{domain}", roles=("contract",), language="de"),
                Contact(name="Nobody", email=f"nobody@{domain}", roles=("technical",)))
    mine = profile().model_copy(update={"contacts": contacts})
    later = datetime(2026, 11, 5, tzinfo=UTC)
    place.clock.move(later - place.clock.now())  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="not issued"):
        drafts(place, mine, OCTOBER, later)
    issue(place, mine, OCTOBER, "")
    later += timedelta(minutes=1)
    made = drafts(place, mine, OCTOBER, later)
    assert made == drafts(place, mine, OCTOBER, later), "the same report gives the same bytes"
    assert [(one.to, one.language) for one in made] == [(f"soren@{domain}", "da"), (f"joerg@{domain}", "de")]
    danish, german = (message_from_bytes(one.content, policy=policy.default) for one in made)
    assert danish["X-Unsent"] == "1" and "servicerapport 2026-10" in danish["Subject"]
    body, (page,) = danish.get_body(("plain",)), danish.iter_attachments()
    assert body is not None and body.get_content().startswith("Kære Søren Ørsted,")
    assert page.get_content_type() == "text/html" and '<html lang="da">' in page.get_content()
    text = german.get_body(("plain",))
    assert text is not None and "liegt bei" in text.get_content() and "Von " in text.get_content()


def test_a_draft_to_a_foreign_domain_is_refused(place: Workplace) -> None:
    stranger = Contact(name="A", email="a@elsewhere.example", roles=("contract",))
    mine = profile().model_copy(update={"contacts": (stranger,)})
    place.clock.move(datetime(2026, 11, 5, tzinfo=UTC) - place.clock.now())  # type: ignore[attr-defined]
    issue(place, profile(), OCTOBER, "")
    with pytest.raises(Exception, match="domain"):
        drafts(place, mine, OCTOBER, datetime(2026, 11, 6, tzinfo=UTC))
