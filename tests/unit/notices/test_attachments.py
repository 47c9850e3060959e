"""The calendar part, read by the icalendar library, and the security file, judged by the csaf library."""

from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from csaf.csaf.v20 import validate
from icalendar import Calendar, Event

from opsctl.notices import brand as brands
from opsctl.notices import drafting, examples
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Facts, NoticeKind, Recipient, ReleaseFacts
from opsctl.profiles.parts import CalendarWish
from tests.unit.notices.conftest import ROOT

TEMPLATES = Layers(ROOT / "templates" / "notices")
BRAND = brands.load(TEMPLATES)
FACTS = examples.every(("en", "da", "de"))
ANNA = Recipient("Anna (sample)", "anna@customer.example", "en")


def made(facts: Facts, recipient: Recipient = ANNA, revision: int = 1) -> tuple[EmailMessage, dict[str, bytes]]:
    """The mail as a parser reads it, and the draft's files."""
    found = drafting.files(facts, (recipient,), Edition(revision, examples.NOW), BRAND, TEMPLATES)
    message = message_from_bytes(found.content["message.eml"], policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message, dict(found.content)


def of(kind: NoticeKind) -> Facts:
    return next(facts for facts in FACTS if facts.kind is kind)


def event(content: bytes) -> tuple[Calendar, Event]:
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    [found] = calendar.walk("VEVENT")
    return calendar, found


DATED = [kind for kind in NoticeKind if kind.value.startswith("maintenance-")] + [NoticeKind.PLANNED]


@pytest.mark.parametrize("kind", DATED)
def test_the_calendar_part_is_the_last_attachment_and_acts_on_nothing(kind: NoticeKind) -> None:
    message, files = made(of(kind))
    assert message.get_content_type() == "multipart/mixed"
    parts = list(message.iter_parts())
    assert parts[0].get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts[0].iter_parts()] == ["text/plain", "text/html"]
    last = parts[-1]
    assert (last.get_content_type(), last.get_content_disposition()) == ("text/calendar", "attachment")
    assert last.get_payload(decode=True) == files["message.ics"]
    calendar, _ = event(files["message.ics"])
    assert "METHOD" not in calendar and not calendar.errors
    assert last.get_param("method") is None


@pytest.mark.parametrize("kind", DATED)
def test_the_event_says_what_the_notice_says(kind: NoticeKind) -> None:
    facts = of(kind)
    message, files = made(facts, revision=3)
    _, found = event(files["message.ics"])
    assert facts.happens is not None and not found.errors
    assert (found.start, found.end) == (facts.happens.start, facts.happens.end)
    assert found["SEQUENCE"] == 2 and str(found["ORGANIZER"]) == f"mailto:{BRAND.email}"
    assert found["DTSTAMP"].dt == examples.NOW
    for name in ("PROVIDER", "ACCOUNT", "MAINTENANCE-ID", "OBJECT-ID", "IMPACT", "STATUS"):
        assert str(found[f"X-MAINTNOTE-{name}"]), "mandatory in a maintenance note"
    assert str(found["X-MAINTNOTE-IMPACT"]) == "OUTAGE"
    text = " ".join(files["message.txt"].decode().split())
    assert " ".join(str(found["DESCRIPTION"]).split()) in text and str(found["SUMMARY"]) in text
    thread = {name: str(message[name]).split() for name in ("In-Reply-To", "References")}
    assert len(thread["References"]) == 2 and thread["References"][-1:] == thread["In-Reply-To"]


def test_the_uid_stays_and_the_status_goes_with_the_kind() -> None:
    found = {kind: event(made(of(kind), revision=number)[1]["message.ics"])[1]
             for number, kind in enumerate(DATED[:-1], start=1)}
    assert len({str(one["UID"]) for one in found.values()}) == 1
    assert {kind.value: (str(one["STATUS"]), str(one["X-MAINTNOTE-STATUS"])) for kind, one in found.items()} == {
        "maintenance-planned": ("CONFIRMED", "CONFIRMED"), "maintenance-changed": ("CONFIRMED", "RE-SCHEDULED"),
        "maintenance-cancelled": ("CANCELLED", "CANCELLED"), "maintenance-done": ("CONFIRMED", "COMPLETED")}


def test_a_contact_chooses_how_it_gets_the_calendar_part() -> None:
    facts = of(NoticeKind.MAINTENANCE_PLANNED)
    message, files = made(facts, replace(ANNA, calendar=CalendarWish.NONE))
    assert message.get_content_type() == "multipart/alternative" and "message.ics" not in files
    message, files = made(facts, replace(ANNA, calendar=CalendarWish.PUBLISH))
    calendar, _ = event(files["message.ics"])
    assert calendar["METHOD"] == "PUBLISH" and list(message.iter_parts())[-1].get_param("method") == "PUBLISH"


@pytest.mark.parametrize("language", ["da", "de"])
def test_long_lines_are_folded_within_no_character(language: str) -> None:
    facts = replace(of(NoticeKind.MAINTENANCE_PLANNED), customer_name="Æblerød Øster; Å, \\ Vand " * 2)
    _, files = made(facts, replace(ANNA, language=language))
    assert all(len(line) <= 75 for line in files["message.ics"].split(b"\r\n"))
    assert b"\n" not in files["message.ics"].replace(b"\r\n", b"")
    assert " ".join(facts.customer_name.split()) in str(event(files["message.ics"])[1]["DESCRIPTION"])


def advisories() -> list[tuple[Facts, dict[str, Any], EmailMessage]]:
    found = []
    for facts in FACTS:
        if facts.security:
            message, files = made(facts)
            [name] = [name for name in files if name.endswith(".json") and name != drafting.SUMMARY]
            found.append((facts, json.loads(files[name]), message))
    return found


def test_the_security_file_is_valid_csaf_2_0() -> None:
    """The official JSON schema and all mandatory tests of CSAF 2.0, by a library of another maker."""
    judged = advisories()
    assert len(judged) >= 5
    for facts, document, message in judged:
        report = validate(document)
        assert report.overall_valid, [result for result in report.results if not result.passed]
        [part] = [part for part in message.iter_attachments() if part.get_content_type() == "application/json"]
        # CSAF 2.0, 5.1: the file's name follows from the id.
        assert part.get_filename() == document["document"]["tracking"]["id"].lower().replace(".", "_") + ".json"
        assert json.loads(part.get_payload(decode=True)) == document  # type: ignore[arg-type]
        assert facts.release in document["document"]["title"]


def test_the_security_file_tells_what_the_notice_tells_and_nothing_of_the_customer() -> None:
    for facts, document, message in advisories():
        [one] = document["vulnerabilities"]
        text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert one["cve"] in text and one["scores"][0]["cvss_v3"]["vectorString"] in text.replace("\n  ", " ")
        assert one["threats"], "exploitation stands apart from the score"
        assert {remedy["category"] for remedy in one["remediations"]} == {"vendor_fix", "workaround"}
        plain = json.dumps(document)
        for private in (facts.customer, facts.customer_name, ANNA.name, ANNA.address):
            assert private not in plain


def test_a_revised_release_raises_the_advisory_s_version() -> None:
    facts = next(facts for facts in FACTS if isinstance(facts, ReleaseFacts) and facts.security)
    target = facts.way.target
    revised = target.model_copy(update={"revision": 2, "correction": target.summary})
    way = replace(facts.way, hops=(*facts.way.hops[:-1], revised))
    _, files = made(replace(facts, way=way))
    document = json.loads(next(found for name, found in files.items() if name.startswith("ready-")))
    tracking = document["document"]["tracking"]
    assert tracking["version"] == "2" and [one["number"] for one in tracking["revision_history"]] == ["1", "2"]
    assert validate(document).overall_valid


def test_a_notice_without_date_or_vulnerability_has_neither_part() -> None:
    message, files = made(of(NoticeKind.LICENCE_EXPIRY))
    assert message.get_content_type() == "multipart/alternative"
    assert set(files) == {"message.txt", "message.html", "message.eml", "notice.json"}
