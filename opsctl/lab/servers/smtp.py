"""Accepts every mail and keeps it as a file: `python -m opsctl.lab.servers.smtp`.

Faults, from the file that `opsctl lab fault smtp` writes: `errors` answers each recipient 451, `refuse` 550, and
`drop` cuts the connection after the content was taken.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from opsctl.lab import paths
from opsctl.lab.definition import GATEWAY, SMTP_PORT
from opsctl.lab.process import claim
from opsctl.lab.servers.faults import switched_on

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


FAULTS = paths.SERVICES / "smtp-faults.json"


class _Keep:
    """Writes `TIME-NUMBER.eml`, with the envelope in front as X-Envelope headers."""

    def __init__(self) -> None:
        self._count = 0

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str,  # noqa: N802
                          _options: list[str]) -> str:
        faults = switched_on(FAULTS)
        if faults.get("refuse"):
            return f"550 5.1.1 <{address}> is unknown here"
        if faults.get("errors"):
            return "451 4.3.0 the lab's mail server has a fault; try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._count += 1
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        head = [f"X-Envelope-From: {envelope.mail_from}",
                *(f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos),
                f"X-Envelope-TLS: {'yes' if session.ssl else 'no'}"]
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        unfinished = paths.MAIL / f".{stamp}-{self._count:06d}"
        unfinished.write_bytes("".join(f"{line}\r\n" for line in head).encode() + content)
        unfinished.rename(paths.MAIL / f"{stamp}-{self._count:06d}.eml")
        if switched_on(FAULTS).get("drop") and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 2.0.0 Kept"


def main() -> int:
    """Serve until SIGTERM; STARTTLS is offered, not demanded."""
    mark = claim(paths.SERVICES / "smtp.json")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths.SERVICES / "tls/server.pem", paths.SERVICES / "tls/server.key")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    controller = Controller(_Keep(), hostname=GATEWAY, port=SMTP_PORT, tls_context=context,
                            ident="opsctl lab", server_hostname="lab.example")
    controller.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    controller.stop()
    mark.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
