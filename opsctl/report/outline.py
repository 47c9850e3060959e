"""What a status needs of a profile: values of the standard library, kept in a cache beside the profiles' summaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.contract.services import Hosting
from opsctl.contract.terms import hosting_since
from opsctl.core.errors import OpsctlError
from opsctl.profiles.index import remembered

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile


@dataclass(frozen=True)
class Outline:
    """One customer. terms: the hostings, newest first, with the day each began. watched: delivered components.

    agreements: by the day from which each counts, newest first, its first and last day; of none the last lies before
    the first. key: that of the profile's file, empty where it comes from no file.
    """

    customer: str
    name: str
    zone: str
    hosting_from: date
    terms: tuple[tuple[date, Hosting], ...]
    ready: str
    databases: frozenset[str]
    watched: int
    hosted: bool
    rehearse_days: int = 0
    second_store: bool = False
    sample: bool = False
    agreements: tuple[tuple[date, date, date], ...] = ()
    key: str = ""

    def hosting_since(self, day: date) -> date:
        """Since when it is hosted as on that local day; date.min when it never was otherwise."""
        return hosting_since(self.terms, day)

    def hosting(self, day: date) -> Hosting:
        """Who hosts on a local day; before the oldest known contract the oldest one counts."""
        return next((hosting for begins, hosting in self.terms if day >= begins), self.terms[-1][1])

    def agreed(self, day: date) -> bool:
        """Is the Software Maintenance Agreement valid on a local day (P05)?"""
        return next((first <= day <= last for begins, first, last in self.agreements if day >= begins), False)


def outline_of(profile: Profile) -> Outline:
    """Of a loaded profile."""
    return _outline(facts_of(profile))


def facts_of(profile: Profile) -> dict[str, Any]:
    """JSON-serialisable."""
    from opsctl.network.decisions import watched
    from opsctl.profiles.model import KamstrupProfile

    hosted = isinstance(profile, KamstrupProfile)
    backup = profile.backup if isinstance(profile, KamstrupProfile) else None
    return {"customer": profile.customer, "name": profile.name, "zone": profile.zone,
            "hosting_from": profile.hosting_from.isoformat(),
            "terms": [[profile.hosting_from.isoformat(), profile.hosting],
                      *([terms.effective_from.isoformat(), terms.hosting.value] for terms in profile.earlier)],
            "agreements": _agreements(profile),
            "ready": profile.ready.version or "", "hosted": hosted, "sample": profile.sample,
            "rehearse_days": backup.rehearse_days if backup else 0,
            "second_store": backup is not None and backup.second_store is not None,
            "databases": [one.name for one in profile.databases] if isinstance(profile, KamstrupProfile) else [],
            "watched": len(watched(profile.components)[0]) if isinstance(profile, KamstrupProfile) else 0}


def _agreements(profile: Profile) -> list[list[str]]:
    found = ((profile.hosting_from, profile.agreement),
             *((terms.effective_from, terms.agreement) for terms in profile.earlier))
    spans = ((begins, one.valid_from, one.valid_to) if one else (begins, date.max, date.min) for begins, one in found)
    return [[day.isoformat() for day in span] for span in spans]


def outlines(inventories: Path) -> tuple[tuple[Outline, ...], Mapping[str, OpsctlError]]:
    """All sound profiles by name, and the errors of the others. A file that did not change is not read again."""
    found, errors = remembered(inventories, "outlines", facts_of, tuple(Outline.__dataclass_fields__)[:-1])
    return tuple(_outline(facts, key) for key, facts in found), errors


def _outline(facts: Mapping[str, Any], key: str = "") -> Outline:
    terms = tuple((date.fromisoformat(day), Hosting(hosting)) for day, hosting in facts["terms"])
    agreements = tuple(tuple(map(date.fromisoformat, days)) for days in facts["agreements"])
    return Outline(**{**facts, "hosting_from": date.fromisoformat(facts["hosting_from"]), "terms": terms,
                      "agreements": agreements, "databases": frozenset(facts["databases"]), "key": key})


