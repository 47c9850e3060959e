"""Whether a disk has room for what is restored, with a reserve: a server whose disk is full stops."""

from __future__ import annotations

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed

RESERVE_SHARE = 20
"""One part in so many of the disk stays free ..."""
RESERVE_MOST = 20_000_000_000
"""... and at most so many bytes."""


def server_bytes(manifest: Manifest) -> int:
    """What the data took on the host that the backup is of."""
    return int(manifest.facts.get("server_bytes", "0"))


def require_free(host: HostProgram, folder: str, need: int, remedy: str) -> None:
    """OperationFailed when the disk under `folder` would have less than the reserve left after `need` bytes."""
    room = host.run(("df", "--output=avail,size", "-B1", folder))
    if room.code:
        raise OperationFailed(f"{folder} on {host.hello.host} is not there", "create it, or give another directory")
    free, size = (int(word) for word in room.out.split()[-2:])
    reserve = min(size // RESERVE_SHARE, RESERVE_MOST)
    if free < need + reserve:
        raise OperationFailed(f"{folder} on {host.hello.host} has {free / 1e9:.1f} GB free, about {need / 1e9:.1f} GB "
                              f"are needed and {reserve / 1e9:.1f} GB must stay free", remedy)
