"""What the lab's own tests share: running something on a guest, asking READY, the lab's command line."""

import http.client
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opsctl.core.errors import OperationFailed
from opsctl.lab import paths, remote
from opsctl.lab.definition import READY_PORT, HostDefinition, host

ROOT = Path(__file__).resolve().parents[2]


def on(name: str, script: str, timeout: float = 120) -> str:
    """Run a script as root on a guest."""
    return remote.run_script(host(name), script, timeout=timeout).strip()


def answers(name: str, seconds: float = 6) -> bool:
    """Whether a guest runs a command that is sent over SSH."""
    try:
        done = subprocess.run(remote.ssh_argv(host(name), ["true"]), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def ready(name: str, path: str, *, token: str = "", body: Any = None) -> tuple[int, dict[str, Any]]:
    """Ask READY on a guest over TLS, trusting the lab's authority only: status and answer."""
    context = ssl.create_default_context(cafile=str(paths.AUTHORITY_CERTIFICATE))
    connection = http.client.HTTPSConnection(host(name).address, READY_PORT, context=context, timeout=10)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body),
                           {"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def healthy(name: str) -> bool:
    """Whether READY on a guest answers and is well."""
    try:
        return ready(name, "/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def booted_since(name: str, before: str) -> bool:
    """Whether a guest answers, and by another boot than `before`; it may go down between two questions."""
    try:
        return answers(name) and boot_id(name) != before
    except OperationFailed:
        return False


def boot_id(name: str) -> str:
    """Which boot of the guest this is."""
    return on(name, "cat /proc/sys/kernel/random/boot_id")


def wait(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for `condition`; returns how long it took, fails after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - began


def lab_command(*arguments: str) -> subprocess.Popen[bytes]:
    """`opsctl lab` as a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "opsctl", "lab", *arguments], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def customer_of(one: HostDefinition) -> Path:
    """The folder of the customer in this checkout."""
    return ROOT / "inventories" / one.customer
