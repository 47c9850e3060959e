"""How READY stands by the ledger, after each way in which an installation can end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.profiles.loader import load_profile
from opsctl.runs.installed import INSTALLED, REFUSED, STARTED, STUCK, TAKEN_BACK, standing, with_proven

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


def test_one_that_was_killed_is_open() -> None:
    found = stood((INSTALLED, {"to": "5.4.0"}), START)
    assert found.installed == "5.4.0" and found.open_payload["to"] == "5.5.0"
    assert stood().open is None


@pytest.mark.parametrize(("customer", "proven", "version"), [
    ("sample-aalund", "", "5.4.0"), ("sample-aalund", "5.5.0", "5.4.0"),
    ("sample-elmegaard", "", "5.4.0"), ("sample-elmegaard", "5.5.0", "5.5.0"),
    ("sample-elmegaard", "5.3.0", "5.4.0")])
def test_notices_go_by_what_is_proven_where_the_customer_hosts(customer: str, proven: str, version: str
                                                                          ) -> None:
    profile = load_profile(ROOT / "inventories", customer)
    found = with_proven(profile, proven)
    assert found.ready.version == version and found.ready.modules == profile.ready.modules
