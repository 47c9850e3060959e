"""The next Debian release for guests without a way out: a signed suite with exactly the packages an upgrade needs.

Made only when asked for, with the outside network, once per base; then cached. The suite of a guest's own release is
there too, without packages: what is on the guests is its newest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from opsctl.core.errors import OperationFailed
from opsctl.lab import base, paths, remote, repository
from opsctl.lab.command import run
from opsctl.lab.definition import APT_PORT, GATEWAY, HOSTS

OLD, NEW = "bookworm", "trixie"
DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_DOWNLOAD_SECONDS = 1800
_UNFINISHED = ".building-"

Say = Callable[[str], None]


def offer_upgrades(progress: Say) -> None:
    """Publish both suites, and give every guest of the old release a source for its own; can be repeated."""
    packages = ensure_packages(paths.UPGRADES, base.base_folder(OLD), progress)
    repository.publish_suite(OLD, ())
    repository.publish_suite(NEW, sorted(packages.glob("*.deb")))
    for host in (one for one in HOSTS if one.suite == OLD):
        remote.run_script(host, f"""
. /etc/os-release
[ "$VERSION_CODENAME" = {OLD} ] || exit 0
cat > /etc/apt/sources.list.d/debian.sources <<'END'
{source()}END
# The lab's disks hold nothing that has to survive a power cut.
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/lab
""")


def source() -> str:
    """The deb822 source of a guest's own Debian release."""
    return (f"Types: deb\nURIs: http://{GATEWAY}:{APT_PORT}\nSuites: {OLD}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/opsctl-lab.gpg\n")


def ensure_packages(cache: Path, old: Path, progress: Say) -> Path:
    """The folder of package files that upgrade the root file system `old`; downloaded when `cache` lacks it.

    apt of this machine works it out from the packages of `old`, with state and lists of its own, and checks Debian's
    signature. OperationFailed without a base or without the outside network.
    """
    status, mirrors = old / "var/lib/dpkg/status", base.mirror()
    if not status.is_file():
        raise OperationFailed(f"There is no base of {OLD} to upgrade.", "Run `opsctl lab up` first.")
    folder = cache / f"{NEW}-{hashlib.sha256(b'format 1' + status.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    for left in cache.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    if not mirrors:
        raise OperationFailed("The apt sources of this machine name no Debian mirror.",
                              "Add Debian's own source to /etc/apt/sources.list.d, or copy the cache of another lab.")
    progress(f"Fetching the packages of {NEW} that the upgrades need; this takes a minute, once")
    unfinished = cache / f"{_UNFINISHED}{os.getpid()}"
    (unfinished / "lists/partial").mkdir(parents=True)
    (unfinished / "archives/partial").mkdir(parents=True)
    (unfinished / "sources.list").write_text(f"deb [signed-by={DEBIAN_KEYS}] {mirrors[0]} {NEW} main\n",
                                             encoding="utf-8")
    options = [f"-o{name}={value}" for name, value in {
        "Dir::State": unfinished, "Dir::State::lists": unfinished / "lists", "Dir::State::status": status,
        "Dir::Etc::sourcelist": unfinished / "sources.list", "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-", "Dir::Cache": unfinished, "Dir::Cache::archives": unfinished / "archives",
        "APT::Sandbox::User": "root", "Debug::NoLocking": "true", "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none", "Acquire::Retries": "3"}.items()]
    run(["apt-get", *options, "update"], timeout=_DOWNLOAD_SECONDS)
    run(["apt-get", *options, "--yes", "--download-only", "full-upgrade"], timeout=_DOWNLOAD_SECONDS)
    (unfinished / "archives").rename(folder)
    shutil.rmtree(unfinished)
    return folder
