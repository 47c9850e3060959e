"""Two MIME parsers of other makers read what was intended in every mail, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.notices import examples
from opsctl.notices.model import NoticeKind, Recipient
from tests.judges.mails import BRAND, Mail, write
from tests.judges.programs import FOLDER, node

pytestmark = pytest.mark.slow
HEADERS = ["from", "reply-to", "to", "subject", "date", "message-id", "in-reply-to", "references", "content-language",
           "auto-submitted", "x-auto-response-suppress", "list-id", "list-unsubscribe", "mime-version", "content-type"]
PARSERS = ("mailparser", "postal-mime")


def same(text: str) -> str:
    """Line ends and the end of a part are the transport's."""
    return text.replace("\r\n", "\n").rstrip("\n")


def expect(mail: Mail, read: dict[str, Any], headers: list[str]) -> None:
    """What a parser read of the mail is what was drafted."""
    assert read["subject"] == mail.subject and read["messageId"] == mail.message_id
    assert read["to"] == [[mail.recipient.name, mail.recipient.address]]
    assert read["from"] == [[BRAND.sender.name, BRAND.sender.email]]
    assert read["replyTo"] == [["READY service desk", BRAND.email]] and read["cc"] == read["bcc"] == []
    assert read["headers"] == headers
    assert read["date"] == examples.NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for kind, name in (("text", "message.txt"), ("html", "message.html")):
        assert same(read[kind]) == same((mail.folder / name).read_text(encoding="utf-8"))
    kinds = {".json": "application/json", ".ics": "text/calendar"}
    drafted = [path for path in sorted(mail.folder.iterdir(), key=lambda path: path.suffix != ".json")
               if path.suffix in kinds and path.name != "notice.json"]
    assert read["attachments"] == [
        ["event.ics" if path.suffix == ".ics" else path.name, kinds[path.suffix], "attachment",
         hashlib.sha256(path.read_bytes()).hexdigest()] for path in drafted]


@pytest.mark.parametrize("name", ["message.eml", "sent.eml"])
def test_each_mail_reads_as_it_was_meant(mails: list[Mail], name: str) -> None:
    found = node("mime.mjs", [mail.folder / name for mail in mails])
    assert len(found) == len(mails) > 80
    draft = [*HEADERS[:-2], "x-unsent", *HEADERS[-2:]]
    for mail, read in zip(mails, found, strict=True):
        for parser in PARSERS:
            expect(mail, read[parser], HEADERS if name == "sent.eml" else draft)


def test_no_value_of_the_list_adds_a_header_or_a_recipient(tmp_path: Path) -> None:
    lines = (FOLDER / "injections.txt").read_text(encoding="utf-8").splitlines()[1:]
    values = [line.encode("latin-1", "backslashreplace").decode("unicode_escape") for line in lines]
    facts = next(one for one in examples.every(("en", "da", "de")) if one.kind is NoticeKind.PLANNED)
    made: list[Mail] = []
    refused = 0
    for number, value in enumerate(values):
        tries = ((facts, Recipient(value, "it@customer.example", "en")),
                 (replace(facts, customer_name=value), Recipient("IT", "it@customer.example", "da")))
        for place, (told, recipient) in enumerate(tries):
            try:
                made.append(write(told, recipient, tmp_path / f"{number}-{place}"))
            except (ConfigurationError, OperationFailed) as error:
                assert "evil" not in error.message, "an error quotes no value"
                refused += 1
    assert refused >= 30 and len(made) >= 30, "some are harmless, and some are not let through"
    for mail, read in zip(made, node("mime.mjs", [mail.folder / "sent.eml" for mail in made]), strict=True):
        for parser in PARSERS:
            found = read[parser]
            assert [address for _, address in found["to"]] == ["it@customer.example"]
            assert found["cc"] == found["bcc"] == [] and found["headers"] == HEADERS
            assert found["subject"] == mail.subject


def test_the_parsers_would_see_a_header_that_was_added(tmp_path: Path) -> None:
    path = tmp_path / "bad.eml"
    path.write_bytes(b"From: a@x.example\r\nTo: b@x.example\r\nBcc: evil@x.example\r\nSubject: x\r\n\r\nx\r\n")
    [read] = node("mime.mjs", [path])
    assert all(read[parser]["bcc"] == [["", "evil@x.example"]] for parser in PARSERS)
