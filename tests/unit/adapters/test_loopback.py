"""The site on loopback: one entry, one browser, nobody else's forms; every answer with the same strict headers."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from opsctl.adapters.loopback import Answer, Asked, LoopbackSite


@dataclass
class Visitor:
    """A browser of the test's own making. asked: what reached the site."""

    address: str
    asked: list[Asked] = field(default_factory=list)
    cookie: str = ""
    room: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str
            ) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        sent = {"Host": self.host, "Cookie": self.cookie, **{name.replace("_", "-"): text
                                                             for name, text in headers.items()}}
        connection.request(method, path, body=body, headers={name: text for name, text in sent.items() if text})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer, content

    def enter(self) -> int:
        query = urlsplit(self.address)
        answer, _ = self.ask(f"{query.path}?{query.query}")
        if answer.status == 303:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            self.room = answer.headers["Location"]
        return answer.status

    def post(self, body: str, **headers: str) -> int:
        return self.ask(f"{self.room}act", "POST", body, **{"Origin": f"http://{self.host}", **headers})[0].status


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    asked: list[Asked] = []

    def site(found: Asked) -> Answer:
        asked.append(found)
        if found.path == "broken":
            raise ZeroDivisionError("with something private in it")
        return Answer(found.key.encode(), "text/plain")

    made = LoopbackSite(site)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    # As browsers do: a connection that is opened and never used.
    idle = socket.create_connection((urlsplit(made.address).hostname, urlsplit(made.address).port))
    yield Visitor(made.address, asked)
    made.stop()
    thread.join(10)
    assert not thread.is_alive(), "the idle connection is hung up, not waited for"
    idle.close()


def test_the_address_works_once_and_in_one_browser(visitor: Visitor) -> None:
    assert urlsplit(visitor.address).hostname == "127.0.0.1"
    assert visitor.enter() == 303
    answer, _ = visitor.ask(visitor.room)
    assert answer.status == 200 and visitor.asked[-1].path == ""
    another = Visitor(visitor.address)
    assert another.enter() == 403, "the token is used up"
    assert another.ask(visitor.room)[0].status == 403, "the path alone opens nothing"
    another.cookie = "opsctl=guessed"
    assert another.ask(visitor.room)[0].status == 403
    assert visitor.ask("/elsewhere/")[0].status == 403, "the cookie alone opens nothing"
    assert len(visitor.asked) == 1


def test_the_cookie_is_kept_from_scripts_and_from_other_servers_here(visitor: Visitor) -> None:
    query = urlsplit(visitor.address)
    answer, _ = visitor.ask(f"/?{query.query}")
    words = answer.headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", f"Path={answer.headers['Location']}"} <= set(words)


@pytest.mark.parametrize("host", ["localhost", "preview.example", "127.0.0.1", "127.0.0.1:1"])
def test_another_host_is_refused_before_anything_is_given(visitor: Visitor, host: str) -> None:
    query = urlsplit(visitor.address)
    answer, content = visitor.ask(f"/?{query.query}", Host=host)
    assert answer.status == 421 and "Set-Cookie" not in answer.headers and "opsctl" in content
    assert visitor.enter() == 303, "and the token is not used up by it"


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Sec_Fetch_Site": "cross-site"},
    {"Host": "evil.example"}, {"Cookie": "opsctl=x"}])
def test_a_form_from_elsewhere_does_nothing(visitor: Visitor, headers: dict[str, str]) -> None:
    visitor.enter()
    key = visitor.ask(visitor.room)[1]
    assert visitor.post(f"key={key}&what=this", **headers) in {403, 421}
    assert [found for found in visitor.asked if found.form is not None] == []
    assert visitor.post(f"key={key}&what=this") == 200 and visitor.asked[-1].form == {"what": "this"}


@pytest.mark.parametrize(("body", "status"), [("", 403), ("what=this", 403), ("key=wrong&what=this", 403),
                                              ("key=" + "x" * 70_000, 413), ("%ff=%ff&&", 400)])
def test_a_form_that_is_none(visitor: Visitor, body: str, status: int) -> None:
    visitor.enter()
    assert visitor.post(body) == status
    assert not visitor.asked


def test_every_answer_has_the_same_strict_headers(visitor: Visitor) -> None:
    before = visitor.ask("/")[0]
    visitor.enter()
    for answer in (before, visitor.ask(visitor.room)[0], visitor.ask("/nowhere")[0]):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';") and "script-src" not in policy and "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"].strip() == "opsctl", "no version of anything"


def test_a_defect_is_told_without_what_it_held(visitor: Visitor) -> None:
    visitor.enter()
    answer, content = visitor.ask(f"{visitor.room}broken")
    assert answer.status == 500 and "ZeroDivisionError" in content and "private" not in content


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_there(visitor: Visitor, method: str) -> None:
    visitor.enter()
    assert visitor.ask(visitor.room, method)[0].status == 501
    assert not visitor.asked
