"""Checks what moto does not: signatures, expiry and body digests, as a real object store does.

AWS Signature Version 4 for S3, in the Authorization header or in the query (presigned URL).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_SKEW = timedelta(minutes=15)
_CHUNK = 256 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Refused(Exception):
    """The request is not accepted: an S3 error code, an HTTP status, a message."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Request:
    """What a signature covers. `path` and `query` are as sent, percent-encoded; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Claim:
    """What a request says about its signature."""

    access_key: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    lifetime: timedelta | None
    payload: str


def claim_of(request: Request) -> Claim:
    """The claim in the query or in the Authorization header; Refused when there is none or it is broken."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    try:
        if "X-Amz-Signature" in query:
            access_key, _, scope = query["X-Amz-Credential"].partition("/")
            return Claim(access_key, scope, tuple(query["X-Amz-SignedHeaders"].split(";")), query["X-Amz-Signature"],
                         query["X-Amz-Date"], timedelta(seconds=int(query["X-Amz-Expires"])),
                         request.headers.get("x-amz-content-sha256", _UNSIGNED))
        kind, _, rest = request.headers["authorization"].partition(" ")
        if kind != _ALGORITHM:
            raise KeyError(kind)
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        access_key, _, scope = parts["Credential"].partition("/")
        return Claim(access_key, scope, tuple(parts["SignedHeaders"].split(";")), parts["Signature"],
                     request.headers["x-amz-date"], None, request.headers["x-amz-content-sha256"])
    except (KeyError, ValueError):
        raise Refused("403 Forbidden", "AccessDenied", "The request is not signed.") from None


def signature_for(request: Request, claim: Claim, secret: str) -> str:
    """The signature that the holder of `secret` would have made."""
    canonical = "\n".join((
        request.method, quote(unquote(request.path), safe="/-_.~"), _canonical_query(request.query),
        *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in claim.signed_headers), "",
        ";".join(claim.signed_headers), claim.payload))
    to_sign = "\n".join((_ALGORITHM, claim.stamp, claim.scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def check(request: Request, credentials: Mapping[str, str], now: datetime) -> Claim:
    """Return the claim when the request is signed by a known key (access key id -> secret) and in time."""
    claim = claim_of(request)
    secret = credentials.get(claim.access_key)
    if secret is None:
        raise Refused("403 Forbidden", "InvalidAccessKeyId", "The access key id is not known.")
    try:
        signed_at = datetime.strptime(claim.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("403 Forbidden", "AccessDenied", "The date of the signature is not readable.") from None
    if "host" not in claim.signed_headers or not hmac.compare_digest(
            signature_for(request, claim, secret), claim.signature):
        raise Refused("403 Forbidden", "SignatureDoesNotMatch", "The signature does not match the request.")
    if claim.lifetime is not None and now > signed_at + claim.lifetime:
        raise Refused("403 Forbidden", "AccessDenied", "Request has expired")
    if signed_at > now + _SKEW or (claim.lifetime is None and now > signed_at + _SKEW):
        raise Refused("403 Forbidden", "RequestTimeTooSkewed", "The time of the request is too far from the server's.")
    return claim


def check_body(claim: Claim, headers: Mapping[str, str], body: bytes) -> None:
    """Refused when the body is not the one whose digest was sent."""
    if _DIGEST.fullmatch(claim.payload) and hashlib.sha256(body).hexdigest() != claim.payload:
        raise Refused("400 Bad Request", "XAmzContentSHA256Mismatch", "The body does not match its SHA-256.")
    sent = headers.get("content-md5")
    if sent and base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() != sent:
        raise Refused("400 Bad Request", "BadDigest", "The body does not match its Content-MD5.")


class SignatureCheck:
    """A WSGI application in front of another: only requests that pass the checks reach it."""

    def __init__(self, application: WSGIApplication, credentials: Mapping[str, str],
                 now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._application = application
        self._credentials = credentials
        self._now = now

    def __call__(self, environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = request_of(environment)
        body = _body(environment)
        try:
            check_body(check(request, self._credentials, self._now()), request.headers, body)
        except Refused as refusal:
            content = (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{refusal.code}</Code>'
                       f"<Message>{refusal}</Message></Error>").encode()
            start_response(refusal.status, [("Content-Type", "application/xml"),
                                            ("Content-Length", str(len(content)))])
            return [b"" if request.method == "HEAD" else content]
        environment["wsgi.input"] = io.BytesIO(body)
        return self._application(environment, start_response)


def request_of(environment: Mapping[str, Any]) -> Request:
    """The request as it was sent, from a WSGI environment of werkzeug's server."""
    path, _, query = str(environment["REQUEST_URI"]).partition("?")
    headers = {name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
               for name, value in environment.items()
               if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}}
    return Request(str(environment["REQUEST_METHOD"]), path, query, headers)


def _body(environment: WSGIEnvironment) -> bytes:
    """The whole body; sent with a length, or in chunks, which the server has taken apart already."""
    stream = environment["wsgi.input"]
    if environment.get("wsgi.input_terminated"):
        return b"".join(iter(lambda: bytes(stream.read(_CHUNK)), b""))
    return bytes(stream.read(int(environment.get("CONTENT_LENGTH") or 0)))


def _canonical_query(query: str) -> str:
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~"))
             for name, value in parse_qsl(query, keep_blank_values=True) if name != "X-Amz-Signature"]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
