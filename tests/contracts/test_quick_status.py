"""The quick status says what the ordinary one says, on SQLite and PostgreSQL, whatever is recorded or changed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.progress import Silent
from opsctl.lab.history.service import Wanted, generate
from opsctl.ledger import Latest, Ledger, open_ledger
from opsctl.notices.register import KINDS
from opsctl.profiles.index import PATCH_EVERY_DAYS, Places
from opsctl.profiles.loader import load_profile, load_profiles
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import Policy, Settings
from opsctl.releases.catalogue import load
from opsctl.report import quick_status as quick
from opsctl.report.fleet_status import fleet_status, notice_standing
from opsctl.report.known import known
from opsctl.report.outline import outline_of
from opsctl.report.status import CustomerStatus, Verdict
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LAST = date(2026, 11, 24)


class Bench:
    """A real ledger, a clock, inventories, and both ways to the status."""

    def __init__(self, url: str, inventories: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        self.url, self.clock, self.inventories = url, FixedClock(NOW), inventories
        self.ledger = open_ledger(url, self.clock)
        settings = Settings(inventories=inventories, releases=ROOT / "releases")
        self.place = Workplace(settings, self.ledger, self.clock, Silent(), "tests", cache, cache)
        self.judged: list[str] = []

    def ordinary(self) -> tuple[CustomerStatus, ...]:
        profiles, _ = load_profiles(self.inventories)
        return fleet_status(self.place, profiles, load(ROOT / "releases"), self.clock.now())

    def quick(self) -> tuple[CustomerStatus, ...]:
        def judge(missing: Sequence[str]) -> Mapping[str, tuple[Profile, Verdict]]:
            self.judged += missing
            profiles = [load_profile(self.inventories, name) for name in missing]
            return {one.customer: (one, notice_standing(self.place, one, load(ROOT / "releases"), self.clock.now()))
                    for one in profiles}

        found = quick.quick_status(self.url, Places(self.inventories, self.url, ROOT / "releases", 30),
                                   self.clock.now(), judge)
        assert found is not None and not found.broken
        return found.rows


@pytest.fixture
def bench(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    inventories = tmp_path / "inventories"
    shutil.copytree(ROOT / "inventories", inventories)
    made = Bench(ledger_url, inventories, monkeypatch, tmp_path / "cache")
    yield made
    made.ledger.close()


@pytest.fixture
def generated(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    generate(Wanted(tmp_path / "made", ROOT / "releases", ROOT / "templates", 60, 75, 1, LAST, ledger_url),
             lambda _: None)
    made = Bench(ledger_url, tmp_path / "made" / "inventories", monkeypatch, tmp_path / "cache")
    yield made
    made.ledger.close()


def test_both_ways_say_the_same_of_a_generated_fleet(generated: Bench) -> None:
    rows = generated.ordinary()
    assert len(rows) == 60
    assert generated.quick() == rows
    assert {row.backup.word.value for row in rows} >= {"kept", "broken", "not covered"}
    before = len(generated.judged)
    assert generated.quick() == rows
    assert len(generated.judged) == before, "the verdicts on notices are remembered"


class Later:
    """Reads in which every newest entry is of a later instant, so that the customers' own entries must be read."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.entries = ledger.entries

    def newest(self, topics: Collection[str]) -> list[Latest]:
        return [row._replace(recorded_at=NOW + timedelta(days=1)) for row in self._ledger.newest(topics)]


def test_the_newest_entries_and_the_customers_own_give_the_same(generated: Bench) -> None:
    outlines = [outline_of(one) for one in load_profiles(generated.inventories)[0]]
    quickly = known(generated.ledger, outlines, NOW)
    slowly = known(Later(generated.ledger), outlines, NOW)
    for name, one in quickly.items():
        other = slowly[name]
        assert (one.storage, one.unmeasured, one.network, one.patched, one.installed) == (
            other.storage, other.unmeasured, other.network, other.patched, other.installed), name
        assert max(one.days, default=None) == max(other.days, default=None), name
        assert one.owed_since == other.owed_since, name


def test_whatever_is_recorded_shows_both_ways(bench: Bench) -> None:
    def run(operation: str, status: str, **more: str) -> tuple[str, dict[str, Any]]:
        return "run.finished", {"operation": operation, "status": status, "summary": "s", **more}

    def backup(day: str, name: str, database: str = "ready") -> tuple[str, dict[str, Any]]:
        return "backup.completed", {"day": day, "database": database, "backup_id": name}

    steps: list[tuple[str, tuple[str, dict[str, Any]]]] = [
        ("aalund", ("run.started", {})), ("aalund", backup("2026-11-23", "a")), ("aalund", backup("2026-11-24", "b")),
        ("aalund", ("backup.damaged", {"backup_id": "b"})), ("aalund", ("backup.verified", {"backup_id": "b"})),
        ("aalund", backup("2026-11-30", "c")), ("birkeby", run("storage check", "warning")),
        ("birkeby", run("storage check", "check failed")), ("birkeby", run("storage check", "failed")),
        ("birkeby", run("storage check", "done")), ("birkeby", run("storage check", "interrupted")),
        ("cedervig", run("storage check", "failed")), ("birkeby", run("patch apply", "done")),
        ("birkeby", run("patch apply", "failed")), ("birkeby", run("patch apply", "unchanged")),
        ("birkeby", run("patch apply", "done", purpose="protection")),
        ("cedervig", run("patch apply", "done", purpose="protection")),
        ("cedervig", ("network.checked", {"level": "ok", "summary": "1 of 1 up"})),
        ("cedervig", ("release.installed", {"to": "5.5.0"})),
        ("cedervig", ("release.taken_back", {"version": "5.4.0"})),
        ("cedervig", ("release.found", {"version": "5.5.0"})),
        ("cedervig", ("change.reported", {"system": "READY", "after": "6.0.0"})),
        ("elmegaard", ("release.installed", {"to": "5.5.0"})),
        ("elmegaard", ("change.reported", {"system": "PostgreSQL", "after": "17"})),
        ("elmegaard", ("change.reported", {"system": "READY", "after": "5.10.0"})),
        ("elmegaard", ("release.taken_back", {"version": "5.5.0"})),
        ("dalmose", ("customer.offboarding-started", {"last_day": "2026-11-01"})),
        ("birkeby", ("customer.offboarding-started", {"last_day": "2026-11-01"})),
        ("birkeby", ("customer.offboarding-cancelled", {"reason": "r"})),
        ("birkeby", ("customer.offboarding-started", {"last_day": "2026-11-24"}))]
    assert bench.quick() == bench.ordinary()
    for name, (kind, payload) in steps:
        bench.ledger.append(f"sample-{name}", kind, payload, actor="tests")
        bench.clock.move(timedelta(minutes=1))
        try:
            wanted = bench.ordinary()
        except Exception as error:
            with pytest.raises(type(error)):
                bench.quick()
            return
        assert bench.quick() == wanted, (name, kind)
    with_lease = bench.ledger.acquire("sample-aalund/hosts", "a run", 60)
    assert bench.quick() == bench.ordinary()
    assert [row.running for row in bench.quick() if row.customer == "sample-aalund"] == [("a run",)]
    bench.ledger.release(with_lease)


def test_a_change_of_profile_contract_or_release_files_is_seen(bench: Bench) -> None:
    first = bench.quick()
    profile = bench.inventories / "sample-elmegaard" / "profile.yml"
    profile.write_text(profile.read_text().replace("version: 5.4.0", "version: 6.0.0"), encoding="utf-8")
    assert bench.quick() == bench.ordinary() != first
    profile.write_text(profile.read_text().replace("valid_to: 2027-08-31", "valid_to: 2026-11-24"), encoding="utf-8")
    assert bench.quick() == bench.ordinary()
    bench.clock.move(timedelta(days=1))
    assert bench.quick() == bench.ordinary(), "the agreement ended overnight, and no file was touched"


def test_a_notice_on_its_way_is_seen(bench: Bench) -> None:
    drafted = {"notice": "release-6.0.1", "revision": 1, "release": "6.0.0", "kind": "major", "sha256": "0",
               "recipients": ["r"], "drafted_at": "2026-11-24T08:00:00Z", "changed": [], "parts": {}}
    approved = {"sha256": "0", "signer": "s", "signature": ""}
    for kind, said in (("notice.drafted", drafted), ("notice.approved", approved),
                       ("notice.sending", {"contact": "r"}), ("notice.accepted", {"contact": "r"})):
        bench.ledger.append("sample-elmegaard", kind, {"notice": "release-6.0.1", "revision": 1, **said}, actor="me")
        bench.clock.move(timedelta(minutes=1))
        assert bench.quick() == bench.ordinary(), kind


def test_what_the_quick_way_assumes_of_other_rooms() -> None:
    assert set(quick.NOTICES) == set(KINDS)
    assert Policy().patch_every_days == PATCH_EVERY_DAYS


def test_the_quick_way_loads_nothing_heavy() -> None:
    check = ("import sys, opsctl.report.quick_status; "
             "print([one for one in ('pydantic', 'sqlalchemy', 'yaml', 'jinja2', 'rich') if one in sys.modules])")
    found = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_thousand_customers_in_the_time_of_a_process(tmp_path: Path) -> None:
    """CPU seconds of the whole process, since the machine of a test may be busy; docs/reports.md has wall times."""
    days = 2
    made = generate(Wanted(tmp_path / "h", ROOT / "releases", ROOT / "templates", 1000, days, 3,
                           datetime.now(UTC).date(), ""), lambda _: None)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPSCTL_CONFIG": str(made.settings)}
    spent = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = subprocess.run([sys.executable, "-m", "opsctl", "status", "--json"], cwd=ROOT, env=environment,
                               capture_output=True, check=False, timeout=300)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert len(json.loads(found.stdout)["data"]["customers"]) == 1000
    assert min(spent[1:]) < 1.0, spent




def test_a_storage_run_that_failed_is_told_once_by_the_customers_name(bench: Bench) -> None:
    bench.ledger.append("sample-aalund", "run.finished", {
        "operation": "storage check", "status": "failed", "summary": "sample-aalund: no host could be reached"},
        actor="tests")
    bench.clock.move(timedelta(minutes=1))
    row = next(one for one in bench.quick() if one.customer == "sample-aalund")
    assert str(row.storage) == ("not due: today's is still to come; the last run measured nothing: "
                                "no host could be reached")
    assert bench.ordinary() == bench.quick()
