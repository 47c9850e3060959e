"""The release files for a command that works long: read once, and again when one of them has changed."""

from __future__ import annotations

from pathlib import Path

from opsctl.releases.catalogue import Catalogue, load


class FreshReleases:
    """The catalogue of the moment in which it is asked for. folder: as `load` takes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[object, Catalogue] | None = None

    def __call__(self) -> Catalogue:
        """ConfigurationError as `load` raises it, also when the files were sound before."""
        # Stamped before it is read: what changes in between is read the next time.
        stamp = self._stamp()
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, load(self._folder))
        return self._read[1]

    def _stamp(self) -> object:
        found = []
        for path in sorted(self._folder.rglob("*.yml")):
            try:
                status = path.stat()
            except OSError:
                found.append((path, 0, 0, 0))
            else:
                found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
        return found
