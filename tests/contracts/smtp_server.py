"""A real SMTP server on loopback that follows a script, by the name before the @ of each recipient."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

REFUSALS = {"later": "451 4.3.0 <later@customer.example> try later", "nobody": "550 5.1.1 <{}> is unknown",
            "policy": "550 5.7.1 not allowed to relay"}


@dataclass
class Script:
    """What the server did. drop: cut the connection after the final dot. hold: the answer waits for `go`."""

    drop: bool = False
    hold: bool = False
    refuse: dict[str, str] = field(default_factory=dict)
    kept: list[tuple[str, list[str], bytes, bool]] = field(default_factory=list)
    got: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any  # noqa: N802
                          ) -> str:
        name = address.partition("@")[0]
        answer = {**REFUSALS, **self.refuse}.get(name)
        if answer:
            return answer.format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.kept.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content,
                          server.transport.get_extra_info("ssl_object") is not None))
        self.got.set()
        while self.hold and not self.go.is_set():
            await asyncio.sleep(0.02)
        if self.drop:
            server.transport.abort()
        return "250 2.0.0 queued as 4ABC"


@contextmanager
def serving(script: Script, *, certificate: tuple[Path, Path] | None = None, implicit: bool = False,
            password: str = "") -> Iterator[Script]:
    """The server, listening on 127.0.0.1 at script.port. password: of the user `opsctl`, demanded when not empty."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(handled=False, success=(data.login, data.password) == (b"opsctl", password.encode()))

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True} if password else {}
    if context and implicit:
        options["ssl_context"] = context
    elif context:
        options["tls_context"] = context
    with socket.create_server(("127.0.0.1", 0)) as probe:
        script.port = probe.getsockname()[1]
    controller = Controller(script, hostname="127.0.0.1", port=script.port, **options)
    if context and implicit:
        # The controller's own first look at the server trusts no certificate; a bare connection will do.
        controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", script.port)).close()
    controller.start()
    try:
        yield script
    finally:
        script.go.set()
        controller.stop()
