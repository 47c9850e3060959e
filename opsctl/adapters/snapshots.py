"""Snapshots of machines, by the operator's own program: what a hypervisor or a volume manager can do differs by site.

The program is called as `COMMAND take|revert|discard CUSTOMER HOST ADDRESS NAME` and ends with 0 when it is done:
`take` when the snapshot is there, `revert` when the machine was made to start from it, `discard` when it is gone (also
when it never was).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Literal

from opsctl.core.errors import OperationFailed

Action = Literal["take", "revert", "discard"]
_PASSED_ON = ("PATH", "HOME", "LANG")
_LINES = 5


def snapshot(command: Sequence[str], seconds: float, action: Action, customer: str, host: str, address: str,
             name: str) -> None:
    """Have one done; OperationFailed with the program's last lines when it does not end with 0 in time."""
    argv = [*command, action, customer, host, address, name]
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    what = f"{host}: the snapshot program could not {action} {name}"
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise OperationFailed(f"{what}: it did not end within {seconds:.0f} seconds",
                              "look at the machine; raise `snapshots.seconds` in opsctl.yml if it only needs longer") \
            from None
    except OSError as error:
        raise OperationFailed(f"{what}: {error.strerror}", "set `snapshots.command` in opsctl.yml") from None
    if done.returncode:
        lines = tuple((done.stdout + "\n" + done.stderr).strip().splitlines()[-_LINES:])
        raise OperationFailed(f"{what}: it ended with {done.returncode}", "see the lines below", lines)
