"""The object store's checks, against requests that botocore signed."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from opsctl.lab.servers.signature import Refused, Request, SignatureCheck, check, check_body, claim_of

CREDENTIALS = {"LABKEY": "lab-secret"}
URL = "https://198.51.100.1:9443/bucket/a%20b%2Bc/part.tar?partNumber=2&uploadId=x%2Fy%3D&acl"


def signed(url: str = URL, *, method: str = "PUT", body: bytes = b"content", secret: str = CREDENTIALS["LABKEY"],
           expires: int | None = None) -> Request:
    """A request as botocore signs it: in the header, or as a presigned URL valid for `expires` seconds."""
    # A presigned URL does not cover the body, and botocore would take it for parameters.
    request = AWSRequest(method=method, url=url, data=body if expires is None else b"",
                         headers={"Host": "198.51.100.1:9443"})
    credentials = Credentials("LABKEY", secret)
    if expires is None:
        S3SigV4Auth(credentials, "s3", "eu-central-1").add_auth(request)
    else:
        S3SigV4QueryAuth(credentials, "s3", "eu-central-1", expires=expires).add_auth(request)
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(method, parts.path, parts.query, headers)


def refused(request: Request, now: datetime | None = None) -> str:
    """The error code a request is refused with."""
    with pytest.raises(Refused) as caught:
        check(request, CREDENTIALS, now or datetime.now(UTC))
    return caught.value.code


@pytest.mark.parametrize("expires", [None, 60])
def test_accepts_what_botocore_signs(expires: int | None) -> None:
    assert check(signed(expires=expires), CREDENTIALS, datetime.now(UTC)).access_key == "LABKEY"


@pytest.mark.parametrize("expires", [None, 60])
def test_refuses_another_secret(expires: int | None) -> None:
    assert refused(signed(secret="guessed", expires=expires)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(("part", "value"), [
    ("method", "DELETE"), ("path", "/bucket/other"), ("query", "partNumber=3&uploadId=x%2Fy%3D&acl")])
def test_refuses_a_changed_request(part: str, value: str) -> None:
    good = signed()
    changed = {"method": good.method, "path": good.path, "query": good.query, "headers": good.headers, part: value}
    assert refused(Request(**changed)) == "SignatureDoesNotMatch"


def test_refuses_a_changed_part_number_in_a_presigned_url() -> None:
    good = signed(expires=60)
    changed = good.query.replace("partNumber=2", "partNumber=3")
    assert changed != good.query
    assert refused(Request(good.method, good.path, changed, good.headers)) == "SignatureDoesNotMatch"


def test_refuses_an_unknown_key_and_an_unsigned_request() -> None:
    with pytest.raises(Refused, match="not known"):
        check(signed(), {}, datetime.now(UTC))
    assert refused(Request("GET", "/bucket", "", {"host": "198.51.100.1:9443"})) == "AccessDenied"


def test_a_presigned_url_ends_with_its_lifetime() -> None:
    request = signed(expires=60)
    at = datetime.strptime(claim_of(request).stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    check(request, CREDENTIALS, at + timedelta(seconds=60))
    assert refused(request, at + timedelta(seconds=61)) == "AccessDenied"


def test_a_clock_that_is_far_off_is_refused() -> None:
    assert refused(signed(), datetime.now(UTC) + timedelta(minutes=16)) == "RequestTimeTooSkewed"
    assert refused(signed(expires=60), datetime.now(UTC) - timedelta(minutes=16)) == "RequestTimeTooSkewed"


def test_the_body_has_to_be_the_signed_one() -> None:
    claim = claim_of(signed(body=b"content"))
    assert claim.payload == hashlib.sha256(b"content").hexdigest()
    check_body(claim, {}, b"content")
    with pytest.raises(Refused, match="SHA-256"):
        check_body(claim, {}, b"other")
    with pytest.raises(Refused, match="Content-MD5"):
        check_body(claim_of(signed(expires=9)), {"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, b"content")


def test_the_application_sees_the_whole_body_of_an_accepted_request_and_nothing_of_a_refused_one() -> None:
    seen: list[bytes] = []

    def application(environment: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environment["wsgi.input"].read())
        start("200 OK", [])
        return [b""]

    answers: list[str] = []
    for secret in ("lab-secret", "guessed"):
        request = signed(secret=secret)
        environment = {
            "REQUEST_METHOD": request.method, "REQUEST_URI": f"{request.path}?{request.query}",
            "CONTENT_LENGTH": "7", "wsgi.input": io.BytesIO(b"content"),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}}
        b"".join(SignatureCheck(application, CREDENTIALS)(
            environment, lambda status, headers: answers.append(status)))  # type: ignore[arg-type,return-value]
    assert answers == ["200 OK", "403 Forbidden"]
    assert seen == [b"content"]
