"""The gate's decisions: coverage, delivery, agreement, records (P05, P13, P18, P21-P30, P48, P50)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from opsctl.contract.gate import Delivery, Purpose, Request, decide
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


def test_work_on_a_customer_hosted_platform_needs_both_records_valid_now() -> None:
    begins = NOW
    record = Permission("R", begins, begins + timedelta(hours=2))
    request = work(Service.IT_SYSTEM_MAINTENANCE)
    here = terms(Hosting.CUSTOMER)
    assert not decide(here, request, NOW).allowed
    assert "P48" in decide(here, request, NOW, agreements=[record]).reason
    assert "P50" in decide(here, request, NOW, access=[record]).reason
    assert decide(here, request, NOW, agreements=[record], access=[record]).allowed
    for instant in (begins - timedelta(minutes=1), begins + timedelta(hours=2)):
        assert not decide(here, request, instant, agreements=[record], access=[record]).allowed
    assert decide(here, request, begins + timedelta(minutes=119), agreements=[record], access=[record]).allowed
