"""What may stand in a header, and what is found in bytes that are not as intended."""

from __future__ import annotations

import pytest

from opsctl.core.errors import ConfigurationError
from opsctl.notices.headers import differences, name_problem, problem, require, require_name

HEADERS = [("From", "a@ready.example"), ("To", "b@sample.example"), ("Subject", "Hello")]
ADDRESSES = [("From", "a@ready.example"), ("To", "b@sample.example")]
GOOD = b"From: a@ready.example\r\nTo: b@sample.example\r\nSubject: Hello\r\n\r\nBody"


@pytest.mark.parametrize("value", [
    "two\nlines", "two\r\nBcc: x@evil.example", "nul\0", "tab\t", "line\u2028separator", "paragraph\u2029", "\x85",
    "=?UTF-8?Q?=0D=0ABcc:_x@evil.example?=", "half =?x?= word", "right-to-left \u202e", "zero\u200bwidth", "\ud800"])
def test_refused_in_any_header(value: str) -> None:
    assert problem(value)
    with pytest.raises(ConfigurationError) as caught:
        require(value, "the subject")
    assert value not in str(caught.value) and "the subject" in str(caught.value)


@pytest.mark.parametrize("value", ["", "Ærø Vand", "a = b?", "IT (sample)", "Größe: 5", "=? alone"])
def test_accepted(value: str) -> None:
    assert problem(value) == ""


@pytest.mark.parametrize("name", ["x" * 61, "a <b", "a> b", 'a "b"', "boss@evil.example, real", "new\nline"])
def test_refused_as_display_name(name: str) -> None:
    assert name_problem(name)
    with pytest.raises(ConfigurationError):
        require_name(name, "the contact's name")


def test_bytes_as_intended() -> None:
    assert differences(GOOD, HEADERS, ADDRESSES) == ()


@pytest.mark.parametrize(("changed", "what"), [
    (GOOD.replace(b"Subject: Hello", b"Subject: Hello\r\nBcc: x@evil.example"), "header lines"),
    (GOOD.replace(b"b@sample", b"x@evil.example, b@sample"), "addresses"),
    (GOOD.replace(b"To: b@sample", b"To: Very long, <x@evil.example>, b@sample"), "addresses"),
    (GOOD.replace(b"b@sample", b"c@sample"), "addresses"),
    (GOOD.replace(b"Hello", b"Goodbye"), "Subject reads otherwise"),
    (GOOD.replace(b"Subject: Hello\r\n", b""), "header lines"),
    (GOOD.replace(b"Subject: Hello", b"Subject: Hello\nBcc: x@evil.example"), "header lines"),
])
def test_what_is_found(changed: bytes, what: str) -> None:
    assert any(what in found for found in differences(changed, HEADERS, ADDRESSES))


def test_encoded_words_are_read() -> None:
    message = GOOD.replace(b"Subject: Hello", b"Subject: =?utf-8?q?K=C3=A6re?=")
    assert differences(message, [*HEADERS[:2], ("Subject", "Kære")], ADDRESSES) == ()
