"""READY's HTTP interface over TLS: health, version, meters, readings."""

from __future__ import annotations

import hmac
import json
import os
import signal
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import api
from .release import CONFIGURATION, load_configuration, load_modules, load_release, load_tokens

REQUEST_SECONDS = 30
LARGEST_BODY = 1024 * 1024


class TokenFile:
    """The valid API tokens; read again when the file changed or on SIGHUP, so they can be replaced at any time."""

    def __init__(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._tokens: frozenset[str] = frozenset()

    def forget(self, *_signal: object) -> None:
        """Read the file again at the next question."""
        self._seen = None

    def accepts(self, header: str) -> bool:
        """Whether an Authorization header carries a valid bearer token."""
        found = (CONFIGURATION / "api-token").stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._seen:
            self._tokens, self._seen = load_tokens(), stamp
        kind, _, token = header.partition(" ")
        given = token.strip().encode()
        return kind.lower() == "bearer" and any(hmac.compare_digest(given, known.encode()) for known in self._tokens)


class Handler(BaseHTTPRequestHandler):
    """One request; `/health` and `/version` are open, `/api/` needs a token."""

    timeout = REQUEST_SECONDS
    tokens: TokenFile

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/health":
            self._answer(*api.health())
        elif address.path == "/version":
            self._answer(200, {"version": load_release().version, "modules": list(load_modules())})
        elif self._may(address.path):
            self._answer(*api.read(address.path, parse_qs(address.query)))

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        if not self._may(address.path):
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self._answer(413, {"error": f"at most {LARGEST_BODY} bytes"})
            return
        try:
            content = json.loads(self.rfile.read(length))
        except ValueError:
            self._answer(400, {"error": "the body is not JSON"})
            return
        self._answer(*api.write(address.path, content))

    def _may(self, path: str) -> bool:
        if not path.startswith("/api/v1/"):
            self._answer(404, {"error": "not found"})
            return False
        if not self.tokens.accepts(self.headers.get("Authorization") or ""):
            self._answer(401, {"error": "a valid bearer token is needed"})
            return False
        return True

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """TLS is negotiated in each connection's own thread, so that a silent client holds up nobody."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, Handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(REQUEST_SECONDS)
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        sys.stderr.write(f"{client_address[0]}: {sys.exc_info()[1]}\n")


def tell_systemd(message: str) -> None:
    """sd_notify(3): tell systemd that the server is ready; nothing happens elsewhere."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(message.encode())


def main() -> int:
    """Serve until the process is ended."""
    listen = load_configuration()["listen"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(CONFIGURATION / "tls/server.pem", CONFIGURATION / "tls/server.key")
    load_modules()
    Handler.tokens = TokenFile()
    signal.signal(signal.SIGHUP, Handler.tokens.forget)
    server = Server((listen["address"], int(listen["port"])), context)
    tell_systemd("READY=1")
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
