"""What may stand in a mail header, and whether the rendered bytes carry what was intended. Pure.

The standard library is not relied on: up to Python 3.12 an encoded word in a subject can become a header of
its own (CVE-2024-6923), and folding a long display name can lose its quotes and so add a recipient.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import getaddresses

from opsctl.core.errors import ConfigurationError

MAXIMUM_NAME = 60
_ENCODED_WORD = re.compile(r"=\?.*\?=", re.DOTALL)
# Cc: control, Zl and Zp: U+2028 and U+2029, Cf: invisible and direction-changing, Cs and Co: no characters at all.
_REFUSED_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cf", "Cs", "Co", "Cn"})
_END = re.compile(rb"\r?\n\r?\n")
_ADDRESS_HEADERS = ("to", "cc", "bcc", "from", "reply-to", "sender")


def problem(value: str) -> str:
    """Why `value` may not go into a header; empty when it may. Never quotes the value."""
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in value):
        return "holds a control character, a line separator or an invisible character"
    if _ENCODED_WORD.search(value):
        return "holds an encoded word (=?...?=)"
    return ""


def name_problem(name: str) -> str:
    """Why `name` may not be a display name; empty when it may."""
    if len(name) > MAXIMUM_NAME:
        return f"is longer than {MAXIMUM_NAME} characters"
    if any(character in '<>",' for character in name):
        return 'holds one of < > " ,'
    return problem(name)


def require(value: str, what: str) -> str:
    """`value` when it may stand in a header; ConfigurationError naming `what` otherwise."""
    found = problem(value)
    if found:
        raise ConfigurationError(f"{what} {found}, and may not stand in a mail header", "remove it")
    return value


def require_name(name: str, what: str) -> str:
    """`name` when it may be a display name; ConfigurationError naming `what` otherwise."""
    found = name_problem(name)
    if found:
        raise ConfigurationError(f"{what} {found}, and may not stand in a mail header", "shorten or correct the name")
    return name


def differences(message: bytes, headers: Sequence[tuple[str, str]], addresses: Sequence[tuple[str, str]]
                ) -> tuple[str, ...]:
    """What in the bytes of a message is not as intended; empty when all is. Never quotes a value.

    headers: name and value, in order. addresses: header name and bare address, in order; all there may be.
    Read in two ways: the raw lines, and the library's parser.
    """
    # Without the body, which the parser would decode and split line by line although it is asked for headers alone.
    head = _END.split(message, maxsplit=1)[0] + b"\r\n\r\n"
    raw = _raw_headers(head)
    parsed = BytesHeaderParser(policy=SMTP).parsebytes(head)
    wanted = [name.lower() for name, _ in headers]
    found: list[str] = []
    if [name.lower() for name, _ in raw] != wanted:
        found.append("the header lines are not those that were written")
    if [name.lower() for name in parsed.keys()] != wanted:  # noqa: SIM118  a message lists repeated headers
        found.append("a mail reader sees other headers than those that were written")
    for (name, value), (_, line) in zip(headers, raw, strict=False):
        if name.lower() not in _ADDRESS_HEADERS and _decoded(line) != value:
            found.append(f"the header {name} reads otherwise than it was written")
    intended = [(name.lower(), address) for name, address in addresses]
    lines = [(name.lower(), address) for name, line in raw if name.lower() in _ADDRESS_HEADERS
             for _, address in getaddresses([line])]
    seen = [(name.lower(), address.addr_spec) for name in parsed.keys() if name.lower() in _ADDRESS_HEADERS  # noqa: SIM118
            for address in getattr(parsed[name], "addresses", ())]
    if lines != intended or seen != intended:
        found.append("the addresses are not those that were intended")
    return tuple(found)


def _raw_headers(message: bytes) -> list[tuple[str, str]]:
    head = message.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\n[ \t]", " ", head)
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in unfolded.split("\n"))]


def _decoded(line: str) -> str:
    return str(make_header(decode_header(line)))
