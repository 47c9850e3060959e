"""Other S3 servers than moto, each a process on loopback over TLS: what moto lets pass, they refuse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.backup.s3_server import S3Server, free_port, make_certificate, wait_for_tls

# rclone refuses keys as short as moto takes them.
ACCESS, SECRET = "contract-access", "contract-secret-of-some-length"


def _credentials(folder: Path) -> Path:
    path = folder / "credentials.json"
    path.touch(0o600)
    path.write_text(json.dumps({"access_key_id": ACCESS, "secret_access_key": SECRET}))
    return path


@contextmanager
def running_rclone(folder: Path) -> Iterator[S3Server]:
    """rclone `serve s3` on a folder: checks signatures, expiry and Content-MD5; knows no versions and no locks."""
    certificate, key = make_certificate(folder, "localhost")
    credentials, port = _credentials(folder), free_port()
    (folder / "served").mkdir()
    program = Path(sys.executable).parent / "rclone"
    process = subprocess.Popen(
        [str(program), "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS},{SECRET}",
         "--cert", str(certificate), "--key", str(key), "--config", "", str(folder / "served")],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_tls(port, certificate)
        yield S3Server(f"https://127.0.0.1:{port}", certificate, credentials, folder / "faults.json")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder / "served", ignore_errors=True)


@contextmanager
def running_localstack(folder: Path) -> Iterator[S3Server]:
    """LocalStack's S3: checks checksums and locks. It needs an environment of its own (docs/backup.md)."""
    python = os.environ["OPSCTL_TEST_LOCALSTACK"]
    certificate, key = make_certificate(folder)
    credentials, port = _credentials(folder), free_port()
    (folder / "server.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GATEWAY_LISTEN": f"127.0.0.1:{port}",
                   "GATEWAY_SERVER": "hypercorn", "SERVICES": "s3,sts,iam", "DISABLE_EVENTS": "1",
                   "SKIP_SSL_CERT_DOWNLOAD": "1", "CUSTOM_SSL_CERT_PATH": str(folder / "server.pem"),
                   "LOCALSTACK_VOLUME_DIR": str(folder / "volume"), "TMPDIR": str(folder)}
    process = subprocess.Popen([python, "-m", "localstack.runtime.main"], cwd=folder, env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_tls(port, certificate)
        yield S3Server(f"https://127.0.0.1:{port}", certificate, credentials, folder / "faults.json")
    finally:
        process.kill()
        process.wait()
