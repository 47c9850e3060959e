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
REPORTED = "change.reported"
"""What a customer says that it changed itself."""
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
    return _known(profile, proven(workplace, profile, until))


def written_version(profile: Profile) -> Version | None:
    """READY's version as people wrote it into the profile; None when they did not."""
    from opsctl.releases.version import Version

    return Version.parse(profile.ready.version) if profile.ready.version else None


def notified_version(workplace: Workplace, profile: Profile) -> Version | None:
    """What the customer's notices go by: READY's version of `as_installed`."""
    return written_version(as_installed(workplace, profile))


def proven(workplace: Workplace, profile: Profile, until: datetime | None = None) -> str:
    """READY's version by the ledger's newest proof, "" without one; and where the customer hosts, without one that is
    newer than what the customer reported since (`opsctl change add --reported-by-customer`)."""
    if profile.hosting == "kamstrup":
        return stand(workplace, profile.customer, until).installed
    entries = list(workplace.ledger.entries(profile.customer, kinds={*KINDS, REPORTED}, until=until))
    reported = [number for number, entry in enumerate(entries)
                if entry.kind == REPORTED and str(entry.payload["system"]).casefold() == "ready"]
    return standing(entries[reported[-1] + 1:] if reported else entries).installed


def as_installed(workplace: Workplace, profile: Profile, until: datetime | None = None) -> Profile:
    """The profile of a customer that hosts itself with the version of READY that is known, also when nobody has
    written it down there yet. What the profile of one that Kamstrup hosts says, stays: people correct it."""
    if profile.hosting != "customer":
        return profile
    return with_proven(profile, proven(workplace, profile, until))


def with_proven(profile: Profile, proven: str) -> Profile:
    """The same. proven: READY's version by the ledger's newest proof, "" when it has none."""
    version = _known(profile, proven) if profile.hosting == "customer" else None
    if version is None or str(version) == profile.ready.version:
        return profile
    return profile.model_copy(update={"ready": profile.ready.model_copy(update={"version": str(version)})})


def _known(profile: Profile, proven: str) -> Version | None:
    from opsctl.releases.version import Version

    told = written_version(profile)
    if not proven:
        return told
    found = Version.parse(proven)
    return max(found, told) if told is not None and profile.hosting == "customer" else found
