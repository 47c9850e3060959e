"""The lab's bridge and the guests' links."""

from __future__ import annotations

import json
import socket

from opsctl.core.errors import OperationFailed
from opsctl.lab.command import run, succeeds
from opsctl.lab.definition import BRIDGE, GATEWAY, NETWORK_PREFIX


def bridge_is_up() -> bool:
    """Whether the bridge exists, is up and has the lab's address.

    Ask before connecting to a lab address: without the bridge the packets would leave by the default route.
    """
    if not succeeds(["ip", "link", "show", "dev", BRIDGE]):
        return False
    described = json.loads(run(["ip", "-json", "address", "show", "dev", BRIDGE]))[0]
    return "UP" in described["flags"] and any(entry["local"] == GATEWAY for entry in described["addr_info"])


def require_bridge() -> None:
    """OperationFailed unless the bridge is up."""
    if not bridge_is_up():
        raise OperationFailed(f"The lab's network {BRIDGE} is not up on this machine.", "Run `opsctl lab up`.")


def raise_bridge() -> None:
    """Create the bridge, or repair the one that is there."""
    if bridge_is_up():
        return
    if not succeeds(["ip", "link", "show", "dev", BRIDGE]):
        run(["ip", "link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0"])
    run(["ip", "address", "replace", f"{GATEWAY}/{NETWORK_PREFIX}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


def remove_bridge() -> None:
    """Remove the bridge when it exists."""
    if succeeds(["ip", "link", "show", "dev", BRIDGE]):
        run(["ip", "link", "delete", BRIDGE])


def attach(link: str) -> None:
    """Connect a guest's link to the bridge and set it up: a bridge that was made anew has lost its links."""
    if link_exists(link):
        run(["ip", "link", "set", link, "master", BRIDGE, "up"])


def link_exists(link: str) -> bool:
    """Whether the machine has a link called `link`."""
    return succeeds(["ip", "link", "show", "dev", link])


def remove_link(link: str) -> None:
    """Remove a guest's link when it exists; nspawn refuses to start over a stale one."""
    if link_exists(link):
        run(["ip", "link", "delete", link])


def listens(address: str, port: int, seconds: float = 0.5) -> bool:
    """Whether something accepts TCP connections at `address`:`port`."""
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return True
    except OSError:
        return False


def speaks_ssh(address: str, seconds: float = 1.0) -> bool:
    """Whether an SSH server greets at `address`: more than an open port, a frozen guest still accepts."""
    try:
        with socket.create_connection((address, 22), timeout=seconds) as connection:
            connection.settimeout(seconds)
            return connection.recv(8).startswith(b"SSH-2.0-")
    except OSError:
        return False
