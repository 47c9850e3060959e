"""Check storage (P19): one run reads all hosts of all customers, then each customer is judged and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.inventory import in_order as hosts_in_order
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import Catalogue, load_or_error
from opsctl.runs.playbook import survey
from opsctl.runs.service import Run
from opsctl.runs.together import perform_together
from opsctl.runs.workplace import Workplace
from opsctl.storage import stores
from opsctl.storage.decisions import History, figures, in_order, judge, percent, with_today, worst
from opsctl.storage.forecast import forecast
from opsctl.storage.history import MEASURED, daily_maxima
from opsctl.storage.model import Finding, Level, Measurement, Volume, documents, measurement_of
from opsctl.storage.outlook import outlook
from opsctl.storage.stores import StoreUse

if TYPE_CHECKING:
    from opsctl.adapters.ansible import PlaybookResult

REQUEST = Request(Service.STORAGE_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
HISTORY_DAYS = 60

STATUS = {Level.OK: Status.DONE, Level.WARNING: Status.WARNING, Level.CRITICAL: Status.CHECK_FAILED,
          Level.UNKNOWN: Status.CHECK_FAILED}


@dataclass(frozen=True)
class Seen:
    """What the hosts said, by customer what its backups take of their stores, and the release files."""

    hosts: PlaybookResult
    stores: Mapping[str, tuple[StoreUse, ...]]
    releases: Catalogue | OpsctlError


def check(workplace: Workplace, profiles: Sequence[KamstrupProfile]) -> tuple[Outcome, ...]:
    """One outcome per customer, in order; each leaves `storage.measured` in its ledger.

    NotCovered when the contract of one customer does not cover it, before anything is read;
    OperationFailed when no host at all could be reached.
    """
    from opsctl.adapters.ansible_catalogue import STORAGE_CHECK

    return perform_together(workplace, profiles, REQUEST, "storage check",
                            lambda mine: Seen(survey(workplace, mine, STORAGE_CHECK), stores.uses(mine),
                                              load_or_error(workplace.settings.releases)), _judged)


def measurements_of(profile: KamstrupProfile, found: PlaybookResult) -> tuple[Measurement, ...]:
    """One measurement for every host of the profile, also for those that did not answer."""
    results = {result.target.host.name: result for result in found.hosts.values()
               if result.target.customer == profile.customer}
    return tuple(measurement_of(
        host.name, results[host.name].data.get("storage_check") if host.name in results else None,
        f"{results[host.name].state}: {results[host.name].message}" if host.name in results else "")
        for host in hosts_in_order(profile))


def _judged(run: Run, profile: KamstrupProfile, found: Seen) -> Outcome:
    measured, used = measurements_of(profile, found.hosts), found.stores[profile.customer]
    today = local_day(run.started, profile.zone)
    history = _history(run, profile.zone, today)
    findings = in_order([*judge(measured, profile.thresholds, history, today),
                         *outlook(run.workplace, profile, measured, found.releases), *stores.findings(used)])
    level = worst(findings)
    data = measured_payload(measured, findings, history, today, used)
    run.record(MEASURED, data)
    return Outcome(run.customer, run.request.service, STATUS[level], summary(findings, measured),
                   "" if level is Level.OK else "free or add space, or see why it could not be measured",
                   data={**data, "figures": documents((*figures(measured, profile.thresholds), *stores.figures(used)))})


def measured_payload(measured: Sequence[Measurement], findings: Sequence[Finding], history: History,
                     today: date, used: Sequence[StoreUse]) -> dict[str, Any]:
    """What `storage.measured` says. history: by host and mount the daily maxima before today; used: of each store."""
    return {
        "day": today.isoformat(), "level": worst(findings).value, "findings": documents(tuple(findings)),
        "volumes": [_volume_figures(volume, history, today) for host in measured for volume in host.volumes],
        "databases": [asdict(database) for host in measured for database in host.databases],
        "latency": [asdict(latency) for host in measured for latency in host.latency],
        "stores": [asdict(one) for one in used]}


def _volume_figures(volume: Volume, history: History, today: date) -> dict[str, Any]:
    used = with_today(volume, history.get((volume.host, volume.mount), {}), today)
    found = forecast(used, volume.usable, today)
    growth = found.growth
    return {**asdict(volume), "used_percent": None if volume.error else percent(volume.bytes_used, volume.usable),
            "growth_bytes_per_day": None if growth is None else round(growth.estimate),
            "growth_interval": None if growth is None else [round(growth.low), round(growth.high)],
            "forecast": {"text": found.text, "full": str(found.full) if found.full else None,
                         "earliest": str(found.earliest) if found.earliest else None,
                         "latest": str(found.latest) if found.latest else None}}


def _history(run: Run, zone: str, today: date) -> History:
    """Of the last two months; what a clock that ran ahead has dated after today does not count."""
    since = run.started - timedelta(days=HISTORY_DAYS)
    found = daily_maxima(run.workplace.ledger.entries(run.customer, kinds=[MEASURED], since=since), zone)
    return {place: {day: used for day, used in days.items() if day <= today} for place, days in found.items()}


def summary(findings: Sequence[Finding], measured: Sequence[Measurement]) -> str:
    """One line: what is wrong, else how full the fullest volume is."""
    bad = [finding for finding in findings if finding.level is not Level.OK]
    if bad:
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        return "; ".join(f"{finding.level}: {finding.what}: {finding.reason}" for finding in bad[:3]) + more
    volumes = [volume for host in measured for volume in host.volumes]
    fullest = max(volumes, key=lambda volume: volume.bytes_used / volume.usable)
    counts = " on ".join(f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
                         for things, word in ((volumes, "volume"), (measured, "host")))
    return f"{counts}; fullest {fullest.host}:{fullest.mount} with {percent(fullest.bytes_used, fullest.usable):g} %"
