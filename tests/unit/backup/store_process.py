"""The process behind `s3_server`: moto behind the lab's checks of signature, expiry and digest, and its fault switch.

Arguments: port, certificate, key, credentials file, fault file.
"""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from opsctl.lab.servers.faults import FaultSwitch
from opsctl.lab.servers.signature import SignatureCheck


class Handler(WSGIRequestHandler):
    """Keeps connections open between requests, as a real store does."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the query of a signed address is a secret."""


if __name__ == "__main__":
    port, certificate, key, credentials, faults = sys.argv[1:]
    known = json.loads(Path(credentials).read_text(encoding="utf-8"))
    checked = SignatureCheck(DomainDispatcherApplication(create_backend_app),
                             {known["access_key_id"]: known["secret_access_key"]})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    make_server("127.0.0.1", int(port), FaultSwitch(checked, Path(faults)), threaded=True, request_handler=Handler,
                ssl_context=context).serve_forever()
