"""Errors that the error log knows a customer to have reported are marked in its notices, and in no other's (P08)."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.core.errors import ApprovalMissing
from opsctl.core.outcome import Outcome, Status
from opsctl.notices.approval import known
from opsctl.notices.service import draft
from opsctl.notices.standing import require_standing
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.reported import LINKED
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ProfileMaker
from tests.unit.notices.test_notice_draft import decoded


def linked(workplace: Workplace, customer: str, error: str, *, linked: bool = True) -> None:
    """What the error log records."""
    workplace.ledger.append(customer, LINKED, {"id": f"{customer}-1", "error": error, "linked": linked,
                                               "by_customer": True}, actor="desk")


def words(outcome: Outcome) -> str:
    """Every file of the draft as a person would read it."""
    files = {file.name: file.read_bytes() for file in Path(outcome.data["folder"]).iterdir()}
    return " ".join(" ".join(decoded(files)).split())


def test_the_error_log_marks_a_fix_for_who_reported_it_and_for_nobody_else(
        workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    mine, other = sample("elmegaard", language="en"), sample("dalmose", language="en")
    linked(workplace, mine.customer, "ERR-1042")
    told = words(draft(workplace, mine, releases=releases))
    assert "Reported by you: ERR-1042." in told
    assert "Reported by you" not in words(draft(workplace, other, releases=releases))


def test_a_report_linked_after_the_draft_makes_a_new_revision_and_voids_the_one_before(
        workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    mine = sample("elmegaard", language="en")
    assert "Reported by you" not in words(draft(workplace, mine, releases=releases))
    [before] = known(workplace, mine.customer)
    linked(workplace, mine.customer, "ERR-1042")
    with pytest.raises(ApprovalMissing, match=r"changed since release-6\.0\.0 revision 1 was drafted: reported"):
        require_standing(workplace, mine, releases, before)
    again = draft(workplace, mine, releases=releases)
    assert (again.status, again.data["revision"]) == (Status.DONE, 2) and "Reported by you: ERR-1042." in words(again)
    linked(workplace, mine.customer, "ERR-1042", linked=False)
    assert "Reported by you" not in words(draft(workplace, mine, releases=releases)), "a wrong link is taken back"


def test_log_and_profile_together_mark_an_error_once(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                     ) -> None:
    mine = sample("elmegaard", language="en", reported_errors=["ERR-1042", "ERR-0990"])
    linked(workplace, mine.customer, "ERR-1042")
    made = draft(workplace, mine, releases=releases)
    text = " ".join((Path(made.data["folder"]) / "message.txt").read_text(encoding="utf-8").split())
    assert text.count("Reported by you: ERR-1042.") == 1 and text.count("Reported by you: ERR-0990.") == 1
