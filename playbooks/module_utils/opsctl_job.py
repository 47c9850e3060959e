"""Long work that must not end halfway: a transient unit that writes to a log, so that a cut link does not reach it."""

from __future__ import annotations

import os
import subprocess

from ansible.module_utils.opsctl_ready import Failed

LOGS = "/var/log/opsctl"


class Job:
    """Work of one run on this host. Its units are named after the run: stopped by name, never twice at once."""

    def __init__(self, unit, seconds):
        self.log = os.path.join(LOGS, f"{unit}.log")
        self._unit = unit
        self._seconds = seconds

    def run(self, step, command, user="root", environment=()):
        """Run the command as unit `UNIT-STEP`; Failed with the last lines of the log when it does not end with 0."""
        os.makedirs(LOGS, mode=0o700, exist_ok=True)
        with open(self.log, "ab") as stream:
            os.chmod(self.log, 0o600)
            stream.write(f"== {step}: {' '.join(command)}\n".encode())
            begins = stream.tell()
        argv = ["systemd-run", "--quiet", "--wait", "--collect", f"--unit={self._unit}-{step}", f"--uid={user}",
                f"--property=RuntimeMaxSec={self._seconds}", f"--property=StandardOutput=append:{self.log}",
                f"--property=StandardError=append:{self.log}", "--setenv=LC_ALL=C.UTF-8",
                *(f"--setenv={setting}" for setting in environment), *command]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd="/")
        if done.returncode:
            said = self.last_lines(begins) or done.stderr.decode("utf-8", "replace")
            raise Failed(f"{' '.join(command[:2])} ended with {done.returncode}: {said}; all of it is in {self.log}")

    def last_lines(self, begins, number=8):
        """The end of what the log has from the byte `begins` on, in one line: earlier steps and tries do not speak."""
        with open(self.log, "rb") as stream:
            stream.seek(begins)
            written = stream.read().decode("utf-8", "replace").splitlines()[-200:]
        lines = [line.strip() for line in written if line.strip()]
        telling = [line for line in lines if line.startswith(("E:", "dpkg: error", "Error", "ERROR", "FATAL"))]
        return " | ".join((telling or lines)[-number:])[:900]
