"""What the lab needs of the machine: root, systemd-nspawn, and the Debian packages it installs itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from opsctl.core.errors import OperationFailed
from opsctl.lab.command import run

TOOLS: dict[str, str] = {
    "systemd-nspawn": "systemd-container", "debootstrap": "debootstrap", "apt-ftparchive": "apt-utils",
    "age-keygen": "age", "zstd": "zstd", "ip": "iproute2", "tc": "iproute2", "gpg": "gnupg",
    "dpkg-deb": "dpkg", "dpkg-scanpackages": "dpkg-dev", "ssh": "openssh-client", "xz": "xz-utils",
    "mkfs.ext4": "e2fsprogs", "setpriv": "util-linux", "mount": "mount"}
_PYTHON_PACKAGES = ("aiosmtpd", "cryptography", "moto", "werkzeug")
_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing_tools() -> tuple[str, ...]:
    """The Debian packages whose programs are not on this machine."""
    return tuple(dict.fromkeys(package for tool, package in TOOLS.items()
                               if shutil.which(tool, path=_FOLDERS) is None))


def require_root() -> None:
    """OperationFailed without root."""
    if os.geteuid() != 0:
        raise OperationFailed("The lab needs root: it mounts file systems, makes a network bridge and starts machines.",
                              "Run the command as root (`sudo`). Hosts without root are not there yet.")


def require_machine(progress: Callable[[str], None]) -> None:
    """Install what is missing; OperationFailed says exactly what this machine cannot offer."""
    require_root()
    missing = missing_tools()
    if missing:
        _install(missing, progress)
    still = missing_tools()
    lacking = [f"the Debian package {package}" for package in still]
    lacking += [f"the Python package {name}" for name in _PYTHON_PACKAGES if find_spec(name) is None]
    filesystems = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    if "overlay" not in filesystems:
        try:
            run(["modprobe", "overlay"])
        except OperationFailed:
            lacking.append("the kernel's file system overlay")
    if not Path("/dev/loop-control").exists():
        lacking.append("loop devices (/dev/loop-control)")
    if lacking:
        raise OperationFailed(f"The lab's hosts cannot run here: {', '.join(lacking)} is missing.",
                              "Install it (the Python packages are the dependency group `lab`), or use another "
                              "machine. Hosts without systemd-nspawn are not there yet.")


def _install(missing: tuple[str, ...], progress: Callable[[str], None]) -> None:
    if shutil.which("apt-get", path=_FOLDERS) is None:
        raise OperationFailed(f"The lab needs {', '.join(missing)}, and this machine has no apt-get to install them.",
                              "Use a Debian machine, or install the programs by hand.")
    progress(f"Installing {', '.join(missing)}")
    run(["apt-get", "update", "-q"], timeout=600)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], timeout=1200)
