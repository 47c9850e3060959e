"""Signatures by SSH keys: `ssh-keygen -Y sign` and `-Y verify` against the operator's allowed signers.

The key never enters this process: ssh-keygen asks for its passphrase on the terminal, or an agent holds it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from opsctl.core.errors import ApprovalMissing, ConfigurationError, OperationFailed
from opsctl.core.text import printable

_SIGN_SECONDS = 180
"""Time for a person to type a passphrase or touch a key."""
_VERIFY_SECONDS = 20
_PATTERN = frozenset("*?!")


def sign(statement: bytes, key: Path, namespace: str) -> str:
    """The armoured signature over `statement`; key: a private key, or a public one whose private half an agent has.

    ConfigurationError when the key cannot be used.
    """
    done = _keygen("-Y", "sign", "-n", namespace, "-f", str(key), content=statement, seconds=_SIGN_SECONDS)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigurationError(f"{key} cannot sign: {printable(lines[-1]) if lines else 'ssh-keygen failed'}",
                                 "name your private key (mode 0600), or a public key that your agent holds")
    return done.stdout.decode("ascii")


def signers(statement: bytes, signature: str, allowed: Path, namespace: str, folder: Path) -> tuple[str, ...]:
    """The names by which `allowed` knows the key that signed `statement`, at least one.

    folder: private, for the signature's file. ApprovalMissing when the signature is not over `statement`, not for
    `namespace`, or its key is not allowed now; ConfigurationError when `allowed` cannot be read.
    """
    require_readable(allowed)
    place = folder / "signature"
    place.write_text(signature, encoding="ascii")
    files = ("-s", str(place), "-f", str(allowed))
    found = _keygen("-Y", "find-principals", *files)
    text = found.stdout.decode(errors="replace") if found.returncode == 0 else ""
    names = [name for line in text.splitlines() for name in line.split(",") if name.strip()]
    if any(_PATTERN & set(name) for name in names):
        raise ConfigurationError(f"{allowed} allows the key that signed by a pattern, so it names nobody",
                                 "name each person in a line of their own, without * ? !")
    sound = tuple(name for name in names
                  if _keygen("-Y", "verify", *files, "-I", name, "-n", namespace, content=statement).returncode == 0)
    if not sound:
        raise ApprovalMissing(f"the signature does not hold: it is over something else, or its key is not in {allowed} "
                              f"for {namespace}", "let somebody approve whose key is listed there")
    return sound


def fingerprint(key: Path) -> str:
    """The key's fingerprint and comment; ConfigurationError when it cannot be read. No passphrase is asked for."""
    done = _keygen("-l", "-f", str(key))
    if done.returncode != 0:
        raise ConfigurationError(f"{key} is no key that ssh-keygen can read",
                                 "name your private key (mode 0600), or a public key that your agent holds")
    return printable(done.stdout.decode(errors="replace").strip())


def require_readable(allowed: Path) -> None:
    """ConfigurationError when the allowed signers cannot be read."""
    try:
        allowed.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the allowed signers {allowed} cannot be read: {error.strerror}",
                                 "name the file in opsctl.yml under `approvals.allowed_signers`") from None


def _keygen(*arguments: str, content: bytes = b"", seconds: int = _VERIFY_SECONDS
            ) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "LC_ALL": "C"}
    if "SSH_AUTH_SOCK" in os.environ:
        environment["SSH_AUTH_SOCK"] = os.environ["SSH_AUTH_SOCK"]
    argv: Sequence[str] = ("ssh-keygen", *arguments)
    try:
        return subprocess.run(argv, input=content, capture_output=True, timeout=seconds, check=False, env=environment)
    except FileNotFoundError:
        raise ConfigurationError("ssh-keygen is not installed", "install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise OperationFailed(f"ssh-keygen did not end within {seconds} seconds",
                              "unlock the key first, for example with ssh-add") from None
