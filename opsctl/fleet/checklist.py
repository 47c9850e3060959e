"""The checklist of a customer that leaves: each step with its evidence, read from the ledger.

Personal data is erased only when none is there any more, whatever was recorded: neither texts nor drafts of notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.contract.records import OFFBOARDED, Facts, RecordState, facts
from opsctl.core.clock import day_bounds, iso, local_day
from opsctl.core.errors import UsageError
from opsctl.fleet.personal import remains
from opsctl.fleet.returning import ERASED, RETURNED
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.service import events_of
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry

STEP_DONE = "customer.step-done"
PERSONAL_ERASED = "customer.personal-erased"
CLOSING_DAYS = 30
"""Days after the last one until which everything is to be done; policy, as long as P17 stores backups."""


class Step(StrEnum):
    """The checklist, in its order."""

    STOPPED = "service-stopped"
    GRANTS = "grants-revoked"
    API_KEY = "api-key-removed"
    RETURNED = "backups-returned"
    RECEIPT = "receipt-signed"
    ERASED = "backups-erased"
    EVIDENCE = "evidence-handed-over"
    PROFILE = "profile-removal-prepared"
    PERSONAL = "personal-data-erased"


BY_HAND: Mapping[Step, str] = {
    Step.API_KEY: "take the customer's API key and opsctl's own SSH key from the hosts, or hand the hosts over",
    Step.RECEIPT: "have the customer sign that it has the backups, can decrypt them, and agrees that ours are erased",
    Step.EVIDENCE: "`opsctl ledger export CUSTOMER`, and give the customer its extract",
    Step.PROFILE: "prepare that the customer's folder leaves the inventories, once nothing else is open",
}
"""Steps that a person does and proves with a file; what to do."""


@dataclass(frozen=True)
class Line:
    """One line of the checklist. done: when, empty while it is open. evidence: what proves it. todo: what opens it."""

    step: Step
    done: str
    evidence: str
    todo: str


def checklist(workplace: Workplace, profile: Profile, former: KamstrupProfile | None) -> tuple[Line, ...]:
    """Every step with its evidence; `former` is whose backups are in custody, None when there never were any."""
    began = require_leaving(workplace, profile)
    return tuple(_lines(workplace, profile, former, began))


def overdue(workplace: Workplace, profile: Profile, lines: tuple[Line, ...]) -> bool:
    """True when something is still open so long after the last day."""
    ends = facts_of(workplace, profile).service_ends
    today = local_day(workplace.clock.now(), profile.zone)
    return ends is not None and today > ends + timedelta(days=CLOSING_DAYS) and any(not line.done for line in lines)


def stays(profile: Profile, ends: date, hosted: bool, drafts: Path | None = None) -> tuple[tuple[str, str], ...]:
    """What stays, and until when. drafts: the folder with the customer's notice drafts, where there is one."""
    until = ends + timedelta(days=CLOSING_DAYS)
    backups = (("backups", f"in custody until handed over and signed for, to be erased by {until}"),) if hosted else ()
    return (*backups, ("evidence", "the ledger's chain, for as long as the ledger is kept; without names once erased"),
            ("names and addresses", f"to be erased by {until}"),
            *((("drafts of notices", f"in {drafts}, to be erased with names and addresses by {until}"),) if drafts
              else ()),
            ("profile", f"with its former versions until everything else is done, to be removed by {until}"))


def require_leaving(workplace: Workplace, profile: Profile) -> datetime:
    """When the offboarding was started; UsageError when it was not."""
    entry = workplace.ledger.last(profile.customer, OFFBOARDED)
    if entry is None or facts_of(workplace, profile).service_ends is None:
        raise UsageError(f"{profile.customer} is not leaving",
                         f"`opsctl customer offboard {profile.customer} --last-day DATE --reason TEXT` starts it")
    return entry.recorded_at


def _lines(workplace: Workplace, profile: Profile, former: KamstrupProfile | None, began: datetime) -> Iterator[Line]:
    found, now = facts_of(workplace, profile), workplace.clock.now()
    ends = found.service_ends
    assert ends is not None  # noqa: S101 - it is leaving
    over = day_bounds(ends, profile.zone)[1]
    yield Line(Step.STOPPED, iso(over) if now >= over else "", "the gate refuses from then on", f"ends by itself at "
               f"{iso(over)}")
    holding = [record.reference for record in found.records if record.state(now) in {RecordState.HOLDS,
                                                                                     RecordState.NOT_YET}]
    seen = iso(now.replace(microsecond=0))
    yield Line(Step.GRANTS, "" if holding else seen, "no record holds", f"revoke {', '.join(holding)}")
    for step in Step:
        if step in {Step.STOPPED, Step.GRANTS} or (former is None and step in _OF_HOSTED):
            continue
        yield _recorded(workplace, profile, step, began)


_OF_HOSTED = frozenset({Step.API_KEY, Step.RETURNED, Step.RECEIPT, Step.ERASED})
_KINDS = {Step.RETURNED: (RETURNED, "--return-backups FOLDER"), Step.ERASED: (ERASED, "--erase-backups"),
          Step.PERSONAL: (PERSONAL_ERASED, "--erase-personal")}


def _recorded(workplace: Workplace, profile: Profile, step: Step, began: datetime) -> Line:
    if step in BY_HAND:
        entry = step_done(workplace, profile, step, began)
        file = entry.payload if entry else {"file": "", "sha256": ""}
        shown = f"{file['file']}, SHA-256 {str(file['sha256'])[:12]}, {entry.reference}" if entry else ""
        return Line(step, iso(entry.recorded_at) if entry else "", shown, f"{BY_HAND[step]}; then --done {step}")
    kind, option = _KINDS[step]
    entry = since(workplace, profile, kind, began)
    left = remains(workplace, profile.customer) if entry is not None and step is Step.PERSONAL else ""
    if left:
        return Line(step, "", "", f"opsctl customer offboard {profile.customer} {option}, again; left: {left}")
    return Line(step, iso(entry.recorded_at) if entry else "", entry.reference if entry else "",
                f"opsctl customer offboard {profile.customer} {option}")


def step_done(workplace: Workplace, profile: Profile, step: Step, began: datetime) -> Entry | None:
    """Who last did a step by hand; a receipt counts only when it was signed after the last backups were handed over."""
    handed = since(workplace, profile, RETURNED, began) if step is Step.RECEIPT else None
    if handed is not None:
        began = handed.recorded_at
    return next((entry for entry in workplace.ledger.entries(profile.customer, kinds=[STEP_DONE], since=began,
                                                             newest_first=True) if entry.payload["step"] == step), None)


def since(workplace: Workplace, profile: Profile, kind: str, began: datetime) -> Entry | None:
    return next(workplace.ledger.entries(profile.customer, kinds=[kind], since=began, newest_first=True, limit=1), None)


def facts_of(workplace: Workplace, profile: Profile) -> Facts:
    return facts(events_of(workplace.ledger, profile.customer))
