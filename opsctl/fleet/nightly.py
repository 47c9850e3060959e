"""The nightly run: for each customer what is due, going on past one that fails.

Order for a vendor-hosted customer: storage and network check, backup, copies that the second store lacks, patch (only
with today's backup good and the window open), the READY release that is due, removal of backups past their time, the
restore for the exercise that is due. For a customer-hosted one: the draft of
the release notice; what the contract does not cover is listed as such. For both: drafts of the other notices that
are due.

Customers come ring by ring, and a change waits for the rings before: `fleet/rings.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import ExitCode, OperationFailed, OpsctlError
from opsctl.core.outcome import OPERATOR, Outcome, Status, combined_exit_code
from opsctl.fleet.due import check_due
from opsctl.fleet.failures import failed, guarded, jointly, rows
from opsctl.fleet.hosted_night import Check, Rooms, hosted_night, local_today, skipped
from opsctl.fleet.rings import Rings
from opsctl.fleet.sealing import published
from opsctl.network.history import CHECKED
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.installed import stand
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace
from opsctl.storage.history import MEASURED


def nightly(workplace: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError],
            releases: Catalogue | OpsctlError, rooms: Rooms) -> tuple[Outcome, ...]:
    """Do what is due for `profiles`; `broken` profiles are rows of their own with exit code 3.

    releases: the catalogue, or why it cannot be read, which keeps nobody from anything but a draft.
    The run itself is recorded in the chain `operator`, so that a night without one is visible.
    """
    workplace.ledger.append(OPERATOR, "nightly.started", {"customers": [p.customer for p in profiles]},
                            actor=workplace.actor)
    outcomes: list[Outcome] = []
    changed = None if isinstance(releases, OpsctlError) else published(workplace, releases)
    if changed is not None:
        # What was edited after it was published is neither installed nor announced.
        outcomes.append(failed(OPERATOR, "releases", changed))
        releases = changed
    status = "failed"
    try:
        for outcome in _night(workplace, profiles, broken, releases, rooms):
            outcomes.append(outcome)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        ended = guarded(OPERATOR, "nightly", partial(_finish, workplace, outcomes, status))
    return (*outcomes, ended) if ended.code is not ExitCode.OK else tuple(outcomes)


def _night(workplace: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError],
           releases: Catalogue | OpsctlError, rooms: Rooms) -> Iterator[Outcome]:
    for customer, error in broken.items():
        yield replace(failed(customer, "profile", error), summary=(error.details or (error.message,))[0],
                      resolution="run `opsctl profile validate` and correct the lines it names")
    hosted = [profile for profile in profiles if isinstance(profile, KamstrupProfile)]
    storage = _by_customer(_checked(workplace, hosted, Service.STORAGE_MANAGEMENT, MEASURED, rooms.check_storage))
    network = _by_customer(_checked(workplace, hosted, Service.NETWORK_MANAGEMENT, CHECKED, rooms.check_network))
    rings = Rings(workplace, profiles, broken)
    for profile in rings.ordered:
        if isinstance(profile, KamstrupProfile):
            yield storage[profile.customer]
            yield from (network[name] for name in (profile.customer,) if name in network)
            work = partial(hosted_night, workplace, profile, releases, rooms, rings)
        else:
            work = partial(_customer_hosted, workplace, profile, releases, rooms)
        yield from rows(profile.customer, "nightly", work)
        if not isinstance(releases, OpsctlError):
            yield from rows(profile.customer, Service.SOFTWARE_UPDATE_MINOR,
                            partial(rooms.draft_due, workplace, profile, releases))


def _finish(workplace: Workplace, outcomes: Sequence[Outcome], status: str) -> Outcome:
    """Record how the night ended. One that did not come to its end is a failure, whatever was done until then."""
    code = combined_exit_code(outcomes) if status == "done" else ExitCode.FAILED
    workplace.ledger.append(
        OPERATOR, "nightly.finished",
        {"status": status, "exit_code": int(code), "outcomes": len(outcomes),
         "failed": [f"{o.customer} {o.service}" for o in outcomes if o.code is not ExitCode.OK]},
        actor=workplace.actor)
    return Outcome(OPERATOR, "nightly", Status.DONE, "recorded")


def _by_customer(outcomes: Iterable[Outcome]) -> Mapping[str, Outcome]:
    return {outcome.customer: outcome for outcome in outcomes}


def _checked(workplace: Workplace, hosted: Sequence[KamstrupProfile], service: Service, kind: str,
             check: Check | None) -> Iterator[Outcome]:
    """One run over all customers whose check is due; the others say when theirs was. kind: what a check records."""
    due: list[KamstrupProfile] = []

    def sort(profile: KamstrupProfile) -> Outcome:
        request = Request(service, Purpose.PROTECT, Delivery.WORK)
        gate(profile, request, workplace.clock.now(), workplace.ledger).require(profile.customer)
        last = workplace.ledger.last(profile.customer, kind)
        decision = check_due(local_day(last.recorded_at, profile.zone) if last else None,
                             local_today(workplace, profile), str(last.payload.get("level", "")) if last else "")
        if decision.due:
            due.append(profile)
        return skipped(profile, service, decision)

    if check is None:
        return
    for profile in hosted:
        row = guarded(profile.customer, service, partial(sort, profile))
        if profile not in due:
            yield row
    if due:
        yield from jointly(due, service, partial(check, workplace))


def _customer_hosted(workplace: Workplace, profile: CustomerProfile, releases: Catalogue | OpsctlError,
                     rooms: Rooms) -> Iterator[Outcome]:
    for service in (Service.BACKUP, Service.STORAGE_MANAGEMENT):
        yield guarded(profile.customer, service, partial(_the_customer_s, workplace, profile, service))

    def draft() -> Outcome:
        left = stand(workplace, profile.customer).open
        if left is not None:
            raise OperationFailed(f"an installation of READY {left.payload['to']} on the customer's hosts is "
                                  "unfinished: READY may be stopped, and no release is told of meanwhile",
                                  f"agree an access, then `opsctl release rollback {profile.customer}`")
        if isinstance(releases, OpsctlError):
            # The gate speaks first, also when the release files are wrong.
            request = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)
            gate(profile, request, workplace.clock.now(), workplace.ledger).require(profile.customer)
            raise releases
        return rooms.draft(workplace, profile, releases)

    yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, draft)


def _the_customer_s(workplace: Workplace, profile: CustomerProfile, service: Service) -> Outcome:
    decision = gate(profile, Request(service, Purpose.PROTECT, Delivery.WORK), workplace.clock.now(), workplace.ledger)
    if decision.allowed:
        return Outcome(profile.customer, service, Status.FAILED,
                       f"the contract of today has Kamstrup do this ({decision.cell.promise}), but the profile is "
                       "already one of a system that the customer hosts", "keep the earlier profile until hosting_from",
                       exit_code=ExitCode.CONFIGURATION)
    return Outcome(profile.customer, service, Status.NOT_COVERED,
                   f"the customer is responsible ({decision.cell.promise})")
