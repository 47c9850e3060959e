"""P45: the customer is told of four occasions, each time with the level's terms and all three channels."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.notices.layers import Layers
from opsctl.notices.translations import load
from opsctl.support.handling import start
from opsctl.support.letter import Reader, identity, mail, reader
from opsctl.support.log import Log
from opsctl.support.message import Channels, Message, Occasion, Told, message, occasion
from opsctl.support.service import close, set_level
from tests.unit.records.conftest import ROOT, Run
from tests.unit.support.conftest import B, at, logged

CHANNELS = Channels("Sample Vendor", "https://help.example/", "+45 11 11 11 11", "desk@help.example", "Monday 8-16")
LAYERS = Layers(ROOT / "templates" / "notices")
LIVED = {
    "en": ("within 8 working hours, at the latest Wednesday 25 November 2026, 09:00 Danish time (CET, 08:00 UTC)",
           "changed from B to A: it stops now", "counted from the change of level", "We started handling it:",
           "What came of it: restarted", "Level A, Critical error: An error that causes the system to stop"),
    "da": ("inden for 8 arbejdstimer, senest onsdag den 25. november 2026 kl. 09.00 dansk tid",
           "ændret fra B til A: it stops now", "regnet fra ændringen af niveauet", "Vi er begyndt at behandle den:",
           "Resultat: restarted", "Niveau A, "),
    "de": ("innerhalb von 8 Arbeitsstunden, spätestens Mittwoch, 25. November 2026",
           "von B auf A geändert: it stops now", "gerechnet ab der Änderung der Stufe", "Bearbeitung begonnen:",
           "Ergebnis: restarted", "Stufe A, "),
}


@pytest.mark.parametrize("language", sorted(LIVED))
def test_each_step_has_its_own_message(language: str, log: Log, clock: FixedClock) -> None:
    words = load(LAYERS, language)

    def told(about: Occasion, result: str = "") -> str:
        return message(Told(request, "Readings stopped", result, about), words, CHANNELS).text

    request = logged(log, answers=B, reference="T-1")
    seen = [occasion(request)]
    first = told(Occasion.RECEIVED)
    at(clock, 5)
    request = set_level(log, request.id, "A", "it stops now")
    seen.append(occasion(request))
    changed = told(Occasion.LEVEL)
    request = start(log, request.id, "Sample Handler")
    seen.append(occasion(request))
    started = told(Occasion.STARTED)
    request = close(log, request.id, "restarted")
    seen.append(occasion(request))
    closed = told(Occasion.CLOSED, "restarted")
    assert seen == [Occasion.RECEIVED, Occasion.LEVEL, Occasion.STARTED, Occasion.CLOSED]
    until, before, counted, begun, result, level = LIVED[language]
    assert until in first
    assert before in changed and counted in changed and level in changed
    assert begun in started
    assert result in closed
    for text in (first, changed, started, closed):
        assert "T-1" in text and text.startswith("Subject: READY")
        assert all(channel in text for channel in (CHANNELS.website, CHANNELS.phone, CHANNELS.email, CHANNELS.hours))
        assert "Sample Handler" not in text and "resol" not in text.lower()


def test_a_mail_opens_as_a_draft_and_says_in_utf_8_what_was_meant() -> None:
    to = Reader("Drift Ærø", "drift@aeroe.example", "da")
    sender = Reader("Service desk", "desk@help.example", "da")
    made = mail(Message("READY-henvendelse a-1: modtaget", "Jeres henvendelse: målere på Ærø\n"), to, sender,
                identity("a-1", Occasion.RECEIVED, 1, "help.example"), datetime(2026, 11, 24, 8, tzinfo=UTC))
    read = message_from_bytes(made, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert (read["X-Unsent"], read["To"].addresses[0].addr_spec) == ("1", "drift@aeroe.example")
    assert read["To"].addresses[0].display_name == "Drift Ærø"
    assert read["Subject"] == "READY-henvendelse a-1: modtaget"
    assert read.get_content().replace("\r\n", "\n") == "Jeres henvendelse: målere på Ærø\n"
    assert max(map(len, made.split(b"\r\n"))) <= 998


def test_a_line_end_gets_into_no_header() -> None:
    to = Reader("Drift", "drift@aeroe.example", "da")
    with pytest.raises(ValueError, match="mail header"):
        mail(Message("a\r\nBcc: all@example.com", ""), to, to, "<a@b.example>", datetime(2026, 11, 24, tzinfo=UTC))


def test_who_reported_is_told_else_the_technical_contact() -> None:
    contracts, technical = Reader("C", "c@a.example", "en"), Reader("T", "t@a.example", "da")
    known = [(contracts, frozenset({"contract"})), (technical, frozenset({"technical"}))]
    assert reader(known, "Carla <C@a.example>") is contracts
    assert reader(known, "somebody") is technical
    assert reader(known[:1], "somebody") is contracts


def test_the_command_writes_the_mail_in_the_contact_s_language(opsctl: Run, tmp_path: Path) -> None:
    opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "Målere svarer ikke", "--error", "no")
    file = tmp_path / "told.eml"
    answer = opsctl("support", "message", "sample-aalund-1", "--output", str(file), "--json")
    assert (answer.code, answer.data["language"], answer.data["to"]) == (0, "da", "operations@aalund.example")
    assert file.stat().st_mode & 0o777 == 0o600
    read = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert read["Subject"] == "READY-henvendelse sample-aalund-1: modtaget"
    assert isinstance(read, EmailMessage) and "Målere svarer ikke" in read.get_content()
    german = opsctl("support", "message", "sample-aalund-1", "--language", "de")
    assert "Ihre Anfrage sample-aalund-1" in german.stdout
    unknown = opsctl("support", "message", "sample-aalund-1", "--language", "xx")
    assert (unknown.code, "no words in the language xx" in unknown.stderr) == (3, True)


@pytest.mark.parametrize("about", ["level", "started", "closed"])
def test_what_has_not_happened_is_not_told(about: str, opsctl: Run) -> None:
    opened = opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "S", "--error", "no")
    assert "To tell the customer:" in opened.stdout
    answer = opsctl("support", "message", "sample-aalund-1", "--about", about)
    assert (answer.code, "nothing to tell" in answer.stderr) == (2, True)
    assert "modtaget" in opsctl("support", "message", "sample-aalund-1").stdout


def test_what_kamstrup_found_itself_informs_nobody(opsctl: Run) -> None:
    opened = opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "S", "--error", "no",
                    "--origin", "internal")
    assert (opened.code, "To tell the customer" in opened.stdout) == (0, False)
