"""A real ACME server process on loopback (pebble), and the web server on whose port it looks for answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from opsctl.profiles.settings import AcmeSettings
from tests.not_exercised import not_exercised
from tests.unit.backup.s3_server import make_certificate

PEBBLE = "/usr/bin/pebble"


@dataclass(frozen=True)
class AcmeServer:
    """ca_file: whom to trust for its directory. root: its own authority (PEM). webroot: what is shown to it."""

    directory: str
    ca_file: Path
    root: Path
    webroot: Path
    key: Path
    log: Path

    def settings(self, **changes: object) -> AcmeSettings:
        return AcmeSettings.model_validate({"directory": self.directory, "ca_file": self.ca_file, "terms_agreed": True,
                                            "account_key": f"file:{self.key}", **changes})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the tests' terminal."""


def account_key(path: Path, curve: ec.EllipticCurve | None = None) -> Path:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return path


@contextmanager
def acme_server(folder: Path, looks_on: int = 0, **environment: str) -> Iterator[AcmeServer]:
    """pebble with what it is told in `environment` (PEBBLE_...); it always looks for the answers.

    looks_on: the port on which it does; 0 for that of the web server here.
    """
    if not Path(PEBBLE).exists() and shutil.which("pebble") is None:
        not_exercised("pebble is not on this machine")
    webroot = folder / "webroot"
    webroot.mkdir(parents=True)
    certificate, key = make_certificate(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(webroot))) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        port, management = _free(), _free()
        config = folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(certificate), "privateKey": str(key), "httpPort": looks_on or web.server_address[1],
            "tlsPort": 1, "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        log = folder / "pebble.log"
        with log.open("w") as out:
            process = subprocess.Popen([PEBBLE, "-config", str(config), "-strict"], stdout=out, stderr=out, cwd=folder,
                                       env={"PATH": os.environ["PATH"], "PEBBLE_VA_NOSLEEP": "1",
                                            "PEBBLE_VA_ALWAYS_VALID": "0", "PEBBLE_WFE_NONCEREJECT": "0",
                                            "PEBBLE_AUTHZREUSE": "0", **environment})
        try:
            root = folder / "root.pem"
            root.write_bytes(_root(f"https://127.0.0.1:{management}/roots/0", certificate, log))
            yield AcmeServer(f"https://127.0.0.1:{port}/dir", certificate, root, webroot,
                             account_key(folder / "account.key"), log)
        finally:
            process.terminate()
            process.wait(10)
            web.shutdown()


def _root(address: str, certificate: Path, log: Path) -> bytes:
    trusted, until = ssl.create_default_context(cafile=certificate), time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5, context=trusted) as answer:  # noqa: S310
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > until:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.1)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
