"""How READY stands at a customer by the ledger: what is installed, and whether an installation was broken off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.ledger import Entry
    from opsctl.profiles.model import Profile
    from opsctl.releases.version import Version
    from opsctl.runs.workplace import Workplace

# Profiles and versions bring pydantic; `opsctl status` reads the names of entries alone.

STARTED = "release.started"
INSTALLED = "release.installed"
REFUSED = "release.refused"
TAKEN_BACK = "release.taken_back"
STUCK = "release.stuck"
KINDS = frozenset({STARTED, INSTALLED, REFUSED, TAKEN_BACK, STUCK})


@dataclass(frozen=True)
class Standing:
    """installed: READY's version by the newest proof, "" when the ledger has none.

    open: the start of an installation that neither ended well nor was taken back; then READY may be stopped.
    """

    installed: str = ""
    open: Entry | None = None

    @property
    def open_payload(self) -> Mapping[str, Any]:
        """What the start said; ValueError when nothing is open."""
        if self.open is None:
            raise ValueError("no installation is open")
        return self.open.payload


def standing(entries: Iterable[Entry]) -> Standing:
    """From the entries of KINDS, oldest first."""
    installed, started = "", None
    for entry in entries:
        if entry.kind == STARTED:
            started = entry
        elif entry.kind != STUCK:
            started = None
        if entry.kind == INSTALLED:
            installed = str(entry.payload["to"])
        elif entry.kind == TAKEN_BACK:
            installed = str(entry.payload["version"])
    return Standing(installed, started)


def stand(workplace: Workplace, customer: str, until: datetime | None = None) -> Standing:
    """The same for a customer, from the ledger; until: as of that instant."""
    return standing(workplace.ledger.entries(customer, kinds=KINDS, until=until))


def known_version(workplace: Workplace, profile: Profile, until: datetime | None = None) -> Version | None:
    """READY's version by the ledger's newest proof, otherwise by the profile; None when neither knows.

    A customer that hosts itself also installs by itself: there the newer of the two is right.
    """
    return _known(profile, stand(workplace, profile.customer, until).installed)


def as_installed(workplace: Workplace, profile: Profile) -> Profile:
    """The profile with the version of READY that is known, also when nobody has written it down there yet."""
    return with_proven(profile, stand(workplace, profile.customer).installed)


def with_proven(profile: Profile, proven: str) -> Profile:
    """The same. proven: READY's version by the ledger's newest proof, "" when it has none."""
    version = _known(profile, proven)
    if version is None or str(version) == profile.ready.version:
        return profile
    return profile.model_copy(update={"ready": profile.ready.model_copy(update={"version": str(version)})})


def _known(profile: Profile, proven: str) -> Version | None:
    from opsctl.releases.version import Version

    told = Version.parse(profile.ready.version) if profile.ready.version else None
    if not proven:
        return told
    found = Version.parse(proven)
    return max(found, told) if told is not None and profile.hosting == "customer" else found
