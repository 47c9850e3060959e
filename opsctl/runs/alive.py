"""Is the process of a run still there? Only the machine it runs on can say, and only for itself."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

_FILE = "process.json"


def mark(folder: Path) -> None:
    """Write into a run's folder which process works there."""
    with suppress(OSError), os.fdopen(os.open(folder / _FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                                      encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "began": _began(os.getpid()), "place": _place()}, file)


def died_here(folder: Path) -> bool:
    """True when the run's process worked on this machine since it started, and is gone. False when it cannot be known.

    A folder that is shared, another container, or a machine that started anew since: then only its lease tells.
    """
    try:
        said = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return bool(said["place"] == _place() and _began(int(said["pid"])) != said["began"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _place() -> list[str]:
    """This boot of this machine, and the container in it whose processes can be seen."""
    return [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
            str(Path("/proc/self/ns/pid").readlink())]


def _began(pid: int) -> str:
    """When the process began, in ticks since the boot; "" when there is none. A zombie has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
