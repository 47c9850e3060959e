"""The samples are sound; the past is judged by its own contract; the index tells the same as the profiles."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsctl.contract.services import Hosting
from opsctl.contract.terms import AgreementState
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.index import summaries
from opsctl.profiles.loader import customer_names, load_profile, load_profiles
from opsctl.profiles.model import terms_at
from tests.unit.profiles.conftest import SAMPLES, Write


def test_all_samples_are_valid_and_marked_as_samples() -> None:
    profiles, broken = load_profiles(SAMPLES)
    assert not broken
    assert len(profiles) == 5
    assert all(profile.sample and "(sample)" in profile.name for profile in profiles)
    assert all(contact.email.endswith(".example") for profile in profiles for contact in profile.contacts)


def test_last_years_contract_judges_last_year() -> None:
    birkeby = load_profile(SAMPLES, "sample-birkeby")
    # The move was on 1 April 2025, Danish time: 22:00 UTC on the day before.
    assert terms_at(birkeby, datetime(2025, 3, 31, 21, 59, tzinfo=UTC)).hosting is Hosting.CUSTOMER
    assert terms_at(birkeby, datetime(2025, 3, 31, 22, 0, tzinfo=UTC)).hosting is Hosting.KAMSTRUP


def test_before_the_first_contract_there_is_no_agreement() -> None:
    birkeby = load_profile(SAMPLES, "sample-birkeby")
    when = datetime(2020, 1, 1, tzinfo=UTC)
    assert terms_at(birkeby, when).agreement_state(when) is AgreementState.MISSING


def test_one_broken_profile_hides_no_other(aalund: str, write: Write) -> None:
    inventories = write(aalund)
    write("customer: [", "sample-broken")
    profiles, broken = load_profiles(inventories)
    assert [profile.customer for profile in profiles] == ["sample-aalund"]
    assert list(broken) == ["sample-broken"]


def test_the_index_follows_changes(aalund: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    inventories = write(aalund)
    write("nonsense", "sample-broken")
    first, again = summaries(inventories), summaries(inventories)
    assert first == again
    assert [summary.customer for summary in first] == list(customer_names(inventories))
    assert first[0].version == "5.4.0"
    assert "must be a mapping" in first[1].error
    write(aalund.replace("version: 5.4.0", "version: 5.4.1"))
    assert summaries(inventories)[0].version == "5.4.1"


def test_a_damaged_index_is_only_slower(aalund: str, write: Write, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache" / "opsctl").mkdir(parents=True)
    (tmp_path / "cache" / "opsctl" / "profiles.json").write_text("[1")
    assert summaries(write(aalund))[0].customer == "sample-aalund"


@pytest.mark.parametrize("kind", ["meter", "router", "concentrator", "gsm"])
def test_meters_and_routers_are_no_hosts(kind: str, aalund: str, write: Write) -> None:
    """P53: work on them is the customer's; they can stand among the components, never among the hosts."""
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace("roles: [application, database]", f"roles: [{kind}]")), "sample-aalund")
    assert any("hosts[0].roles[0]: must be one of 'application' or 'database'" in line for line in error.value.details)
    component = aalund.replace("kind: switch", f"kind: {kind}")
    assert load_profile(write(component), "sample-aalund").customer == "sample-aalund"
