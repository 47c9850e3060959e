"""The lab's servers: mail, webhooks and the object store."""

import base64
import email
import hashlib
import http.client
import json
import secrets
import smtplib
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from opsctl.lab import fault, paths, services
from opsctl.lab.definition import BUCKET, GATEWAY, SMTP_PORT, STORE_PORT, WEBHOOK_PORT
from opsctl.lab.servers.webhook import RECORD

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
ENDPOINT = f"https://{GATEWAY}:{STORE_PORT}"
KEY = f"lab-tests-{secrets.token_hex(4)}"


def fetch(request: str | urllib.request.Request) -> int:
    """The status of a request to one of the lab's own addresses."""
    with urllib.request.urlopen(request, context=trust(), timeout=5) as answer:  # noqa: S310 - http and https only
        return int(answer.status)


def trust() -> ssl.SSLContext:
    """Trusts the lab's authority only."""
    return ssl.create_default_context(cafile=str(paths.AUTHORITY_CERTIFICATE))


def client(**keys: str) -> Any:
    """An S3 client without retries, with the lab's credentials unless others are given."""
    known = json.loads(paths.OBJECT_STORE_CREDENTIALS.read_text())
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name="eu-central-1", verify=str(paths.AUTHORITY_CERTIFICATE),
        aws_access_key_id=keys.get("access", known["access_key_id"]),
        aws_secret_access_key=keys.get("secret", known["secret_access_key"]),
        config=Config(signature_version="s3v4", retries={"max_attempts": 0}, connect_timeout=2, read_timeout=2))


@pytest.fixture
def store() -> Iterator[Any]:
    """A client; what a test wrote under KEY is removed."""
    yield client()
    for version in client().list_object_versions(Bucket=BUCKET, Prefix=KEY).get("Versions", []):
        client().delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])


def put(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """PUT to a presigned URL: status, and ETag or error."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, context=trust(), timeout=20)
    connection.request("PUT", f"{parts.path}?{parts.query}", body, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("ETag") or text


def test_mail_is_kept_with_its_envelope_with_and_without_tls() -> None:
    for encrypted in (False, True):
        subject = f"lab {secrets.token_hex(6)}"
        with smtplib.SMTP(GATEWAY, SMTP_PORT, timeout=10) as server:
            if encrypted:
                server.starttls(context=trust())
            server.sendmail("opsctl@lab.example", ["a@x.example", "b@x.example"], f"Subject: {subject}\r\n\r\nÆ\r\n"
                            .encode())
        [kept] = [found for found in (email.message_from_bytes(file.read_bytes()) for file in paths.MAIL.glob("*.eml"))
                  if found["Subject"] == subject]
        assert kept.get_all("X-Envelope-To") == ["a@x.example", "b@x.example"]
        assert (kept["X-Envelope-From"], kept["X-Envelope-TLS"]) == ("opsctl@lab.example", "yes" if encrypted else "no")


def test_webhooks_are_kept() -> None:
    path = f"/hook/{secrets.token_hex(6)}"
    request = urllib.request.Request(f"http://{GATEWAY}:{WEBHOOK_PORT}{path}", b'{"a": 1}')
    assert fetch(request) == 204
    [kept] = [line for line in map(json.loads, RECORD.read_text().splitlines()) if line["path"] == path]
    assert kept["body"] == '{"a": 1}'


def test_the_servers_listen_on_the_bridge_only() -> None:
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    pids = {f"pid={one.pid}," for one in map(services.process.find, (s.mark for s in services.SERVICES)) if one}
    addresses = {line.split()[3].rpartition(":")[0] for line in listening if any(pid in line for pid in pids)}
    assert addresses == {GATEWAY}


def test_parts_by_presigned_urls(store: Any) -> None:
    upload = store.create_multipart_upload(Bucket=BUCKET, Key=f"{KEY}/parts")["UploadId"]

    def url(number: int, seconds: int = 60) -> str:
        given = {"Bucket": BUCKET, "Key": f"{KEY}/parts", "UploadId": upload, "PartNumber": number}
        return str(store.generate_presigned_url("upload_part", given, ExpiresIn=seconds))

    parts = []
    for number in (1, 2):
        body = bytes([number]) * 5_500_000
        digest = hashlib.md5(body, usedforsecurity=False)
        status, etag = put(url(number), body, {"Content-MD5": base64.b64encode(digest.digest()).decode()})
        assert (status, etag) == (200, f'"{digest.hexdigest()}"')
        parts.append({"PartNumber": number, "ETag": etag})
    assert put(url(2), b"other", {"Content-MD5": base64.b64encode(digest.digest()).decode()})[0] == 400
    changed = put(url(2).replace("partNumber=2", "partNumber=3"), b"x")
    assert changed[0] == 403
    assert "SignatureDoesNotMatch" in changed[1]
    short = url(2, seconds=1)
    time.sleep(2.1)
    assert "expired" in put(short, b"x")[1]
    store.complete_multipart_upload(Bucket=BUCKET, Key=f"{KEY}/parts", UploadId=upload,
                                    MultipartUpload={"Parts": parts})
    across = store.get_object(Bucket=BUCKET, Key=f"{KEY}/parts", Range="bytes=5499999-5500000")["Body"].read()
    assert across == b"\x01\x02"


def test_strangers_get_nothing() -> None:
    for keys, code in (({"access": "NOBODY"}, "InvalidAccessKeyId"), ({"secret": "guessed"}, "SignatureDoesNotMatch")):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client(**keys).list_objects_v2(Bucket=BUCKET)
        assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{ENDPOINT}/{BUCKET}")
    assert refused.value.code == 403


def test_a_silent_client_holds_up_nobody(store: Any) -> None:
    with socket.create_connection((GATEWAY, STORE_PORT), timeout=5):
        store.list_objects_v2(Bucket=BUCKET, Prefix=KEY)


def test_versions_outlive_an_orderly_restart(store: Any) -> None:
    for body in (b"one", b"two"):
        store.put_object(Bucket=BUCKET, Key=f"{KEY}/kept", Body=body)
    before = store.list_object_versions(Bucket=BUCKET, Prefix=f"{KEY}/kept")["Versions"]
    assert len(before) == 2
    fault.set_fault("s3", "stop", on=True)
    with pytest.raises(botocore.exceptions.BotoCoreError):
        store.list_objects_v2(Bucket=BUCKET)
    fault.set_fault("s3", "stop", on=False)
    after = client().list_object_versions(Bucket=BUCKET, Prefix=f"{KEY}/kept")["Versions"]
    assert after == before
    assert client().get_object(Bucket=BUCKET, Key=f"{KEY}/kept")["Body"].read() == b"two"


def test_the_store_can_refuse_dawdle_and_stand_still(store: Any) -> None:
    fault.set_fault("s3", "errors", on=True)
    try:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            store.list_objects_v2(Bucket=BUCKET)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    finally:
        fault.set_fault("s3", "errors", on=False)
    for kind in ("slow", "freeze"):
        fault.set_fault("s3", kind, on=True)
        try:
            with pytest.raises(botocore.exceptions.ReadTimeoutError if kind == "slow" else
                               botocore.exceptions.HTTPClientError):
                store.list_objects_v2(Bucket=BUCKET)
        finally:
            fault.set_fault("s3", kind, on=False)
    store.list_objects_v2(Bucket=BUCKET)
