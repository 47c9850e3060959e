"""Judges of silences: Debian's Alertmanager where it is installed, a small server that speaks its API everywhere."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAM = "prometheus-alertmanager"


class Silencer(ThreadingHTTPServer):
    """Alertmanager's `/api/v2/silences`: what it takes and refuses is what version 0.25 takes and refuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.silences: dict[str, dict[str, Any]] = {}
        self.headers: list[dict[str, str]] = []
        self.refuse = 0
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Silencer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = all(set(one) == {"name", "value", "isRegex", "isEqual"} and one["value"] for one in body["matchers"])
        for one in body["matchers"]:
            re.compile(one["value"])
        ends = datetime.fromisoformat(body["endsAt"])
        if self.path != "/api/v2/silences" or not known or ends <= datetime.now(UTC) or not body["createdBy"]:
            self._answer(400, {"message": "bad silence"})
            return
        name = str(uuid.uuid4())
        if not self.server.refuse:
            self.server.silences[name] = {**body, "id": name, "status": {"state": "active"}}
        self._answer(200, {"silenceID": name})

    def do_DELETE(self) -> None:
        found = self.server.silences.get(self.path.rpartition("/")[2])
        if found is None or found["status"]["state"] == "expired":
            self._answer(404 if found is None else 500, {})
            return
        found["status"]["state"] = "expired"
        self._answer(200, {})

    def do_GET(self) -> None:
        if self.path == "/api/v2/status":
            self._answer(200, {"versionInfo": {"version": "small"}})
            return
        found = self.server.silences.get(self.path.rpartition("/")[2])
        self._answer(200 if found else 404, found or {})

    def _answer(self, status: int, content: Any) -> None:
        self.server.headers.append(dict(self.headers.items()))
        text = json.dumps(content).encode()
        self.send_response(self.server.refuse or status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def silencer() -> Iterator[Silencer]:
    """The small server, on loopback."""
    server = Silencer()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """Debian's own, on loopback, with its data in `folder`; yields its address. Needs the program on the PATH."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
                                             encoding="utf-8")
    address = f"http://127.0.0.1:{port}"
    program = shutil.which(PROGRAM) or PROGRAM
    child = subprocess.Popen([program, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
                              f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.defpath})
    try:
        end = time.monotonic() + 20
        while not _ready(address):
            assert time.monotonic() < end and child.poll() is None, "Alertmanager did not start"
            time.sleep(0.05)
        yield address
    finally:
        child.terminate()
        child.wait(10)


def silences_at(address: str) -> dict[str, dict[str, Any]]:
    """What an Alertmanager holds, by id."""
    return {one["id"]: one for one in json.loads(_asked(address, "GET", "/api/v2/silences"))}


def silence_state(address: str, name: str) -> str:
    """The state of one silence, by an Alertmanager's word."""
    return str(json.loads(_asked(address, "GET", f"/api/v2/silence/{name}"))["status"]["state"])


def silenced_alerts(address: str) -> int:
    """How many of its alerts are suppressed."""
    return len(json.loads(_asked(address, "GET", "/api/v2/alerts?silenced=true&active=false")))


def alert(address: str, **labels: str) -> None:
    """Send it an alert."""
    _asked(address, "POST", "/api/v2/alerts", json.dumps([{"labels": {"alertname": "HostDown", **labels}}]))


def _ready(address: str) -> bool:
    try:
        _asked(address, "GET", "/-/ready")
    except (OSError, AssertionError):
        return False
    return True


def _asked(address: str, method: str, path: str, body: str | None = None) -> bytes:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content
    finally:
        connection.close()
