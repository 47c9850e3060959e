"""What each published release makes due: an installation on hosted systems, a notice to customers that host. Pure.

The sheet gives no time for either (P04); the operator's policy is a notice within one working day, a security notice on
the same one, and none is judged late before that. How long it took is said of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import takewhile

from opsctl.contract.services import Hosting
from opsctl.core.calendar import working_day_over
from opsctl.core.clock import iso, local_day
from opsctl.core.errors import ConfigurationError
from opsctl.ledger.model import Entry
from opsctl.profiles.model import hosting_since
from opsctl.promises.model import Item, Word
from opsctl.promises.view import View, left_on
from opsctl.releases.changes import SecurityChange
from opsctl.releases.model import Release
from opsctl.releases.version import Step, Version
from opsctl.runs.installed import EVIDENCE, INSTALLED, REPORTED, proofs
from opsctl.support.clock import version_at

ACCEPTED, DRAFTED = "notice.accepted", "notice.drafted"
NOTICE_DAYS, SECURITY_DAYS = 1, 0
"""Working days after that of publication, at whose close a notice is late by policy."""


def updates(view: View) -> Iterator[Item]:
    """P11, P12, P22, P23: one item for each release published in the month while the contract covers it."""
    if all(map(view.left, view.days)):
        return
    if view.releases is None:
        yield Item("P04", "releases", Word.UNKNOWN, "the release files cannot be read")
        return
    since, until = view.bounds
    for release in reversed(view.releases.published()):
        published = release.published_at
        if published is None or not since <= published < min(until, view.now):
            continue
        day = local_day(published, view.profile.zone)
        if day < view.first_contract_day or view.left(day):
            continue
        if view.terms(day).hosting is Hosting.CUSTOMER:
            yield _notice(view, release, published)
        else:
            yield _installation(view, release, published)


def _notice(view: View, release: Release, published: datetime) -> Item:
    promise = "P23" if release.kind is Step.MAJOR else "P22"
    day, what = local_day(published, view.profile.zone), f"notice of {release.version}"
    excluded = _excluded(view, release, published)
    if excluded:
        return Item(promise, what, Word.NOT_COVERED, excluded, day)
    due = notice_due(view, release, published)
    told = [entry for entry in view.evidence.of(ACCEPTED) if _covers(view, entry, release.version)]
    if told:
        at = told[0].recorded_at
        late = "" if due is None or at <= due else f"; by policy it was due {iso(due)}"
        return Item(promise, what, Word.KEPT, f"accepted by the relay at {iso(at)}, {_after(published, at)}{late}", day,
                    (told[0].reference,))
    there = _there(view, release.version, published, due)
    if there:
        return Item(promise, what, Word.NO_EVENT, there[0], day, there[1])
    if due is None:
        return Item(promise, what, Word.UNKNOWN, "no calendar says which days after its publication are working days",
                    day)
    last = local_day(due, view.profile.zone)
    if view.left(last) or view.now < due:
        word, why = (Word.NOT_COVERED, left_on(view, last)) if view.left(last) else (
            Word.NOT_DUE, f"due by policy {iso(due)}")
        return Item(promise, what, word, why, day)
    return _absent(view, promise, what, published, "nobody was told")


def notice_due(view: View, release: Release, published: datetime) -> datetime | None:
    """When a notice is late by the operator's policy; None when no calendar knows the days after its publication."""
    security = any(isinstance(change, SecurityChange) for change in release.changes)
    if not view.calendars:
        return None
    try:
        working = version_at(view.calendars, published).working
        return working_day_over(working, published, SECURITY_DAYS if security else NOTICE_DAYS)
    except ConfigurationError:
        return None


def _after(published: datetime, at: datetime) -> str:
    hours = (at - published).total_seconds() / 3600
    return f"{hours:.1f} hours after publication" if hours < 72 else f"{hours / 24:.1f} days after publication"


def _installation(view: View, release: Release, published: datetime) -> Item:
    promise = "P12" if release.kind is Step.MAJOR else "P11"
    day, what = local_day(published, view.profile.zone), f"installation of {release.version}"
    excluded = _excluded(view, release, published)
    if excluded:
        return Item(promise, what, Word.NOT_COVERED, excluded, day)
    shown = _shown(view, day)
    before = [one for one in shown if one[0].recorded_at < published]
    if before and before[-1][1] >= release.version:
        return Item(promise, what, Word.NO_EVENT, f"{before[-1][1]} is installed already", day,
                    (before[-1][0].reference,))
    done = next((entry for entry, version in shown[len(before):] if version >= release.version), None)
    if done:
        at = done.recorded_at
        how = "installed" if done.kind == INSTALLED else "found installed"
        return Item(promise, what, Word.KEPT, f"{how} at {iso(at)}, {_after(published, at)}", day, (done.reference,))
    installed = view.profile.ready.version
    if installed and Version.parse(installed) >= release.version:
        return Item(promise, what, Word.UNKNOWN, f"the profile says {installed}, and no installation is recorded", day)
    return Item(promise, what, Word.NOT_DUE, "in the next allowed window; the sheet gives no time", day)


def _there(view: View, version: Version, published: datetime, due: datetime | None
           ) -> tuple[str, tuple[str, ...]] | None:
    """Why there is nothing to notify of: (reason, references) when it, or a later one, was there when that was due."""
    shown = [one for one in _shown(view, local_day(published, view.profile.zone))
             if due is None or one[0].recorded_at <= due]
    since = list(takewhile(lambda one: one[1] >= version, reversed(shown)))
    if since:
        return _how(*since[-1], published), (since[-1][0].reference,)
    installed = view.profile.ready.version
    return (f"{installed} is installed already", ()) if installed and Version.parse(installed) >= version else None


def _how(proof: Entry, version: Version, published: datetime) -> str:
    """How `version` came to a customer that hosts: who installed what was found there, nobody knows."""
    at = proof.recorded_at
    if at < published:
        return f"{version} is installed already"
    if proof.kind == INSTALLED:
        return f"Kamstrup installed it at {iso(at)}, under the customer's records (P49)"
    return f"the customer reported at {iso(at)} that it has {version}" if proof.kind == REPORTED else (
        f"found installed at {iso(at)}")


def _shown(view: View, day: date) -> list[tuple[Entry, Version]]:
    """The proofs of what runs at the one who hosts on `day`, each with its version; oldest first."""
    found = proofs(view.evidence.of(*EVIDENCE), view.profile.zone, hosting_since(view.profile, day),
                   reported=view.terms(day).hosting is Hosting.CUSTOMER)
    return [(entry, Version.parse(version)) for entry, version in found]


def _absent(view: View, promise: str, what: str, published: datetime, absent: str) -> Item:
    begins = view.evidence.begins
    day = local_day(published, view.profile.zone)
    if begins is None or published < begins:
        return Item(promise, what, Word.UNKNOWN, "published before the ledger's records begin", day)
    if view.evidence.gap_in(published, view.now):
        return Item(promise, what, Word.UNKNOWN, "entries since then are damaged or gone", day)
    return Item(promise, what, Word.BROKEN, absent, day)


def _excluded(view: View, release: Release, published: datetime) -> str:
    """Why the agreement of that day leaves the release out; "" when it does not (P05, P13)."""
    day = local_day(published, view.profile.zone)
    agreement = view.terms(day).agreement
    if agreement is None or not view.agreed(day):
        return "no Software Maintenance Agreement was valid (P05)"
    entitled = agreement.major_releases if release.kind is Step.MAJOR else agreement.minor_releases
    return "" if entitled else "the agreement leaves it out (P13)"


def _covers(view: View, accepted: Entry, version: Version) -> bool:
    """Is the notice about `version`, or a cumulative one about a later release?"""
    drafts = {(entry.payload["notice"], entry.payload["revision"]): str(entry.payload.get("release", ""))
              for entry in view.evidence.of(DRAFTED)}
    release = drafts.get((accepted.payload["notice"], accepted.payload["revision"]), "")
    try:
        return Version.parse(release) >= version
    except ValueError:
        return False  # a notice that is about no release
