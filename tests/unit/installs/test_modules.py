"""Which modules are on by the ledger, what switching asks of the gate, and the lab's modules against the releases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.contract.gate import Records, decide
from opsctl.contract.terms import Permission
from opsctl.installs.modules import SWITCHED, left, request, switched_on
from opsctl.lab.definition import MODULES, customers
from opsctl.lab.packages import READY_RELEASES
from opsctl.ledger import Entry
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile, terms_at
from opsctl.releases.catalogue import load
from opsctl.releases.version import Version

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def profile(name: str) -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", name)
    assert isinstance(found, KamstrupProfile)
    return found


def entry(module: str, on: bool) -> Entry:
    return Entry("north", 7, SWITCHED, NOW, "anna", "r1", {"module": module, "on": on}, "p" * 64, "h" * 64)


def test_the_newest_switch_of_each_module_counts() -> None:
    assert switched_on([]) == frozenset()
    assert switched_on([entry("a", True), entry("b", True), entry("a", False)]) == {"b"}
    assert switched_on([entry("a", False), entry("a", True)]) == {"a"}


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (59, True), (60, False)])
def test_the_agreement_opens_its_own_minutes_alone(offset: int, allowed: bool) -> None:
    birkeby = profile("sample-birkeby")
    at = NOW + timedelta(minutes=offset)
    held = Records((Permission("AG-1", NOW, NOW + timedelta(minutes=60), frozenset({"leak-alarm"})),))
    terms = terms_at(birkeby, at)
    assert decide(terms, request(birkeby, "leak-alarm", True), at, held).allowed is allowed
    assert not decide(terms, request(birkeby, "heat-forecast", True), at, held).allowed, "one record, one module"
    assert decide(terms, request(birkeby, "leak-alarm", False), at, Records()).allowed, "off needs no agreement"
    assert decide(terms, request(birkeby, "ready-core", True), at, Records()).allowed, "what is theirs already"


WELL = {"before": ["core"], "after": ["core", "x"], "changed": True, "touched": True, "put_back": False,
        "healthy": True}


@pytest.mark.parametrize(("found", "words"), [
    ({}, "nothing is known of"), (WELL, "on and healthy on"),
    ({**WELL, "after": ["core"], "put_back": True}, "put back and healthy on"),
    ({**WELL, "healthy": False}, "READY is NOT healthy on"),
    ({**WELL, "after": [], "changed": False, "healthy": False}, "READY is NOT healthy on"),
    ({**WELL, "after": [], "changed": False, "touched": False, "healthy": False, "before": []}, "untouched on")])
def test_a_failure_says_how_each_host_was_left(found: dict[str, Any], words: str) -> None:
    assert left({"a": found, "b": WELL}, ("a", "b"), "on").startswith(f"{words} a")
    assert left({"b": WELL}, ("a", "b"), "on") == "nothing is known of a; on and healthy on b"


def test_the_lab_s_releases_have_the_modules_of_their_files() -> None:
    releases = load(ROOT / "releases")
    for made in READY_RELEASES:
        found = releases.get(Version.parse(made.version))
        assert found is None or set(made.modules) == set(found.modules), made.version


def test_the_lab_s_hosts_begin_with_their_profile_s_modules() -> None:
    for name in customers():
        if isinstance(load_profile(ROOT / "inventories", name), KamstrupProfile):
            assert MODULES.get(name, ("ready-core",)) == profile(name).ready.modules, name
