"""The key that an SSH server shows, compared with known_hosts, without logging in."""

from __future__ import annotations

import socket
from pathlib import Path

import paramiko
from paramiko.hostkeys import InvalidHostKey


def host_key(address: str, port: int, known_hosts: Path | None, seconds: float) -> tuple[str, dict[str, str]]:
    """The key that an SSH server shows, without logging in: what is wrong with it ("" when known), and its facts.

    known_hosts: None when the key is not to be compared.
    """
    name = address if port == 22 else f"[{address}]:{port}"
    try:
        link = socket.create_connection((address, port), seconds)
    except OSError as error:
        return f"no SSH: {error.strerror or error}", {}
    transport = paramiko.Transport(link)
    try:
        keys = paramiko.HostKeys(str(known_hosts)) if known_hosts and known_hosts.is_file() else paramiko.HostKeys()
        known = keys.lookup(name)
        if known:
            # Ask for a key of a kind that is known: a server that has several shows the one asked for.
            transport.get_security_options().key_types = tuple(known.keys())
        transport.start_client(timeout=seconds)
        key = transport.get_remote_server_key()
    except (OSError, EOFError, ValueError, paramiko.SSHException, InvalidHostKey) as error:
        return f"no SSH: {' '.join(str(error).split())[:160]}", {}
    finally:
        transport.close()
    facts = {"host_key": f"{key.get_name()} {key.fingerprint}", "ssh": transport.remote_version[:80]}
    if known_hosts is None:
        return "", facts
    if not known:
        return "its host key is not in known_hosts", facts
    return ("" if keys.check(name, key) else "its host key is not the one in known_hosts"), facts
