"""The profiles of a preview: read once, and again when their file changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsctl.core.errors import OpsctlError
from opsctl.profiles.loader import customer_names, load_profile
from opsctl.profiles.model import Profile
from opsctl.profiles.places import PROFILE


class Profiles:
    """What is corrected while the preview runs shows on the next page; what is broken is left out until it is mended.

    customers: by name; all that there are when empty.
    """

    def __init__(self, inventories: Path, customers: Sequence[str]) -> None:
        self._inventories = inventories
        self._customers = tuple(customers)
        self._read: dict[str, tuple[tuple[int, int], Profile | None]] = {}

    def __call__(self) -> tuple[Profile, ...]:
        """The sound profiles, in the order of their names."""
        return tuple(profile for name in self._names() if (profile := self._fresh(name)) is not None)

    def one(self, customer: str) -> Profile | None:
        """One customer's profile; None when it is broken, gone, or not part of the preview."""
        return self._fresh(customer) if customer in self._names() else None

    def _names(self) -> Sequence[str]:
        return self._customers or customer_names(self._inventories)

    def _fresh(self, customer: str) -> Profile | None:
        try:
            status = (self._inventories / customer / PROFILE).stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._read.get(customer)
        if known is None or known[0] != stamp:
            known = self._read[customer] = (stamp, self._load(customer))
        return known[1]

    def _load(self, customer: str) -> Profile | None:
        try:
            return load_profile(self._inventories, customer)
        except OpsctlError:
            return None
