"""The object store: moto's S3 over TLS: `python -m opsctl.lab.servers.s3`.

In front of moto stand a switch for faults and the checks that moto leaves out. The objects live in this
process's memory. Ended in order (SIGTERM) it saves them for the next start; when it is killed they are
gone, and the lab says so in its status.
"""

from __future__ import annotations

import json
import signal
import ssl
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import Client

from opsctl.lab import paths
from opsctl.lab.definition import BUCKET, CHECKPOINT_BUCKET, COPIES, GATEWAY, STORE_PORT
from opsctl.lab.process import claim
from opsctl.lab.servers import snapshot
from opsctl.lab.servers.faults import FaultSwitch
from opsctl.lab.servers.signature import SignatureCheck

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_VERSIONING = ('<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
               "<Status>Enabled</Status></VersioningConfiguration>")


class _Handler(MotoRequestHandler):
    """Keeps connections open between requests, as a real store does, and ends silent ones."""

    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line without the query: a presigned URL is a secret while it is valid."""
        self.log_message("%s %s %s %s", self.command, self.path.partition("?")[0], code, size)


class _Server(ThreadedWSGIServer):
    """Negotiates TLS in each connection's own thread.

    werkzeug does it while accepting, where one client that connects and says nothing holds up all others.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_Handler.timeout)
        assert self.ssl_context is not None  # noqa: S101 - set by _server
        with self.ssl_context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, _request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        # A client that connects and leaves, as a look whether the store listens, is no error.
        if not isinstance(error, ssl.SSLEOFError):
            sys.stderr.write(f"{client_address[0]}: {error}\n")


def main() -> int:
    """Serve until SIGTERM."""
    mark = claim(paths.SERVICES / "s3.json")
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    spill = paths.SERVICES / "s3-spill"
    spill.mkdir(mode=0o700, exist_ok=True)
    tempfile.tempdir = str(spill)
    server = _server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait(stops)
    server.shutdown()
    snapshot.save(_buckets())
    mark.close()
    return 0


def _server() -> _Server:
    """The server, with what was saved or with empty buckets."""
    application = DomainDispatcherApplication(create_backend_app)
    saved = snapshot.load()
    if saved is not None:
        _buckets().update(saved)
        snapshot.STATE.unlink()
    make_buckets(application)
    known = json.loads(paths.OBJECT_STORE_CREDENTIALS.read_text(encoding="utf-8"))
    checked = SignatureCheck(application, {known["access_key_id"]: known["secret_access_key"]})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths.SERVICES / "tls/server.pem", paths.SERVICES / "tls/server.key")
    server = _Server(GATEWAY, STORE_PORT, FaultSwitch(checked, paths.SERVICES / "s3-faults.json"), _Handler)
    server.ssl_context = context
    return server


def make_buckets(application: WSGIApplication) -> None:
    """Create what is not there of the backups' bucket, with versioning, and the two with Object Lock.

    Those are the copies' and the checkpoints'. Through moto's own interface.
    """
    client = Client(application)
    lock = {"x-amz-bucket-object-lock-enabled": "true"}
    for bucket, path, body, headers in ((BUCKET, f"/{BUCKET}", "", {}),
                                        (BUCKET, f"/{BUCKET}?versioning", _VERSIONING, {}),
                                        (COPIES, f"/{COPIES}", "", lock),
                                        (CHECKPOINT_BUCKET, f"/{CHECKPOINT_BUCKET}", "", lock)):
        if not path.endswith("?versioning") and bucket in _buckets():
            continue
        answer = client.put(path, data=body, headers=headers, base_url=f"https://{GATEWAY}:{STORE_PORT}")
        if answer.status_code != 200:
            raise SystemExit(f"The bucket cannot be made: PUT {path} gave {answer.status_code}")


def _buckets() -> dict[str, Any]:
    buckets: dict[str, Any] = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets
    return buckets


if __name__ == "__main__":
    sys.exit(main())
