"""The lab's Debian packages: what each version contains, and how it is built."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opsctl.lab.command import run

READY = "ready-server"
BASE_READY_VERSION = "5.4.0"
"""What the vendor-hosted samples run when the lab is new."""

_READY_SOURCES = Path(__file__).parent / "ready_server"
_READY_DEPENDS = "python3, python3-psycopg2, python3-pymysql, passwd, util-linux"


@dataclass(frozen=True)
class Package:
    """One version of one package. `files` maps absolute paths to their text; scripts are maintainer scripts."""

    name: str
    version: str
    description: str
    depends: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The name dpkg gives such a package."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"


@dataclass(frozen=True)
class ReadyRelease:
    """One release of READY: its schema, the release an upgrade has to pass through first, and its modules."""

    version: str
    schema: int
    stop: str = ""
    modules: tuple[str, ...] = ("ready-core", "leak-alarm")


READY_RELEASES: tuple[ReadyRelease, ...] = (
    ReadyRelease("5.3.0", 3, modules=("ready-core",)),
    ReadyRelease("5.4.0", 4),
    ReadyRelease("5.4.1", 4),
    ReadyRelease("5.5.0", 5),
    ReadyRelease("6.0.0", 6, "5.5.0", ("ready-core", "leak-alarm", "heat-forecast")),
    ReadyRelease("6.0.1", 7, "5.5.0", ("ready-core", "leak-alarm", "heat-forecast")),
)

INSTALLED_VERSIONS: Mapping[str, str] = {
    "libmeterproto": "1.0-1", "metertools": "2.0-1", "lab-middleware": "3.0-1", "lab-kernel": "6.1-1"}
WAITING_UPDATES: Mapping[str, str] = {
    "libmeterproto": "1.0-1+sec1", "metertools": "2.1-1", "lab-middleware": "3.1-1", "lab-kernel": "6.1-2"}
SECURITY_UPDATES: frozenset[tuple[str, str]] = frozenset({("libmeterproto", "1.0-1+sec1")})

_MIDDLEWARE = '''#!/usr/bin/python3
"""The lab's middleware: answers every line on 127.0.0.1:7070 with its version."""
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for _line in self.rfile:
            self.wfile.write(b"lab-middleware @VERSION@\\n")


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("127.0.0.1", 7070), Handler).serve_forever()
'''

_MIDDLEWARE_UNIT = """[Unit]
Description=Middleware of the lab
[Service]
ExecStart=/usr/sbin/lab-middleware
DynamicUser=yes
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""

_RESTART_MIDDLEWARE = """#!/bin/sh
set -e
systemctl enable --quiet lab-middleware.service
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl restart lab-middleware.service
fi
"""

# What Debian's kernel packages do (update-notifier-common's hook): the flag, and which package raised it.
_REBOOT_REQUIRED = """#!/bin/sh
set -e
if [ "$1" = configure ] && [ -n "$2" ]; then
    echo '*** System restart required ***' > /var/run/reboot-required
    echo lab-kernel >> /var/run/reboot-required.pkgs
fi
"""


def third_party(name: str, version: str) -> Package:
    """A version of one of the lab's third-party packages; any version may be asked for."""
    if name == "libmeterproto":
        return Package(name, version, "meter protocol library of the lab",
                       files={"/usr/lib/libmeterproto/version": f"{version}\n"})
    if name == "metertools":
        return Package(name, version, "command line tools for meters, of the lab", depends="libmeterproto",
                       files={"/usr/bin/metertools": f"#!/bin/sh\necho metertools {version}\n"},
                       programs=frozenset({"/usr/bin/metertools"}))
    if name == "lab-middleware":
        return Package(name, version, "middleware of the lab", depends="python3",
                       files={"/usr/sbin/lab-middleware": _MIDDLEWARE.replace("@VERSION@", version),
                              "/usr/lib/systemd/system/lab-middleware.service": _MIDDLEWARE_UNIT},
                       programs=frozenset({"/usr/sbin/lab-middleware"}), scripts={"postinst": _RESTART_MIDDLEWARE})
    if name == "lab-kernel":
        return Package(name, version, "stands for a kernel: its update needs a reboot",
                       files={"/usr/share/lab-kernel/version": f"{version}\n"}, scripts={"postinst": _REBOOT_REQUIRED})
    raise KeyError(name)


def ready(release: ReadyRelease) -> Package:
    """The package of one READY release, from the sources in ready_server/."""
    modules = {f"/usr/lib/ready/ready_server/{file.name}": file.read_text(encoding="utf-8")
               for file in sorted(_READY_SOURCES.glob("*.py"))}
    described = json.dumps({"version": release.version, "schema": release.schema, "modules": release.modules}) + "\n"

    def script(name: str) -> str:
        text = (_READY_SOURCES / name).read_text(encoding="utf-8")
        return text.replace("@STOP@", release.stop).replace("@VERSION@", release.version)

    return Package(READY, release.version, "READY metering server (sample)", depends=_READY_DEPENDS,
                   files={**modules, "/usr/lib/ready/release.json": described,
                          "/usr/sbin/ready-migrate": script("ready-migrate"),
                          "/usr/lib/systemd/system/ready-server.service": script("ready-server.service")},
                   programs=frozenset({"/usr/sbin/ready-migrate"}),
                   scripts={name: script(name) for name in ("preinst", "postinst", "prerm")})


def build(package: Package, folder: Path) -> Path:
    """Build the package with dpkg-deb; returns its file in `folder`, complete or not there."""
    tree = Path(tempfile.mkdtemp(prefix=".tree-", dir=folder))
    try:
        _lay_out(package, tree)
        unfinished = folder / f".{package.file_name}"
        run(["dpkg-deb", "--build", "--root-owner-group", "-Zgzip", str(tree), str(unfinished)])
        return unfinished.rename(folder / package.file_name)
    finally:
        shutil.rmtree(tree)


def _lay_out(package: Package, tree: Path) -> None:
    tree.chmod(0o755)
    for path, text in package.files.items():
        _write(tree / path.lstrip("/"), text, 0o755 if path in package.programs else 0o644)
    depends = f"Depends: {package.depends}\n" if package.depends else ""
    _write(tree / "DEBIAN/control",
           f"Package: {package.name}\nVersion: {package.version}\nArchitecture: all\nSection: misc\n"
           f"Priority: optional\nMaintainer: opsctl lab <lab@example.invalid>\n{depends}"
           f"Description: {package.description}\n", 0o644)
    for name, text in package.scripts.items():
        _write(tree / "DEBIAN" / name, text, 0o755)


def _write(file: Path, text: str, mode: int) -> None:
    for folder in reversed(file.parents):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
