"""Draft the notice of the newest release for a customer that hosts READY itself (P22, P23). Sends nothing.

The ledger's `notice.drafted` is the authority on revisions; the folder holds the files it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import PRODUCT, Service
from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import brand as brands
from opsctl.notices import drafting, shelf
from opsctl.notices.facts import changed
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.notices.planning import NoticePlan, plan, recipients
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

DRAFTED = "notice.drafted"
OPERATION = "notice draft"


@dataclass(frozen=True)
class _Draft:
    """A draft that is about to be judged against what was drafted before."""

    facts: Facts
    recipients: tuple[Recipient, ...]
    brand: brands.Brand
    parts: Mapping[str, str]


def draft(workplace: Workplace, profile: Profile, *, releases: Catalogue) -> Outcome:
    """Draft, or find that it is drafted already, or that there is nothing to tell.

    Raises NotCovered when the contract has no update notice for this customer, Locked when another run of this
    room works for it. Invalid release files, templates or contacts come back as a failed outcome (exit 3).
    """
    try:
        found: NoticePlan | OpsctlError = plan(profile, releases, workplace.clock.now())
    except OpsctlError as error:
        found = error
    # The gate speaks first, also when the release files are wrong.
    service = found.service if isinstance(found, NoticePlan) else Service.SOFTWARE_UPDATE_MINOR
    request = Request(service, Purpose.NEW_VALUE, Delivery.NOTICE)

    def act(run: Run) -> Outcome:
        if isinstance(found, OpsctlError):
            raise found
        return _act(run, profile, found, releases)

    return perform(workplace, profile, request, OPERATION, act)


def _act(run: Run, profile: Profile, found: NoticePlan, releases: Catalogue) -> Outcome:
    if found.facts is None:
        status = Status.WARNING if found.warnings else Status.UNCHANGED
        return Outcome(run.customer, found.service, status, found.reason, warnings=found.warnings)
    templates = run.workplace.settings.templates / "notices"
    told = recipients(profile)
    made = _Draft(found.facts, told, brands.load(templates), drafting.fingerprints(found.facts, told, templates))
    drafting.refuse_samples(profile, made.facts, made.brand)
    missing = tuple(drafting.missing_texts(made.facts, (recipient.language for recipient in told), releases))
    if missing:
        raise ConfigurationError(f"the notice of {PRODUCT} {made.facts.way.target.version} lacks words in a contact's "
                                 "language", "translate the texts named in the release files", missing)
    return _drafted(run, found, made)


def _drafted(run: Run, found: NoticePlan, made: _Draft) -> Outcome:
    before = _before(run, made.facts.notice)
    edition = Edition(1, run.started.replace(microsecond=0))
    if before is not None:
        same = Edition(before["revision"], datetime.fromisoformat(before["drafted_at"]).astimezone(UTC),
                       tuple(before["changed"]))
        again = _files(run, made, same)
        lies = shelf.look(_place(run, made, same), again.content)
        if again.sha256 == before["sha256"] and lies is not shelf.Found.ALTERED:
            if lies is shelf.Found.MISSING:
                shelf.put(_place(run, made, same), again.content)
            return _outcome(run, found, made, same, again, Status.UNCHANGED)
        differ = changed(before["parts"], made.parts)
        otherwise = "again" if again.sha256 == before["sha256"] else "contacts"
        edition = Edition(before["revision"] + 1, edition.date, differ or (otherwise,))
    files = _files(run, made, edition)
    shelf.put(_place(run, made, edition), files.content)
    run.record(DRAFTED, _payload(run, made, edition, files))
    return _outcome(run, found, made, edition, files, Status.DONE)


def _before(run: Run, notice: str) -> Mapping[str, Any] | None:
    """The newest `notice.drafted` of this notice."""
    entries = run.workplace.ledger.entries(run.customer, kinds=(DRAFTED,), newest_first=True)
    return next((entry.payload for entry in entries if entry.payload["notice"] == notice), None)


def _files(run: Run, made: _Draft, edition: Edition) -> drafting.Files:
    templates = run.workplace.settings.templates / "notices"
    return drafting.files(made.facts, made.recipients, edition, made.brand, templates)


def _place(run: Run, made: _Draft, edition: Edition) -> Path:
    return shelf.place(run.workplace.drafts, run.customer, made.facts.notice, edition.revision)


def _payload(run: Run, made: _Draft, edition: Edition, files: drafting.Files) -> dict[str, Any]:
    way = made.facts.way
    return {
        "notice": made.facts.notice, "revision": edition.revision, "release": str(way.target.version),
        "from": str(way.installed) if way.installed else None, "kind": made.facts.kind.value,
        # Names and addresses are personal data: beside the chain, so that they can be erased alone.
        "recipients": _references(run, made.recipients),
        "sha256": files.sha256, "drafted_at": iso(edition.date), "changed": list(edition.changed),
        "parts": dict(made.parts),
    }


def _references(run: Run, told: Sequence[Recipient]) -> list[str]:
    return [run.workplace.ledger.put_personal(run.customer, f"{recipient.name} <{recipient.address}>")
            for recipient in told]


def _outcome(run: Run, found: NoticePlan, made: _Draft, edition: Edition, files: drafting.Files, status: Status
             ) -> Outcome:
    way, number = made.facts.way, len(made.recipients)
    what = f"notice of {PRODUCT} {way.target.version}, revision {edition.revision}"
    contacts = "1 contact" if number == 1 else f"{number} contacts"
    summary = f"{what}, already drafted" if status is Status.UNCHANGED else f"{what}, drafted for {contacts}"
    large = tuple(f"{name} is larger than {drafting.HTML_LIMIT // 1000} kB; some mail readers cut it"
                  for name in files.large)
    return Outcome(run.customer, found.service, status, summary, warnings=(*found.warnings, *large), data={
        "notice": made.facts.notice, "revision": edition.revision, "kind": made.facts.kind.value,
        "release": str(way.target.version), "from": str(way.installed) if way.installed else None,
        "path": [str(hop.version) for hop in way.hops], "recipients": number,
        "languages": sorted({recipient.language for recipient in made.recipients}), "sha256": files.sha256,
        "subjects": list(files.subjects), "folder": str(_place(run, made, edition))})
