"""The gate's decisions: coverage, delivery, agreement, records (P05, P13, P18, P21-P30, P48, P50)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from opsctl.contract.gate import Delivery, Purpose, Records, Request, decide
from opsctl.contract.services import Hosting, Service
from opsctl.contract.terms import Agreement, Permission, Terms
from opsctl.core.errors import ExitCode, NotCovered

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SMA = Agreement("SMA-1", date(2026, 1, 1), date(2026, 12, 31))


def terms(hosting: Hosting, agreement: Agreement | None = SMA, **addons: str) -> Terms:
    return Terms("c", "Europe/Copenhagen", hosting, agreement, {k.replace("_", "-"): v for k, v in addons.items()})


def work(service: Service, purpose: Purpose = Purpose.PROTECT) -> Request:
    return Request(service, purpose, Delivery.WORK)


def notice(service: Service, purpose: Purpose = Purpose.NEW_VALUE) -> Request:
    return Request(service, purpose, Delivery.NOTICE)


@pytest.mark.parametrize("service", [Service.NETWORK_MANAGEMENT, Service.BACKUP, Service.SYSTEM_INTEGRATION,
                                     Service.STORAGE_MANAGEMENT])
def test_blank_rows_are_refused_for_customer_hosted_systems(service: Service) -> None:
    decision = decide(terms(Hosting.CUSTOMER), work(service), NOW)
    assert not decision.allowed
    assert decision.cell.promise in decision.reason
    assert "the customer is responsible" in decision.reason
    with pytest.raises(NotCovered) as refusal:
        decision.require("c")
    assert refusal.value.exit_code is ExitCode.NOT_COVERED
    assert refusal.value.resolution


def test_network_for_a_customer_hosted_system_needs_an_ordered_addon() -> None:
    with_order = terms(Hosting.CUSTOMER, network_management="ORDER-1")
    assert decide(with_order, work(Service.NETWORK_MANAGEMENT), NOW).allowed


def test_integration_is_refused_for_customer_hosted_systems_even_when_bought() -> None:
    bought = terms(Hosting.CUSTOMER, api_access="ORDER-1", system_integration="ORDER-2")
    assert not decide(bought, work(Service.SYSTEM_INTEGRATION), NOW).allowed


def test_integration_needs_the_purchase() -> None:
    request = work(Service.SYSTEM_INTEGRATION, Purpose.NEW_VALUE)
    assert "not been bought" in decide(terms(Hosting.KAMSTRUP), request, NOW).reason
    assert decide(terms(Hosting.KAMSTRUP, api_access="ORDER-1"), request, NOW).allowed


@pytest.mark.parametrize("service", [Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR])
def test_one_release_is_either_installed_or_notified(service: Service) -> None:
    for hosting in Hosting:
        installs = decide(terms(hosting), work(service, Purpose.NEW_VALUE), NOW).allowed
        notifies = decide(terms(hosting), notice(service), NOW).allowed
        assert installs is (hosting is Hosting.KAMSTRUP)
        assert notifies is (hosting is Hosting.CUSTOMER)


@pytest.mark.parametrize(("day", "allowed"), [
    (date(2025, 12, 31), False), (date(2026, 1, 1), True), (date(2026, 12, 31), True), (date(2027, 1, 1), False)])
def test_the_agreement_covers_both_its_days_in_the_customers_zone(day: date, allowed: bool) -> None:
    # 22:59:59 UTC in winter is the last second of the Danish day, and 23:00 of the day before the first.
    last_second = datetime(day.year, day.month, day.day, 22, 59, 59, tzinfo=UTC)
    first_second = last_second - timedelta(hours=23, minutes=59, seconds=59)
    for instant in (first_second, last_second):
        request = notice(Service.SOFTWARE_UPDATE_MINOR)
        assert decide(terms(Hosting.CUSTOMER), request, instant).allowed is allowed


@pytest.mark.parametrize("agreement", [None, Agreement("x", date(2020, 1, 1), date(2020, 12, 31)),
                                       Agreement("x", date(2030, 1, 1), date(2030, 12, 31))])
def test_without_a_valid_agreement_protection_goes_on_with_a_warning_and_new_value_stops(
        agreement: Agreement | None) -> None:
    hosted = terms(Hosting.KAMSTRUP, agreement)
    backup = decide(hosted, work(Service.BACKUP), NOW)
    assert backup.allowed
    assert "P05" in backup.warnings[0]
    assert decide(hosted, work(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT), NOW).allowed
    refused = decide(hosted, work(Service.IT_SYSTEM_MAINTENANCE, Purpose.NEW_VALUE), NOW)
    assert not refused.allowed
    assert "P05" in refused.reason


def test_entitlements_of_the_agreement_are_kept() -> None:
    no_majors = terms(Hosting.CUSTOMER, Agreement("x", date(2026, 1, 1), date(2026, 12, 31), major_releases=False))
    assert decide(no_majors, notice(Service.SOFTWARE_UPDATE_MINOR), NOW).allowed
    refused = decide(no_majors, notice(Service.SOFTWARE_UPDATE_MAJOR), NOW)
    assert "P13" in refused.reason


def test_work_on_a_customer_hosted_platform_needs_every_record_valid_now() -> None:
    begins, ends = NOW, NOW + timedelta(hours=2)
    record = [Permission("R", begins, ends)]
    request = work(Service.IT_SYSTEM_MAINTENANCE)
    here = terms(Hosting.CUSTOMER)
    assert not decide(here, request, NOW).allowed
    assert "P48" in decide(here, request, NOW, Records(record, (), record)).reason
    assert "P50" in decide(here, request, NOW, Records((), record, record)).reason
    assert "P51" in decide(here, request, NOW, Records(record, record)).reason
    every = Records(record, record, record)
    for instant, allowed in ((begins - timedelta(minutes=1), False), (begins, True),
                             (ends - timedelta(minutes=1), True), (ends, False), (ends + timedelta(minutes=1), False)):
        assert decide(here, request, instant, every).allowed is allowed, instant


def test_a_record_opens_only_what_it_names() -> None:
    here, ends = terms(Hosting.CUSTOMER), NOW + timedelta(hours=2)
    everything = [Permission("R", NOW, ends)]
    platform = [Permission("A", NOW, ends, frozenset({"platform"}))]
    module = [Permission("A", NOW, ends, frozenset({"leak-alarm"}))]
    request = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK, hosts=("one", "two"))
    one = [Permission("X", NOW, ends, frozenset({"one"}))]
    two = [Permission("Y", NOW, ends, frozenset({"two"}))]
    assert not decide(here, request, NOW, Records(module, everything, everything)).allowed
    refused = decide(here, request, NOW, Records(platform, one, everything))
    assert "P48" in refused.reason and "X for one holds 2026-11-23T09:00:00Z to 2026-11-23T11:00:00Z" in refused.reason
    assert decide(here, request, NOW, Records(platform, [*one, *two], everything)).allowed


@pytest.mark.parametrize("service", [Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR])
def test_a_release_on_a_customer_s_hosts_needs_an_agreement_about_releases_and_the_same_records(service: Service
                                                                                             ) -> None:
    here, ends = terms(Hosting.CUSTOMER), NOW + timedelta(hours=2)
    everything = [Permission("R", NOW, ends)]
    platform, releases = ([Permission("A", NOW, ends, frozenset({name}))] for name in ("platform", "releases"))
    request = work(service, Purpose.NEW_VALUE)
    refused = decide(here, request, NOW, Records(platform, everything, everything))
    assert "customers are notified of releases" in refused.reason and "P50" in refused.reason
    assert "--module releases" in refused.instead and "notice draft" in refused.instead
    assert decide(here, request, NOW, Records(releases, everything, everything)).allowed
    for records in (Records(releases, (), everything), Records(releases, everything), Records((), everything)):
        assert not decide(here, request, NOW, records).allowed
    on_platform = work(Service.IT_SYSTEM_MAINTENANCE)
    assert not decide(here, on_platform, NOW, Records(releases, everything, everything)).allowed
    expired = terms(Hosting.CUSTOMER, None)
    assert "P05" in decide(expired, request, NOW, Records(releases, everything, everything)).reason


@pytest.mark.parametrize("service", [Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR])
def test_a_new_module_needs_its_own_agreement_before_the_run(service: Service) -> None:
    hosted = terms(Hosting.KAMSTRUP)
    request = Request(service, Purpose.NEW_VALUE, Delivery.WORK, modules=("heat-forecast",))
    agreed = Permission("A", NOW, NOW + timedelta(days=90), frozenset({"heat-forecast"}))
    other = Permission("B", NOW, NOW + timedelta(days=90), frozenset({"leak-alarm"}))
    assert "P50" in decide(hosted, request, NOW, Records([other])).reason
    assert not decide(hosted, request, NOW - timedelta(minutes=1), Records([agreed])).allowed
    assert decide(hosted, request, NOW, Records([agreed])).allowed
    assert decide(hosted, work(service, Purpose.NEW_VALUE), NOW).allowed


def test_a_customer_that_has_left_gets_nothing_more_from_the_day_after_its_last() -> None:
    leaving = replace(terms(Hosting.KAMSTRUP), service_ends=date(2026, 11, 23))
    last_second = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)
    assert decide(leaving, work(Service.BACKUP), last_second).allowed
    refused = decide(leaving, work(Service.BACKUP), last_second + timedelta(seconds=1))
    assert not refused.allowed and "2026-11-23" in refused.reason and refused.left


def test_a_licence_that_has_ended_blocks_a_release_and_nothing_else() -> None:
    hosted = replace(terms(Hosting.KAMSTRUP), licences={"Map tiles": date(2026, 11, 22), "Charts": date(2026, 11, 23)})
    refused = decide(hosted, work(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE), NOW)
    assert "Map tiles (P14)" in refused.reason and "Charts" not in refused.reason
    assert decide(hosted, work(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE), NOW - timedelta(days=1)).allowed
    assert decide(hosted, work(Service.BACKUP), NOW).allowed
    assert decide(hosted, work(Service.SOFTWARE_UPDATE_MINOR, Purpose.PROTECT), NOW).allowed, "a way back stays open"
