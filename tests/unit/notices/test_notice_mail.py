"""The bytes of a mail, read back by a parser."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses, parsedate_to_datetime

import pytest

from opsctl.notices import brand as brands
from opsctl.notices import mail
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Letter, NoticeKind, Recipient
from tests.unit.notices.conftest import NOW, ROOT

BRAND = brands.load(Layers(ROOT / "templates" / "notices"))
TEXT = "Kære alle\n" + "=" * 76 + "\nÆØÅ " * 300 + "\n.\nFrom here\n"
HTML = "<p>" + "Ørsted " * 400 + "</p>\n"


def made(recipient: Recipient, subject: str = "[READY 6.0.0] Ny hovedversion", revision: int = 1) -> bytes:
    letter = Letter(NoticeKind.UPDATE, "da", subject, "Title", "In short.", "Hello,", (), ())
    return mail.render(letter, mail.Parts(TEXT, HTML), notice="release-6.0.0", customer="sample-a", recipient=recipient,
                       edition=Edition(revision, NOW), brand=BRAND)


ANNA = Recipient("Anna (sample)", "anna@sample.example", "da")


def test_structure_and_headers() -> None:
    message = message_from_bytes(made(ANNA), policy=policy.SMTP)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"], "text first"
    plain, html = message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == TEXT and html.get_content().replace("\r\n", "\n") == HTML
    assert {part.get_content_charset() for part in (plain, html)} == {"utf-8"}
    assert {part["Content-Transfer-Encoding"] for part in (plain, html)} == {"quoted-printable"}
    assert {name: str(message[name]) for name in ("X-Unsent", "Auto-Submitted", "X-Auto-Response-Suppress",
                                                  "Content-Language", "List-Id")} == {
        "X-Unsent": "1", "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Content-Language": "da", "List-Id": "<release-notices.ready-support.example>"}
    assert parsedate_to_datetime(str(message["Date"])) == NOW
    assert "List-Unsubscribe-Post" not in message and str(message["List-Unsubscribe"]).strip().startswith("<mailto:")
    assert "Bcc" not in message and "Cc" not in message


def test_lines() -> None:
    written = made(ANNA)
    assert all(len(line) <= 998 for line in written.split(b"\r\n"))
    assert b"\n" not in written.replace(b"\r\n", b""), "every line ends as RFC 5322 asks"
    written.decode("ascii")


def test_the_message_id_is_stable_and_of_one_contact_and_revision() -> None:
    def identity(recipient: Recipient, revision: int = 1) -> str:
        return str(message_from_bytes(made(recipient, revision=revision), policy=policy.SMTP)["Message-ID"])

    assert identity(ANNA) == identity(ANNA) == identity(Recipient("Renamed", ANNA.address, "da"))
    other = Recipient(ANNA.name, "b@sample.example", "da")
    assert len({identity(ANNA), identity(ANNA, 2), identity(other)}) == 3
    assert identity(ANNA).endswith("@ready-support.example>") and "anna" not in identity(ANNA)


@pytest.mark.parametrize("revision", [2, 3, 12])
def test_a_later_revision_answers_the_earlier_ones_in_plain_words(revision: int) -> None:
    """An encoded word is no message id (RFC 2047, 5): a mail reader would not find the thread."""
    written = made(ANNA, revision=revision)
    head = written.partition(b"\r\n\r\n")[0]
    lines = {line.partition(b":")[0].lower(): line for line in re.split(rb"\r\n(?![ \t])", head)}
    before = [str(message_from_bytes(made(ANNA, revision=number), policy=policy.SMTP)["Message-ID"])
              for number in range(1, revision)]
    assert lines[b"in-reply-to"].split()[1:] == [before[-1].encode()]
    assert lines[b"references"].split()[1:] == [one.encode() for one in before[-8:]]
    assert all(len(line) <= 100 for line in head.split(b"\r\n"))
    assert b"references" not in made(ANNA).partition(b"\r\n\r\n")[0].lower(), "the first answers nothing"


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert made(ANNA) == made(ANNA)


@pytest.mark.parametrize("name", ["Ærlig Øvelse; (Drift: nord) [x] @ home", "x" * 60, "æ" * 60, "(", "a.b@c.d",
                                  "O'Brien \\ x", "(sample) x; y: z " * 3, "A b " * 14 + "c"])
@pytest.mark.parametrize("address", ["it@sample.example", "a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + ".example"])
def test_unusual_names_and_addresses_arrive_whole(name: str, address: str) -> None:
    # The older parser: the newer one of Python 3.11 puts spaces between the encoded words of a long name.
    line = str(message_from_bytes(made(Recipient(name, address, "da")))["To"])
    [(shown, found)] = getaddresses([line])
    assert (found, " ".join(str(make_header(decode_header(shown))).split())) == (address, " ".join(name.split()))


@pytest.mark.parametrize("subject", ["Ø" * 70, "[READY 6.0.0] Größere Änderung - Ærø & Søn A/S (sample) = 100 %",
                                     "a  b", "x " * 35, "=", "?=", "=?"])
def test_unusual_subjects_arrive_whole(subject: str) -> None:
    assert str(message_from_bytes(made(ANNA, subject.strip()), policy=policy.SMTP)["Subject"]) == subject.strip()
