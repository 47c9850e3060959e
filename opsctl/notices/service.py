"""Draft notices: of the newest release (P22, P23), whatever else is due, and those that people write. Sends nothing.

The ledger's `notice.drafted` is the authority on revisions; the folder holds the files it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import brand as brands
from opsctl.notices import by_hand, drafting, history, layers, shelf, texts
from opsctl.notices.due import due
from opsctl.notices.facts import WORDING, changed
from opsctl.notices.kinds import RULES
from opsctl.notices.matters import InstallFacts, MaintenanceFacts, ModuleFacts, RecallFacts
from opsctl.notices.model import Edition, Facts, NoticeKind, Recipient, ReleaseFacts
from opsctl.notices.planning import NoticePlan, plan, recipients
from opsctl.notices.writing import plan_written
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.installed import as_installed
from opsctl.runs.service import Run, gate, perform
from opsctl.runs.workplace import Workplace

DRAFTED = "notice.drafted"
OPERATION = "notice draft"


@dataclass(frozen=True)
class _Draft:
    """A draft that is about to be judged against what was drafted before."""

    facts: Facts
    recipients: tuple[Recipient, ...]
    brand: brands.Brand
    layers: layers.Layers
    parts: Mapping[str, str]


def draft(workplace: Workplace, profile: Profile, *, releases: Catalogue) -> Outcome:
    """Draft the release notice, or find that it is drafted already, or that there is nothing to tell.

    Raises NotCovered when the contract has no update notice for this customer, Locked when another run of this
    room works for it. Invalid release files, templates or contacts come back as a failed outcome (exit 3).
    """
    profile = as_installed(workplace, profile)
    try:
        found: NoticePlan | OpsctlError = plan(profile, releases, workplace.clock.now(),
                                               history.reported(workplace, profile))
    except OpsctlError as error:
        found = error
    # The gate speaks first, also when the release files are wrong.
    usual = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)

    def act(run: Run) -> Outcome:
        if isinstance(found, OpsctlError):
            raise found
        return _act(run, profile, found, releases)

    return perform(workplace, profile, found.request if isinstance(found, NoticePlan) else usual, OPERATION, act)


def due_plans(workplace: Workplace, profile: Profile, releases: Catalogue) -> tuple[NoticePlan, ...]:
    """Every other notice that is due for the customer and that the contract covers: end of support, licence, platform,
    withdrawal, correction. ConfigurationError when release files are wrong."""
    now = workplace.clock.now()
    profile = as_installed(workplace, profile)
    return tuple(found for found in due(profile, releases, now, history.told(workplace, profile.customer))
                 if gate(profile, found.request, now, workplace.ledger).allowed)


def draft_plan(workplace: Workplace, profile: Profile, found: NoticePlan, *, releases: Catalogue) -> Outcome:
    """Draft what was planned. Raises NotCovered and Locked as `draft`."""
    return perform(workplace, profile, found.request, OPERATION, lambda run: _act(run, profile, found, releases))


def draft_written(workplace: Workplace, profile: Profile, kind: NoticeKind, source: by_hand.Source, *,
                  releases: Catalogue) -> Outcome:
    """Draft a notice from the facts that a person wrote. Raises NotCovered and Locked as `draft`, UsageError when it
    follows no earlier notice that it has to follow."""
    profile = as_installed(workplace, profile)
    found = plan_written(profile, releases, workplace.clock.now(), kind, source,
                         history.written(workplace, profile.customer, history.notice_of(kind, source)),
                         history.reported(workplace, profile))
    return draft_plan(workplace, profile, found, releases=releases)


def _act(run: Run, profile: Profile, found: NoticePlan, releases: Catalogue) -> Outcome:
    if found.facts is None:
        status = Status.WARNING if found.warnings else Status.UNCHANGED
        return Outcome(run.customer, found.service, status, found.reason, warnings=found.warnings)
    own = layers.of(run.workplace.settings, profile.customer)
    told = recipients(profile, found.facts)
    made = _Draft(found.facts, told, brands.load(own), own, drafting.fingerprints(found.facts, told, own))
    drafting.refuse_samples(profile, made.facts, made.brand)
    missing = tuple(texts.missing(made.facts, (recipient.language for recipient in told), releases))
    if missing and RULES[made.facts.kind].contractual:
        raise ConfigurationError(f"the notice {made.facts.notice} lacks words in a contact's language",
                                 "translate the texts named", missing)
    return _drafted(run, found, made, missing)


def _drafted(run: Run, found: NoticePlan, made: _Draft, missing: Sequence[str]) -> Outcome:
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
            return _outcome(run, found, made, same, again, Status.UNCHANGED, missing)
        differ = changed(before["parts"], made.parts)
        if differ and _unheard(made.facts).issuperset(differ) and history.reached(
                run.workplace, run.customer, made.facts.notice, same.revision, made.recipients):
            # Who has the message does not get it again because a template was polished.
            told = _outcome(run, found, made, same, again, Status.UNCHANGED, missing)
            return replace(told, data={**told.data, "sha256": before["sha256"]})
        otherwise = "again" if again.sha256 == before["sha256"] else "contacts"
        edition = Edition(before["revision"] + 1, edition.date, differ or (otherwise,))
    files = _files(run, made, edition)
    shelf.put(_place(run, made, edition), files.content)
    run.record(DRAFTED, _payload(run, found, made, edition, files))
    return _outcome(run, found, made, edition, files, Status.DONE, missing)


def _unheard(facts: Facts) -> frozenset[str]:
    """The parts for which alone nobody who has the message gets it again. A withdrawal holds whatever is installed;
    only who has the withdrawn release itself is told to do something else."""
    if isinstance(facts, RecallFacts) and facts.installed != str(facts.subject.version):
        return frozenset({WORDING, "installed", "customer"})
    return frozenset({WORDING})


def _before(run: Run, notice: str) -> Mapping[str, Any] | None:
    """The newest `notice.drafted` of this notice."""
    entries = run.workplace.ledger.entries(run.customer, kinds=(DRAFTED,), newest_first=True)
    return next((entry.payload for entry in entries if entry.payload["notice"] == notice), None)


def _files(run: Run, made: _Draft, edition: Edition) -> drafting.Files:
    return drafting.files(made.facts, made.recipients, edition, made.brand, made.layers)


def _place(run: Run, made: _Draft, edition: Edition) -> Path:
    return shelf.place(run.workplace.drafts, run.customer, made.facts.notice, edition.revision)


def _payload(run: Run, found: NoticePlan, made: _Draft, edition: Edition, files: drafting.Files) -> dict[str, Any]:
    facts = made.facts
    source = facts.source if isinstance(facts, InstallFacts | MaintenanceFacts | ModuleFacts) else None
    return {
        "notice": facts.notice, "revision": edition.revision, "release": facts.release,
        "release_revision": _release_revision(facts), "from": facts.installed_version or None,
        "kind": facts.kind.value, "service": found.service.value, "purpose": found.purpose.value,
        "delivery": found.delivery.value,
        # Names and addresses are personal data: beside the chain, so that they can be erased alone.
        "recipients": _references(run, made.recipients),
        "sha256": files.sha256, "drafted_at": iso(edition.date), "changed": list(edition.changed),
        "parts": dict(made.parts), "source": by_hand.dumped(source) if source is not None else None,
    }


def _release_revision(facts: Facts) -> int | None:
    """The revision of the release file that the notice speaks of; None when it is about no release's content."""
    if isinstance(facts, ReleaseFacts | InstallFacts):
        return facts.way.target.revision
    return facts.subject.revision if isinstance(facts, RecallFacts) else None


def _references(run: Run, told: Sequence[Recipient]) -> list[str]:
    return [run.workplace.ledger.put_personal(run.customer, history.label(recipient)) for recipient in told]


def _outcome(run: Run, found: NoticePlan, made: _Draft, edition: Edition, files: drafting.Files, status: Status,
             missing: Sequence[str]) -> Outcome:
    facts, number = made.facts, len(made.recipients)
    what = f"{facts.notice} ({facts.kind.value}), revision {edition.revision}"
    contacts = "1 contact" if number == 1 else f"{number} contacts"
    summary = f"{what}, already drafted" if status is Status.UNCHANGED else f"{what}, drafted for {contacts}"
    large = tuple(f"{name} is larger than {drafting.HTML_LIMIT // 1000} kB; some mail readers cut it"
                  for name in files.large)
    english = tuple(f"{line}; English stands there" for line in missing)
    way = facts.way if isinstance(facts, ReleaseFacts | InstallFacts) else None
    return Outcome(run.customer, found.service, status, summary, warnings=(*found.warnings, *large, *english), data={
        "notice": facts.notice, "revision": edition.revision, "kind": facts.kind.value,
        "release": facts.release, "from": facts.installed_version or None,
        "path": [str(hop.version) for hop in way.hops] if way else [], "recipients": number,
        "languages": sorted({recipient.language for recipient in made.recipients}), "sha256": files.sha256,
        "subjects": list(files.subjects), "folder": str(_place(run, made, edition))})
