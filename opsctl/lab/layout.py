"""Where one host keeps its files on the machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.lab import paths


@dataclass(frozen=True)
class HostFolders:
    """Paths of the host called `name`."""

    name: str

    @property
    def root(self) -> Path:
        return paths.HOSTS / self.name

    @property
    def upper(self) -> Path:
        """The host's own writes, above its base."""
        return self.root / "upper"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def merged(self) -> Path:
        """The host's root file system as it sees it."""
        return self.root / "merged"

    @property
    def data_image(self) -> Path:
        """A small ext4 image, so that a disk can fill up without harm to the machine."""
        return self.root / "data.ext4"

    @property
    def data(self) -> Path:
        """Where the image is mounted; the host sees it as /var/lib/opsctl-scratch."""
        return self.root / "data"

    @property
    def snapshots(self) -> Path:
        """Copies of `upper` by name."""
        return self.root / "snapshots"

    @property
    def mark(self) -> Path:
        """The supervisor's pid file."""
        return self.root / "supervisor.json"

    @property
    def stopping(self) -> Path:
        """There from the moment the host is told to power off until it is started again."""
        return self.root / "stopping"

    @property
    def log(self) -> Path:
        return self.root / "supervisor.log"

    @property
    def console(self) -> Path:
        return self.root / "console.log"

    @property
    def record(self) -> Path:
        """`{"base": ..., "built": ..., "address": ...}`, written when the host is completely made."""
        return self.root / "host.json"

    def recorded(self) -> dict[str, Any] | None:
        """The record; None while the host is not completely made."""
        try:
            content = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None
