"""Where templates, words and colours of a customer's notices come from: its own files first, then everybody's.

A customer's own lie in `inventories/CUSTOMER/notices/`, laid out as `templates/notices/`; what is not there is taken
from there. Words may be overridden one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.errors import ConfigurationError
from opsctl.profiles.settings import Settings

LANGUAGES = "languages"


@dataclass(frozen=True)
class Layers:
    """base: templates/notices. own: the customer's folder; None when it has none."""

    base: Path
    own: Path | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Those there are, the customer's first."""
        return (self.own, self.base) if self.own is not None else (self.base,)

    def file(self, name: str) -> tuple[Path, Path]:
        """The folder and the file `name` in the first layer that has it; the base's where none has."""
        found = next((folder for folder in self.folders if (folder / name).is_file()), self.base)
        return found, found / name

    def fingerprint(self, names: tuple[str, ...]) -> dict[str, str]:
        """SHA-256 of each of the files `names`, in each layer that has it; ConfigurationError when none has one."""
        found = dict(self._hashes(names))
        for name in names:
            if not any(key.endswith(f":{name}") for key in found):
                raise ConfigurationError(f"{self.base / name} cannot be read", "name the folder in opsctl.yml under "
                                         "`templates`, or run opsctl where it is")
        return found

    def _hashes(self, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for folder in self.folders:
            for name in names:
                path = folder / name
                if path.is_file():
                    layer = "base" if folder == self.base else "own"
                    yield f"{layer}:{name}", hashlib.sha256(path.read_bytes()).hexdigest()


def of(settings: Settings, customer: str) -> Layers:
    """The layers of one customer."""
    own = settings.inventories / customer / "notices"
    return Layers(settings.templates / "notices", own if own.is_dir() else None)
