"""How READY stands at a customer by the ledger: what is installed, and whether an installation was broken off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import local_day

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
FOUND = "release.found"
"""A run that had nothing to install saw the release there, healthy."""
MOVED = "customer.moved"
"""Others host the system since, on their hosts: what was begun on the ones of before is nobody's to take back."""
KINDS = frozenset({STARTED, INSTALLED, REFUSED, TAKEN_BACK, STUCK, FOUND, MOVED})
PROOFS = {INSTALLED: "to", TAKEN_BACK: "version", FOUND: "version"}
"""What proves a version: the kind, and where its payload has it."""
EVIDENCE = frozenset({*PROOFS, REPORTED})
"""What says which version runs."""
NAMES = frozenset({"ready", "ready server"})
"""READY as people name it in what they report."""


@dataclass(frozen=True)
class Standing:
    """installed: READY's version by the newest proof, "" when the ledger has none.

    open: the start of an installation that neither ended well nor was taken back; then READY may be stopped.
    stuck: going back was tried and did not succeed, so people have to act.
    """

    installed: str = ""
    open: Entry | None = None
    stuck: bool = False

    @property
    def open_payload(self) -> Mapping[str, Any]:
        """What the start said; ValueError when nothing is open."""
        if self.open is None:
            raise ValueError("no installation is open")
        return self.open.payload


def standing(entries: Iterable[Entry]) -> Standing:
    """From the entries of KINDS, oldest first."""
    installed, started, stuck = "", None, False
    for entry in entries:
        stuck = entry.kind == STUCK
        if entry.kind == STARTED:
            started = entry
        elif entry.kind != STUCK:
            started = None
        if entry.kind in PROOFS:
            installed = str(entry.payload[PROOFS[entry.kind]])
        elif entry.kind == MOVED:
            installed = ""
    return Standing(installed, started, stuck and started is not None)


def stand(workplace: Workplace, customer: str, until: datetime | None = None) -> Standing:
    """The same for a customer, from the ledger; until: as of that instant."""
    return standing(workplace.ledger.entries(customer, kinds=KINDS, until=until))


def known_version(workplace: Workplace, profile: Profile, until: datetime | None = None) -> Version | None:
    """READY's version by ledger and profile, as `of_both` says; None when neither knows."""
    from opsctl.releases.version import Version

    known = known_by(profile, proven(workplace, profile, until))
    return Version.parse(known) if known else None


def written_version(profile: Profile) -> Version | None:
    """READY's version as people wrote it into the profile; None when they did not."""
    from opsctl.releases.version import Version

    return Version.parse(profile.ready.version) if profile.ready.version else None


def notified_version(workplace: Workplace, profile: Profile) -> Version | None:
    """What the customer's notices go by: READY's version of `as_installed`."""
    return written_version(as_installed(workplace, profile))


def proven(workplace: Workplace, profile: Profile, until: datetime | None = None) -> str:
    """READY's version by what the ledger knows newest, "" when it knows none (see `proven_by`)."""
    day = local_day(until or workplace.clock.now(), profile.zone)
    return proven_for(profile, workplace.ledger.entries(profile.customer, kinds=EVIDENCE, until=until), day)


def proven_for(profile: Profile, entries: Iterable[Entry], day: date) -> str:
    """The same from entries of EVIDENCE, oldest first, as of a local day."""
    from opsctl.profiles.model import hosting_since

    return proven_by(entries, profile.zone, hosting_since(profile, day), reported=profile.hosting == "customer")


def proven_by(entries: Iterable[Entry], zone: str, since: date, *, reported: bool) -> str:
    """The version of the newest of `proofs`, "" without one. Pure."""
    found = list(proofs(entries, zone, since, reported=reported))
    return found[-1][1] if found else ""


def proofs(entries: Iterable[Entry], zone: str, since: date, *, reported: bool) -> Iterator[tuple[Entry, str]]:
    """Each proof among entries of EVIDENCE with its version, in their order, of local days from `since` on: what ran at
    the one who hosted before says nothing of the hosts of today. Pure.

    reported: what the customer said that it installed (`opsctl change add --reported-by-customer`) counts like a proof;
    words that are no version are none.
    """
    for entry in entries:
        if local_day(entry.recorded_at, zone) < since:
            continue
        if entry.kind in PROOFS:
            yield entry, str(entry.payload[PROOFS[entry.kind]])
        elif reported and entry.kind == REPORTED and (version := _reported(entry.payload)):
            yield entry, version


def _reported(payload: Mapping[str, Any]) -> str:
    from opsctl.releases.version import Version

    if str(payload["system"]).casefold().replace("-", " ").strip() not in NAMES:
        return ""
    try:
        return str(Version.parse(str(payload["after"]).split()[-1]))
    except (ValueError, IndexError):
        return ""


def as_installed(workplace: Workplace, profile: Profile, until: datetime | None = None) -> Profile:
    """The profile of a customer that hosts itself with the version of READY that is known, also when nobody has
    written it down there yet. What the profile of one that Kamstrup hosts says, stays: people correct it."""
    if profile.hosting != "customer":
        return profile
    return with_proven(profile, proven(workplace, profile, until))


def with_proven(profile: Profile, proven: str) -> Profile:
    """The same. proven: READY's version by the ledger's newest proof, "" when it has none."""
    version = known_by(profile, proven) if profile.hosting == "customer" else ""
    if version in {"", profile.ready.version}:
        return profile
    return profile.model_copy(update={"ready": profile.ready.model_copy(update={"version": version})})


def known_by(profile: Profile, proven: str) -> str:
    """READY's version by proof and profile; "" when neither knows. proven: as `proven` says."""
    return of_both(profile.ready.version or "", proven, hosted=profile.hosting == "kamstrup")


def of_both(told: str, proven: str, *, hosted: bool) -> str:
    """Of the version that people wrote down and the one that the ledger knows: the ledger's where Kamstrup hosts. A
    customer that hosts itself also installs by itself, and there the newer of the two is right. "" is none."""
    if hosted or not told or not proven or told == proven:
        return proven or told
    from opsctl.releases.version import Version

    return max(told, proven, key=Version.parse)
