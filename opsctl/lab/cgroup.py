"""One control group per guest: keeps the guests' systemds apart, freezes a guest, and ends all of it at once."""

from __future__ import annotations

import contextlib
from pathlib import Path

from opsctl.lab.process import wait_until

_ROOT = Path("/sys/fs/cgroup")
_FOLDER = "opsctl-lab"


def hierarchies() -> tuple[Path, ...]:
    """The hierarchies in which systemd keeps track of processes: one, or two where version 1 and 2 are mixed."""
    if (_ROOT / "cgroup.controllers").exists():
        return (_ROOT,)
    return tuple(path for path in (_ROOT / "systemd", _ROOT / "unified") if path.is_dir())


def make(name: str) -> tuple[Path, ...]:
    """Create the guest's control groups; returns the files a process writes its id to, to join them."""
    joined = []
    for hierarchy in hierarchies():
        group = hierarchy / _FOLDER / name
        group.mkdir(parents=True, exist_ok=True)
        joined.append(group / "cgroup.procs")
    return tuple(joined)


def freeze(name: str, on: bool) -> None:
    """Stop or continue every process of the guest."""
    for group in _groups(name):
        payload = group / "payload"
        switch = (payload if payload.is_dir() else group) / "cgroup.freeze"
        if switch.exists():
            switch.write_text("1" if on else "0", encoding="utf-8")


def frozen(name: str) -> bool:
    """Whether the guest is frozen."""
    switches = [group / "payload" / "cgroup.freeze" for group in _groups(name)]
    return any(switch.exists() and switch.read_text(encoding="utf-8").strip() == "1" for switch in switches)


def kill(name: str) -> None:
    """End every process of the guest at once, like pulling its plug."""
    freeze(name, on=False)
    for group in _groups(name):
        switch = group / "cgroup.kill"
        if switch.exists():
            switch.write_text("1", encoding="utf-8")
    wait_until(lambda: not populated(name), 5)


def populated(name: str) -> bool:
    """Whether the guest has processes."""
    for group in _groups(name):
        events = group / "cgroup.events"
        if events.exists() and "populated 1" in events.read_text(encoding="utf-8"):
            return True
    return False


def leader(name: str) -> int | None:
    """The process id of the guest's systemd, as the machine sees it; None when it does not run."""
    for group in _groups(name):
        listed = group / "payload" / "init.scope" / "cgroup.procs"
        if listed.exists() and (found := listed.read_text(encoding="utf-8").split()):
            return int(found[0])
    return None


def remove(name: str) -> None:
    """Remove the guest's control groups, and the lab's when they were the last."""
    for group in _groups(name):
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()


def remove_all() -> None:
    """Remove the lab's own control groups once no guest has any."""
    for hierarchy in hierarchies():
        with contextlib.suppress(OSError):
            (hierarchy / _FOLDER).rmdir()


def _groups(name: str) -> list[Path]:
    return [group for hierarchy in hierarchies() if (group := hierarchy / _FOLDER / name).is_dir()]
