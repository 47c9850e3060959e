"""Is a drafted notice still what would be drafted now, for the same contacts? Otherwise its approval is void.

The draft is made again from the profile, the release files and the templates of now and compared by its hash,
which covers content and recipients; then the files on disk are compared with it byte by byte.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from opsctl.core.errors import ApprovalMissing, ConfigurationError
from opsctl.notices import brand as brands
from opsctl.notices import drafting, layers, shelf
from opsctl.notices.facts import changed
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.notices.planning import recipients
from opsctl.notices.refinding import refound
from opsctl.notices.register import Revision
from opsctl.profiles.model import Profile
from opsctl.profiles.parts import ContactRole
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace

_TOLD = frozenset({ContactRole.NOTICES, ContactRole.SECURITY})


@dataclass(frozen=True)
class Standing:
    """A draft that holds: its facts, and per contact its reference in the ledger and the drafted mail."""

    facts: Facts
    recipients: tuple[Recipient, ...]
    brand: brands.Brand
    files: drafting.Files
    folder: Path

    def mail(self, index: int) -> bytes:
        """The drafted mail of the recipient at `index`."""
        return self.files.content["message.eml" if index == 0 else f"message-{index + 1}.eml"]


def require_standing(workplace: Workplace, profile: Profile, catalogue: Catalogue, draft: Revision) -> Standing:
    """The draft, when nothing has changed since; ApprovalMissing (exit 6) naming what has."""
    again = f"run `opsctl notice draft {profile.customer}`, read the new draft and have it approved"
    facts = refound(workplace, profile, catalogue, draft, again)
    own = layers.of(workplace.settings, profile.customer)
    told, brand = recipients(profile, facts), brands.load(own)
    drafting.refuse_samples(profile, facts, brand)
    edition = Edition(draft.number, draft.dated.astimezone(UTC), draft.changed)
    files = drafting.files(facts, told, edition, brand, own)
    if files.sha256 != draft.sha256:
        names = changed(draft.parts, drafting.fingerprints(facts, told, own)) or ("contacts",)
        raise ApprovalMissing(f"{profile.customer}: changed since {draft.notice} revision {draft.number} was drafted: "
                              f"{', '.join(names)}", again)
    folder = shelf.place(workplace.drafts, profile.customer, draft.notice, draft.number)
    found = shelf.look(folder, files.content)
    if found is not shelf.Found.INTACT:
        what = "is not there" if found is shelf.Found.MISSING else "has been altered"
        raise ApprovalMissing(f"{profile.customer}: the draft in {folder} {what}", again)
    _require_same_contacts(workplace, draft, told, again)
    return Standing(facts, told, brand, files, folder)


def _require_same_contacts(workplace: Workplace, draft: Revision, told: Sequence[Recipient], again: str) -> None:
    """The ledger's contacts are the profile's: a delivery is recorded under the reference of who got it."""
    recorded = [workplace.ledger.personal(reference) for reference in draft.contacts]
    if recorded != [f"{recipient.name} <{recipient.address}>" for recipient in told]:
        raise ApprovalMissing("the contacts are not those that the ledger recorded with the draft, or one was erased",
                              again)


def require_domains(profile: Profile, roles: Collection[ContactRole] = _TOLD) -> None:
    """ConfigurationError when a contact with one of `roles` has an address outside `domains` that nobody confirmed."""
    domains = tuple(domain.casefold() for domain in profile.domains)
    strange = [index for index, contact in enumerate(profile.contacts) if set(roles).intersection(contact.roles)
               and not contact.confirmed and not _within(contact.email, domains)]
    if strange:
        places = ", ".join(f"contacts[{index}]" for index in strange)
        raise ConfigurationError(f"{profile.customer}: {places}: the address lies outside the customer's `domains`",
                                 "correct it, add the domain, or ask the customer and set `confirmed: true` there")


def _within(address: str, domains: Sequence[str]) -> bool:
    host = address.rpartition("@")[2].casefold()
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
