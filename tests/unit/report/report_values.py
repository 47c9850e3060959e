"""Reports of the sample customers over varied evidence: what a month can hold, good and bad."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from opsctl.core.clock import iso
from opsctl.promises.month import Month
from opsctl.releases.catalogue import load
from opsctl.report.service.build import build
from opsctl.report.service.model import Report
from opsctl.support import calendars
from tests.unit.promises.register_values import LATER, OCTOBER, ROOT, at, backup, every_day, evidence, profile, view

CATALOGUE = load(ROOT / "releases")
CALENDARS = calendars.load("dk-public")
DAYS = list(OCTOBER.days())
NOVEMBER = Month(2026, 11)
GB = 10**9


def storage(day: date, level: str = "ok", findings: tuple[dict[str, Any], ...] = ()) -> tuple[str, datetime, Any]:
    volume = {"host": "aalund-1", "mount": "/", "error": "", "used_percent": 46.5, "bytes_used": 4 * GB,
              "bytes_available": 5 * GB, "growth_bytes_per_day": 2_000_000, "growth_interval": [1, 2],
              "forecast": {"text": "full between 2027-01-03 and 2027-03-04", "full": "2027-02-01"}}
    broken = {**volume, "mount": "/srv", "error": "is not mounted"}
    young = {**volume, "mount": "/new", "growth_bytes_per_day": None, "forecast": {"text": "not enough data"}}
    return ("storage.measured", at(day), {"level": level, "findings": list(findings),
                                          "volumes": [volume, broken, young]})


def network(day: date, state: str = "up") -> tuple[str, datetime, Any]:
    level = {"up": "ok", "down": "critical"}[state]
    summary = "1 of 1 up; skipped office-switch" if state == "up" else \
        "0 of 1 up; api down: port 443 does not answer: timed out; skipped office-switch"
    return ("network.checked", at(day, 4), {"level": level, "summary": summary, "skipped": ["office-switch"],
            "components": [{"name": "api", "state": state, "detail": "" if state == "up" else
                            "port 443 does not answer: timed out"}]})


def full() -> list[tuple[str, datetime, Any]]:
    """A month with something of everything."""
    day = DAYS[9]
    late = backup(DAYS[11])
    late[2]["finished"] = iso(at(DAYS[12], 3))  # type: ignore[index]
    return [*every_day(DAYS[:9]), *every_day(DAYS[12:28]), late,
            ("backup.failed", at(day), {"database": "ready", "reason": "the store answered 503"}),
            ("backup.removed", at(DAYS[20]), {"backup_id": "20260901-ready"}),
            ("backup.removed", at(DAYS[21]), {"backup_id": f"{DAYS[2]:%Y%m%d}-ready"}),
            ("backup.rehearsed", at(day, 6), {"backup_id": "20261009-ready", "seconds": 41}),
            *(storage(one) for one in DAYS[:20]),
            storage(DAYS[20], "critical", ({"what": "aalund-1:/", "reason": "93 % used, critical from 90 %",
                                            "level": "critical"},)),
            *(network(one) for one in DAYS[:25]), network(DAYS[25], "down"),
            ("run.finished", at(DAYS[3], 5), {"operation": "patch apply", "status": "done", "summary": "patched"}),
            ("report.noted", at(DAYS[30]), {"month": "2026-10", "text": "A calm month."}),
            ("order.added", at(DAYS[1]), {
                "reference": "ORD-1", "by": "x", "valid_from": "2026-10-02T00:00:00Z", "valid_to": None,
                "covers": ["api-access"], "details": {}})]


def reports() -> Iterator[Report]:
    """Full, empty, damaged, unfinished and customer-hosted months."""
    def made(found: Any, month: Month = OCTOBER, now: datetime = LATER, name: str = "aalund", **more: Any) -> Report:
        return build(view(found, month, now, name, calendars=CALENDARS, **{"releases": CATALOGUE, **more}),
                     lambda reference: None)

    whole = evidence(*full())
    yield made(whole)
    yield made(evidence(*every_day(DAYS)), patch_every_days=10)
    yield made(evidence())
    yield made(evidence(since=date(2026, 10, 20)), releases=None)
    yield made(replace(whole, findings=("edited at sample-aalund:3: The content does not match its hash.",),
                       gaps=((at(DAYS[9]), at(DAYS[10])),)))
    for name in ("birkeby", "cedervig", "dalmose", "elmegaard"):
        yield made(evidence(*full()), name=name)
        yield made(evidence(), NOVEMBER, datetime.fromisoformat("2026-11-20T09:00:00.056447+00:00"), name)
        yield made(evidence(since=date(2026, 11, 10)), NOVEMBER, datetime.fromisoformat("2026-11-20T09:00:00Z"), name)
    published = next(one for one in CATALOGUE.published() if str(one.version) == "6.0.0").published_at
    assert published is not None
    told = {"notice": "release-6.0.0", "revision": 1}
    yield made(evidence(("notice.drafted", published + timedelta(hours=1), {**told, "release": "6.0.0"}),
                        ("notice.accepted", published + timedelta(days=9), {**told, "contact": "x"})),
               NOVEMBER, datetime.fromisoformat("2026-12-20T09:00:00+00:00"), "dalmose")
    installed = {"to": "6.0.0", "from": "5.4.0", "description": "READY 5.4.0 to 6.0.0"}
    yield made(evidence(("release.installed", published + timedelta(days=2), installed)),
               NOVEMBER, datetime.fromisoformat("2026-12-20T09:00:00+00:00"))
    for name, kind, payload in (
            ("aalund", "release.found", {"version": "6.0.0"}), ("dalmose", "release.found", {"version": "6.0.0"}),
            ("dalmose", "release.installed", installed), ("dalmose", "change.reported", {
                "system": "READY", "description": "READY 5.5.0 to 6.0.0", "before": "5.5.0", "after": "6.0.0",
                "result": "done"})):
        yield made(evidence((kind, published + timedelta(hours=2), payload)), NOVEMBER,
                   datetime.fromisoformat("2026-12-20T09:00:00+00:00"), name)
    alone = {"operation": "patch apply", "status": "done", "summary": "patched", "purpose": "protection"}
    yield made(evidence(("run.finished", at(DAYS[3]), alone)))
    one = profile().licences[0]
    licences = [one.model_copy(update={"product": f"Sample {name}", **own}) for name, own in (
        ("Charts", {"valid_to": DAYS[9], "renewal": "automatic"}), ("Maps", {"valid_to": DAYS[9]}),
        ("Maps", {"valid_from": DAYS[10], "valid_to": date(2027, 10, 9)}), ("Plans", {"valid_to": DAYS[9]}))]
    yield build(replace(view(evidence(*every_day(DAYS)), releases=CATALOGUE, calendars=CALENDARS),
                        profile=profile().model_copy(update={"licences": tuple(licences)})), lambda reference: None)
    left = ("customer.offboarding-started", at(DAYS[1]), {"last_day": DAYS[8].isoformat(), "reason": "r"})
    gone = ("backup.removed", at(DAYS[20]), {"backup_id": f"{DAYS[2]:%Y%m%d}-ready"})
    for month, name in ((OCTOBER, "aalund"), (NOVEMBER, "aalund"), (NOVEMBER, "dalmose")):
        yield made(evidence(*every_day(DAYS[:9]), left, gone), month,
                   datetime.fromisoformat("2026-12-20T09:00:00+00:00"), name)
