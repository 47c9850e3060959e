"""A real S3 server process on loopback (moto behind the checks it leaves out, TLS), and stores that point to it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsctl.adapters.objects.s3 import S3Objects
from opsctl.profiles.hosted import S3Store

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class S3Server:
    """Where it answers, and what a client needs: the CA file and a credentials file of mode 0600.

    faults: `{"errors": true}` written there makes every answer a 503.
    """

    endpoint: str
    ca_file: Path
    credentials: Path
    faults: Path

    def store(self, bucket: str, prefix: str = "") -> S3Store:
        """A profile's store for `bucket`."""
        return S3Store(kind="s3", endpoint=self.endpoint, bucket=bucket, prefix=prefix,
                       credentials=f"file:{self.credentials}", ca_file=str(self.ca_file))

    def client(self) -> Any:
        """A bare boto3 client, for what the port does not do."""
        return S3Objects.at(self.store("none-needed"))._client

    def make(self, bucket: str, *, locked: bool = False) -> None:
        """An empty bucket. locked: with Object Lock."""
        self.client().create_bucket(Bucket=bucket, **({"ObjectLockEnabledForBucket": True} if locked else {}),
                                    CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})


def make_certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and `names` that is its own CA: (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback test store")])
    known = [x509.IPAddress(ip_address("127.0.0.1")), *map(x509.DNSName, names)]
    now = datetime.now(UTC)
    built = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(minutes=5))
             .not_valid_after(now + timedelta(days=2))
             .add_extension(x509.SubjectAlternativeName(known), critical=False)
             .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
             .sign(key, hashes.SHA256()))
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
    return certificate, secret


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Start the server; it is killed by its id at the end."""
    certificate, key = make_certificate(folder)
    credentials = folder / "credentials.json"
    credentials.touch(0o600)
    credentials.write_text(json.dumps({"access_key_id": "test-access", "secret_access_key": "test-secret"}))
    port = free_port()
    # Real stores refuse parts below 5 MB; small ones keep the tests quick.
    environment = {**os.environ, "S3_UPLOAD_PART_MIN_SIZE": "1"}
    faults = folder / "faults.json"
    process = subprocess.Popen([sys.executable, "-m", "tests.unit.backup.store_process", str(port), str(certificate),
                                str(key), str(credentials), str(faults)], env=environment, cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_tls(port, certificate)
        yield S3Server(f"https://127.0.0.1:{port}", certificate, credentials, faults)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_tls(port: int, certificate: Path) -> None:
    """Until a server answers there with this certificate; OSError after 30 seconds."""
    context = ssl.create_default_context(cafile=str(certificate))
    deadline = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as plain, \
                    context.wrap_socket(plain, server_hostname="127.0.0.1"):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
