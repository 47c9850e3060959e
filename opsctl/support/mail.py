"""A request that came by e-mail, read from a file: text only, nothing is opened, fetched or executed.

RFC 5322 and MIME as people send them: HTML without a plain part, charsets that do not exist, broken headers.
Attachments are listed by name, type and size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from opsctl.core.errors import UsageError
from opsctl.core.text import printable
from opsctl.support.log import LINE, LONGEST

MAXIMUM = 25_000_000
"""Bytes; larger than what relays let through."""
_CUT = "\n[the rest is left out]"
_BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote", "pre"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript"})


@dataclass(frozen=True)
class Mail:
    """What an e-mail says. received: when our side got it, by the newest Received line, else its Date.

    message_id: a hash of it, by which the same mail is known again. attachments: name, type, bytes of each.
    """

    sender: str
    subject: str
    text: str
    received: datetime | None
    message_id: str
    attachments: tuple[Mapping[str, Any], ...]


def read(path: Path) -> Mail:
    """The mail in the file `path`; UsageError when it cannot be read or is no mail."""
    try:
        if path.stat().st_size > MAXIMUM:
            raise UsageError(f"{path} has more than {MAXIMUM} bytes", "log the request by hand, and name the file")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name an .eml file") from None
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Mail:
    """The mail in `content`; name: for the error."""
    try:
        # The older policy keeps broken headers as they are; the newer one raises on some of them.
        message = message_from_bytes(content, policy=policy.compat32)
    except (MessageError, ValueError) as error:
        raise UsageError(f"{name} cannot be read as e-mail: {error}", "log the request by hand") from None
    if "From" not in message:
        raise UsageError(f"{name} is no e-mail: it has no From line", "save the message as .eml, with its headers")
    identity = str(message.get("Message-ID") or "").strip().encode(errors="replace") or content
    return Mail(_header(message, "From"), _header(message, "Subject") or "(no subject)", _text(message),
                _received(message), f"mail-{hashlib.sha256(identity).hexdigest()[:24]}", tuple(_attachments(message)))


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name, "")))[:LINE]


def _decoded(value: str) -> str:
    try:
        parts = decode_header(value)
    except (MessageError, ValueError):
        parts = [(value, None)]
    text = "".join(part if isinstance(part, str) else _characters(part, charset or "ascii") for part, charset in parts)
    return " ".join(printable(text).split())


def _characters(content: bytes, charset: str) -> str:
    """The text in a charset, in UTF-8 when that does not fit or exist, else byte by byte: nothing is lost."""
    for name in (charset, "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def _received(message: Message) -> datetime | None:
    newest = str((message.get_all("Received") or [""])[0]).rpartition(";")[2]
    for text in (newest, str(message.get("Date", ""))):
        try:
            found = parsedate_to_datetime(text.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None


def _text(message: Message) -> str:
    """The first plain part, else the first HTML part as text."""
    for wanted in ("text/plain", "text/html"):
        for part in _bodies(message):
            if part.get_content_type() == wanted:
                text = _characters(_content(part), part.get_content_charset("ascii"))
                lines = (_seen(text) if wanted == "text/html" else text).splitlines()
                shown = "\n".join(printable(line).rstrip() for line in lines).strip()
                return shown if len(shown) <= LONGEST else shown[:LONGEST - len(_CUT)] + _CUT
    return ""


def _bodies(message: Message) -> Iterator[Message]:
    return (part for part in message.walk() if not part.is_multipart() and not _attached(part))


def _attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _attachments(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.walk():
        if not part.is_multipart() and (_attached(part) or part.get_content_maintype() != "text"):
            yield {"name": _decoded(str(part.get_filename() or "(no name)"))[:LINE], "type": part.get_content_type(),
                   "bytes": len(_content(part))}


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


class _Seen(HTMLParser):
    """Collects the text that a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in _UNSEEN))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(" ".join(data.split("\n")))


def _seen(html: str) -> str:
    parser = _Seen()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
