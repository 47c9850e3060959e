"""The bytes that leave: the approved mail with the date of sending and without its mark as a draft. Pure.

Nothing else may differ, and the result is read again and compared with what the profile and the brand say.
"""

from __future__ import annotations

from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime

from opsctl.core.errors import OperationFailed
from opsctl.notices import headers, mail
from opsctl.notices.brand import Brand
from opsctl.notices.model import Recipient

_DRAFT_MARK = "x-unsent"


def outgoing(drafted: bytes, recipient: Recipient, brand: Brand, at: datetime, subject: str, message_id: str) -> bytes:
    """The mail as it is handed over at `at`; OperationFailed when it does not read as it was meant."""
    when = at.replace(microsecond=0)
    head, separator, body = drafted.partition(b"\r\n\r\n")
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        name = line.partition(b":")[0].lower()
        if name != _DRAFT_MARK.encode():
            lines.append(f"Date: {format_datetime(when)}".encode("ascii") if name == b"date" else line)
    written = b"\r\n".join(lines) + separator + body
    wanted = [(name, str(value)) for name, value in mail.intended(subject, message_id, when, recipient, brand)
              if name.lower() != _DRAFT_MARK]
    _verify(written, wanted, recipient, brand)
    return written


def _verify(written: bytes, wanted: list[tuple[str, str]], recipient: Recipient, brand: Brand) -> None:
    own = {name.lower() for name, _ in wanted}
    structure = [(name, str(value)) for name, value in BytesHeaderParser(policy=SMTP).parsebytes(written).items()
                 if name.lower() not in own]
    addresses = [("From", brand.sender.email), ("Reply-To", brand.email), ("To", recipient.address)]
    found = list(headers.differences(written, [*wanted, *structure], addresses))
    if {name.lower() for name, _ in structure} - {"mime-version", "content-type"}:
        found.append("it has a header that nobody wrote")
    rest = written.replace(b"\r\n", b"")
    if not written.isascii() or b"\n" in rest or b"\r" in rest:
        found.append("it holds bytes that are not 7-bit, or a line end of another kind")
    if found:
        raise OperationFailed(f"the mail does not read as it was meant, and is not sent: {'; '.join(found)}",
                              "draft it again")
