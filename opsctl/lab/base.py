"""Root file systems that hosts are laid over: built once per recipe with debootstrap, then cached."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from opsctl.lab import paths
from opsctl.lab.command import OWN_TREE, run
from opsctl.lab.definition import GUEST_USER, SUITES, SuiteDefinition
from opsctl.lab.mounts import unmount_below

_BUILD_SECONDS = 1800
_UNFINISHED = ".building-"

# Runs inside the new root file system. Servers are installed but own no data and start nothing by themselves:
# a host gets its database when it is made.
_FINISH = """
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
. /etc/os-release
for cluster in /etc/postgresql/*/main; do
    [ -d "$cluster" ] || continue
    version=$(basename "$(dirname "$cluster")")
    pg_dropcluster --stop "$version" main || rm -rf "$cluster" "/var/lib/postgresql/$version/main"
done
mkdir -p /etc/postgresql-common
sed -i '/create_main_cluster/d' /etc/postgresql-common/createcluster.conf
echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
if [ -e /usr/sbin/mariadbd ]; then
    systemctl disable mariadb.service
fi
useradd --create-home --shell /bin/bash @USER@
usermod --password '*' @USER@
install -d -m 0700 -o @USER@ -g @USER@ /home/@USER@/.ssh
echo '@USER@ ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/@USER@
chmod 0440 /etc/sudoers.d/@USER@
printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\nPermitRootLogin no\\nUseDNS no\\n' \
    > /etc/ssh/sshd_config.d/lab.conf
rm -f /etc/ssh/ssh_host_*
systemctl mask systemd-resolved.service console-getty.service systemd-networkd-wait-online.service \
    apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service e2scrub_all.timer \
    systemd-firstboot.service ldconfig.service
systemctl enable systemd-networkd.service ssh.service
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/resolv.conf /etc/apt/sources.list /etc/apt/sources.list.d/*
: > /etc/apt/sources.list
apt-get clean
rm -rf /var/lib/apt/lists/*
"""


def recipe(suite: SuiteDefinition) -> str:
    """Everything the base depends on, as text; its hash is the cache key."""
    return "\n".join(("format 1", suite.name, *suite.packages, _FINISH.replace("@USER@", GUEST_USER)))


def base_name(suite: SuiteDefinition) -> str:
    """The folder name of the base, for example `trixie-1f0c2a9b8d7e`."""
    return f"{suite.name}-{hashlib.sha256(recipe(suite).encode()).hexdigest()[:12]}"


def base_folder(suite: str) -> Path:
    """Where the base of `suite` is or will be."""
    return paths.BASES / base_name(SUITES[suite])


def built(name: str) -> int | None:
    """When the base called `name` was built, in nanoseconds; None when the cache has none.

    Built again it has the same name and is another one: what is mounted on it is not mounted on the first any more.
    """
    try:
        return (paths.BASES / name / "etc" / "sudoers.d" / GUEST_USER).stat().st_mtime_ns
    except OSError:
        return None


def ensure_base(suite: str, progress: Callable[[str], None]) -> Path:
    """Return the base of `suite`, building it first when the cache has none. Safe to run for two suites at once."""
    folder = base_folder(suite)
    if folder.is_dir():
        return folder
    unfinished = paths.BASES / f"{_UNFINISHED}{suite}-{os.getpid()}"
    progress(f"Building the base of {suite}; this takes some minutes, once")
    _build(SUITES[suite], unfinished)
    unfinished.rename(folder)
    progress(f"The base of {suite} is ready")
    return folder


def remove_unfinished() -> None:
    """Remove what an interrupted build left behind. Call it while holding the lab's lock."""
    for folder in paths.BASES.glob(f"{_UNFINISHED}*"):
        unmount_below(folder)
        shutil.rmtree(folder)


def _build(suite: SuiteDefinition, target: Path) -> None:
    archive_cache = paths.PACKAGES / suite.name
    archive_cache.mkdir(parents=True, exist_ok=True)
    run([*OWN_TREE, "debootstrap", "--variant=minbase", f"--cache-dir={archive_cache}",
         f"--include={','.join(suite.packages)}", suite.name, str(target), *mirror()],
        timeout=_BUILD_SECONDS, extra={"DPKG_FORCE": "unsafe-io"})
    run([*OWN_TREE, "chroot", str(target), "/bin/sh", "-s"],
        standard_input=_FINISH.replace("@USER@", GUEST_USER), timeout=_BUILD_SECONDS)
    (target / "usr/share/keyrings").mkdir(parents=True, exist_ok=True)


def mirror() -> list[str]:
    """The Debian mirror of the machine's own apt sources; none lets debootstrap take its default."""
    listed = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"])
    return sorted(set(listed.split()))[:1]
