"""The key that an SSH server shows, compared with known_hosts, without logging in."""

from __future__ import annotations

import socket
from pathlib import Path

import paramiko
from paramiko.hostkeys import InvalidHostKey


def host_key(address: str, port: int, known_hosts: Path | None, seconds: float) -> tuple[str, dict[str, str]]:
    """The key that an SSH server shows, without logging in: what is wrong with it ("" when known), and its facts.

    known_hosts: None when the key is not to be compared; one that cannot be read says nothing of the server.
    """
    name = address if port == 22 else f"[{address}]:{port}"
    keys = paramiko.HostKeys()
    try:
        if known_hosts is not None:
            keys.load(str(known_hosts))
    except (OSError, UnicodeDecodeError, InvalidHostKey) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "a line of it holds no host key"
        return f"not probed: {known_hosts}: {why}", {}
    try:
        link = socket.create_connection((address, port), seconds)
    except OSError as error:
        return f"no SSH: {error.strerror or error}", {}
    transport = paramiko.Transport(link)
    try:
        known = keys.lookup(name)
        if known:
            # Ask for a key of a kind that is known: a server that has several shows the one asked for.
            transport.get_security_options().key_types = tuple(known.keys())
        transport.start_client(timeout=seconds)
        key = transport.get_remote_server_key()
    except (OSError, EOFError, ValueError, paramiko.SSHException) as error:
        return f"no SSH: {' '.join(str(error).split())[:160]}", {}
    finally:
        transport.close()
    facts = {"host_key": f"{key.get_name()} {key.fingerprint}", "ssh": transport.remote_version[:80]}
    if known_hosts is None:
        return "", facts
    if not known:
        return "its host key is not in known_hosts", facts
    return ("" if keys.check(name, key) else "its host key is not the one in known_hosts"), facts
