"""The verdict on notices of customers that host READY themselves, remembered while nothing it rests on has changed.

It follows from profile, release files, contract and the customer's own entries. Its making reads all of them; so it is
kept under a key of the files, the newest of those entries, and the day until which no contract begins or ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.profiles.index import keep, kept
from opsctl.promises.model import Word
from opsctl.report.status import Verdict

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile

NAME = "notices"


@dataclass
class Memory:
    """What was kept, and what is new. files: the key of the release files, empty where there is none to trust."""

    files: str
    entries: Mapping[str, Any]
    fresh: dict[str, Any]

    @classmethod
    def load(cls, files: str) -> Memory:
        """From the cache."""
        return cls(files, kept(NAME), {})

    def recall(self, customer: str, key: str, last: str, today: date) -> Verdict | None:
        """The verdict on a local day, None where it has to be made."""
        found = self.entries.get(customer)
        if not self.files or not key or not isinstance(found, dict) or found.get("key") != self.key(key, last) \
                or not found.get("since", "9") <= today.isoformat() < found.get("until", ""):
            return None
        self.fresh[customer] = found
        return Verdict(Word(found["word"]), found["detail"])

    def learn(self, customer: str, key: str, days: tuple[date, date], verdict: Verdict) -> Verdict:
        """Keep what was made on the first of `days`, until the second. key: of profile and entries."""
        self.fresh[customer] = {"key": key, "since": days[0].isoformat(), "until": days[1].isoformat(),
                                "word": verdict.word.value, "detail": verdict.detail}
        return verdict

    def store(self) -> None:
        """Keep what is new; one that cannot be written is no error, only slower."""
        if self.files and self.fresh != self.entries:
            keep(NAME, self.fresh)

    def key(self, key: str, last: str) -> str:
        """Of release files, profile and entries together."""
        return f"{self.files}|{key}|{last}"


def changes_after(profile: Profile, today: date, *, recorded: bool) -> date:
    """The first day after `today` on which the contract may be another one.

    recorded: the ledger has records that the contract depends on; then it is looked at each day.
    """
    if recorded:
        return today + timedelta(days=1)
    days = [profile.hosting_from, *(terms.effective_from for terms in profile.earlier)]
    for agreement in (profile.agreement, *(terms.agreement for terms in profile.earlier)):
        if agreement is not None:
            days += [agreement.valid_from, agreement.valid_to + timedelta(days=1)]
    return min((day for day in days if day > today), default=date.max)
