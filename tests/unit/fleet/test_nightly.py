"""The night's decisions with rooms that answer at once: what is due, who is responsible, and what stops whom."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock, local_day
from opsctl.core.errors import ConfigurationError, ExitCode, Locked, OperationFailed
from opsctl.core.outcome import Outcome, Status, combined_exit_code
from opsctl.fleet.drafts import draft_due
from opsctl.fleet.exercising import rehearse_due
from opsctl.fleet.hosted_night import Rooms
from opsctl.fleet.installing import put_right
from opsctl.fleet.nightly import OPERATOR, nightly
from opsctl.profiles.hosted import DirectoryStore, Rehearsal, SecondStore
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, Profile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.installed import STARTED
from opsctl.runs.workplace import Workplace
from tests.unit.workplaces import opened

INVENTORIES = Path(__file__).resolve().parents[3] / "inventories"
NONE = Catalogue({}, {})
BROKEN_RELEASES = ConfigurationError("the release files have 1 error", "correct the lines named", ("6.0.0.yml:1:1 x",))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with opened(tmp_path, SystemClock(), Settings()) as found:
        yield found


def profile(name: str) -> Any:
    return load_profile(INVENTORIES, f"sample-{name}")


def done(customer: str, service: Service, data: dict[str, Any] | None = None) -> Outcome:
    return Outcome(customer, service, Status.DONE, "done", data=data or {})


def backed_up(place: Workplace, found: KamstrupProfile) -> Outcome:
    today = local_day(place.clock.now(), found.zone).isoformat()
    for database in found.databases:
        place.ledger.append(found.customer, "backup.completed", {"day": today, "database": database.name},
                            actor="tests")
    return done(found.customer, Service.BACKUP)


ROOMS = Rooms(
    check_storage=lambda place, found: tuple(done(one.customer, Service.STORAGE_MANAGEMENT) for one in found),
    back_up=backed_up,
    prune=lambda place, found: Outcome(found.customer, Service.BACKUP, Status.UNCHANGED, "nothing to remove"),
    patch=lambda place, found: done(found.customer, Service.IT_SYSTEM_MAINTENANCE),
    draft=lambda place, found, releases: done(found.customer, Service.SOFTWARE_UPDATE_MAJOR),
    stored=lambda found, completed: completed,
)


def night(place: Workplace, profiles: list[Profile], rooms: Rooms = ROOMS, releases: Any = NONE,
          broken: Any = None) -> dict[tuple[str, str], Outcome]:
    outcomes = nightly(place, profiles, broken or {}, releases, rooms)
    return {(outcome.customer.removeprefix("sample-"), outcome.service): outcome for outcome in outcomes}


def fails(error: BaseException) -> Callable[..., Any]:
    def act(*_: Any) -> Any:
        raise error
    return act


def finished(place: Workplace) -> Any:
    entry = place.ledger.last(OPERATOR, "nightly.finished")
    assert entry is not None
    return entry.payload


def test_a_broken_release_file_keeps_nobody_from_a_backup(place: Workplace) -> None:
    found = night(place, [profile("aalund"), profile("dalmose")], releases=BROKEN_RELEASES)
    assert found["aalund", "backup"].status is Status.DONE
    draft = found["dalmose", "software-update-minor"]
    assert (draft.status, draft.code) == (Status.FAILED, ExitCode.CONFIGURATION)
    assert draft.data["details"] == ["6.0.0.yml:1:1 x"]
    assert finished(place)["exit_code"] == 3


def test_an_ended_agreement_speaks_before_the_broken_release_file(place: Workplace) -> None:
    ended = profile("dalmose")
    ended = ended.model_copy(update={"agreement": ended.agreement.model_copy(update={"valid_to": date(2025, 1, 1)})})
    found = night(place, [ended], releases=BROKEN_RELEASES)
    assert found["dalmose", "software-update-minor"].status is Status.NOT_COVERED
    assert "P05" in found["dalmose", "software-update-minor"].summary


@pytest.mark.parametrize("error", [OperationFailed("no", "do"), Locked("no", "later"), RuntimeError("defect")],
                         ids=["failed", "locked", "defect"])
def test_each_step_that_fails_is_a_row_and_the_night_goes_on(error: Exception, place: Workplace) -> None:
    rooms = replace(ROOMS, back_up=fails(error), check_storage=fails(error), draft=fails(error))
    found = night(place, [profile("aalund"), profile("birkeby"), profile("dalmose")], rooms)
    for key in (("aalund", "backup"), ("birkeby", "backup"), ("aalund", "storage-management"),
                ("birkeby", "storage-management"), ("dalmose", "software-update-minor")):
        assert found[key].code is (ExitCode.LOCKED if isinstance(error, Locked) else ExitCode.FAILED)
    assert found["aalund", "it-system-maintenance"].status is Status.SKIPPED
    assert "no good backup of today" in found["aalund", "it-system-maintenance"].summary


def test_the_night_drafts_whatever_else_is_due_for_either_hosting(place: Workplace) -> None:
    asked: list[str] = []

    def due(place: Workplace, found: Profile, releases: Any) -> Iterator[Outcome]:
        asked.append(found.customer)
        yield done(found.customer, Service.LICENCE_MANAGEMENT)

    found = night(place, [profile("aalund"), profile("dalmose")], replace(ROOMS, draft_due=due))
    assert asked == ["sample-aalund", "sample-dalmose"]
    assert all(found[name, "licence-management"].status is Status.DONE for name in ("aalund", "dalmose"))
    asked.clear()
    night(place, [profile("dalmose")], replace(ROOMS, draft_due=due), releases=BROKEN_RELEASES)
    assert asked == [], "the release notice's row says what is wrong with the files"


def test_a_notice_that_cannot_be_read_is_a_row_and_the_night_goes_on(place: Workplace) -> None:
    place.ledger.append("sample-elmegaard", "notice.drafted", {"notice": "release-6.0.0"}, actor="tests")
    found = night(place, [profile("elmegaard"), profile("dalmose")], replace(ROOMS, draft_due=draft_due))
    assert found["elmegaard", "software-update-minor"].status is Status.FAILED
    assert found["dalmose", "software-update-major"].status is Status.DONE


def test_entries_that_cannot_be_read_are_a_row_of_their_customer(place: Workplace) -> None:
    place.ledger.append("sample-aalund", "backup.completed", {"day": "no day", "database": "ready"}, actor="tests")
    found = night(place, [profile("aalund"), profile("birkeby")])
    assert found["aalund", "backup"].status is Status.FAILED
    assert found["aalund", "it-system-maintenance"].status is Status.FAILED
    assert found["birkeby", "backup"].status is Status.DONE


def damage(folder: Path, customer: str) -> None:
    """What somebody with all rights leaves of the customer's entries."""
    with create_engine(f"sqlite:///{folder}/ledger.db").begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entry_no_update")
        connection.exec_driver_sql("UPDATE ledger_entry SET payload = '{broken' WHERE chain = ?", (customer,))


def test_a_damaged_record_of_a_customer_that_hosts_itself_is_its_rows_and_the_night_goes_on(place: Workplace,
                                                                                          tmp_path: Path) -> None:
    place.ledger.append("sample-dalmose", "agreement.added", {"reference": "A-1"}, actor="tests")
    damage(tmp_path, "sample-dalmose")
    found = night(place, [profile("dalmose"), profile("elmegaard"), profile("aalund")])
    for service in ("backup", "storage-management"):
        assert found["dalmose", service].code is ExitCode.EVIDENCE_DAMAGED
    assert found["elmegaard", "software-update-major"].status is Status.DONE
    assert found["aalund", "backup"].status is Status.DONE
    assert (finished(place)["status"], finished(place)["exit_code"]) == ("done", 9)


def test_a_damaged_start_of_an_installation_is_a_row_and_the_night_goes_on(place: Workplace, tmp_path: Path) -> None:
    place.ledger.append("sample-aalund", STARTED, {"to": "6.0.0"}, actor="tests")
    damage(tmp_path, "sample-aalund")
    rooms = replace(ROOMS, put_right=put_right)
    found = night(place, [profile("aalund"), profile("birkeby")], rooms)
    assert found["aalund", "software-update-minor"].code is ExitCode.EVIDENCE_DAMAGED
    assert found["aalund", "backup"].status is Status.DONE
    assert found["birkeby", "backup"].status is Status.DONE and ("birkeby", "software-update-minor") not in found
    assert finished(place)["failed"].count("sample-aalund software-update-minor") == 1


def test_a_database_that_is_away_for_a_while_costs_only_what_needed_it(place: Workplace,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    entries = place.ledger.entries

    def away(chain: str | None = None, *given: Any, **named: Any) -> Any:
        if chain == "sample-dalmose":
            raise OperationFailed("the ledger's database cannot be reached", "start it")
        return entries(chain, *given, **named)

    monkeypatch.setattr(place.ledger, "entries", away)
    found = night(place, [profile("dalmose"), profile("elmegaard")])
    assert found["dalmose", "backup"].code is ExitCode.FAILED
    assert "cannot be reached" in found["dalmose", "storage-management"].summary
    assert found["elmegaard", "software-update-major"].status is Status.DONE


@pytest.mark.parametrize("error", [OperationFailed("no", "do"), RuntimeError("defect")], ids=["failed", "defect"])
def test_what_fails_while_rows_are_made_is_a_row_and_the_night_goes_on(error: Exception, place: Workplace) -> None:
    def broken(place: Workplace, found: Any, *_: Any) -> Iterator[Outcome]:
        yield done(found.customer, Service.LICENCE_MANAGEMENT)
        raise error

    for rooms, service in ((replace(ROOMS, rehearse=broken), "backup"),
                           (replace(ROOMS, draft_due=broken), "software-update-minor")):
        outcomes = nightly(place, [profile("aalund"), profile("birkeby")], {}, NONE, rooms)
        for customer in ("sample-aalund", "sample-birkeby"):
            mine = [(one.service, one.status) for one in outcomes if one.customer == customer]
            assert mine[-2:] == [("licence-management", Status.DONE), (service, Status.FAILED)]


def test_a_defect_shows_its_traceback_when_that_is_asked_for(place: Workplace,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCTL_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        night(place, [profile("aalund")], replace(ROOMS, back_up=fails(RuntimeError("defect"))))
    assert finished(place)["status"] == "failed"


def test_one_customer_s_settings_keep_no_other_from_its_storage_check(place: Workplace) -> None:
    def check(place: Workplace, found: Any) -> Any:
        if any(one.customer == "sample-aalund" for one in found):
            raise ConfigurationError("no known_hosts", "write it")
        return ROOMS.check_storage(place, found)

    found = night(place, [profile("aalund"), profile("birkeby")], replace(ROOMS, check_storage=check))
    assert found["aalund", "storage-management"].code is ExitCode.CONFIGURATION
    assert found["birkeby", "storage-management"].status is Status.DONE


def test_a_customer_whose_hosting_begins_later_keeps_no_other_from_its_storage_check(place: Workplace) -> None:
    later = place.clock.now().date() + timedelta(days=30)
    moving = profile("birkeby").model_copy(update={"hosting_from": later})
    asked: list[str] = []

    def check(place: Workplace, found: Any) -> Any:
        asked.extend(one.customer for one in found)
        return ROOMS.check_storage(place, found)

    found = night(place, [moving, profile("aalund")], replace(ROOMS, check_storage=check))
    assert asked == ["sample-aalund"]
    assert found["birkeby", "storage-management"].status is Status.NOT_COVERED
    assert found["aalund", "storage-management"].status is Status.DONE


def test_what_kamstrup_owes_and_the_profile_cannot_give_is_no_silent_gap(place: Workplace) -> None:
    later = place.clock.now().date() + timedelta(days=30)
    leaving: CustomerProfile = profile("dalmose")
    before = {"effective_from": date(2023, 1, 1), "hosting": "kamstrup", "agreement": leaving.agreement}
    leaving = CustomerProfile.model_validate({**leaving.model_dump(), "hosting_from": later, "earlier": [before]})
    found = night(place, [leaving])
    assert found["dalmose", "backup"].code is ExitCode.CONFIGURATION
    assert "hosting_from" in found["dalmose", "backup"].resolution


def test_the_customer_s_own_services_are_named_with_their_promise(place: Workplace) -> None:
    found = night(place, [profile("dalmose")])
    assert "P26" in found["dalmose", "backup"].summary
    assert "P28" in found["dalmose", "storage-management"].summary
    assert combined_exit_code(found.values()) is ExitCode.OK


def test_storage_that_could_not_be_measured_is_measured_again_the_same_day(place: Workplace) -> None:
    for level, status in (("unknown", Status.DONE), ("critical", Status.DONE), ("warning", Status.SKIPPED),
                          ("ok", Status.SKIPPED)):
        place.ledger.append("sample-aalund", "storage.measured", {"level": level}, actor="tests")
        assert night(place, [profile("aalund")])["aalund", "storage-management"].status is status


def test_an_interrupted_night_is_not_recorded_as_a_good_one(place: Workplace) -> None:
    with pytest.raises(KeyboardInterrupt):
        night(place, [profile("aalund")], replace(ROOMS, patch=fails(KeyboardInterrupt())))
    assert (finished(place)["status"], finished(place)["exit_code"]) == ("interrupted", 1)
    assert finished(place)["outcomes"] == 2


def test_a_broken_profile_is_a_row_with_its_lines(place: Workplace) -> None:
    broken = {"sample-x": ConfigurationError("x has 2 errors", "correct", ("x:1:1 a", "x:2:1 b"))}
    row = night(place, [profile("aalund")], broken=broken)["x", "profile"]
    assert row.code is ExitCode.CONFIGURATION
    assert row.data["details"] == ["x:1:1 a", "x:2:1 b"]
    assert finished(place)["failed"] == ["sample-x profile"]


def test_a_backup_that_the_store_lost_is_taken_again(place: Workplace) -> None:
    """The ledger alone does not prove that today's backup is there."""
    assert night(place, [profile("aalund")])["aalund", "backup"].status is Status.DONE
    assert night(place, [profile("aalund")])["aalund", "backup"].status is Status.SKIPPED
    gone = replace(ROOMS, stored=lambda found, completed: ())
    assert night(place, [profile("aalund")], gone)["aalund", "backup"].status is Status.DONE
    silent = replace(ROOMS, stored=fails(OperationFailed("the store does not answer", "look at it")))
    found = night(place, [profile("aalund")], silent)
    assert found["aalund", "backup"].status is Status.FAILED
    assert found["aalund", "it-system-maintenance"].status is Status.FAILED


def test_components_are_checked_once_a_day_and_again_while_one_is_down(place: Workplace) -> None:
    def network(level: str) -> Callable[..., Any]:
        def check(place: Workplace, found: Any) -> Any:
            for one in found:
                place.ledger.append(one.customer, "network.checked", {"level": level}, actor="tests")
            return tuple(done(one.customer, Service.NETWORK_MANAGEMENT) for one in found)
        return check

    for level, status in (("critical", Status.DONE), ("ok", Status.DONE), ("ok", Status.SKIPPED)):
        found = night(place, [profile("aalund")], replace(ROOMS, check_network=network(level)))
        assert found["aalund", "network-management"].status is status


def test_components_that_cannot_be_probed_stop_no_backup(place: Workplace) -> None:
    found = night(place, [profile("aalund")], replace(ROOMS, check_network=fails(OperationFailed("x"))))
    assert found["aalund", "network-management"].status is Status.FAILED
    assert found["aalund", "backup"].status is Status.DONE


def second(found: Any) -> Any:
    """The profile with a second store, whatever the sample has."""
    store = SecondStore(store=DirectoryStore(kind="directory", path="/nowhere/second"))
    return found.model_copy(update={"backup": found.backup.model_copy(update={"second_store": store})})


def test_a_copy_that_is_missing_is_taken_again_and_not_right_after_it_failed(place: Workplace) -> None:
    asked: list[str] = []

    def copy(place: Workplace, found: KamstrupProfile) -> Outcome:
        asked.append(found.customer)
        return Outcome(found.customer, Service.BACKUP, Status.PARTIAL, "1 of 2 copied")

    def partly(place: Workplace, found: KamstrupProfile) -> Outcome:
        return replace(backed_up(place, found), status=Status.PARTIAL, data={"failed": []})

    pruned: list[str] = []

    def prune(place: Workplace, found: KamstrupProfile) -> Outcome:
        pruned.append(found.customer)
        return done(found.customer, Service.BACKUP)

    rooms = replace(ROOMS, copy=copy, back_up=partly, prune=prune)
    plain = second(profile("birkeby")).model_copy(update={"backup": profile("birkeby").backup})
    nightly(place, [second(profile("aalund")), plain], {}, NONE, rooms)
    assert (asked, pruned) == ([], ["sample-aalund", "sample-birkeby"])
    # The next run finds the backup there and only its copy missing.
    outcomes = nightly(place, [second(profile("aalund")), plain], {}, NONE, rooms)
    assert asked == ["sample-aalund"]
    assert [one.summary for one in outcomes if one.status is Status.PARTIAL] == ["1 of 2 copied"]
    assert combined_exit_code(outcomes) is ExitCode.PARTIAL


def test_a_rehearsal_that_is_due_is_a_row_of_the_night(place: Workplace) -> None:
    def rehearse(place: Workplace, found: KamstrupProfile) -> Iterator[Outcome]:
        yield Outcome(found.customer, Service.BACKUP, Status.WARNING, "ready: rehearsal due")

    outcomes = nightly(place, [profile("aalund"), profile("dalmose")], {}, NONE, replace(ROOMS, rehearse=rehearse))
    assert [(one.customer, one.summary) for one in outcomes if one.status is Status.WARNING] == [
        ("sample-aalund", "ready: rehearsal due")]


def test_without_an_identity_a_rehearsal_that_is_due_is_told(place: Workplace) -> None:
    found = profile("aalund")
    bare = found.model_copy(update={"backup": found.backup.model_copy(update={"rehearsal": None})})
    assert list(rehearse_due(place, bare)) == []
    backed_up(place, bare)
    [row] = rehearse_due(place, bare)
    assert (row.status, row.code, "ever" in row.summary) == (Status.WARNING, ExitCode.OK, True)
    assert "backup.rehearsal.identity" in row.resolution
    missing = found.model_copy(update={"backup": found.backup.model_copy(
        update={"rehearsal": Rehearsal(identity="file:/nowhere/identity")})})
    [row] = rehearse_due(place, missing)
    assert row.code is ExitCode.CONFIGURATION
