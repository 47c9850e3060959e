"""Which release this is and where it keeps its configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/etc/ready")
RELEASE_FILE = Path("/usr/lib/ready/release.json")


@dataclass(frozen=True)
class Release:
    """A release and the schema version it works with."""

    version: str
    schema: int


def load_release() -> Release:
    """The release that is installed."""
    content = json.loads(RELEASE_FILE.read_text(encoding="utf-8"))
    return Release(str(content["version"]), int(content["schema"]))


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
