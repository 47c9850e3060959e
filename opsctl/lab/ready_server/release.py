"""Which release this is and where it keeps its configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/etc/ready")
RELEASE_FILE = Path("/usr/lib/ready/release.json")


@dataclass(frozen=True)
class Release:
    """A release, the schema version it works with, and the modules it brings."""

    version: str
    schema: int
    modules: tuple[str, ...]


def load_release() -> Release:
    """The release that is installed."""
    content = json.loads(RELEASE_FILE.read_text(encoding="utf-8"))
    return Release(str(content["version"]), int(content["schema"]), tuple(content["modules"]))


@cache
def load_modules() -> tuple[str, ...]:
    """The modules that are switched on, one per line of the file, as they were when the server started."""
    try:
        lines = (CONFIGURATION / "modules").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(line.strip() for line in lines if line.strip())


def load_configuration() -> dict[str, Any]:
    """`{"listen": {"address", "port"}, "database": {"engine", "host", "port", "name", "user"}}`."""
    content: dict[str, Any] = json.loads((CONFIGURATION / "ready.json").read_text(encoding="utf-8"))
    return content


def load_database_password() -> str:
    """The password of the database's owner; the file is readable for READY only."""
    return (CONFIGURATION / "database-password").read_text(encoding="utf-8").strip()


def load_tokens() -> frozenset[str]:
    """The API tokens that are valid now, one per line: while one is being replaced there are two."""
    lines = (CONFIGURATION / "api-token").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip())
