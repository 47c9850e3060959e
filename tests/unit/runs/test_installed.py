"""How READY stands by the ledger, after each way in which an installation can end."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.profiles.loader import load_profile
from opsctl.runs import installed as words
from opsctl.runs.installed import (
    FOUND,
    INSTALLED,
    REFUSED,
    REPORTED,
    STARTED,
    STUCK,
    TAKEN_BACK,
    of_both,
    proven_by,
    standing,
    with_proven,
)

ROOT = Path(__file__).resolve().parents[3]
START = (STARTED, {"from": "5.4.0", "to": "5.5.0"})


def stood(*entries: tuple[str, dict[str, str]]) -> Any:
    return standing(SimpleNamespace(kind=kind, payload=payload) for kind, payload in entries)  # type: ignore[misc]


@pytest.mark.parametrize(("ended", "installed", "open_"), [
    ((INSTALLED, {"to": "5.5.0"}), "5.5.0", False), ((TAKEN_BACK, {"version": "5.4.0"}), "5.4.0", False),
    ((REFUSED, {}), "", False), ((STUCK, {}), "", True)])
def test_how_an_installation_ended(ended: tuple[str, dict[str, str]], installed: str, open_: bool) -> None:
    found = stood(START, ended)
    assert (found.installed, found.open is not None) == (installed, open_)
    assert found.stuck is (ended[0] == STUCK)
    assert not stood(START, ended, START).stuck


def test_one_that_was_killed_is_open() -> None:
    found = stood((INSTALLED, {"to": "5.4.0"}), START)
    assert found.installed == "5.4.0" and found.open_payload["to"] == "5.5.0"
    assert stood().open is None


def test_what_was_begun_on_the_hosts_of_before_a_move_is_nobody_s_to_take_back() -> None:
    moved = (words.MOVED, {"from": "kamstrup", "to": "customer"})
    found = stood((INSTALLED, {"to": "5.4.0"}), START, (STUCK, {}), moved)
    assert (found.installed, found.open) == ("", None)
    assert stood(START, moved, (STARTED, {"to": "6.0.0"})).open_payload["to"] == "6.0.0"


@pytest.mark.parametrize(("customer", "proven", "version"), [
    ("sample-aalund", "", "5.4.0"), ("sample-aalund", "5.5.0", "5.4.0"),
    ("sample-elmegaard", "", "5.4.0"), ("sample-elmegaard", "5.5.0", "5.5.0"),
    ("sample-elmegaard", "5.3.0", "5.4.0")])
def test_notices_go_by_what_is_proven_where_the_customer_hosts(customer: str, proven: str, version: str
                                                                          ) -> None:
    profile = load_profile(ROOT / "inventories", customer)
    found = with_proven(profile, proven)
    assert found.ready.version == version and found.ready.modules == profile.ready.modules


MOVED = date(2026, 6, 1)
"""When the hosting changed."""


def proven(*entries: tuple[str, dict[str, str]], reported: bool = True, day: date = MOVED) -> str:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return proven_by((SimpleNamespace(kind=kind, payload=payload, recorded_at=at + timedelta(minutes=minute))
                      for minute, (kind, payload) in enumerate(entries)),  # type: ignore[misc]
                     "Europe/Copenhagen", MOVED, reported=reported)


def told(system: str, after: str) -> tuple[str, dict[str, str]]:
    return REPORTED, {"system": system, "after": after}


@pytest.mark.parametrize(("report", "version"), [
    (told("READY", "5.4.1"), "5.4.1"), (told("READY server", "READY 5.6.0"), "5.6.0"), (told("ready-server", "5.6.0"),
                                                                                       "5.6.0"),
    (told("READY", "the old one"), "5.5.0"), (told("READY", ""), "5.5.0"), (told("PostgreSQL", "17.2"), "5.5.0")])
def test_what_a_customer_reports_counts_when_it_is_a_version_of_ready(report: tuple[str, dict[str, str]], version: str
                                                                     ) -> None:
    proof = (INSTALLED, {"to": "5.5.0"})
    assert proven(proof, report) == version
    assert proven(report, proof) == "5.5.0", "a proof after it"
    assert proven(proof, report, reported=False) == "5.5.0", "where Kamstrup hosts, nobody installs but opsctl"


def test_what_ran_at_the_one_who_hosted_before_proves_nothing() -> None:
    proof = (INSTALLED, {"to": "5.5.0"})
    assert proven(proof, day=MOVED - timedelta(days=1)) == ""
    assert proven(proof) == "5.5.0"
    found = FOUND, {"version": "6.0.0"}
    assert proven(found) == "6.0.0" and stood(found).installed == "6.0.0"


@pytest.mark.parametrize(("told", "proven", "hosted", "both"), [
    ("5.4.0", "5.10.0", False, "5.10.0"), ("5.10.0", "5.4.0", False, "5.10.0"), ("5.10.0", "5.4.0", True, "5.4.0"),
    ("5.4.0", "", True, "5.4.0"), ("", "5.4.0", False, "5.4.0"), ("", "", False, "")])
def test_ledger_and_profile_together(told: str, proven: str, hosted: bool, both: str) -> None:
    assert of_both(told, proven, hosted=hosted) == both
