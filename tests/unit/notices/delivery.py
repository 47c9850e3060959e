"""Deliveries as the ledger has them, and bounces as relays write them."""

from __future__ import annotations

from typing import Any

from opsctl.notices import mail, register
from opsctl.notices.approval import known
from opsctl.notices.register import Revision
from opsctl.runs.workplace import Workplace

CUSTOMER, NOTICE = "sample-elmegaard", "release-6.0.0"


def record(workplace: Workplace, kind: str, *, number: int = 1, customer: str = CUSTOMER, **said: Any) -> None:
    """Append a step of the newest notice's delivery to its first contact, as `send` does."""
    draft = next(one for one in known(workplace, customer) if one.number == number)
    payload: dict[str, Any] = {"notice": draft.notice, "revision": number}
    if kind == register.APPROVED:
        payload |= {"sha256": draft.sha256, "signer": "anna@vendor.example", "signature": "", "security": True}
    elif kind == register.CONFIRMED:
        payload |= {"reference": "ticket 4711"}
    else:
        payload |= {"contact": draft.contacts[0], "code": 250, "reply": "2.0.0 queued", "sha256": "00"}
    workplace.ledger.append(customer, kind, {**payload, **said}, actor="tests")


def accepted(workplace: Workplace, draft: Revision, customer: str = CUSTOMER, contact: int = 0) -> None:
    """The relay took this revision for one of its contacts, the first by default."""
    ended(workplace, draft, register.ACCEPTED, customer, contact)


def ended(workplace: Workplace, draft: Revision, kind: str, customer: str = CUSTOMER, contact: int = 0,
          **said: Any) -> None:
    """A sender began with this contact, and the delivery's state is now `kind`; SENDING when it did not get further."""
    for one in dict.fromkeys((register.SENDING, kind)):
        workplace.ledger.append(customer, one, {
            "notice": draft.notice, "revision": draft.number, "contact": draft.contacts[contact], "code": 250,
            "reply": "2.0.0 queued", "sha256": "00", **said}, actor="tests")


def sent(workplace: Workplace, customer: str = CUSTOMER) -> str:
    """Approve and send, on paper; returns the message's id."""
    for kind in (register.APPROVED, register.SENDING, register.ACCEPTED):
        record(workplace, kind, customer=customer)
    draft = known(workplace, customer)[-1]
    address = str(workplace.ledger.personal(draft.contacts[0])).split("<")[1].rstrip(">")
    return mail.message_id(draft.notice, draft.number, customer, address, "ready-support.example")


def bounce(identity: str, recipient: str = "it@elmegaard.example", action: str = "failed", status: str = "5.1.1",
           returned: str = "message/rfc822") -> bytes:
    """A delivery status notification (RFC 3464) as Postfix writes it; returned: the type of its third part."""
    inner = f"From: notices@ready-support.example\r\nTo: <{recipient}>\r\nMessage-ID: {identity}\r\n" \
            "Subject: [READY 6.0.0] Major release\r\n"
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example (Mail Delivery System)\r\n"
        "To: notices@ready-support.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Message-ID: <20261123100000.4ABC@relay.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=\"cut\"\r\n\r\n"
        "--cut\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n\r\n"
        "--cut\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\nArrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mx.customer.example\r\nDiagnostic-Code: smtp; 550 5.1.1 <{recipient}>:\r\n"
        f"    Recipient address rejected\r\n\r\n--cut\r\nContent-Type: {returned}\r\n\r\n{inner}\r\n"
        "body\r\n--cut--\r\n").encode()
