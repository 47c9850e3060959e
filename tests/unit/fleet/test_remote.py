"""Work on a customer's hosts: what the records open, to the minute, and only for a run that names the customer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.contract.services import Service
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ConfigurationError, ExitCode, NotCovered, OutsideWindow
from opsctl.core.progress import Silent
from opsctl.fleet import changing, installing
from opsctl.fleet.nightly import nightly
from opsctl.fleet.remote import require_time, require_workable
from opsctl.installs.service import request as release_request
from opsctl.ledger import open_ledger
from opsctl.maintenance.service import request
from opsctl.profiles.hosted import Engine, PlacedDatabase
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import CustomerProfile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load
from opsctl.releases.version import Step
from opsctl.runs.workplace import Workplace
from tests.unit.fleet.test_nightly import ROOMS

ROOT = Path(__file__).resolve().parents[3]
CUSTOMER = "sample-elmegaard"
OPENS = datetime(2026, 11, 24, 20, tzinfo=UTC)
CLOSES = datetime(2026, 11, 24, 22, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPTIONS = {"security_only": False, "reboot": True, "named": True}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(OPENS - timedelta(days=1))


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    (tmp_path / "inventories" / CUSTOMER / "known_hosts").write_text("", encoding="utf-8")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    settings = Settings(inventories=tmp_path / "inventories", releases=ROOT / "releases", playbooks=ROOT / "playbooks")
    yield Workplace(settings, ledger, clock, Silent(), "me", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@pytest.fixture
def profile(place: Workplace) -> CustomerProfile:
    found = load_profile(place.settings.inventories, CUSTOMER)
    assert isinstance(found, CustomerProfile)
    return found


def grant(place: Workplace, *, covers: tuple[str, ...] = (), closes: datetime = CLOSES, leave: str = "",
          about: str = "platform") -> None:
    """The three records, from OPENS to `closes`."""
    for kind, things in (("agreement", (about,)), ("access", covers), ("permission", ())):
        if kind != leave:
            payload: dict[str, Any] = {"reference": f"{kind}-1", "by": "", "valid_from": OPENS.isoformat(),
                                       "valid_to": closes.isoformat(), "covers": list(things), "details": {}}
            place.ledger.append(CUSTOMER, f"{kind}.added", payload, actor="me")


def move(clock: FixedClock, to: datetime) -> None:
    clock.move(to - clock.now())


@pytest.mark.parametrize(("at", "allowed"), [
    (OPENS - MINUTE, False), (OPENS, True), (OPENS + MINUTE, True), (CLOSES - MINUTE, True), (CLOSES, False),
    (CLOSES + MINUTE, False)])
def test_the_records_open_from_their_first_minute_to_their_last(at: datetime, allowed: bool, place: Workplace,
                                                                profile: CustomerProfile, clock: FixedClock) -> None:
    grant(place)
    move(clock, at)
    if allowed:
        require_workable(place, profile, request(False), named=True)
    else:
        with pytest.raises(NotCovered, match="P50"):
            require_workable(place, profile, request(False), named=True)


@pytest.mark.parametrize("missing", ["agreement", "access", "permission"])
def test_each_record_is_needed(missing: str, place: Workplace, profile: CustomerProfile, clock: FixedClock) -> None:
    grant(place, leave=missing)
    move(clock, OPENS)
    with pytest.raises(NotCovered):
        changing.patch(place, profile, OPTIONS)


def test_all_hosts_must_lie_within_the_access(place: Workplace, profile: CustomerProfile, clock: FixedClock) -> None:
    grant(place, covers=("another-host",))
    move(clock, OPENS)
    with pytest.raises(NotCovered, match="access"):
        changing.patch(place, profile, OPTIONS)


@pytest.mark.parametrize("options", [{**OPTIONS, "named": False}, {"security_only": False, "reboot": True}])
def test_without_being_named_a_customer_s_hosts_are_left_alone(options: dict[str, bool], place: Workplace,
                                                               profile: CustomerProfile, clock: FixedClock) -> None:
    grant(place)
    move(clock, OPENS)
    with pytest.raises(NotCovered, match="by a run that names it"):
        changing.patch(place, profile, options)


def test_nothing_starts_that_would_outlast_what_was_granted(place: Workplace, profile: CustomerProfile,
                                                            clock: FixedClock) -> None:
    grant(place)
    move(clock, CLOSES - timedelta(minutes=29))
    with pytest.raises(OutsideWindow, match="past what was granted"):
        changing.patch(place, profile, OPTIONS)
    assert not list(place.ledger.entries(CUSTOMER, kinds=("run.started",)))


def test_a_freeze_holds_there_too(place: Workplace, profile: CustomerProfile, clock: FixedClock) -> None:
    from opsctl.profiles.parts import Freeze

    grant(place)
    move(clock, OPENS)
    frozen = profile.model_copy(update={"freezes": (
        Freeze(first_day=OPENS.date(), last_day=OPENS.date(), reason="billing"),)})
    with pytest.raises(OutsideWindow, match="billing"):
        changing.patch(place, frozen, OPTIONS)


def test_a_window_of_the_profile_holds_there_too(place: Workplace, profile: CustomerProfile,
                                                 clock: FixedClock) -> None:
    from opsctl.profiles.parts import Window

    grant(place)
    move(clock, OPENS)
    window = Window(name="sunday", weekdays=("sunday",), start="01:00", end="03:00")
    with pytest.raises(OutsideWindow, match="sunday"):
        changing.patch(place, profile.model_copy(update={"windows": (window,)}), OPTIONS)


def test_without_hosts_or_their_keys_it_says_what_to_write(place: Workplace, profile: CustomerProfile,
                                                           clock: FixedClock) -> None:
    grant(place)
    move(clock, OPENS)
    with pytest.raises(ConfigurationError, match="remote_hosts"):
        require_workable(place, profile.model_copy(update={"remote_hosts": ()}), request(False), named=True)
    place.known_hosts(CUSTOMER).unlink()
    with pytest.raises(ConfigurationError, match="known_hosts"):
        require_workable(place, profile, request(False), named=True)


INSTALL = {"version": "", "named": True}


@pytest.fixture
def placed(profile: CustomerProfile) -> CustomerProfile:
    """The profile of a customer that also said where READY's database is."""
    database = PlacedDatabase(name="ready", engine=Engine.POSTGRESQL, host="elmegaard-1")
    return profile.model_copy(update={"remote_databases": (database,)})


def test_releases_are_notified_where_no_record_opens_the_hosts(place: Workplace, placed: CustomerProfile,
                                                               clock: FixedClock) -> None:
    move(clock, OPENS)
    with pytest.raises(NotCovered, match="notified of releases"):
        changing.install(place, placed, INSTALL)
    grant(place)
    with pytest.raises(NotCovered, match="P50"):
        changing.install(place, placed, INSTALL)


def test_under_records_about_releases_the_work_begins(place: Workplace, placed: CustomerProfile,
                                                      clock: FixedClock) -> None:
    grant(place, about="releases")
    move(clock, OPENS)
    # Everything lets it pass; the next thing that it wants is the key for the hosts.
    with pytest.raises(ConfigurationError, match="names no private key"):
        changing.install(place, placed, INSTALL)
    with pytest.raises(NotCovered, match="P50"):
        changing.patch(place, placed, OPTIONS)


@pytest.mark.parametrize("options", [{"version": ""}, {"version": "", "named": False}])
def test_releases_too_only_for_a_customer_that_was_named(options: dict[str, Any], place: Workplace,
                                                         placed: CustomerProfile, clock: FixedClock) -> None:
    grant(place, about="releases")
    move(clock, OPENS)
    with pytest.raises(NotCovered, match="by a run that names it"):
        changing.install(place, placed, options)


def test_a_release_needs_to_know_the_databases_it_would_go_back_to(place: Workplace, profile: CustomerProfile,
                                                                   clock: FixedClock) -> None:
    grant(place, about="releases")
    move(clock, OPENS)
    unplaced = profile.model_copy(update={"remote_databases": ()})
    with pytest.raises(ConfigurationError, match="could not be taken back"):
        changing.install(place, unplaced, INSTALL)


def test_nothing_is_taken_back_without_the_databases_that_were_there(place: Workplace, profile: CustomerProfile
                                                                    ) -> None:
    unplaced = profile.model_copy(update={"remote_databases": ()})
    with pytest.raises(ConfigurationError, match="could not be taken back"):
        installing.take_back(place, unplaced, load(ROOT / "releases"))


def test_no_release_starts_that_would_outlast_what_was_granted(place: Workplace, placed: CustomerProfile,
                                                               clock: FixedClock) -> None:
    grant(place, about="releases")
    place.ledger.append(CUSTOMER, "run.finished", {"operation": "release install", "status": "done", "seconds": 1800.0,
                                                   "summary": "", "exit_code": 0}, actor="me")
    move(clock, CLOSES - timedelta(minutes=29))
    with pytest.raises(OutsideWindow, match="past what was granted"):
        changing.install(place, placed, INSTALL)


def test_an_agreement_noted_in_the_profile_is_about_the_platform_alone(place: Workplace, placed: CustomerProfile,
                                                                       clock: FixedClock) -> None:
    from opsctl.profiles.parts import RecordedPermission

    grant(place, leave="agreement")
    move(clock, OPENS)
    noted = placed.model_copy(update={"agreements": (
        RecordedPermission(reference="A", granted_by="N. N.", valid_from=OPENS, valid_to=CLOSES),)})
    require_workable(place, noted, request(False), named=True)
    with pytest.raises(NotCovered, match="P50"):
        changing.install(place, noted, INSTALL)


def test_a_release_s_own_minutes_count_also_when_the_last_one_was_quick(place: Workplace, placed: CustomerProfile,
                                                                       clock: FixedClock,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[timedelta] = []
    monkeypatch.setattr(installing, "require_time", lambda place, profile, request, needed: asked.append(needed))
    monkeypatch.setattr(installing, "plan", lambda *_, **__: [SimpleNamespace(
        step=Step.MINOR, problems=(), hops=[SimpleNamespace(downtime_minutes=60, version="9.9.9")])])
    monkeypatch.setattr(installing, "seal", fails)
    grant(place, about="releases")
    place.ledger.append(CUSTOMER, "run.finished", {"operation": "release install", "status": "done", "seconds": 120.0,
                                                   "summary": "", "exit_code": 0}, actor="me")
    move(clock, OPENS)
    with pytest.raises(ConfigurationError, match="far enough"):
        changing.install(place, placed, INSTALL)
    healthy = timedelta(seconds=place.settings.policy.healthy_seconds)
    assert asked[-1] == timedelta(minutes=60 + 60) + 2 * healthy, "and as long again for the way back"


def fails(*_: Any) -> None:
    raise ConfigurationError("far enough")


def test_a_night_tells_of_an_installation_that_stands_open_and_of_no_release_meanwhile(place: Workplace,
                                                                                     placed: CustomerProfile) -> None:
    place.ledger.append(CUSTOMER, "release.started", {"from": "5.4.0", "to": "5.5.0"}, actor="me")
    rows = [row for row in nightly(place, [placed], {}, load(ROOT / "releases"), ROOMS)
            if row.service == Service.SOFTWARE_UPDATE_MINOR]
    assert [row.code for row in rows] == [ExitCode.FAILED] and "READY may be stopped" in rows[0].summary
    assert "release rollback" in rows[0].resolution


@pytest.mark.parametrize(("roles", "why"), [
    ({"elmegaard-1": ("application",), "elmegaard-db": ("database",)}, "elmegaard-db"),
    ({"elmegaard-1": ("database",)}, "role application")])
def test_a_release_needs_a_way_back_for_every_database_and_a_host_that_ready_runs_on(
        roles: dict[str, tuple[str, ...]], why: str, place: Workplace, placed: CustomerProfile, clock: FixedClock
        ) -> None:
    grant(place, about="releases", covers=tuple(roles))
    move(clock, OPENS)
    host = placed.remote_hosts[0]
    hosts = tuple(host.model_copy(update={"name": name, "roles": found}) for name, found in roles.items())
    with pytest.raises(ConfigurationError, match=why):
        changing.install(place, placed.model_copy(update={"remote_hosts": hosts}), INSTALL)


def test_records_with_a_gap_between_them_do_not_last_through_the_work(place: Workplace, placed: CustomerProfile,
                                                                      clock: FixedClock) -> None:
    grant(place, leave="access", about="releases")
    move(clock, OPENS)
    for start, end in ((OPENS, OPENS + 20 * MINUTE), (OPENS + 30 * MINUTE, CLOSES)):
        place.ledger.append(CUSTOMER, "access.added", {
            "reference": f"access {start:%H%M}", "by": "", "valid_from": start.isoformat(),
            "valid_to": end.isoformat(), "covers": [], "details": {}}, actor="me")
    require_time(place, placed, release_request(Step.PATCH), 10 * MINUTE)
    require_time(place, placed, release_request(Step.PATCH), 20 * MINUTE - timedelta(seconds=1))
    with pytest.raises(OutsideWindow, match="past what was granted"):
        require_time(place, placed, release_request(Step.PATCH), 60 * MINUTE)
    place.ledger.append(CUSTOMER, "access.added", {
        "reference": "between", "by": "", "valid_from": (OPENS + 19 * MINUTE).isoformat(),
        "valid_to": (OPENS + 31 * MINUTE).isoformat(), "covers": [], "details": {}}, actor="me")
    require_time(place, placed, release_request(Step.PATCH), 60 * MINUTE)
