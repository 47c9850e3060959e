"""Runs the machine's tools: allow-listed environment, output only in errors, no orphans."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from opsctl.core.errors import OperationFailed

_PASSED_ON = ("PATH", "HOME", "TERM", "TMPDIR", "http_proxy", "https_proxy", "no_proxy",
              "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

TIED = ("setpriv", "--pdeathsig", "KILL")
"""Prefix: the command is killed when this process is, so that it does not write where the next one cleans up."""

OWN_TREE = (*TIED, "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL")
"""Prefix: the command gets its own mounts and processes, and all of them go when this process is killed."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the allow-listed part of ours, a C locale, and `extra`."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{passed.get('PATH', '')}:{_SYSTEM_PATH}".lstrip(":")
    return {**passed, "PATH": path, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **(extra or {})}


def run(argv: Sequence[str], *, standard_input: str | None = None, timeout: float = 120,
        extra: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """Run `argv` and return its standard output.

    Raises OperationFailed with the last lines of the output when it ends with another code than 0,
    cannot be started, or takes longer than `timeout` seconds.
    """
    try:
        done = subprocess.run(list(argv), input=standard_input, capture_output=True, text=True, timeout=timeout,
                              env=environment(extra), cwd=folder, check=False, errors="replace")
    except FileNotFoundError as error:
        raise OperationFailed(f"The program {argv[0]} is not on this machine.",
                              "Install it, or run `opsctl lab up` as root, which installs what it needs.") from error
    except subprocess.TimeoutExpired as error:
        raise OperationFailed(f"{_short(argv)} did not end within {timeout:.0f} seconds.",
                              "Look at the machine's load, then run the command again.") from error
    if done.returncode != 0:
        lines = tuple((done.stdout + "\n" + done.stderr).strip().splitlines()[-15:])
        raise OperationFailed(f"{_short(argv)} ended with code {done.returncode}.",
                              "The last lines of its output are below.", lines)
    return done.stdout


def succeeds(argv: Sequence[str], *, timeout: float = 30) -> bool:
    """Whether `argv` ends with code 0; its output is thrown away."""
    return subprocess.run(list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=timeout, env=environment(), check=False).returncode == 0


def _short(argv: Sequence[str]) -> str:
    words = [word for word in argv if word not in OWN_TREE]
    return "`" + " ".join(words[:6]) + (" ..." if len(words) > 6 else "") + "`"
