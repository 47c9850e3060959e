"""Agreements, access, permissions and orders: what they open, from when to when, and what cannot be recorded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.records import Event, Record, RecordKind, RecordState, facts, stand
from opsctl.contract.services import Service
from opsctl.core.clock import iso
from opsctl.core.errors import Locked, NotCovered
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.loader import load_profile
from opsctl.records.register import Grant, add, records
from opsctl.runs.service import Run as GatedRun
from opsctl.runs.service import gate, perform
from opsctl.runs.workplace import Workplace
from tests.unit.records.conftest import Run

WORK = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK)
MINUTE = timedelta(minutes=1)
AGREE = ("agreement", "add", "sample-elmegaard", "AG-1", "--by", "A. Person", "--module", "platform")
ACCESS = ("access", "add", "sample-elmegaard", "AC-1", "--by", "A. Person", "--method", "VPN")
PERMIT = ("permission", "add", "sample-elmegaard", "TP-1", "--by", "A. Person", "--subject", "none needed")


def around_now() -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    return now + timedelta(hours=1), now + timedelta(hours=3)


def test_work_is_refused_a_minute_before_and_a_minute_after_each_record(opsctl: Run, place: Workplace) -> None:
    begins, ends = around_now()
    span = ("--from", iso(begins), "--to", iso(ends))
    for words in (AGREE, ACCESS, PERMIT):
        answer = opsctl(*words, *span)
        assert answer.code == 0, answer
    profile = load_profile(place.settings.inventories, "sample-elmegaard")
    for at, allowed in ((begins - MINUTE, False), (begins, True), (ends - MINUTE, True), (ends, False),
                        (ends + MINUTE, False)):
        assert gate(profile, WORK, at, place.ledger).allowed is allowed, at
        explained = opsctl("contract", "explain", "sample-elmegaard", "it-system-maintenance", "--work", "--enforce",
                           "--at", iso(at))
        assert explained.code == (0 if allowed else 4), explained
    # Without its ledger nothing is open.
    assert not gate(profile, WORK, begins).allowed


@pytest.mark.parametrize("late", [AGREE, ACCESS, PERMIT], ids=["agreement", "access", "permission"])
def test_each_of_the_three_is_needed_for_itself(late: tuple[str, ...], opsctl: Run, place: Workplace) -> None:
    ends = iso(datetime.now(UTC) + timedelta(hours=2))
    for words in (AGREE, ACCESS, PERMIT):
        if words is not late:
            assert opsctl(*words, "--to", ends).code == 0
    profile = load_profile(place.settings.inventories, "sample-elmegaard")

    def act(run: GatedRun) -> Outcome:
        return Outcome(run.customer, WORK.service, Status.DONE, "worked")

    with pytest.raises(NotCovered, match="needs") as refusal:
        perform(place, profile, WORK, "platform work", act)
    assert {"agreement": "P50", "access": "P48", "permission": "P51"}[late[0]] in refusal.value.message
    assert place.ledger.last("sample-elmegaard", "run.started") is None
    assert opsctl(*late, "--to", ends).code == 0
    assert perform(place, profile, WORK, "platform work", act).status is Status.DONE
    assert opsctl(late[0], "revoke", "sample-elmegaard", late[3], "--reason", "the customer took it back").code == 0
    with pytest.raises(NotCovered):
        perform(place, profile, WORK, "platform work", act)


def test_access_to_one_host_does_not_open_the_others(opsctl: Run) -> None:
    refused = opsctl(*ACCESS, "--to", "2098-01-01T00:00Z", "--host", "elmegaard-2")
    assert (refused.code, "elmegaard-1" in refused.stderr) == (2, True)
    assert opsctl(*ACCESS, "--to", "2098-01-01T00:00Z", "--host", "elmegaard-1").code == 0


def test_the_same_again_changes_nothing_and_other_content_is_refused(opsctl: Run, place: Workplace) -> None:
    ends = iso(around_now()[1])
    for words, other in ((AGREE, ("--to", ends)), (PERMIT, ("--to", ends)),
                         ((*ACCESS, "--to", ends), ("--host", "elmegaard-1"))):
        assert opsctl(*words).code == 0
        again = opsctl(*words, "--json")
        assert (again.code, again.data["outcomes"][0]["status"]) == (0, "unchanged")
        differs = opsctl(*words, *other)
        assert (differs.code, "revoke it" in differs.stderr) == (2, True), differs
        assert len(records(place, "sample-elmegaard", RecordKind(words[0]))) == 1
    assert opsctl("access", "revoke", "sample-elmegaard", "AC-1", "--reason", "over").code == 0
    assert opsctl(*ACCESS, "--to", ends).code == 2
    twice = opsctl("access", "revoke", "sample-elmegaard", "AC-1", "--reason", "over")
    assert (twice.code, "already: over" in twice.stderr) == (2, True)


@pytest.mark.parametrize(("words", "said"), [
    ((*AGREE, "--agreed", "2098-01-01T00:00Z"), "lies in the future"),
    ((*AGREE, "--agreed", "2026-01-02T00:00Z", "--from", "2026-01-01T00:00Z"), "before it was agreed"),
    ((*AGREE, "--from", "2026-11-01T09:00"), "without a zone"),
    ((*AGREE, "--agreed", "2026-01-02T00:00Z"), "ended at 2026-04-02T00:00:00Z already"),
    ((*AGREE, "--to", "2020-01-01T00:00Z"), "does not lie after"),
    (("agreement", "add", "sample-elmegaard", "AG-1", "--by", " ", "--module", "platform"), "one line"),
    (("agreement", "add", "sample-elmegaard", "AG-1", "--by", "A", "--module", "Heat Forecast"), "cannot be a module"),
    (("agreement", "show", "sample-elmegaard", "AG-9"), "opsctl agreement list sample-elmegaard"),
    (("order", "add", "sample-birkeby", "O-1", "--by", "A", "--addon", "backup"), "api-access, network-management"),
    (("order", "add", "sample-aalund", "O-1", "--by", "A", "--addon", "api-access"), "ORDER-SAMPLE-17"),
])
def test_what_cannot_be_recorded_is_refused_with_what_to_do(words: tuple[str, ...], said: str, opsctl: Run,
                                                           place: Workplace) -> None:
    answer = opsctl(*words)
    assert answer.code == 2
    assert said in answer.stderr
    assert "what to do:" in answer.stderr
    assert not list(place.ledger.entries())


@pytest.mark.parametrize(("module", "warned"), [("nonsense", True), ("leak-alarm", False), ("platform", False)])
def test_an_agreement_on_a_module_that_no_release_has_is_recorded_with_a_warning(module: str, warned: bool,
                                                                                opsctl: Run) -> None:
    answer = opsctl("agreement", "add", "sample-birkeby", "AG-1", "--by", "A. Person", "--module", module)
    assert (answer.code, "no release file has a module nonsense" in answer.stderr) == (0, warned), answer


def test_an_unknown_customer_is_refused(opsctl: Run) -> None:
    assert opsctl("agreement", "add", "nobody", "AG-1", "--by", "A", "--module", "platform").code == 3


def test_an_order_opens_what_has_to_be_bought(opsctl: Run) -> None:
    asked = ("contract", "explain", "sample-birkeby", "system-integration", "--enforce")
    assert opsctl(*asked).code == 4
    assert opsctl("order", "add", "sample-birkeby", "ORDER-9", "--by", "B. Person", "--addon", "api-access").code == 0
    assert opsctl(*asked).code == 0
    second = opsctl("order", "add", "sample-birkeby", "ORDER-10", "--by", "B. Person", "--addon", "api-access")
    assert (second.code, "ORDER-9" in second.stderr) == (2, True)
    assert opsctl("order", "revoke", "sample-birkeby", "ORDER-9", "--reason", "returned").code == 0
    assert opsctl(*asked).code == 4


def test_an_order_counts_from_its_first_minute_to_its_last(opsctl: Run, place: Workplace) -> None:
    begins, ends = around_now()
    assert opsctl("order", "add", "sample-birkeby", "ORDER-9", "--by", "B. Person", "--addon", "api-access", "--from",
                  iso(begins), "--to", iso(ends)).code == 0
    profile = load_profile(place.settings.inventories, "sample-birkeby")
    request = Request(Service.SYSTEM_INTEGRATION, Purpose.NEW_VALUE, Delivery.WORK)
    for at, allowed in ((begins - MINUTE, False), (begins, True), (ends - MINUTE, True), (ends, False)):
        assert gate(profile, request, at, place.ledger).allowed is allowed, at
    assert opsctl("api", "check", "sample-birkeby").code == 4


def test_an_order_opens_nothing_where_the_customer_hosts(opsctl: Run) -> None:
    answer = opsctl("order", "add", "sample-dalmose", "ORDER-9", "--by", "D. Person", "--addon", "api-access")
    assert (answer.code, "P27" in answer.stderr) == (0, True)
    assert opsctl("contract", "explain", "sample-dalmose", "system-integration", "--enforce").code == 4


def test_the_persons_name_lies_beside_the_chain(opsctl: Run, place: Workplace) -> None:
    assert opsctl(*AGREE).code == 0
    shown = opsctl("agreement", "show", "sample-elmegaard", "AG-1", "--json").data
    assert (shown["by"], shown["state"], shown["covers"]) == ("A. Person", "holds", ["platform"])
    assert "90 days" in shown["details"]["expires"]
    assert not any("A. Person" in str(entry.payload) for entry in place.ledger.entries())
    place.ledger.erase_personal(records(place, "sample-elmegaard")[0].by, "asked for", "tester")
    listed = opsctl("agreement", "list", "--json").data["agreements"]
    assert [row["by"] for row in listed] == ["(erased)"]


def test_two_people_at_once(place: Workplace) -> None:
    lease = place.ledger.acquire("sample-elmegaard/records", "somebody else", 60)
    grant = Grant(RecordKind.ACCESS, "AC-1", "A", datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(Locked, match="somebody else"):
        add(place, "sample-elmegaard", grant)
    place.ledger.release(lease)
    assert add(place, "sample-elmegaard", grant).status is Status.DONE


NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOURS = st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours))


@given(recorded=HOURS, begins=HOURS, length=st.integers(1, 50), revoked=st.none() | HOURS, at=HOURS)
def test_a_record_and_its_permission_agree_at_every_instant(recorded: datetime, begins: datetime, length: int,
                                                           revoked: datetime | None, at: datetime) -> None:
    record = Record(RecordKind.ACCESS, "R", "", begins, begins + timedelta(hours=length), (), recorded)
    record = replace(record, revoked_at=max(revoked, recorded) if revoked else None)
    holds = recorded <= at and begins <= at < begins + timedelta(hours=length)
    holds = holds and not (record.revoked_at and at >= record.revoked_at)
    assert (record.state(at) is RecordState.HOLDS) is holds is record.permission().holds(at)


def test_an_offboarding_that_is_cancelled_ends_nothing() -> None:
    started = Event("customer.offboarding-started", NOW, {"last_day": "2026-12-31"})
    assert str(facts([started]).service_ends) == "2026-12-31"
    assert facts([started, Event("customer.offboarding-cancelled", NOW, {})]).service_ends is None


def test_revoking_what_is_not_there_does_nothing() -> None:
    assert stand([Event("access.revoked", NOW, {"reference": "R", "reason": "x"})]) == ()


def test_what_the_contract_says_is_answered_when_the_ledger_cannot_be_read(opsctl: Run, config: Path) -> None:
    (config.parent / "ledger.db").write_bytes(b"no database at all" * 100)
    answer = opsctl("contract", "explain", "sample-aalund", "backup")
    assert (answer.code, "backup: allowed" in answer.stdout) == (0, True), answer
    assert "records of the ledger are left out" in answer.stderr
