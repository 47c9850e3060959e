"""Requests from e-mail files as people send them: nothing is executed, nothing is lost, nothing steers a terminal."""

from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import UsageError
from opsctl.support.log import LONGEST
from opsctl.support.mail import parse
from tests.unit.records.conftest import Run

HEAD = (b"Received: from mx.sample.example by relay; Mon, 23 Nov 2026 09:00:05 +0100\r\n"
        b"Received: from client by mx; Mon, 23 Nov 2026 08:59:00 +0100\r\n"
        b"Date: Mon, 23 Nov 2026 08:58:00 +0100\r\nFrom: Sample Person <p@sample.example>\r\n"
        b"Subject: =?utf-8?q?M=C3=A5lere_mangler?=\r\nMessage-ID: <1@sample.example>\r\n")


def test_plain_text_with_the_time_our_side_got_it() -> None:
    mail = parse(HEAD + b"\r\nNo readings.\r\n", "x.eml")
    assert mail.received == datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)
    assert (mail.sender, mail.subject) == ("Sample Person <p@sample.example>", "M\u00e5lere mangler")
    assert (mail.text, mail.attachments) == ("No readings.", ())


def test_html_alone_becomes_what_a_reader_would_see() -> None:
    html = (b"<html><head><title>t</title><style>p{}</style></head><body><p>No<br>readings &amp; alarms</p>"
            b"<script>alert(1)</script><img src='https://sample.example/spy.png'></body></html>")
    mail = parse(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html, "x.eml")
    assert mail.text == "No\nreadings & alarms"


@pytest.mark.parametrize(("charset", "content"), [
    ("iso-8859-1", "M\u00e5ler".encode("latin-1")), ("windows-1252", "M\u00e5ler".encode("cp1252")),
    ("x-unheard-of", "M\u00e5ler".encode()), ("us-ascii", "M\u00e5ler".encode()),
    ("utf-8", "M\u00e5ler".encode("latin-1")), ("utf-16", "M\u00e5ler".encode("utf-16"))])
def test_a_charset_that_is_wrong_or_does_not_exist_loses_nothing(charset: str, content: bytes) -> None:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    assert parse(HEAD + head + content, "x.eml").text == "M\u00e5ler"


def test_attachments_are_listed_and_left_alone(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "p@sample.example", "files"
    message.set_content("see here")
    message.add_attachment(b"\x00\x01\x02", maintype="application", subtype="zip", filename="../../etc/r\u00e6kke.zip")
    message.add_attachment("a text", filename="note.txt")
    mail = parse(message.as_bytes(), "x.eml")
    assert [(one["name"], one["bytes"]) for one in mail.attachments] == [
        ("../../etc/r\u00e6kke.zip", 3), ("note.txt", 7)]
    assert mail.text == "see here"


def test_control_characters_and_length_are_tamed() -> None:
    mail = parse(HEAD + b"\r\n\x1b[2Jclear\x00\r\n" + b"x" * 50_000, "x.eml")
    assert mail.text.startswith("?[2Jclear?\n")
    assert len(mail.text) == LONGEST and mail.text.endswith("[the rest is left out]")


def test_the_same_mail_has_the_same_reference_which_holds_no_address() -> None:
    first, second = parse(HEAD + b"\r\nx", "x.eml"), parse(HEAD + b"\r\ny", "y.eml")
    assert first.message_id == second.message_id
    assert "sample" not in first.message_id


def test_what_is_no_mail_is_refused() -> None:
    with pytest.raises(UsageError, match="no From line"):
        parse(b"\x89PNG\r\n\x1a\n", "x.eml")


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_mail_or_a_refusal(body: bytes) -> None:
    assert parse(HEAD + body, "x.eml").received is not None
    with suppress(UsageError):
        parse(body, "x.eml")


def test_a_request_is_logged_from_a_mail_once(tmp_path: Path, opsctl: Run) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(HEAD.replace(b"2026 09:00:05", b"2025 09:00:05") + b"\r\nNo readings.\r\n")
    answer = opsctl("support", "open", "sample-aalund", "--email", str(path), "--error", "no", "--json")
    assert answer.code == 0, answer
    assert (answer.data["channel"], answer.data["received"]) == ("email", "2025-11-23T08:00:05Z")
    shown = opsctl("support", "show", "sample-aalund-1", "--json").data
    assert (shown["text"], shown["late_reason"]) == ("No readings.", "taken from the e-mail file mail.eml")
    again = opsctl("support", "open", "sample-aalund", "--email", str(path), "--error", "no")
    assert (again.code, "on record as sample-aalund-1" in again.stderr) == (2, True)
