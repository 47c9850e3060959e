"""READY's API over verified TLS: one question at a time, no redirects, no proxy, bounded in time and size."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

SECONDS = 15
LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True)
class Endpoint:
    """Where READY's API answers. ca_file: None for the authorities that this machine trusts."""

    address: str
    port: int
    ca_file: str | None = None

    @property
    def name(self) -> str:
        """For people: `198.51.100.11 port 8443`."""
        return f"{self.address} port {self.port}"


@dataclass(frozen=True)
class Answer:
    """What READY said. content: empty when it was no JSON object. certificate_ends: when the server's one expires."""

    status: int
    content: Mapping[str, Any]
    certificate_ends: datetime


def ask(endpoint: Endpoint, path: str, token: Secret | None = None) -> Answer:
    """GET `path`; OperationFailed when there is no answer or the certificate does not hold.

    The token goes nowhere but into the header, after the certificate was verified.
    """
    connection = http.client.HTTPSConnection(endpoint.address, endpoint.port, timeout=SECONDS,
                                             context=_context(endpoint))
    try:
        connection.connect()
        ends = _end_of(connection)
        headers = {"Accept": "application/json", "User-Agent": "opsctl"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, _content(answer.read(LARGEST_ANSWER)), ends)
    except ssl.SSLCertVerificationError as error:
        raise OperationFailed(f"the certificate of {endpoint.name} does not hold: {error.verify_message}",
                              "renew it, or name its authority in the profile under `api.ca_file`") from None
    except (OSError, http.client.HTTPException) as error:
        # Not the error's own text: it may repeat a header, and the header is the key.
        raise OperationFailed(f"READY's API at {endpoint.name} does not answer ({type(error).__name__})",
                              "look whether the host, its link and ready-server are up") from None
    except ValueError:
        raise ConfigurationError("the API's key holds characters that no header can carry",
                                 "look at the file or variable that `api.credentials` names") from None
    finally:
        connection.close()


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"the authorities in {endpoint.ca_file} cannot be read",
                                 "name a PEM file in the profile under `api.ca_file`") from None
    # Names stand in subjectAltName alone (RFC 9525); the common name is no identity.
    context.hostname_checks_common_name = False
    return context


def _end_of(connection: http.client.HTTPSConnection) -> datetime:
    found = connection.sock.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)


def _content(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
