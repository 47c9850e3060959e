"""A small web site for one person on this machine: loopback only, a random port, one-time entry, nothing from outside.

The address that is printed works once: it hands the browser a cookie that belongs to a random path, so that neither
another page nor another server on this machine can use it. Host and Origin are checked (DNS rebinding, forged forms).
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ADDRESS = "127.0.0.1"
MAXIMUM_FORM = 65_536
"""Bytes of a form."""
_IDLE_SECONDS = 15
_LAST_WORDS_SECONDS = 10
_COOKIE = "opsctl"
PAGE_POLICY = ("default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; "
               "base-uri 'none'; frame-ancestors 'none'")
"""Content-Security-Policy of a page: no script at all, nothing from elsewhere."""
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Connection": "close"}


@dataclass(frozen=True)
class Asked:
    """A request that passed every check. path: below the secret one. form: None for GET. key: goes into each form."""

    path: str
    query: Mapping[str, str]
    form: Mapping[str, str] | None
    key: str


@dataclass(frozen=True)
class Answer:
    """location: for a redirect, relative to the site's root. policy: the Content-Security-Policy."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    policy: str = PAGE_POLICY
    location: str | None = None


Site = Callable[[Asked], Answer]


@dataclass
class _Door:
    """Who may come in. token: of the printed address, good for one entry."""

    site: Site
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    room: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    acting: threading.Lock = field(default_factory=threading.Lock)
    entering: threading.Lock = field(default_factory=threading.Lock)
    used: bool = False

    @property
    def host(self) -> str:
        return f"{ADDRESS}:{self.port}"

    def enter(self, token: str) -> bool:
        """True for the right token, once."""
        with self.entering:
            right = not self.used and hmac.compare_digest(token.encode(), self.token.encode())
            self.used = self.used or right
            return right


class LoopbackSite:
    """Serves `site` until it is interrupted. The port is taken at once, the address is known before `serve`."""

    def __init__(self, site: Site) -> None:
        self._server = _Server((ADDRESS, 0), _Handler)
        self._door = _Door(site, self._server.server_address[1])
        self._server.door = self._door

    @property
    def address(self) -> str:
        """What to open; good for one browser."""
        return f"http://{self._door.host}/?token={self._door.token}"

    def serve(self, announce: Callable[[str], None] = lambda _address: None) -> None:
        """Announce the address and answer until KeyboardInterrupt, which ends it in order.

        A form that is being worked on is finished first.
        """
        try:
            announce(self.address)
            self._server.serve_forever(poll_interval=0.05)
        except KeyboardInterrupt:
            pass
        finally:
            if self._door.acting.acquire(timeout=_LAST_WORDS_SECONDS):
                self._door.acting.release()
            self._server.hang_up()
            self._server.server_close()

    def stop(self) -> None:
        """End `serve` from another thread."""
        self._server.shutdown()


class _Server(ThreadingHTTPServer):
    # Python may abort when it ends while a daemon thread is at work, so every thread is waited for.
    daemon_threads = False
    door: _Door

    def __init__(self, *arguments: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End what is still open: browsers keep connections that they do not use."""
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no matter; what the site itself raises is answered in `_Handler`."""


class _Handler(BaseHTTPRequestHandler):
    server_version = "opsctl"
    sys_version = ""
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._answered(form=None)

    def do_POST(self) -> None:
        door = self.server.door
        if self.headers.get_all("Origin") != [f"http://{door.host}"] or \
                self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return self._refused(HTTPStatus.FORBIDDEN, "This form does not come from the preview's own page.")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > MAXIMUM_FORM:
            return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
        try:
            form = dict(parse_qsl(self.rfile.read(int(length)).decode(), strict_parsing=True, max_num_fields=20))
        except ValueError:
            return self._refused(HTTPStatus.BAD_REQUEST, "The form cannot be read.")
        if not hmac.compare_digest(form.pop("key", "").encode(), door.key.encode()):
            return self._refused(HTTPStatus.FORBIDDEN, "This form does not come from the preview's own page.")
        with door.acting:
            return self._answered(form=form)

    def _answered(self, form: Mapping[str, str] | None) -> None:
        door, address = self.server.door, urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        if self.headers.get_all("Host") != [door.host]:
            return self._refused(HTTPStatus.MISDIRECTED_REQUEST, "This is not the address that opsctl printed.")
        if address.path == "/" and form is None and door.enter(query.get("token", "")):
            return self._send(Answer(status=HTTPStatus.SEE_OTHER, location=""), first=True)
        prefix = f"/{door.room}/"
        if not address.path.startswith(prefix) or not self._known():
            return self._refused(HTTPStatus.FORBIDDEN, "Open the address that opsctl printed; it works once. To open "
                                 "the preview again, end it with Ctrl-C and start it anew.")
        try:
            answer = door.site(Asked(unquote(address.path.removeprefix(prefix)), query, form, door.key))
        except Exception as error:
            return self._refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"Unexpected {type(error).__name__}; this is a "
                                 "defect of opsctl. The ledger shows what was done.")
        return self._send(answer)

    def _known(self) -> bool:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self.server.door.cookie.encode())

    def _refused(self, status: HTTPStatus, words: str) -> None:
        self._send(Answer(f"{words}\n".encode(), "text/plain; charset=utf-8", status))

    def _send(self, answer: Answer, first: bool = False) -> None:
        door = self.server.door
        self.send_response(answer.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", answer.policy)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location is not None:
            self.send_header("Location", f"/{door.room}/{answer.location}")
        if first:
            self.send_header("Set-Cookie", f"{_COOKIE}={door.cookie}; Path=/{door.room}/; HttpOnly; SameSite=Strict")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: paths hold the secret one."""
