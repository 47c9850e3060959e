"""Licences: judged by dates and use, exported as iCalendar and CycloneDX, and blocking a release in time."""

import importlib.util
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.adapters.ansible import PlaybookResult
from opsctl.adapters.ansible_events import HostResult, HostState, Predicted
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.outcome import Status
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.parts import Licence
from opsctl.records.licence_check import check
from opsctl.records.licence_export import calendar, cyclonedx
from opsctl.records.licences import Inventory, Level, Package, Usage, blocking, judge, measured, unnamed
from opsctl.runs.playbook import targets_of
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace
from tests.unit.maintenance.conftest import load_utility
from tests.unit.records.conftest import ROOT, Run

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
INVENTORY: Inventory = {
    "app-1": (Package("map-tiles", "2.0-1", "amd64", ("Proprietary",)), Package("bash", "5.2", "amd64", ("GPL-3",))),
    "app-2": (Package("map-tiles", "2.0-1", "amd64", ("Proprietary",)), Package("odd", "1", "amd64", ())),
    "db-1": (Package("odd", "1", "amd64", ()),)}


def licence(**changes: object) -> Licence:
    return Licence.model_validate({"product": "Map tiles", "vendor": "Sample Maps", "metric": "hosts", "quantity": 2,
                                   "packages": ["map-tiles"], "held_at": "contract archive", **changes})


def levels(one: Licence, today: date = TODAY, inventory: Inventory | None = INVENTORY) -> list[Level]:
    return [finding.level for finding in judge(one, today, inventory)]


@pytest.mark.parametrize(("days", "level"), [(-1, Level.CRITICAL), (0, Level.CRITICAL), (7, Level.CRITICAL),
                                             (8, Level.WARNING), (30, Level.WARNING), (90, Level.WARNING),
                                             (91, Level.OK)])
def test_an_end_is_told_90_30_and_7_days_before(days: int, level: Level) -> None:
    assert levels(licence(valid_to=TODAY + timedelta(days=days), lead_days=0))[0] is level


def test_a_long_lead_time_is_told_earlier() -> None:
    one = licence(valid_to=TODAY + timedelta(days=120), lead_days=120)
    assert levels(one)[0] is Level.WARNING
    assert "to be ordered by 2026-11-23" in judge(one, TODAY, INVENTORY)[0].said
    assert levels(one, TODAY - timedelta(days=1))[0] is Level.OK


def test_perpetual_renewed_and_not_begun() -> None:
    assert judge(licence(), TODAY, INVENTORY)[0].said == "perpetual"
    automatic = licence(valid_to=TODAY + timedelta(days=3), renewal="automatic", notice_by=TODAY + timedelta(days=2))
    assert levels(automatic) == [Level.OK, Level.OK, Level.CRITICAL]
    assert levels(automatic, TODAY + timedelta(days=4))[0] is Level.WARNING
    assert levels(licence(valid_from=TODAY + timedelta(days=1)))[0] is Level.CRITICAL


def test_one_that_is_followed_without_a_gap_is_no_concern() -> None:
    old = licence(valid_to=TODAY + timedelta(days=3))
    new = licence(valid_from=TODAY + timedelta(days=4), valid_to=TODAY + timedelta(days=400))
    assert {one.level for both in ((old, new), (new, old)) for mine in both
            for one in judge(mine, TODAY, INVENTORY, beside=both)} == {Level.OK}
    for late in (new.model_copy(update={"valid_from": TODAY + timedelta(days=5)}), new.model_copy(update={
            "metric": "cores"})):
        assert judge(old, TODAY, INVENTORY, beside=(old, late))[0].level is Level.CRITICAL
        assert judge(late, TODAY, INVENTORY, beside=(old, late))[0].level is Level.CRITICAL
    assert len(judge(old, TODAY + timedelta(days=4), INVENTORY, beside=(old, new))) == 1, "its quantity is past"
    assert not blocking((old, new), TODAY + timedelta(days=10))
    (left,) = blocking((old, new), TODAY + timedelta(days=401))
    assert str(new.valid_to) in left.said


def test_bought_against_measured() -> None:
    assert measured(licence(), INVENTORY) == 2
    assert levels(licence())[1] is Level.OK
    assert levels(licence(quantity=1))[1] is Level.CRITICAL
    for one, inventory in ((licence(), None), (licence(metric="meters"), INVENTORY), (licence(packages=[]), INVENTORY)):
        assert measured(one, inventory) is None
        assert levels(one, inventory=inventory)[1] is Level.WARNING, "unknown is never a pass"


def test_cores_of_the_hosts_that_have_it_are_counted() -> None:
    one, cores = licence(metric="cores", quantity=6), dict.fromkeys(INVENTORY, 4)
    assert measured(one, INVENTORY, Usage(cores)) == 8
    assert judge(one, TODAY, INVENTORY, Usage(cores))[1].said == "6 cores bought, 8 used: 2 too many"
    assert judge(one, TODAY, INVENTORY, Usage(cores))[1].level is Level.CRITICAL
    del cores[next(iter(cores))]
    assert measured(one, INVENTORY, Usage(cores)) is None, "a host that told none is not counted as none"
    nameless = judge(licence(metric="cores", packages=[]), TODAY, INVENTORY, Usage(cores))[1]
    assert (nameless.level, "name its `packages`" in nameless.said) == (Level.WARNING, True)


@pytest.mark.parametrize(("quantity", "meters", "level"), [
    (3000, 3000, Level.OK), (2999, 3000, Level.CRITICAL), (3000, 0, Level.OK), (3000, None, Level.WARNING)])
def test_meters_are_counted_in_ready(quantity: int, meters: int | None, level: Level) -> None:
    one = licence(metric="meters", quantity=quantity, packages=[])
    assert measured(one, None, Usage(meters=meters)) == meters
    assert judge(one, TODAY, None, Usage(meters=meters))[1].level is level


def test_a_metric_that_nothing_tells_stays_a_warning() -> None:
    found = judge(licence(metric="seats"), TODAY, INVENTORY, Usage({"a": 4}, 3000))[1]
    assert (found.level, "do not tell seats" in found.said) == (Level.WARNING, True)


@pytest.mark.parametrize(("text", "cores"), [
    ("processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n", 1),
    ("processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 1\nphysical id\t: 1\ncore id\t\t: 0\n", 2),
    ("processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n\nHardware\t: board\n", 2)])
def test_threads_of_one_core_are_one(text: str, cores: int, module: ModuleType) -> None:
    assert module.cores_of(text) == cores


@pytest.mark.parametrize(("changes", "said"), [
    ({"notice_by": TODAY}, "perpetual"), ({"valid_to": TODAY, "valid_from": TODAY + timedelta(days=1)}, "valid_from"),
    ({"valid_to": TODAY, "notice_by": TODAY + timedelta(days=1)}, "notice_by")])
def test_a_licence_that_cannot_be_meant(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        licence(**changes)


def test_packages_that_name_no_licence() -> None:
    assert unnamed(INVENTORY) == ("odd",)


def test_a_licence_that_ends_before_the_planned_day_blocks_the_release() -> None:
    ends = licence(valid_to=date(2026, 12, 31))
    assert blocking([ends], date(2026, 12, 31)) == ()
    assert "blocks the release planned for 2027-01-01" in blocking([ends], date(2027, 1, 1))[0].said
    assert blocking([licence(), licence(valid_to=TODAY, renewal="automatic")], date(2027, 1, 1)) == ()


def test_the_gate_refuses_a_release_on_the_day_after_the_end(place: Workplace) -> None:
    path = place.settings.inventories / "sample-aalund" / "profile.yml"
    path.write_text(path.read_text().replace("valid_to: 2028-06-30, held_at", "valid_to: 2026-12-31, held_at"))
    profile = load_profile(place.settings.inventories, "sample-aalund")
    install = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.WORK)
    last_second = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert gate(profile, install, last_second, place.ledger).allowed
    refused = gate(profile, install, last_second + timedelta(seconds=1), place.ledger)
    assert "Map tiles (P14)" in refused.reason


def test_a_host_that_could_not_be_asked_fails_the_check(place: Workplace) -> None:
    profile = load_profile(place.settings.inventories, "sample-birkeby")
    assert isinstance(profile, KamstrupProfile)
    answered = {"packages": [{"name": "bash", "version": "5.2", "architecture": "amd64", "licences": ["GPL-3"]}],
                "cores": 2, "meters": {}}
    hosts = {target.name: HostResult(target, HostState.OK, 0, "", {"licence_inventory": answered})
             for target in targets_of(place, profile)}
    whole = check(place, profile, PlaybookResult("licence_inventory", "read", "", hosts, Predicted()))
    assert whole.status is Status.DONE
    lost = next(iter(hosts))
    hosts[lost] = HostResult(hosts[lost].target, HostState.UNREACHABLE, 0, "no route", {})
    found = check(place, profile, PlaybookResult("licence_inventory", "read", "", hosts, Predicted()))
    assert found.status is Status.CHECK_FAILED
    assert "could not be asked: unreachable: no route" in found.summary


def test_the_calendar_is_read_by_another_program() -> None:
    one = licence(product="Maps; tiles, ærø \\ " + "x" * 40, valid_to=date(2027, 6, 30), notice_by=date(2027, 3, 31))
    text = calendar([("sample-aalund", one), ("sample-aalund", licence())], NOW)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    events = list(icalendar.Calendar.from_ical(text).walk("VEVENT"))
    assert [(str(event["SUMMARY"]).split(": ")[1].split(" (")[0], event.decoded("DTSTART")) for event in events] == [
        ("licence ends", date(2027, 6, 30)), ("last day to order the renewal", date(2027, 5, 31)),
        ("last day to give notice", date(2027, 3, 31))]
    assert str(events[0]["SUMMARY"]).startswith(one.product)
    assert len({str(event["UID"]) for event in events}) == 3
    assert [alarm.decoded("TRIGGER") for alarm in events[0].walk("VALARM")] == [
        timedelta(days=-days) for days in (90, 30, 7)]
    again = icalendar.Calendar.from_ical(calendar([("sample-aalund", one)], NOW + timedelta(days=1)))
    assert [event["UID"] for event in again.walk("VEVENT")] == [event["UID"] for event in events]


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=80))
def test_any_product_comes_back_from_the_calendar(product: str) -> None:
    one = licence(valid_to=date(2027, 6, 30)).model_copy(update={"product": product})
    event = next(iter(icalendar.Calendar.from_ical(calendar([("c", one)], NOW)).walk("VEVENT")))
    assert str(event["SUMMARY"]) == f"{product}: licence ends (c)"


def test_the_bill_of_materials() -> None:
    bom = json.loads(json.dumps(cyclonedx("sample-aalund", INVENTORY, NOW)))
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    assert len(bom["components"]) == 5
    assert len({one["bom-ref"] for one in bom["components"]}) == 5
    tiles = bom["components"][0]
    assert tiles["purl"] == "pkg:deb/debian/map-tiles@2.0-1?arch=amd64"
    assert tiles["licenses"] == [{"license": {"name": "Proprietary"}}]
    assert "licenses" not in bom["components"][3]
    assert cyclonedx("sample-aalund", INVENTORY, NOW) == cyclonedx("sample-aalund", INVENTORY, NOW)


def test_commands_without_a_host(opsctl: Run, tmp_path: Path) -> None:
    rows = opsctl("licence", "list", "--json").data["licences"]
    assert [row["measured"] for row in rows if row["customer"] == "sample-aalund"] == [None]
    file = tmp_path / "licences.ics"
    assert opsctl("licence", "calendar", "--output", str(file)).code == 0
    assert len(icalendar.Calendar.from_ical(file.read_bytes()).walk("VEVENT")) >= 2
    never = opsctl("licence", "export", "sample-aalund")
    assert (never.code, "opsctl licence check sample-aalund" in never.stderr) == (3, True)


def test_a_customer_that_hosts_itself_is_judged_by_dates_alone(opsctl: Run, place: Workplace) -> None:
    path = place.settings.inventories / "sample-dalmose" / "profile.yml"
    path.write_text(path.read_text() + "licences:\n  - {product: Map tiles, vendor: Sample Maps, metric: hosts, "
                    "quantity: 1, valid_to: 2099-01-01, held_at: archive}\n")
    answer = opsctl("licence", "check", "sample-dalmose", "--json")
    outcome = answer.data["outcomes"][0]
    assert (answer.code, outcome["status"], "use not measured" in outcome["summary"]) == (0, "warning", True)
    assert opsctl("licence", "check", "sample-dalmose", "--planned", "2099-01-02").code == 8
    assert opsctl("licence", "check", "sample-dalmose", "--format", "nagios").code == 1
    entry = place.ledger.last("sample-dalmose", "licences.measured")
    assert entry is not None and "hosts" not in entry.payload


@pytest.fixture(scope="module")
def module() -> ModuleType:
    sys.modules["ansible.module_utils.opsctl_ready"] = load_utility("opsctl_ready")
    spec = importlib.util.spec_from_file_location("opsctl_package_licences",
                                                  ROOT / "playbooks/library/opsctl_package_licences.py")
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(("text", "names"), [
    ("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: MIT\n text\nLicense: "
     "GPL-2+ or  Artistic\n", ["GPL-2+ or Artistic", "MIT"]),
    ("Format: x\nsee /usr/share/common-licenses/GPL-2.\n", ["GPL-2"]),
    ("On Debian see /usr/share/common-licenses/GPL-3 and `/usr/share/common-licenses/Apache-2.0'.",
     ["Apache-2.0", "GPL-3"]),
    ("All rights reserved.", []), ("", [])])
def test_licence_names_of_a_copyright_file(text: str, names: list[str], module: ModuleType) -> None:
    assert module.licences_of(text) == names


def test_only_what_is_installed_is_listed(module: ModuleType) -> None:
    listing = "ii \ta\t1\tamd64\nrc \tb\t2\tamd64\nhi \tc\t3\tall\n"
    assert [one["name"] for one in module.parse(listing)] == ["a", "c"]
