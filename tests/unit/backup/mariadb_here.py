"""A scratch MariaDB server of the machine's own programs, and the host program speaking to it in place of Debian's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opsctl.backup.dialogue import HostProgram
from tests.not_exercised import not_exercised
from tests.unit.backup.local_host import local_program

DEBIAN = "/run/mysqld/mysqld.sock"


class Server:
    """folder: its own, where the user mysql may write."""

    def __init__(self, folder: Path, data: Path, socket: Path) -> None:
        self.folder, self.data, self.socket = folder, data, socket

    def sql(self, text: str) -> list[str]:
        """Run statements as root; the lines they print."""
        return run(["mariadb", "--no-defaults", "-N", "-B", f"--socket={self.socket}"], text).splitlines()

    @contextmanager
    def program(self) -> Iterator[HostProgram]:
        """The host program, its commands led to this server."""
        socket = str(self.socket)

        class Here(HostProgram):
            def _send(self, message: Mapping[str, Any], body: bytes | None = None) -> None:
                super()._send(json.loads(json.dumps(message).replace(DEBIAN, socket)), body)

        with local_program(kind=Here) as (program, _):
            yield program


def run(argv: list[str], text: str = "") -> str:
    """Run to the end; what it printed."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def mariadb_here(*options: str) -> Iterator[Server]:
    """A running server without the network. options: more of mariadbd's."""
    if os.geteuid() or not shutil.which("mariadb-install-db") or not Path("/usr/sbin/mariadbd").exists():
        not_exercised("MariaDB: needs root and the package mariadb-server")
    # A short path: a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-my-", dir="/tmp"))
    shutil.chown(folder, "mysql", "mysql")
    server = Server(folder, folder / "data", folder / "s.sock")
    try:
        run(["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={server.data}", "--skip-test-db",
             "--auth-root-authentication-method=socket"])
        with running(server, ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={server.data}", "--skip-networking",
                              f"--socket={server.socket}", f"--pid-file={folder}/pid", "--user=mysql",
                              "--innodb-buffer-pool-size=16M", f"--log-error={folder}/server.err", *options]):
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(server: Server, argv: Sequence[str]) -> Iterator[None]:
    """Its process, until it answers; stopped at the end."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    until = time.monotonic() + 60
    try:
        while subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={server.socket}", "ping"], check=False,
                             capture_output=True).returncode:
            assert process.poll() is None and time.monotonic() < until, f"{argv[0]} does not answer"
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()
