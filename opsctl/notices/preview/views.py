"""What the preview's pages show, gathered from the ledger and the shelf. Nothing here knows HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from opsctl.core.errors import OpsctlError
from opsctl.notices import archive
from opsctl.notices.approval import known, needs_another
from opsctl.notices.archive import Shelved
from opsctl.notices.difference import Difference, difference
from opsctl.notices.drafting import SUMMARY
from opsctl.notices.outbox import current
from opsctl.notices.planning import beside_a_major
from opsctl.notices.register import Revision
from opsctl.notices.standing import require_domains, require_standing
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import load
from opsctl.runs.installed import notified_version
from opsctl.runs.workplace import Workplace

WAITING = "prepared"


@dataclass(frozen=True)
class Card:
    """One notice in the list. overtaken: a newer release, or the customer, has made it pointless."""

    customer: str
    name: str
    notice: str
    revision: int
    state: str
    contacts: int
    overtaken: bool

    @property
    def link(self) -> str:
        """Its page, relative to the site's root."""
        return f"draft/{quote(self.customer)}/{quote(self.notice)}"

    @property
    def waiting(self) -> bool:
        """Somebody has to read and approve it."""
        return self.state == WAITING and not self.overtaken


@dataclass(frozen=True)
class Person:
    """A recipient. state: of the delivery. stem: of the message's files."""

    number: int
    name: str
    address: str
    language: str
    subject: str
    state: str
    stem: str


@dataclass(frozen=True)
class Statement:
    """What an approval signs, and with which key. hindrance: why it cannot be approved here and now, what to do."""

    sha256: str
    files: Mapping[str, str]
    key: str
    another: bool
    hindrance: tuple[str, str] | None


@dataclass(frozen=True)
class DraftPage:
    """One draft, as one of its recipients gets it. attached: what goes with the message, by file name."""

    card: Card
    drafted: str
    approved: str
    people: tuple[Person, ...]
    person: Person
    text: str
    attached: Mapping[str, str]
    earlier: int | None
    difference: Difference | None
    statement: Statement


def cards(workplace: Workplace, profiles: Iterable[Profile]) -> tuple[Card, ...]:
    """The newest revision of each notice, by customer."""
    found: list[Card] = []
    for profile in profiles:
        drafts = known(workplace, profile.customer)
        newest = {draft.notice: draft for draft in drafts}
        alive = {draft.notice for draft in _standing(workplace, profile, drafts)}
        found += [_card(profile, draft, draft.notice not in alive and not draft.attempts) for draft in newest.values()]
    return tuple(found)


def page(workplace: Workplace, profile: Profile, notice: str, number: int, key: tuple[Path, str] | None) -> DraftPage:
    """The newest revision of `notice` for the recipient `number`, from 1.

    key: the operator's and its fingerprint; None when none was given. OpsctlError when the draft cannot be shown.
    """
    drafts = known(workplace, profile.customer)
    draft = archive.revision(drafts, profile.customer, notice, None)
    shelved = archive.read(workplace, profile.customer, draft)
    overtaken = not draft.attempts and draft not in _standing(workplace, profile, drafts)
    people = _people(shelved)
    person = people[min(max(number, 1), len(people)) - 1]
    earlier, changed = _since(workplace, profile, drafts, shelved)
    approval = f"by {draft.approval.signer}, {_when(draft.approval.at)}" if draft.approval else ""
    drafted = f"by {draft.drafter}, {_when(draft.drafted_at)}"
    text = shelved.files[f"{person.stem}.txt"].decode()
    return DraftPage(_card(profile, draft, overtaken), drafted, approval, people, person, text,
                     _attached(shelved, person), earlier, changed, _statement(workplace, profile, shelved, key))


def message(workplace: Workplace, profile: Profile, notice: str, number: int) -> bytes:
    """The HTML part of a message as it was drafted."""
    draft = archive.revision(known(workplace, profile.customer), profile.customer, notice, None)
    shelved = archive.read(workplace, profile.customer, draft)
    people = _people(shelved)
    return shelved.files[f"{people[min(max(number, 1), len(people)) - 1].stem}.html"]


def _standing(workplace: Workplace, profile: Profile, drafts: Sequence[Revision]) -> tuple[Revision, ...]:
    now = workplace.clock.now()
    return current(drafts, notified_version(workplace, profile), now, beside_a_major(profile, now))


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _card(profile: Profile, draft: Revision, overtaken: bool) -> Card:
    return Card(profile.customer, profile.name, draft.notice, draft.number, draft.state, len(draft.contacts), overtaken)


def _people(shelved: Shelved) -> tuple[Person, ...]:
    found = []
    for number, entry in enumerate(shelved.summary["recipients"], start=1):
        contact = shelved.draft.contacts[number - 1]
        attempt = shelved.draft.attempts.get(contact)
        stem = next(name for name in entry["files"] if name.endswith(".txt")).removesuffix(".txt")
        found.append(Person(number, entry["name"], entry["address"], entry["language"], entry["subject"],
                            attempt.kind.removeprefix("notice.") if attempt else "not sent", stem))
    return tuple(found)


def _attached(shelved: Shelved, person: Person) -> dict[str, str]:
    """The calendar entry of this message and the security file of all; both are text."""
    return {name: content.decode() for name, content in shelved.files.items()
            if name == f"{person.stem}.ics" or (name.endswith(".json") and name != SUMMARY)}


def _since(workplace: Workplace, profile: Profile, drafts: Sequence[Revision], shelved: Shelved
           ) -> tuple[int | None, Difference | None]:
    """The revision before, and what differs from it; without the difference when its files are not there any more."""
    before = archive.previous(drafts, shelved.draft)
    if before is None:
        return None, None
    try:
        return before.number, difference(archive.read(workplace, profile.customer, before).issued, shelved.issued)
    except OpsctlError:
        return before.number, None


def _statement(workplace: Workplace, profile: Profile, shelved: Shelved, key: tuple[Path, str] | None) -> Statement:
    files = {name: hashlib.sha256(content).hexdigest() for name, content in shelved.files.items()}
    another, hindrance = False, None
    try:
        require_domains(profile)
        releases = load(workplace.settings.releases)
        standing = require_standing(workplace, profile, releases, shelved.draft)
        another = needs_another(standing.facts, workplace.settings.policy.notices)
    except OpsctlError as error:
        hindrance = (error.message, error.resolution)
    return Statement(shelved.draft.sha256, files, f"{key[0]}, {key[1]}" if key else "", another, hindrance)
