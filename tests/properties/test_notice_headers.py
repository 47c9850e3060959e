"""Whatever a profile says, a mail has the headers and the one recipient that were intended, or it is not made."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import getaddresses
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.notices import brand as brands
from opsctl.notices import mail
from opsctl.notices.headers import name_problem, problem
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Letter, NoticeKind, Recipient

ROOT = Path(__file__).resolve().parents[2]
BRAND = brands.load(Layers(ROOT / "templates" / "notices"))
EDITION = Edition(1, datetime(2026, 11, 23, tzinfo=UTC))
WANTED = ["from", "reply-to", "to", "subject", "date", "message-id", "content-language", "auto-submitted",
          "x-auto-response-suppress", "list-id", "list-unsubscribe", "x-unsent", "mime-version", "content-type"]
# What has injected headers or recipients elsewhere: cpython #121650, #80222, #144125, #132105 and the classics.
NASTY = (
    "\r\nBcc: x@evil.example", "\nBcc: x@evil.example\n\n", "\rX: y", "=?UTF-8?Q?=0D=0ABcc:_x@evil.example?=",
    "=?utf-8?b?DQpCY2M6IHhAZXZpbC5leGFtcGxl?=", "\u2028Bcc: x@evil.example", "\u2029", "\x85", "\x0b", "\x0c", "\x1c",
    "\0", "a, <x@evil.example>", '"', "\\", '\\"', "<x@evil.example>", "x@evil.example,", ";", ":", "(", ")", "((((",
    "group: x@evil.example;", "(comment", "[", "]", "=?", "?=", "=", "%0d%0aBcc:", "\u202e", "\u200b", "\ufeff", "é",
    "Ærø", "日本", "😀", "\ud800", "Very long name of a company with many words in it", " " * 5, "'", "`", "..", "@",
    "a@b", "^]")
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), min_size=1, max_size=6).map("".join)
ORDINARY = st.characters(codec="utf-8", categories=["L", "N", "Zs", "Pd", "Po"], exclude_characters='",<>=?')
addresses = st.one_of(
    st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z0-9-]{1,20}\.[a-z]{2,8}", fullmatch=True),
    st.sampled_from(["it@sample.example", "a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + ".example"]))


def made(name: str, subject: str, address: str) -> bytes | None:
    """The mail, or None when it is refused for a reason that quotes nothing."""
    letter = Letter(NoticeKind.UPDATE, "da", subject, "Title", "In short.", "Hello,", (), ())
    try:
        return mail.render(letter, mail.Parts("Text\n", "<p>Text</p>\n"), notice="release-6.0.0", customer="sample-a",
                           recipient=Recipient(name, address, "da"), edition=EDITION, brand=BRAND)
    except (ConfigurationError, OperationFailed) as error:
        assert "evil" not in error.message
        return None


@settings(max_examples=300)
@given(texts, texts, addresses)
@example("IT (sample)", "=?UTF-8?Q?READY_=0D=0ABcc:_injected@example.com?= update", "it@sample.example")
@example("Very long name of a company with many words, <boss@evil.example>, x", "Hello", "it@sample.example")
@example("V" * 30 + " " + "l" * 28, "Hello", "a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + ".example")
def test_headers_and_recipient_are_those_intended(name: str, subject: str, address: str) -> None:
    written = made(name, subject, address)
    if written is None:
        return
    head = written.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = re.split(r"\r\n(?![ \t])", head)
    assert [line.partition(":")[0].lower() for line in lines] == WANTED
    assert "\n" not in head.replace("\r\n", "") and "\r" not in head.replace("\r\n", "")
    [to] = [line.partition(":")[2] for line in lines if line.lower().startswith("to:")]
    assert [found for _, found in getaddresses([re.sub(r"\r\n([ \t])", r"\1", to)])] == [address]
    read = message_from_bytes(written)
    assert [key.lower() for key in read.keys()] == WANTED  # noqa: SIM118  a message lists repeated headers
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@given(st.text(alphabet=ORDINARY, min_size=1, max_size=60))
def test_an_ordinary_name_is_never_refused(name: str) -> None:
    assert name_problem(name) == "" and problem(name) == ""
    assert made(name.strip() or "x", "[READY 6.0.0] Update", "it@sample.example") is not None


@given(texts)
def test_what_the_check_lets_through_is_one_plain_line(value: str) -> None:
    if problem(value) == "":
        assert value == "".join(value.splitlines())
        assert not re.search(r"=\?.*\?=", value)
