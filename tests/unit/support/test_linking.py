"""Which error a request is about, and that this alone marks it in the customer's notices (P08)."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import EvidenceDamaged, UsageError
from opsctl.runs.reported import LINKED, reported
from opsctl.support.linking import link, unlink
from opsctl.support.log import Log, read
from opsctl.support.request import Origin
from tests.unit.support.conftest import CUSTOMER, logged


def of_the_log(log: Log) -> frozenset[str]:
    return reported(log.place.ledger.entries(log.customer, kinds=(LINKED,)))


def test_a_request_is_linked_to_an_error_once_and_the_link_is_on_record(log: Log) -> None:
    id = logged(log).id
    assert link(log, id, "ERR-1042").errors == ("ERR-1042",)
    assert link(log, id, "ERR-0990").errors == ("ERR-1042", "ERR-0990"), "one report may show two errors"
    assert of_the_log(log) == {"ERR-1042", "ERR-0990"}
    with pytest.raises(UsageError, match="is linked to ERR-1042 already"):
        link(log, id, "ERR-1042")
    again = read(log.place, [CUSTOMER])[id]
    assert again.errors == ("ERR-1042", "ERR-0990")
    assert [(one.kind, one.what) for one in again.notes] == [("error", "ERR-1042"), ("error", "ERR-0990")]


def test_a_link_that_was_wrong_is_taken_back_and_both_stay_in_the_ledger(log: Log) -> None:
    id = logged(log).id
    with pytest.raises(UsageError, match="is not linked to ERR-1042"):
        unlink(log, id, "ERR-1042")
    link(log, id, "ERR-1042")
    assert unlink(log, id, "ERR-1042").errors == () and of_the_log(log) == frozenset()
    assert len([*log.place.ledger.entries(CUSTOMER, kinds=(LINKED,))]) == 2
    assert "not ERR-1042 after all" in [one.what for one in log.find(id).notes]


def test_a_second_report_keeps_the_mark_when_the_first_is_unlinked(log: Log) -> None:
    first, second = logged(log).id, logged(log).id
    link(log, first, "ERR-1042")
    link(log, second, "ERR-1042")
    unlink(log, first, "ERR-1042")
    assert of_the_log(log) == {"ERR-1042"}


def test_what_kamstrup_found_itself_nobody_reported(log: Log) -> None:
    link(log, logged(log, origin=Origin.INTERNAL).id, "ERR-1042")
    assert of_the_log(log) == frozenset()


@pytest.mark.parametrize("error", ["1042", "ERR-12", "err-1042", "ERR-1042 ", "ERR-1042\nX", ""])
def test_what_is_no_error_s_id_is_refused_and_nothing_is_recorded(log: Log, error: str) -> None:
    id = logged(log).id
    with pytest.raises(UsageError, match="is not an error's id"):
        link(log, id, error)
    assert of_the_log(log) == frozenset() and log.find(id).errors == ()


def test_a_link_to_no_request_is_refused(log: Log) -> None:
    with pytest.raises(UsageError, match="no request"):
        link(log, "sample-aalund-9", "ERR-1042")


def test_a_link_of_a_request_that_was_never_opened_is_damage(log: Log) -> None:
    log.place.ledger.append(CUSTOMER, LINKED, {"id": "sample-aalund-9", "error": "ERR-1042", "linked": True,
                                               "by_customer": True}, actor="desk")
    with pytest.raises(EvidenceDamaged):
        read(log.place, [CUSTOMER])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ERR-0001", "ERR-0002"]), st.booleans())))
def test_an_error_is_reported_while_any_request_is_linked_to_it(steps: list[tuple[str, str, bool]]) -> None:
    entries: list[Any] = [SimpleNamespace(payload={"id": id, "error": error, "linked": linked, "by_customer": True})
                          for id, error, linked in steps]
    last = {(id, error): linked for id, error, linked in steps}
    assert reported(entries) == {error for (_, error), linked in last.items() if linked}


def test_the_command_says_what_it_did(opsctl: Callable[..., Any]) -> None:
    assert opsctl("support", "open", CUSTOMER, "--subject", "Readings stop", "--reporter", "Sample Reporter", "--error",
                  "no").code == 0
    done = opsctl("support", "error", f"{CUSTOMER}-1", "ERR-1042")
    assert done.code == 0 and f"{CUSTOMER}-1 is about ERR-1042" in done.stdout
    assert "error        ERR-1042" in opsctl("support", "show", f"{CUSTOMER}-1").stdout
    assert opsctl("support", "show", f"{CUSTOMER}-1", "--json").data["errors"] == ["ERR-1042"]
    undone = opsctl("support", "error", f"{CUSTOMER}-1", "ERR-1042", "--remove")
    assert undone.code == 0 and "is not about ERR-1042 any more" in undone.stdout
    assert opsctl("support", "error", f"{CUSTOMER}-1", "1042").code == 2
