"""Keeps one guest running: `python -m opsctl.lab.supervisor HOST`.

Starts systemd-nspawn, starts it again when the guest reboots, and ends when the guest powers off.
SIGTERM powers the guest off. When the supervisor is killed the guest goes with it, like a power cut.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from opsctl.lab import cgroup, network, paths
from opsctl.lab.command import environment
from opsctl.lab.definition import BRIDGE, HostDefinition, host
from opsctl.lab.layout import HostFolders
from opsctl.lab.process import claim

_REBOOT = 133
"""systemd-nspawn's exit code under --keep-unit when the guest asks for a reboot (RestartForceExitStatus
in systemd-nspawn@.service)."""

_POWER_OFF_SECONDS = 25
_LOOK_SECONDS = 0.2
"""How often a waiting supervisor looks whether it is to stop the guest."""

_PROPAGATE = Path("/run/systemd/nspawn/propagate")
_JOIN_AND_RUN = 'for file in $1; do echo $$ > "$file"; done; shift; exec "$@"'
# nspawn alone does not take its guest with it when it is killed; a process namespace does.
_OWN_PROCESSES = ("unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--mount-proc",
                  "--kill-child=KILL")
# The namespace has copies of the other hosts' mounts, which would keep those busy when they are to go.
_LEAVE_OTHERS = ("""while read -r _ _ _ _ point _; do case "$point" in "$1"/*) ;; "$2"/*) umount -l "$point";; esac
done < /proc/self/mountinfo
shift 2; exec "$@" """)


class Supervisor:
    """Runs the guest of `definition` until it powers off."""

    def __init__(self, definition: HostDefinition) -> None:
        self._definition = definition
        self._folders = HostFolders(definition.name)
        self._stopping = False

    def run(self) -> int:
        """Start the guest, again after each reboot; returns nspawn's last exit code."""
        signal.signal(signal.SIGTERM, self._power_off)
        while True:
            self._clear()
            code = self._run_once()
            print(time.strftime("%FT%TZ", time.gmtime()), self._definition.name, "ended with", code, flush=True)  # noqa: T201
            if code != _REBOOT or self._stopping:
                self._clear()
                return code

    def _run_once(self) -> int:
        with self._folders.console.open("ab") as console:
            guest = subprocess.Popen(self._argv(), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                     env=environment())
            return self._wait(guest)

    def _wait(self, guest: subprocess.Popen[bytes]) -> int:
        """Wait for the guest; once it is to stop it is asked once, and gets _POWER_OFF_SECONDS.

        A second SIGTERM would make nspawn cut the power at once.
        """
        deadline: float | None = None
        while True:
            try:
                return guest.wait(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if self._stopping and deadline is None:
                    self._ask_to_end(guest)
                    deadline = time.monotonic() + _POWER_OFF_SECONDS
                if deadline is not None and time.monotonic() > deadline:
                    cgroup.kill(self._definition.name)

    def _argv(self) -> list[str]:
        groups = " ".join(str(path) for path in cgroup.make(self._definition.name))
        data = self._folders.data
        return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", _JOIN_AND_RUN, "sh", groups, *_OWN_PROCESSES,
                "sh", "-c", _LEAVE_OTHERS, "sh", str(self._folders.root), str(paths.HOSTS),
                "systemd-nspawn", "--register=no", "--keep-unit", f"--network-bridge={BRIDGE}", "--boot",
                f"--machine={self._definition.name}", f"--directory={self._folders.merged}",
                f"--bind={data}:/var/lib/opsctl-scratch", "--resolv-conf=off", "--timezone=off",
                "--link-journal=no", "--console=pipe"]

    def _clear(self) -> None:
        """Remove what nspawn cannot remove by itself here: its propagation folder and a stale link."""
        cgroup.kill(self._definition.name)
        cgroup.remove(self._definition.name)
        shutil.rmtree(_PROPAGATE / self._definition.name, ignore_errors=True)
        network.remove_link(self._definition.link)

    def _power_off(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        cgroup.freeze(self._definition.name, on=False)

    @staticmethod
    def _ask_to_end(guest: subprocess.Popen[bytes]) -> None:
        """SIGTERM to nspawn itself, the only child of the `unshare` that was started; it powers the guest off."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text(encoding="utf-8").split()
            for child in children:
                os.kill(int(child), signal.SIGTERM)


def main() -> int:
    """Entry point; the argument is the host's name."""
    definition = host(sys.argv[1])
    mark = claim(HostFolders(definition.name).mark)
    code = Supervisor(definition).run()
    mark.truncate(0)
    return code


if __name__ == "__main__":
    sys.exit(main())
