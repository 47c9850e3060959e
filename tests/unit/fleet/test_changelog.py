"""The change log: one line per installed change, none for a run that changed nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from opsctl.cli.change import _csv
from opsctl.fleet.changelog import BY_CUSTOMER, PATCHED, changes
from opsctl.installs.modules import SWITCHED
from opsctl.ledger import Entry
from opsctl.runs.installed import INSTALLED, STUCK, TAKEN_BACK
from opsctl.upgrades import standing as upgrades

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def entry(kind: str, **payload: Any) -> Entry:
    return Entry("north", 7, kind, NOW, "anna", "r1", payload, "p" * 64, "h" * 64)


def patched(**changed: Any) -> Entry:
    return entry(PATCHED, **{"host": "db1", "result": "patched", "message": "", "security_only": False, "repaired": [],
                             "before": {"libx": "1"}, "after": {"libx": "2"}, "restarted": ["x.service"],
                             "reboot": {"done": False}, **changed})


def test_a_patch_says_from_to_and_what_went_with_it() -> None:
    (found,) = changes([patched()])
    assert (found.system, found.kind, found.before, found.after) == ("db1", "patch", {"libx": "1"}, {"libx": "2"})
    assert found.description == "updates of 1 package; restarted x.service"
    assert (found.id, found.who, found.run, found.evidence) == ("C7", "anna", "r1", "h" * 64)


@pytest.mark.parametrize(("on", "before", "after"), [(True, "off", "on"), (False, "on", "off")])
def test_a_module_that_was_switched(on: bool, before: str, after: str) -> None:
    (found,) = changes([entry(SWITCHED, module="leak-alarm", on=on, description="d")])
    assert (found.kind, found.system, found.before, found.after) == (
        "module", "leak-alarm", {"leak-alarm": before}, {"leak-alarm": after})


def test_nothing_changed_is_no_change() -> None:
    assert not list(changes([patched(before={}, after={}, restarted=[]), patched(result="not reached", after={})]))


def test_a_failed_patch_shows_as_it_is() -> None:
    (found,) = changes([patched(result="failed", after={}, message="no space")])
    assert found.result == "failed" and "no space" in found.description


@pytest.mark.parametrize(("one", "after", "result"), [
    (entry(INSTALLED, **{"from": "5.4.0", "to": "5.5.0", "description": "News."}), "5.5.0", "healthy"),
    (entry(TAKEN_BACK, version="5.4.0", tried="5.5.0", reason="503"), "5.4.0", "taken back, healthy"),
    (entry(STUCK, version="5.4.0", tried="5.5.0", reason="503"), "unknown", "NOT taken back"),
    (entry(BY_CUSTOMER, system="READY", description="d", before="5.4.0", after="5.5.0", result="done"), "5.5.0",
     "done")])
def test_releases_and_what_people_did(one: Entry, after: str, result: str) -> None:
    (found,) = changes([one])
    assert (found.after["READY"], found.result) == (after, result)
    assert found.description


def test_a_spreadsheet_gets_no_formula() -> None:
    (found,) = changes([entry(BY_CUSTOMER, system="READY", description="=HYPERLINK(1)", before="", after="",
                              result="x")])
    assert "'=HYPERLINK(1)" in _csv([found.document()])


def test_an_upgrade_and_one_taken_back() -> None:
    (done,) = changes([entry(upgrades.APPLIED, host="db1", system="Debian", **{"from": "12"}, to="13",
                             packages=208, boot_after="b", mended=["ready: database ready"], note="")])
    assert (done.kind, done.system, done.before, done.after) == (
        "upgrade", "db1", {"Debian": "12"}, {"Debian": "13"})
    assert done.description == ("upgrade to Debian 13; 208 packages; reboot proven; "
                                "rebuilt indexes of ready: database ready")
    target = {"platform": "postgresql", "version": 17}
    back, stuck = changes([entry(kind, target=target, hosts={"db1": "PostgreSQL 15/main"}, reason="no", lost="")
                           for kind in (upgrades.TAKEN_BACK, upgrades.STUCK)])
    assert (back.result, back.after) == ("taken back, healthy", {"PostgreSQL": "PostgreSQL 15/main"})
    assert (stuck.result, stuck.after) == ("NOT taken back", {"PostgreSQL": "unknown"})
    assert back.description == "upgrade to PostgreSQL 17 failed: no"
